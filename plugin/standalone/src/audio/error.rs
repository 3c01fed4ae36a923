//! Errors of the audio, as sentences that name the device or file and the remedy.

use crate::choice::{Backend, Channels};

/// The direction of audio through a device.
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
    /// There is no device.
    #[error(
        "There is no {direction} device: {backend} has {reason}. Connect one, start a JACK server, or \
         play a file with --file."
    )]
    NoDevice {
        /// The backend that was asked.
        backend: Backend,
        /// Input or output.
        direction: Direction,
        /// What the backend has: “none”, with the system's reason if it gives one.
        reason: String,
    },
    /// The named device does not exist.
    #[error(
        "There is no {direction} device '{name}'. `mertscope-standalone --list-devices` lists all \
         devices."
    )]
    Unknown {
        /// Its name or id.
        name: String,
        /// Input or output.
        direction: Direction,
    },
    /// The device can't run at the rate that was asked for.
    #[error("{device} can't run at {rate_hz} Hz; it offers {offered}. Choose one of these.")]
    Rate {
        /// Its name.
        device: String,
        /// The rate that was asked for, in hertz.
        rate_hz: u32,
        /// The rates that it offers, in words.
        offered: String,
    },
    /// The device can't run with the block size that was asked for.
    #[error("{device} runs with blocks of {runs} frames, not {asked}. Choose its own size.")]
    BufferSize {
        /// Its name.
        device: String,
        /// The block size that was asked for, in frames.
        asked: u32,
        /// The block size that it has, in frames.
        runs: u32,
    },
    /// The device lacks the channels that were asked for.
    #[error("{device} has no channel {channels}; it has {has}. Choose others.")]
    Channels {
        /// Its name.
        device: String,
        /// The channels that were asked for.
        channels: Channels,
        /// The number of its channels.
        has: u16,
    },
    /// No JACK server runs, or there is no JACK at all.
    #[error(
        "No JACK server runs here ({reason}). Start one, or choose {} instead.",
        Backend::System
    )]
    NoServer {
        /// JACK's reason.
        reason: String,
    },
    /// The device or its driver refused.
    #[error(
        "{device} could not be opened ({reason}). Close other programs that use it, or choose another."
    )]
    Refused {
        /// Its name.
        device: String,
        /// Its reason.
        reason: String,
    },
    /// A running device went away.
    #[error("{device} is gone{}.", if .reason.is_empty() { String::new() } else { format!(" ({})", .reason) })]
    Lost {
        /// Its name.
        device: String,
        /// The reason; empty when unknown.
        reason: String,
    },
    /// The file to play can't be played.
    #[error("{0}")]
    File(String),
}

impl AudioError {
    /// Whether the device exists and would run with other settings.
    #[must_use]
    pub(crate) fn is_about_settings(&self) -> bool {
        matches!(
            self,
            Self::Rate { .. } | Self::BufferSize { .. } | Self::Channels { .. }
        )
    }
}

/// A system's message as part of a sentence: without its full stop.
pub(crate) fn reason(error: impl std::fmt::Display) -> String {
    let text = error.to_string();
    text.trim_end().trim_end_matches('.').to_owned()
}
