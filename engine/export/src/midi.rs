//! Key changes as a standard MIDI file, to lay beside the audio in a DAW.
//!
//! Format 0, one track, no notes. For each stretch of one key there is a key signature (meta event
//! 59) and a marker (meta event 06) with the key's name, such as `A minor (8A)`; a stretch without a
//! clear key, or in which nothing was analyzed, has only a marker that says so. The tempo is 120 beats
//! per minute throughout and the division 480, so a second of audio is 960 ticks. Times before 0 s (a
//! host's pre-roll) are put at 0. All from “Standard MIDI Files 1.0”, MMA RP-001.
//!
//! ```
//! use mertscope_export::midi::{KeyChanges, midi};
//!
//! let mut changes = KeyChanges::default();
//! // changes.add(&timed) for each window
//! let bytes = midi("song.flac", &changes);
//! assert!(bytes.starts_with(b"MThd"));
//! ```

use midly::num::{u15, u24, u28};
use midly::{Format, Header, MetaMessage, Smf, Timing, TrackEvent, TrackEventKind};

use super::segments::{Merger, Segment};
use super::units::{key_and_camelot, skipped_names};
use mertscope_audio::Status;
use mertscope_heads::timeline::TimedResult;
use mertscope_music::{Key, Mode};

/// Ticks in a quarter note.
const DIVISION: u16 = 480;

/// Microseconds in a quarter note: 120 beats per minute.
const TEMPO_US: u32 = 500_000;

/// Ticks in a second of audio.
const TICKS_PER_S: f64 = DIVISION as f64 * 1e6 / TEMPO_US as f64;

/// The largest number of ticks between two events, a variable-length quantity: 77 hours.
const LONGEST: u32 = 0x0FFF_FFFF;

/// The longest text of a meta event, in bytes.
const LONGEST_TEXT: usize = 255;

/// A stretch of one key: `Ok(None)` when no key is clear, `Err` when nothing was analyzed.
type KeyStretch = Segment<Result<Option<Key>, Status>>;

/// The stretches of one key of windows that come one by one; memory grows with the changes of key only.
#[derive(Debug, Default)]
pub struct KeyChanges(Merger<Result<Option<Key>, Status>>);

impl KeyChanges {
    /// Adds the next window.
    pub fn add(&mut self, timed: &TimedResult) {
        let label = match &timed.result {
            Some(result) => Ok(result.key_label()),
            None => Err(timed.status),
        };
        self.0.add(timed, label);
    }
}

/// The bytes of the file; `name` becomes the track's name, cut to 255 bytes.
#[must_use]
pub fn midi(name: &str, changes: &KeyChanges) -> Vec<u8> {
    let stretches: &[KeyStretch] = changes.0.segments();
    let markers: Vec<String> = stretches.iter().map(marker).collect();
    let mut track = Track::default();
    track.add(0, MetaMessage::TrackName(shortened(name)));
    track.add(0, MetaMessage::Tempo(u24::new(TEMPO_US)));
    for (stretch, marker) in stretches.iter().zip(&markers) {
        let tick = tick_from_s(stretch.start_s);
        track.add(tick, MetaMessage::Marker(shortened(marker)));
        if let Ok(Some(key)) = stretch.label {
            track.add(tick, signature(key));
        }
    }
    let end_tick = stretches.last().map_or(0, |last| tick_from_s(last.end_s));
    track.add(end_tick, MetaMessage::EndOfTrack);
    let file = Smf {
        header: Header::new(Format::SingleTrack, Timing::Metrical(u15::new(DIVISION))),
        tracks: vec![track.events],
    };
    let mut bytes = Vec::new();
    let written = file.write(&mut bytes);
    // A vector refuses nothing, and a track of 4 GiB is longer than any timeline.
    debug_assert!(written.is_ok());
    bytes
}

fn marker(stretch: &KeyStretch) -> String {
    match stretch.label {
        Ok(Some(key)) => key_and_camelot(key),
        Ok(None) => "no clear key".to_owned(),
        Err(status) => skipped_names(status)
            .first()
            .copied()
            .unwrap_or_default()
            .to_owned(),
    }
}

fn tick_from_s(time_s: f64) -> u32 {
    // Out of range and NaN end up at the ends.
    (time_s * TICKS_PER_S).round() as u32
}

/// Sharps (positive) or flats (negative), and whether the key is minor; as the key is spelled, so that
/// F# major has six sharps and Eb minor six flats.
fn signature(key: Key) -> MetaMessage<'static> {
    // On the circle of fifths, 7 to 11 steps upwards are 5 to 1 downwards; 6 may be either.
    let fifths = key.fifths() as i8;
    let is_minor = key.mode() == Mode::Minor;
    let is_sharp = fifths < 6 || (fifths == 6 && !is_minor);
    MetaMessage::KeySignature(if is_sharp { fifths } else { fifths - 12 }, is_minor)
}

/// The bytes of `text`, at most [`LONGEST_TEXT`], without a character cut in two.
fn shortened(text: &str) -> &[u8] {
    let mut length = text.len().min(LONGEST_TEXT);
    while !text.is_char_boundary(length) {
        length -= 1;
    }
    &text.as_bytes()[..length]
}

/// A track in the making.
#[derive(Default)]
struct Track<'a> {
    events: Vec<TrackEvent<'a>>,
    at: u32,
}

impl<'a> Track<'a> {
    /// Adds an event at a tick; one before the last event comes with it.
    fn add(&mut self, tick: u32, message: MetaMessage<'a>) {
        let delta = tick.saturating_sub(self.at).min(LONGEST);
        self.at = self.at.max(tick);
        self.events.push(TrackEvent {
            delta: u28::new(delta),
            kind: TrackEventKind::Meta(message),
        });
    }
}

#[cfg(test)]
mod tests;
