//! Chord symbols and note names, and the voicing of progressions.

use anyhow::{Context, Result};

/// Lowest bass note, E1; bass notes are in the octave above it, the lowest of a bass guitar.
const LOWEST_BASS: i32 = 28;

/// A chord ready to play, in MIDI pitches: bass note and upper voices from below.
pub(crate) struct Voicing {
    pub bass: i32,
    pub voices: Vec<i32>,
}

/// Voices the chords of each bar in close position around the pitch `center`; takes the inversion
/// that moves the voices least from the chord before.
pub(crate) fn voiced(bars: &[&str], center: i32) -> Result<Vec<Vec<Voicing>>> {
    let mut previous = Vec::new();
    let mut voice = |symbol: &str| {
        let (root, quality) = pitch_class(symbol)?;
        let tones = intervals(quality).with_context(|| format!("chord “{symbol}” is not known"))?;
        let base = center - center.rem_euclid(12) + root;
        let voices = (0..tones.len())
            .flat_map(|turn| [-24, -12, 0].map(|octave| stacked(base + octave, tones, turn)))
            .min_by_key(|voices| movement(&previous, voices, center))
            .context("a chord needs tones")?;
        previous.clone_from(&voices);
        let bass = LOWEST_BASS + (root - LOWEST_BASS).rem_euclid(12);
        Ok(Voicing { bass, voices })
    };
    bars.iter()
        .map(|bar| bar.split_whitespace().map(&mut voice).collect())
        .collect()
}

/// Close position from below, starting with tone `turn` of the chord.
fn stacked(base: i32, tones: &[i32], turn: usize) -> Vec<i32> {
    let mut voices: Vec<i32> = Vec::new();
    for tone in tones.iter().cycle().skip(turn).take(tones.len()) {
        let mut pitch = base + tone % 12;
        while voices.last().is_some_and(|below| pitch <= *below) {
            pitch += 12;
        }
        voices.push(pitch);
    }
    voices
}

/// Semitones moved from the chord before, plus the distance from the center: long progressions must
/// not drift away.
fn movement(previous: &[i32], voices: &[i32], center: i32) -> i32 {
    let middle = voices.iter().sum::<i32>() / voices.len() as i32;
    let moved = previous.iter().zip(voices).map(|(a, b)| (a - b).abs());
    moved.sum::<i32>() + (middle - center).abs()
}

/// Semitones above the root. Ninths and thirteenths are the rootless voicings jazz pianists use.
fn intervals(quality: &str) -> Option<&'static [i32]> {
    Some(match quality {
        "" => &[0, 4, 7],
        "m" => &[0, 3, 7],
        "5" => &[0, 7, 12],
        "6" => &[0, 4, 7, 9],
        "m6" => &[0, 3, 7, 9],
        "7" => &[0, 4, 7, 10],
        "m7" => &[0, 3, 7, 10],
        "maj7" => &[0, 4, 7, 11],
        "m7b5" => &[0, 3, 6, 10],
        "m9" => &[3, 7, 10, 14],
        "maj9" => &[4, 7, 11, 14],
        "13" => &[4, 9, 10, 14],
        _ => return None,
    })
}

/// MIDI pitch of a name such as `F#4` (C4 = 60).
pub(crate) fn pitch(name: &str) -> Result<i32> {
    let (class, octave) = pitch_class(name)?;
    let octave: i32 = octave
        .parse()
        .with_context(|| format!("octave of “{name}”"))?;
    Ok(12 * (octave + 1) + class)
}

/// Pitch class of the leading note name (unwrapped: Cb is -1) and the text after the name.
fn pitch_class(name: &str) -> Result<(i32, &str)> {
    let mut rest = name.chars();
    let natural = match rest.next() {
        Some('C') => 0,
        Some('D') => 2,
        Some('E') => 4,
        Some('F') => 5,
        Some('G') => 7,
        Some('A') => 9,
        Some('B') => 11,
        _ => anyhow::bail!("“{name}” does not start with a note name"),
    };
    let plain = rest.as_str();
    Ok(match rest.next() {
        Some('#') => (natural + 1, rest.as_str()),
        Some('b') => (natural - 1, rest.as_str()),
        _ => (natural, plain),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_pitches() {
        for (name, expected) in [("C4", 60), ("F#2", 42), ("Bb5", 82), ("Cb4", 59)] {
            assert_eq!(pitch(name).expect("a note name"), expected, "{name}");
        }
        assert!(pitch("H4").is_err());
    }

    #[test]
    fn voices_move_little() {
        let bars = voiced(&["C F G C"], 62).expect("known chords");
        let chords: Vec<&[i32]> = bars[0].iter().map(|v| v.voices.as_slice()).collect();
        assert_eq!(chords[0], chords[3]);
        for pair in chords.windows(2) {
            let furthest = pair[0]
                .iter()
                .zip(pair[1])
                .map(|(a, b)| (a - b).abs())
                .max();
            assert!(furthest <= Some(3), "{pair:?}");
        }
    }
}
