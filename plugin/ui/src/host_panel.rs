//! A panel that a program adds to the window: the standalone app's source and devices.

use egui::Ui;

use crate::theme::Palette;

/// A bar below the pages' bar, and a section of the settings. Drawn on the GUI thread.
pub trait HostPanel: Send + Sync {
    /// How high the bar is at this width, in points; 0 for none.
    fn bar_height(&self, width: f32) -> f32;

    /// Draws the bar over all of `ui`.
    fn bar_ui(&self, ui: &mut Ui, palette: &Palette);

    /// The head of the section.
    fn title(&self) -> &str;

    /// Draws the section's rows, above the others.
    fn settings_ui(&self, ui: &mut Ui, palette: &Palette);
}
