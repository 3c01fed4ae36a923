//! Errors of the audio devices, in sentences that name the device and the remedy.

use crate::choice::{Backend, Channels};

/// Which way audio goes through a device.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Direction {
    /// Into the app.
    Input,
    /// Out of it.
    Output,
}

impl std::fmt::Display for Direction {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Input => "input",
            Self::Output => "output",
        })
    }
}

/// Why a device can't be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum AudioError {
    /// The system has none.
    #[error(
        "There is no {direction} device: {backend} has {reason}. Connect one, start a JACK server, or \
         play a file with --file."
    )]
    NoDevice {
        /// The way to devices.
        backend: Backend,
        /// Which kind.
        direction: Direction,
        /// What the system said.
        reason: String,
    },
    /// The one that was named is not there.
    #[error(
        "There is no {direction} device '{name}'. `mertscope-standalone --list-devices` lists those \
         there are."
    )]
    Unknown {
        /// Its name or id.
        name: String,
        /// Which kind.
        direction: Direction,
    },
    /// It can't run at the rate that was asked for.
    #[error("{device} can't run at {rate_hz} Hz; it offers {offered}. Choose one of these.")]
    Rate {
        /// Its name.
        device: String,
        /// What was asked for.
        rate_hz: u32,
        /// What there is.
        offered: String,
    },
    /// It can't run with the block size that was asked for.
    #[error("{device} runs with blocks of {runs} frames, not {asked}. Choose its own size.")]
    BufferSize {
        /// Its name.
        device: String,
        /// What was asked for.
        asked: u32,
        /// What it has.
        runs: u32,
    },
    /// It has not as many channels.
    #[error("{device} has no channel {channels}; it has {has}. Choose others.")]
    Channels {
        /// Its name.
        device: String,
        /// What was asked for.
        channels: Channels,
        /// How many there are.
        has: u16,
    },
    /// No JACK server runs, or there is no JACK at all.
    #[error(
        "No JACK server runs here ({reason}). Start one, or choose {} instead.",
        Backend::System
    )]
    NoServer {
        /// What JACK said.
        reason: String,
    },
    /// The device or its driver refused.
    #[error(
        "{device} could not be opened ({reason}). Close other programs that use it, or choose another."
    )]
    Refused {
        /// Its name.
        device: String,
        /// What it said.
        reason: String,
    },
    /// A running device went away.
    #[error("{device} is gone{}.", if .reason.is_empty() { String::new() } else { format!(" ({})", .reason) })]
    Lost {
        /// Its name.
        device: String,
        /// What is known about it.
        reason: String,
    },
    /// The file to play can't be played.
    #[error("{0}")]
    File(String),
}

impl AudioError {
    /// Whether the device is there and would run with other settings.
    #[must_use]
    pub(crate) fn is_about_settings(&self) -> bool {
        matches!(
            self,
            Self::Rate { .. } | Self::BufferSize { .. } | Self::Channels { .. }
        )
    }
}

/// A system's message as a part of a sentence: without its full stop.
pub(crate) fn reason(error: impl std::fmt::Display) -> String {
    let text = error.to_string();
    text.trim_end().trim_end_matches('.').to_owned()
}
