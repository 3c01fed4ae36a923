//! A piece as a Standard MIDI File: swing, tempo, seeded humanizing, bytes.
//!
//! All timing is computed here and written in ticks of half a millisecond, so that the file carries
//! no tempo map.

use anyhow::{Context, Result};

use crate::pieces::{Part, Piece};
use crate::score::Line;

const TICKS_PER_QUARTER: u16 = 2000;
const TICKS_PER_S: f64 = 2000.0; // at the one tempo written, 60 bpm
const DRUM_CHANNEL: u8 = 9;
const RING_S: f64 = 1.5;
const TIMING_JITTER_S: f64 = 0.007;
const VELOCITY_JITTER: i32 = 6;
const PEDAL_LATE_S: f64 = 0.06;
const GAP_S: f64 = 0.012;
const SHORTEST_S: f64 = 0.03;

/// Time in seconds of a score position; off-beats are delayed by the piece's swing.
pub(crate) fn seconds_from_beat(piece: &Piece, beat: f64) -> f64 {
    let inside = beat.rem_euclid(1.0);
    let swung = if inside < 0.5 {
        inside * 2.0 * piece.swing
    } else {
        piece.swing + (inside - 0.5) * 2.0 * (1.0 - piece.swing)
    };
    let beat = beat - inside + swung;
    let mut seconds = 0.0;
    for (i, &(bar, bpm)) in piece.tempo.iter().enumerate() {
        let from = bar * piece.beats_per_bar;
        let to = piece
            .tempo
            .get(i + 1)
            .map_or(f64::INFINITY, |next| next.0 * piece.beats_per_bar);
        seconds += (beat.min(to) - from).max(0.0) * 60.0 / bpm;
    }
    seconds
}

/// The piece as the bytes of a format 0 file, and its length in seconds with the last notes' ring.
pub(crate) fn file(piece: &Piece) -> Result<(Vec<u8>, f64)> {
    let mut events = vec![(0, vec![0xff, 0x51, 3, 0x0f, 0x42, 0x40])]; // 1,000,000 µs per quarter
    let mut random = SplitMix(piece.seed);
    for (index, part) in piece.parts.iter().enumerate() {
        let melodic = if index < usize::from(DRUM_CHANNEL) {
            index
        } else {
            index + 1
        };
        let channel = if matches!(part.line, Line::Drums(_)) {
            DRUM_CHANNEL
        } else {
            u8::try_from(melodic)?
        };
        play(piece, part, channel, &mut random, &mut events)
            .with_context(|| format!("{}: part {} does not read", piece.file, index + 1))?;
    }
    // Stable, so that at equal times note-offs written before note-ons stay before them.
    events.sort_by_key(|(tick, bytes)| (*tick, bytes[0] & 0xf0 == 0x90));
    let last = events.last().map_or(0, |e| e.0);
    let end = last + (RING_S * TICKS_PER_S) as u32;
    events.push((end, vec![0xff, 0x2f, 0]));

    let mut track = Vec::new();
    let mut now = 0;
    for (tick, bytes) in events {
        variable_length(tick - now, &mut track);
        track.extend(bytes);
        now = tick;
    }
    let mut out = b"MThd\0\0\0\x06\0\0\0\x01".to_vec();
    out.extend(TICKS_PER_QUARTER.to_be_bytes());
    out.extend(b"MTrk");
    out.extend(u32::try_from(track.len())?.to_be_bytes());
    out.extend(track);
    Ok((out, f64::from(end) / TICKS_PER_S))
}

type Event = (u32, Vec<u8>);

fn play(
    piece: &Piece,
    part: &Part,
    channel: u8,
    random: &mut SplitMix,
    events: &mut Vec<Event>,
) -> Result<()> {
    let tick = |seconds: f64| (seconds.max(0.0) * TICKS_PER_S).round() as u32;
    let control = |number: u8, value: u8| vec![0xb0 | channel, number, value];
    events.push((0, vec![0xc0 | channel, part.program]));
    let [level, pan, reverb] = part.mix;
    for (number, value) in [(7, level), (10, pan), (91, reverb), (93, 0)] {
        events.push((0, control(number, value)));
    }
    if part.pedal {
        for beat in part.line.changes(piece.bars, piece.beats_per_bar)? {
            let at = seconds_from_beat(piece, beat);
            events.push((tick(at), control(64, 0)));
            events.push((tick(at + PEDAL_LATE_S), control(64, 127)));
        }
    }
    for note in part.line.notes(piece.bars, piece.beats_per_bar)? {
        let late = random.signed() * TIMING_JITTER_S;
        let velocity =
            note.velocity + (random.signed() * f64::from(VELOCITY_JITTER)).round() as i32;
        let on = seconds_from_beat(piece, note.on_beat) + late;
        // Short of its length, so that a repeated pitch is released before it is struck again.
        let off = (seconds_from_beat(piece, note.on_beat + note.beats) + late - GAP_S)
            .max(on + SHORTEST_S);
        let pitch = u8::try_from(note.pitch)?;
        events.push((
            tick(on),
            vec![0x90 | channel, pitch, velocity.clamp(1, 127) as u8],
        ));
        events.push((tick(off), vec![0x80 | channel, pitch, 0]));
    }
    Ok(())
}

/// SMF 1.0, "variable-length quantity": seven bits per byte, with the high bit set on all but the last.
fn variable_length(value: u32, out: &mut Vec<u8>) {
    for shift in [21, 14, 7] {
        if value >> shift > 0 {
            out.push((value >> shift) as u8 & 0x7f | 0x80);
        }
    }
    out.push(value as u8 & 0x7f);
}

/// SplitMix64 (Steele, Lea and Flood 2014): the same performance on every machine.
struct SplitMix(u64);

impl SplitMix {
    /// Uniform in -1..1.
    fn signed(&mut self) -> f64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((z ^ (z >> 31)) >> 11) as f64 / (1_u64 << 52) as f64 - 1.0
    }
}
