//! Key changes as a standard MIDI file, to lay beside the audio in a DAW.
//!
//! Format 0, one track, no notes. For each stretch of one key there is a key signature (meta event
//! 59) and a marker (meta event 06) with the key's name, such as `A minor (8A)`; where there is no
//! clear key, or nothing was heard, there is only a marker that says so. The tempo is 120 beats a
//! minute throughout and the division 480, so a second of audio is 960 ticks. What lies before 0 s
//! (a host's pre-roll) is put at 0. All from “Standard MIDI Files 1.0”, MMA RP-001.

use super::segments::merge;
use super::units::{key_and_camelot, unheard_names};
use mertscope_audio::Status;
use mertscope_heads::timeline::Timeline;
use mertscope_music::{Key, Mode};

/// Ticks in a quarter note.
const DIVISION: u16 = 480;

/// Microseconds in a quarter note: 120 beats a minute.
const TEMPO_US: u32 = 500_000;

/// Ticks in a second of audio.
const TICKS_PER_S: f64 = DIVISION as f64 * 1e6 / TEMPO_US as f64;

/// The largest number that a file can hold as a variable-length quantity: 77 hours of ticks.
const LONGEST: u32 = 0x0FFF_FFFF;

/// Longest text of a meta event that is written, in bytes.
const LONGEST_TEXT: usize = 255;

/// The bytes of the file.
#[must_use]
pub fn midi(name: &str, timeline: &Timeline) -> Vec<u8> {
    let mut track = Track::default();
    track.text(0, 0x03, name);
    let [_, tempo @ ..] = TEMPO_US.to_be_bytes();
    track.meta(0, 0x51, &tempo);
    let stretches = merge(&timeline.results, |timed| match &timed.result {
        Some(result) => Ok(result.key_label),
        None => Err(timed.status),
    });
    let mut end_tick = 0;
    for stretch in stretches {
        let tick = tick_from_s(stretch.start_s);
        match stretch.label {
            Ok(Some(key)) => {
                track.text(tick, 0x06, &key_and_camelot(key));
                track.meta(tick, 0x59, &signature(key));
            }
            Ok(None) => track.text(tick, 0x06, "no clear key"),
            Err(status) => track.text(tick, 0x06, unheard(status)),
        }
        end_tick = tick_from_s(stretch.end_s);
    }
    track.meta(end_tick, 0x2F, &[]);
    let mut file = b"MThd".to_vec();
    file.extend(6u32.to_be_bytes());
    for word in [0, 1, DIVISION] {
        file.extend(word.to_be_bytes());
    }
    file.extend(b"MTrk");
    file.extend((track.bytes.len() as u32).to_be_bytes());
    file.extend(track.bytes);
    file
}

fn tick_from_s(time_s: f64) -> u32 {
    // Out of range and NaN end up at the ends.
    (time_s * TICKS_PER_S).round() as u32
}

fn unheard(status: Status) -> &'static str {
    unheard_names(status).first().copied().unwrap_or_default()
}

/// The meta event's two bytes: sharps (positive) or flats (negative), and 1 for minor; as the key is spelled, so that
/// F# major has six sharps and Eb minor six flats.
fn signature(key: Key) -> [u8; 2] {
    // On the circle of fifths, 7 to 11 steps upwards are 5 to 1 downwards; 6 may be either.
    let fifths = key.fifths() as i8;
    let is_minor = key.mode() == Mode::Minor;
    let is_sharp = fifths < 6 || (fifths == 6 && !is_minor);
    let accidentals = if is_sharp { fifths } else { fifths - 12 };
    [accidentals as u8, u8::from(is_minor)]
}

/// A track in the making.
#[derive(Default)]
struct Track {
    bytes: Vec<u8>,
    at: u32,
}

impl Track {
    /// A meta event at a tick; one before the last event comes with it.
    fn meta(&mut self, tick: u32, kind: u8, data: &[u8]) {
        self.quantity(tick.saturating_sub(self.at).min(LONGEST));
        self.at = self.at.max(tick);
        self.bytes.extend([0xFF, kind]);
        self.quantity(data.len() as u32);
        self.bytes.extend(data);
    }

    fn text(&mut self, tick: u32, kind: u8, text: &str) {
        let mut length = text.len().min(LONGEST_TEXT);
        while !text.is_char_boundary(length) {
            length -= 1;
        }
        self.meta(tick, kind, &text.as_bytes()[..length]);
    }

    /// Seven bits a byte, the most significant first; all but the last have their top bit set.
    fn quantity(&mut self, value: u32) {
        for shift in [21, 14, 7] {
            if value >> shift > 0 {
                self.bytes.push(0x80 | (value >> shift & 0x7F) as u8);
            }
        }
        self.bytes.push((value & 0x7F) as u8);
    }
}

#[cfg(test)]
mod tests;
