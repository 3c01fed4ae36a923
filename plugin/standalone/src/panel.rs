//! The app's panel in the editor's window: source, level, file player, and a section of the
//! settings.
//!
//! Drawn on the GUI thread. A choice goes to the audio thread as an order and to the
//! preferences as a change; the panel waits for neither.

mod bar;
mod level;
mod settings;
mod state;
#[cfg(test)]
mod tests;

use std::path::PathBuf;
#[cfg(not(target_os = "linux"))]
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use egui::Ui;
use mertscope_audio::Notice;
use mertscope_model::lock;
use mertscope_ui::browser::Outcome;
use mertscope_ui::host_panel::HostPanel;
use mertscope_ui::theme::Palette;

use crate::audio::Audio;
use crate::choice::AudioChoice;
use crate::preferences::Preferences;
use state::{Drawn, PanelState};

/// See the module.
pub(crate) struct Panel {
    state: PanelState,
    drawn: Mutex<Drawn>,
    #[cfg(not(target_os = "linux"))]
    closing: AtomicBool,
}

impl Panel {
    /// A panel for audio that was started with `choice`.
    #[must_use]
    pub(crate) fn new(
        audio: Arc<Audio>,
        choice: AudioChoice,
        preferences: Preferences,
        notice: Option<Notice>,
    ) -> Self {
        Self {
            state: PanelState::new(audio, choice, preferences, notice),
            drawn: Mutex::default(),
            #[cfg(not(target_os = "linux"))]
            closing: AtomicBool::new(false),
        }
    }

    /// Closes the window with its next frame.
    #[cfg(not(target_os = "linux"))]
    pub(crate) fn close(&self) {
        self.closing.store(true, Ordering::Relaxed);
    }

    /// Writes the preferences if they changed.
    pub(crate) fn save(&self) {
        self.state.save();
    }

    /// Adds the plugin's state to the preferences, and writes them; for the end of a session. Returns the notice
    /// of a failure.
    pub(crate) fn save_all(&self, plugin: &nih_plug::prelude::PluginState) -> Option<Notice> {
        self.state.save_all(plugin)
    }
}

impl HostPanel for Panel {
    fn bar_height(&self, width: f32) -> f32 {
        bar::height(
            width,
            self.state.notice(&self.state.audio.state()).is_some(),
        )
    }

    fn bar_ui(&self, ui: &mut Ui, palette: &Palette) {
        #[cfg(not(target_os = "linux"))]
        if self.closing.load(Ordering::Relaxed) {
            ui.ctx().send_viewport_cmd(egui::ViewportCommand::Close);
        }
        let mut drawn = lock(&self.drawn);
        bar::ui(&self.state, &mut drawn, ui, palette);
        let chosen = drawn
            .browser
            .as_mut()
            .map(|browser| browser.ui(ui, palette));
        match chosen {
            Some(Outcome::Chosen(path)) => {
                drawn.browser = None;
                self.state.play_file(path);
            }
            Some(Outcome::Closed) => drawn.browser = None,
            Some(Outcome::Open) | None => {}
        }
    }

    fn title(&self) -> &str {
        "Audio"
    }

    fn settings_ui(&self, ui: &mut Ui, palette: &Palette) {
        settings::ui(&self.state, &mut lock(&self.drawn), ui, palette);
    }

    fn play_file(&self, path: PathBuf) {
        self.state.play_file(path);
    }
}
