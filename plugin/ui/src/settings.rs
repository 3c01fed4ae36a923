//! The settings page: one column of sections that scrolls.

mod analysis;
mod defaults;
mod device;
mod display;
mod export;
mod heads;
mod models;

use egui::{Rect, ScrollArea, Ui, UiBuilder, vec2};

use self::defaults::DefaultsSection;
use self::export::ExportSection;
use self::models::ModelsSection;
use crate::host_panel::HostPanel;
use crate::row;
use crate::user::User;
use crate::view_context::ViewContext;
use crate::view_settings::ViewSettings;

/// Widest column of settings, in points.
const WIDEST: f32 = 760.0;

/// The settings' own state.
#[derive(Default)]
pub(crate) struct SettingsPage {
    models: ModelsSection,
    export: ExportSection,
    defaults: DefaultsSection,
    /// The last pass of egui in which the page was drawn.
    drawn_in: Option<u64>,
}

impl SettingsPage {
    /// Draws the settings into `rect`.
    pub(crate) fn ui(
        &mut self,
        ui: &mut Ui,
        context: &ViewContext<'_>,
        view_settings: &mut ViewSettings,
        (host_panel, user): (Option<&dyn HostPanel>, &User),
        rect: Rect,
    ) {
        let pass = ui.ctx().cumulative_pass_nr();
        if self.drawn_in.is_none_or(|last| last + 1 < pass) {
            // The page was just opened: heads may have been saved since the last time.
            context.host.refresh_models();
        }
        self.drawn_in = Some(pass);
        let inner = context.card(ui, rect);
        ui.scope_builder(UiBuilder::new().max_rect(inner), |ui| {
            ScrollArea::vertical().auto_shrink(false).show(ui, |ui| {
                let width = (ui.available_width() - 12.0).min(WIDEST);
                // One column in the middle, so that lines stay short in a wide window.
                ui.add_space(0.0);
                let left = ((ui.available_width() - width) / 2.0).max(0.0);
                let column = Rect::from_min_size(
                    ui.cursor().min + vec2(left, 0.0),
                    vec2(width, f32::INFINITY),
                );
                ui.scope_builder(UiBuilder::new().max_rect(column), |ui| {
                    ui.set_width(width);
                    if let Some(host_panel) = host_panel {
                        row::head(ui, context, host_panel.title());
                        host_panel.settings_ui(ui, context.palette);
                        row::end(ui);
                    }
                    analysis::section(ui, context);
                    self.models.section(ui, context);
                    heads::section(ui, context);
                    device::section(ui, context);
                    display::section(ui, context, view_settings);
                    self.export.section(ui, context);
                    self.defaults.section(ui, context, view_settings, user);
                });
            });
        });
    }
}
