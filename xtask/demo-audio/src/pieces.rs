//! The demo pieces: the type of a piece, and the list of them. The music itself is one file per
//! piece, in the notation of [`crate::score`]: our own compositions, CC0-1.0.

mod disco;
mod jazz;
mod nocturne;
mod reggae;
mod rock;

use crate::score::Line;

/// All pieces, in the order of the demo.
pub(crate) const PIECES: &[Piece] = &[
    nocturne::PIECE,
    jazz::PIECE,
    rock::PIECE,
    disco::PIECE,
    reggae::PIECE,
];

/// A composition and how it is played.
pub(crate) struct Piece {
    /// File name; its extension (`flac`, `ogg`, `mp3`) is the format.
    pub file: &'static str,
    pub title: &'static str,
    /// Label of the genre head.
    pub genre: &'static str,
    /// Keys by the bar (from 0) they start in.
    pub keys: &'static [(usize, &'static str)],
    pub bars: usize,
    pub beats_per_bar: f64,
    /// Beats per minute by the bar (from 0, fractions of a bar allowed) they start in.
    pub tempo: &'static [(f64, f64)],
    /// The position of the off-beat eighth in its beat: 0.5 is straight, 0.67 is triplet swing.
    pub swing: f64,
    /// Seed of the humanizing.
    pub seed: u64,
    pub parts: &'static [Part],
}

/// An instrument and its line.
pub(crate) struct Part {
    /// General MIDI program, from 0.
    pub program: u8,
    /// Volume, pan (64 is the middle) and reverb, each 0–127.
    pub mix: [u8; 3],
    /// Sustain pedal, lifted where the harmony changes.
    pub pedal: bool,
    pub line: Line,
}

const fn notes(program: u8, mix: [u8; 3], text: &'static str) -> Part {
    Part {
        program,
        mix,
        pedal: false,
        line: Line::Notes(text),
    }
}

/// The pair is the MIDI pitch around which the chords are voiced, and their velocity.
const fn figure(
    program: u8,
    mix: [u8; 3],
    (center, velocity): (i32, i32),
    chords: &'static str,
    steps: &'static str,
) -> Part {
    Part {
        program,
        mix,
        pedal: false,
        line: Line::Figure {
            chords,
            center,
            velocity,
            steps,
        },
    }
}

const fn drums(kit: u8, mix: [u8; 3], grids: &'static [(i32, &'static str)]) -> Part {
    Part {
        program: kit,
        mix,
        pedal: false,
        line: Line::Drums(grids),
    }
}

// General MIDI programs, from 0.
const PIANO: u8 = 0;
const CLAVINET: u8 = 7;
const VIBRAPHONE: u8 = 11;
const ORGAN: u8 = 16;
const CLEAN_GUITAR: u8 = 27;
const MUTED_GUITAR: u8 = 28;
const OVERDRIVEN_GUITAR: u8 = 29;
const DISTORTED_GUITAR: u8 = 30;
const UPRIGHT_BASS: u8 = 32;
const FINGERED_BASS: u8 = 33;
const PICKED_BASS: u8 = 34;
const CELLO: u8 = 42;
const STRINGS: u8 = 48;
const BRASS: u8 = 61;
const TENOR_SAX: u8 = 66;
const STANDARD_KIT: u8 = 0;
const POWER_KIT: u8 = 16;
const BRUSH_KIT: u8 = 40;

// General MIDI percussion keys.
const KICK: i32 = 36;
const STICK: i32 = 37;
const SNARE: i32 = 38;
const CLAP: i32 = 39;
const CLOSED_HAT: i32 = 42;
const PEDAL_HAT: i32 = 44;
const OPEN_HAT: i32 = 46;
const CRASH: i32 = 49;
const RIDE: i32 = 51;
