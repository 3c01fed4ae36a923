//! The 24 major and minor keys and their three notations.

use std::fmt;
use std::str::FromStr;

/// Tonics in the labels of key heads, JSON, CSV and OSC, C first: always flats, in both modes.
const LABEL_TONICS: [&str; 12] = [
    "C", "Db", "D", "Eb", "E", "F", "Gb", "G", "Ab", "A", "Bb", "B",
];
/// Tonics of major keys as musicians write them, C first: the spelling with fewer accidentals in its
/// key signature.
const MAJOR_TONICS: [&str; 12] = [
    "C", "Db", "D", "Eb", "E", "F", "F#", "G", "Ab", "A", "Bb", "B",
];
/// Tonics of minor keys as musicians write them, C first.
const MINOR_TONICS: [&str; 12] = [
    "C", "C#", "D", "Eb", "E", "F", "F#", "G", "G#", "A", "Bb", "B",
];

/// Major or minor.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Mode {
    /// The major (Ionian) mode.
    Major,
    /// The minor (Aeolian) mode.
    Minor,
}

impl Mode {
    /// `major` or `minor`.
    const fn name(self) -> &'static str {
        match self {
            Self::Major => "major",
            Self::Minor => "minor",
        }
    }
}

/// The notation of a key: formatting only, the [`Key`] stays the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Notation {
    /// Tonic and mode, spelled as musicians do: `A minor`, `F# minor`, `Bb minor`.
    #[default]
    Traditional,
    /// The numbered wheel of Mixed In Key: `8A` for A minor, `8B` for C major.
    Camelot,
    /// The Open Key wheel: `1m` for A minor, `1d` for C major.
    OpenKey,
}

/// One of the 24 major and minor keys.
///
/// # Examples
/// ```
/// use mertscope_music::{Key, Mode, Notation};
///
/// let key: Key = "F# minor".parse()?;
/// assert_eq!(key, Key::new(6, Mode::Minor));
/// assert_eq!(key.to_text(Notation::Camelot), "11A");
/// assert_eq!(key.relative().to_string(), "A major");
/// assert_eq!(key.label(), "Gb minor");
/// # Ok::<(), mertscope_music::ParseKeyError>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Key {
    tonic: u8,
    mode: Mode,
}

/// The error for a text that is no key in any of the notations.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("“{0}” is not a key; write it like “A minor”, “Db major”, 8A (Camelot) or 1m (Open Key).")]
pub struct ParseKeyError(String);

impl Key {
    /// Number of keys: twelve tonics in two modes.
    pub const COUNT: usize = 24;

    /// The key on `tonic` (0 = C … 11 = B; larger numbers wrap around the octave).
    #[must_use]
    pub const fn new(tonic: usize, mode: Mode) -> Self {
        Self {
            tonic: (tonic % 12) as u8,
            mode,
        }
    }

    /// The key at `index` of a key head's output: C…B major, then C…B minor
    /// (the order of MARBLE's GiantSteps task). `None` from 24 on.
    #[must_use]
    pub const fn from_index(index: usize) -> Option<Self> {
        match index {
            0..12 => Some(Self::new(index, Mode::Major)),
            12..24 => Some(Self::new(index - 12, Mode::Minor)),
            _ => None,
        }
    }

    /// Its index in a key head's output, 0…23; the inverse of [`Key::from_index`].
    #[must_use]
    pub const fn index(self) -> usize {
        match self.mode {
            Mode::Major => self.tonic as usize,
            Mode::Minor => 12 + self.tonic as usize,
        }
    }

    /// All keys in the order of [`Key::index`].
    pub fn all() -> impl Iterator<Item = Self> {
        (0..Self::COUNT).filter_map(Self::from_index)
    }

    /// The tonic's pitch class, 0 = C … 11 = B.
    #[must_use]
    pub const fn tonic(self) -> usize {
        self.tonic as usize
    }

    /// Major or minor.
    #[must_use]
    pub const fn mode(self) -> Mode {
        self.mode
    }

    /// The key `semitones` higher (lower if negative), in the same mode.
    #[must_use]
    pub const fn transposed(self, semitones: i32) -> Self {
        let tonic = (self.tonic as i32 + semitones).rem_euclid(12);
        Self::new(tonic as usize, self.mode)
    }

    /// The key of the other mode with the same notes: A minor for C major.
    #[must_use]
    pub const fn relative(self) -> Self {
        match self.mode {
            Mode::Major => Self::new(self.tonic() + 9, Mode::Minor),
            Mode::Minor => Self::new(self.tonic() + 3, Mode::Major),
        }
    }

    /// The key of the other mode on the same tonic: C minor for C major.
    #[must_use]
    pub const fn parallel(self) -> Self {
        match self.mode {
            Mode::Major => Self::new(self.tonic(), Mode::Minor),
            Mode::Minor => Self::new(self.tonic(), Mode::Major),
        }
    }

    /// Its hour on the circle of fifths, 0 = C major and A minor, 1 = G major and E minor, … 11.
    #[must_use]
    pub const fn fifths(self) -> usize {
        let major = match self.mode {
            Mode::Major => self.tonic(),
            Mode::Minor => self.relative().tonic(),
        };
        // A fifth is seven semitones, and seven is its own inverse modulo twelve.
        major * 7 % 12
    }

    /// The tonic, spelled as is usual in this mode: `F#` in F# minor, `Db` in Db major.
    #[must_use]
    pub const fn tonic_name(self) -> &'static str {
        match self.mode {
            Mode::Major => MAJOR_TONICS[self.tonic()],
            Mode::Minor => MINOR_TONICS[self.tonic()],
        }
    }

    /// The stable name for programs, as in key heads, JSON, CSV and OSC: flats only, so that F# minor
    /// is `Gb minor`.
    #[must_use]
    pub fn label(self) -> String {
        format!("{} {}", LABEL_TONICS[self.tonic()], self.mode.name())
    }

    /// The key in `notation`, for readers.
    #[must_use]
    pub fn to_text(self, notation: Notation) -> String {
        let minor = self.mode == Mode::Minor;
        match notation {
            Notation::Traditional => format!("{} {}", self.tonic_name(), self.mode.name()),
            // Camelot's wheel has C major at 8, Open Key's at 1; both ascend by fifths.
            Notation::Camelot => format!(
                "{}{}",
                (self.fifths() + 7) % 12 + 1,
                if minor { 'A' } else { 'B' }
            ),
            Notation::OpenKey => {
                format!("{}{}", self.fifths() + 1, if minor { 'm' } else { 'd' })
            }
        }
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.to_text(Notation::Traditional))
    }
}

impl FromStr for Key {
    type Err = ParseKeyError;

    /// Parses any of the three notations, in any letter case, with sharps or flats.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let plain = text.trim().to_lowercase();
        traditional(&plain)
            .or_else(|| wheel(&plain))
            .ok_or_else(|| ParseKeyError(text.to_owned()))
    }
}

fn traditional(text: &str) -> Option<Key> {
    let (tonic, mode) = text.split_once([' ', ':'])?;
    let mode = match mode.trim() {
        "major" | "maj" => Mode::Major,
        "minor" | "min" => Mode::Minor,
        _ => return None,
    };
    let mut letters = tonic.chars();
    let natural = match letters.next()? {
        'c' => 0,
        'd' => 2,
        'e' => 4,
        'f' => 5,
        'g' => 7,
        'a' => 9,
        'b' => 11,
        _ => return None,
    };
    let shift = match letters.as_str() {
        "" => 0,
        "b" | "♭" => -1,
        "#" | "♯" => 1,
        _ => return None,
    };
    Some(Key::new(natural, mode).transposed(shift))
}

fn wheel(text: &str) -> Option<Key> {
    let split = text.len().checked_sub(1)?;
    let (hour, letter) = text.split_at_checked(split)?;
    let hour: usize = hour.parse().ok().filter(|hour| (1..=12).contains(hour))?;
    let (fifths, mode) = match letter {
        "a" => (hour + 4, Mode::Minor),
        "b" => (hour + 4, Mode::Major),
        "m" => (hour - 1, Mode::Minor),
        "d" => (hour - 1, Mode::Major),
        _ => return None,
    };
    let major = Key::new(fifths * 7, Mode::Major);
    Some(match mode {
        Mode::Major => major,
        Mode::Minor => major.relative(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_key_is_parsed_back_from_every_notation() {
        for key in Key::all() {
            for notation in [Notation::Traditional, Notation::Camelot, Notation::OpenKey] {
                let text = key.to_text(notation);
                assert_eq!(text.parse(), Ok(key), "{text}");
            }
            assert_eq!(key.label().parse(), Ok(key));
            assert_eq!(Key::from_index(key.index()), Some(key));
        }
        assert_eq!(Key::all().count(), Key::COUNT);
        assert_eq!(Key::from_index(24), None);
    }

    #[test]
    fn notations_agree_with_the_published_wheels() {
        for (key, camelot, open) in [
            ("C major", "8B", "1d"),
            ("A minor", "8A", "1m"),
            ("G major", "9B", "2d"),
            ("G# minor", "1A", "6m"),
            ("B major", "1B", "6d"),
            ("C# minor", "12A", "5m"),
            ("E major", "12B", "5d"),
            ("F# major", "2B", "7d"),
            ("F minor", "4A", "9m"),
        ] {
            let parsed: Key = key.parse().unwrap();
            assert_eq!(parsed.to_string(), key);
            assert_eq!(parsed.to_text(Notation::Camelot), camelot, "{key}");
            assert_eq!(parsed.to_text(Notation::OpenKey), open, "{key}");
        }
    }

    #[test]
    fn keys_are_spelled_as_musicians_write_them_and_labels_stay() {
        let spelled: Vec<String> = Key::all().map(|key| key.to_string()).collect();
        let majors = "C Db D Eb E F F# G Ab A Bb B".split(' ');
        let minors = "C C# D Eb E F F# G G# A Bb B".split(' ');
        let majors = majors.map(|tonic| format!("{tonic} major"));
        let expected: Vec<String> = majors
            .chain(minors.map(|tonic| format!("{tonic} minor")))
            .collect();
        assert_eq!(spelled, expected);
        let flats = "C Db D Eb E F Gb G Ab A Bb B".split(' ').cycle();
        for (key, tonic) in Key::all().zip(flats) {
            assert_eq!(key.label().split(' ').next(), Some(tonic));
        }
    }

    #[test]
    fn relations_hold_for_all_keys() {
        for key in Key::all() {
            assert_eq!(key.relative().relative(), key);
            assert_eq!(key.parallel().parallel(), key);
            assert_eq!(key.relative().fifths(), key.fifths());
            assert_eq!(key.transposed(7).fifths(), (key.fifths() + 1) % 12);
            assert_eq!(key.transposed(5).transposed(-5), key);
        }
    }

    #[test]
    fn sharps_are_read_as_their_flats_and_nonsense_is_refused() {
        assert_eq!("c# minor".parse(), "Db minor".parse::<Key>());
        assert_eq!("F♯ Maj".parse(), "Gb major".parse::<Key>());
        assert_eq!("Cb major".parse(), "B major".parse::<Key>());
        for nonsense in [
            "", "H major", "13A", "0d", "A", "minor", "8", "é", "C dorian",
        ] {
            let error = nonsense.parse::<Key>().unwrap_err();
            assert!(error.to_string().contains(nonsense));
        }
    }
}
