//! Everything that can be chosen, in one column of sections that scrolls.

mod analysis;
mod display;
mod row;

use egui::{Rect, ScrollArea, Ui, UiBuilder, vec2};

use super::desk::Desk;
use super::extra::Extra;
use super::look::Look;

/// Widest column of settings, in points.
const WIDEST: f32 = 720.0;

/// The settings' own state.
#[derive(Debug, Default)]
pub struct Settings {}

impl Settings {
    /// Draws the settings into `rect`.
    pub fn ui(
        &mut self,
        ui: &mut Ui,
        desk: &Desk<'_>,
        look: &mut Look,
        extra: Option<&dyn Extra>,
        rect: Rect,
    ) {
        let inner = desk.card(ui, rect);
        ui.scope_builder(UiBuilder::new().max_rect(inner), |ui| {
            ScrollArea::vertical().auto_shrink(false).show(ui, |ui| {
                let width = ui.available_width().min(WIDEST) - 12.0;
                ui.allocate_ui(vec2(width, 0.0), |ui| {
                    ui.set_width(width);
                    if let Some(extra) = extra {
                        row::head(ui, desk, extra.title());
                        extra.settings_ui(ui, desk.palette);
                        row::end(ui);
                    }
                    analysis::section(ui, desk);
                    display::section(ui, desk, look);
                });
            });
        });
    }
}
