//! The panel of a test app: it keeps the files that it is to play.

use std::path::PathBuf;
use std::sync::Mutex;

use egui::Ui;
use mertscope_ui::host_panel::HostPanel;
use mertscope_ui::row::row;
use mertscope_ui::theme::Palette;

/// See the module.
#[derive(Default)]
pub(crate) struct TestPanel {
    pub played: Mutex<Vec<PathBuf>>,
}

impl HostPanel for TestPanel {
    fn bar_height(&self, _width: f32) -> f32 {
        30.0
    }

    fn bar_ui(&self, ui: &mut Ui, _palette: &Palette) {
        ui.label("No file");
    }

    fn title(&self) -> &str {
        "Audio"
    }

    fn settings_ui(&self, ui: &mut Ui, palette: &Palette) {
        row(ui, palette, "Input", "The device that is analyzed", |ui| {
            ui.button("Default").clicked()
        });
    }

    fn play_file(&self, path: PathBuf) {
        self.played.lock().unwrap().push(path);
    }
}
