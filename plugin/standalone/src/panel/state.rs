//! The state of the panel: the audio thread, the choice in this session, and the preferences.

use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use mertscope_audio::Notice;
use mertscope_model::lock;
use mertscope_ui::browser::Browser;

use super::level::Level;
use crate::audio::{Audio, AudioState};
use crate::choice::{AudioChoice, AudioSource};
use crate::preferences::{AUDIO_FIELD, PLUGIN_FIELD, Preferences};

/// See the module.
pub(super) struct PanelState {
    pub(super) audio: Arc<Audio>,
    /// The choice in this session.
    choice: Mutex<AudioChoice>,
    pub(super) preferences: Mutex<Preferences>,
    /// Whether the preferences have unsaved changes.
    changed: AtomicBool,
    /// Why the preferences could not be read or written.
    notice: Mutex<Option<Notice>>,
}

/// The state that drawing keeps from frame to frame.
#[derive(Default)]
pub(super) struct Drawn {
    pub(super) level: Level,
    pub(super) browser: Option<Browser>,
    /// The position that the slider is dragged to, in seconds.
    pub(super) dragged_s: Option<f64>,
    /// The text in the path field while it is edited.
    pub(super) path: Option<String>,
}

impl PanelState {
    /// The state for audio that was started with `choice`.
    pub(super) fn new(
        audio: Arc<Audio>,
        choice: AudioChoice,
        preferences: Preferences,
        notice: Option<Notice>,
    ) -> Self {
        Self {
            audio,
            choice: Mutex::new(choice),
            preferences: Mutex::new(preferences),
            changed: AtomicBool::new(false),
            notice: Mutex::new(notice),
        }
    }

    /// Writes the preferences if they changed.
    pub(super) fn save(&self) {
        if self.changed.swap(false, Ordering::Relaxed) {
            let saved = lock(&self.preferences).save();
            *lock(&self.notice) = saved.err().map(Notice::warning);
        }
    }

    /// Adds the plugin's state to the preferences, and writes them; for the end of a session. Returns the notice
    /// of a failure.
    pub(super) fn save_all(&self, plugin: &nih_plug::prelude::PluginState) -> Option<Notice> {
        lock(&self.preferences).set(PLUGIN_FIELD, plugin);
        self.changed.store(true, Ordering::Relaxed);
        self.save();
        lock(&self.notice).clone()
    }

    /// Changes the choice in this session, and the remembered one, which may differ from it by command-line
    /// arguments.
    pub(super) fn choose(&self, change: impl Fn(&mut AudioChoice)) {
        let mut choice = lock(&self.choice);
        change(&mut choice);
        self.audio.choose(choice.clone(), true);
        drop(choice);
        let mut preferences = lock(&self.preferences);
        let mut remembered: AudioChoice = preferences.get(AUDIO_FIELD).unwrap_or_default();
        change(&mut remembered);
        preferences.set(AUDIO_FIELD, &remembered);
        self.changed.store(true, Ordering::Relaxed);
    }

    /// Chooses a file to play.
    pub(super) fn play_file(&self, path: PathBuf) {
        self.choose(|choice| {
            choice.source = AudioSource::File;
            choice.file = Some(path.clone());
        });
    }

    /// The notice to show, if there is one: of the devices, the file, or the preferences.
    pub(super) fn notice(&self, state: &AudioState) -> Option<Notice> {
        let file_player = state.file_player.as_ref();
        state
            .notice
            .clone()
            .or_else(|| file_player.and_then(|file_player| file_player.notice()))
            .or_else(|| lock(&self.notice).clone())
    }
}
