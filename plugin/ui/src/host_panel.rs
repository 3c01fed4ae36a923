//! The panel that a program around the editor adds to the window: the standalone app's source and devices.

use std::path::PathBuf;

use egui::Ui;

use crate::theme::Palette;

/// A bar below the pages' bar, and a section of the settings. Drawn on the GUI thread.
pub trait HostPanel: Send + Sync {
    /// The height of the bar at this width, in points; 0 for no bar.
    fn bar_height(&self, width: f32) -> f32;

    /// Draws the bar over all of `ui`.
    fn bar_ui(&self, ui: &mut Ui, palette: &Palette);

    /// The title of the section.
    fn title(&self) -> &str;

    /// Draws the section's rows, above the others.
    fn settings_ui(&self, ui: &mut Ui, palette: &Palette);

    /// Plays a file that was dropped on the window.
    fn play_file(&self, path: PathBuf);
}
