//! What the app adds to the editor's window: where the audio comes from, how loud it is, the file
//! player, and a section of the settings.
//!
//! Drawn on the GUI thread. What is chosen goes to the audio thread as an order and to the
//! preferences as a change; neither is waited for.

mod bar;
mod level;
mod settings;
#[cfg(test)]
mod tests;

use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use egui::Ui;

use self::level::Level;
use super::audio::{Audio, AudioState};
use super::choice::{AudioChoice, Source};
use super::preferences::Preferences;
use super::{AUDIO_FIELD, PLUGIN_FIELD};
use crate::editor::browser::{Browser, Outcome};
use crate::editor::extra::Extra;
use crate::editor::theme::Palette;

/// See the module.
pub struct Panel {
    audio: Arc<Audio>,
    /// What is wanted in this session.
    choice: Mutex<AudioChoice>,
    preferences: Mutex<Preferences>,
    /// Whether there is something to write.
    changed: AtomicBool,
    /// Why the preferences could not be written.
    problem: Mutex<Option<String>>,
    drawn: Mutex<Drawn>,
    #[cfg(not(target_os = "linux"))]
    closing: AtomicBool,
}

/// What drawing remembers from frame to frame.
#[derive(Default)]
struct Drawn {
    level: Level,
    browser: Option<Browser>,
    /// Where the position's slider is held, in seconds.
    held_s: Option<f64>,
    /// What stands in the path's field, while that is edited.
    path: Option<String>,
}

impl Panel {
    /// A panel for audio that was started with `choice`.
    #[must_use]
    pub fn new(
        audio: Arc<Audio>,
        choice: AudioChoice,
        preferences: Preferences,
        problem: Option<String>,
    ) -> Self {
        Self {
            audio,
            choice: Mutex::new(choice),
            preferences: Mutex::new(preferences),
            changed: AtomicBool::new(false),
            problem: Mutex::new(problem),
            drawn: Mutex::default(),
            #[cfg(not(target_os = "linux"))]
            closing: AtomicBool::new(false),
        }
    }

    /// Closes the window with its next frame.
    #[cfg(not(target_os = "linux"))]
    pub fn close(&self) {
        self.closing.store(true, Ordering::Relaxed);
    }

    /// Writes the preferences if they changed.
    pub fn save(&self) {
        if self.changed.swap(false, Ordering::Relaxed) {
            let saved = lock(&self.preferences).save();
            *lock(&self.problem) = saved.err().map(|error| error.to_string());
        }
    }

    /// Remembers the plugin's state too, and writes all; for the end of a session.
    pub fn save_all(&self, plugin: &nih_plug::prelude::PluginState) -> Option<String> {
        lock(&self.preferences).set(PLUGIN_FIELD, plugin);
        self.changed.store(true, Ordering::Relaxed);
        self.save();
        lock(&self.problem).clone()
    }

    /// Changes what is wanted: in this session, and in what is remembered, which may differ by what
    /// was typed on the command line.
    fn choose(&self, change: impl Fn(&mut AudioChoice)) {
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

    fn play_file(&self, path: PathBuf) {
        self.choose(|choice| {
            choice.source = Source::File;
            choice.file = Some(path.clone());
        });
    }

    /// What is wrong, if something is.
    fn notice(&self, state: &AudioState) -> Option<String> {
        let deck = state.deck.as_ref();
        state
            .notice
            .clone()
            .or_else(|| deck.and_then(|deck| deck.failure()))
            .or_else(|| lock(&self.problem).clone())
    }
}

impl Extra for Panel {
    fn bar_height(&self, width: f32) -> f32 {
        bar::height(width, self.notice(&self.audio.state()).is_some())
    }

    fn bar_ui(&self, ui: &mut Ui, palette: &Palette) {
        #[cfg(not(target_os = "linux"))]
        if self.closing.load(Ordering::Relaxed) {
            ui.ctx().send_viewport_cmd(egui::ViewportCommand::Close);
        }
        let mut drawn = lock(&self.drawn);
        bar::ui(self, &mut drawn, ui, palette);
        let chosen = drawn
            .browser
            .as_mut()
            .map(|browser| browser.ui(ui, palette));
        match chosen {
            Some(Outcome::Chosen(path)) => {
                drawn.browser = None;
                self.play_file(path);
            }
            Some(Outcome::Closed) => drawn.browser = None,
            Some(Outcome::Open) | None => {}
        }
    }

    fn title(&self) -> &str {
        "Audio"
    }

    fn settings_ui(&self, ui: &mut Ui, palette: &Palette) {
        settings::ui(self, &mut lock(&self.drawn), ui, palette);
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // What is behind these locks stays whole whatever panicked meanwhile.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
