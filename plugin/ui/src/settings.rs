//! Everything that can be chosen, in one column of sections that scrolls.

mod analysis;
mod defaults;
mod device;
mod display;
mod export;
mod heads;
mod models;

use egui::{Rect, ScrollArea, Ui, UiBuilder, vec2};

use self::defaults::Defaults;
use self::export::Export;
use self::models::Models;
use crate::desk::Desk;
use crate::extra::Extra;
use crate::look::Look;
use crate::row;
use crate::user::User;

/// Widest column of settings, in points.
const WIDEST: f32 = 760.0;

/// The settings' own state.
#[derive(Default)]
pub(crate) struct Settings {
    models: Models,
    export: Export,
    defaults: Defaults,
    /// The last pass of egui in which the page was drawn.
    drawn_in: Option<u64>,
}

impl Settings {
    /// Draws the settings into `rect`.
    pub(crate) fn ui(
        &mut self,
        ui: &mut Ui,
        desk: &Desk<'_>,
        look: &mut Look,
        (extra, user): (Option<&dyn Extra>, &User),
        rect: Rect,
    ) {
        let pass = ui.ctx().cumulative_pass_nr();
        if self.drawn_in.is_none_or(|last| last + 1 < pass) {
            // The page was opened: what is kept on this machine may be more than it was.
            desk.host.look_again();
        }
        self.drawn_in = Some(pass);
        let inner = desk.card(ui, rect);
        ui.scope_builder(UiBuilder::new().max_rect(inner), |ui| {
            ScrollArea::vertical().auto_shrink(false).show(ui, |ui| {
                let width = (ui.available_width() - 12.0).min(WIDEST);
                // One column in the middle: lines stay short however wide the window is.
                ui.add_space(0.0);
                let left = ((ui.available_width() - width) / 2.0).max(0.0);
                let column = Rect::from_min_size(
                    ui.cursor().min + vec2(left, 0.0),
                    vec2(width, f32::INFINITY),
                );
                ui.scope_builder(UiBuilder::new().max_rect(column), |ui| {
                    ui.set_width(width);
                    if let Some(extra) = extra {
                        row::head(ui, desk, extra.title());
                        extra.settings_ui(ui, desk.palette);
                        row::end(ui);
                    }
                    analysis::section(ui, desk);
                    self.models.section(ui, desk);
                    heads::section(ui, desk);
                    device::section(ui, desk);
                    display::section(ui, desk, look);
                    self.export.section(ui, desk);
                    self.defaults.section(ui, desk, look, user);
                });
            });
        });
    }
}
