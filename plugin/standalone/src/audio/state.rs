//! The state of the app's audio, as the audio thread publishes it, and the orders that the thread takes.

use std::sync::Arc;

use mertscope_audio::Notice;

use super::devices::Devices;
use super::stream_health::StreamHealth;
use crate::choice::AudioChoice;
use crate::player::FilePlayer;

/// The state of the audio.
#[derive(Debug, Clone, Default)]
pub(crate) struct AudioState {
    /// The user's choice.
    pub choice: AudioChoice,
    /// The stream in use, if there is one.
    pub in_use: Option<InUse>,
    /// The problem and what is done about it, in full sentences.
    pub notice: Option<Notice>,
    /// The devices at the last look for them.
    pub devices: Arc<Devices>,
    /// The file player, if a file is chosen and open.
    pub(crate) file_player: Option<Arc<FilePlayer>>,
}

/// The stream in use.
#[derive(Debug, Clone)]
pub(crate) struct InUse {
    /// The device's name, for users.
    pub device: String,
    /// Samples per second.
    pub rate_hz: u32,
    /// Frames per block, when known.
    pub(crate) buffer_frames: Option<u32>,
    /// Its signs of life.
    pub(crate) health: Arc<StreamHealth>,
}

/// An order to the audio thread.
pub(super) enum Order {
    /// Use another choice; a file that is new in it plays at once or waits.
    Use {
        choice: Box<AudioChoice>,
        play: bool,
    },
    /// Look for devices again.
    Look,
    /// End the thread.
    Stop,
}

/// Called on the audio thread after each change of the state.
pub(crate) type Changed = Arc<dyn Fn() + Send + Sync>;
