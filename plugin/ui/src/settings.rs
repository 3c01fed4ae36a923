//! The settings page: one column of sections that scrolls, and their names to jump to, beside it or above it.

mod analysis;
mod contents;
mod defaults;
mod device;
mod display;
mod export;
mod heads;
mod models;
mod section;

use egui::{Rect, ScrollArea, Ui, UiBuilder, vec2};

use self::contents::Contents;
use self::defaults::DefaultsSection;
use self::export::ExportSection;
use self::models::ModelsSection;
use self::section::Section;
use crate::row;
use crate::user::User;
use crate::view_context::ViewContext;
use crate::view_settings::ViewSettings;

/// Widest column of settings, in points.
const WIDEST: f32 = 760.0;

/// The settings' own state.
#[derive(Default)]
pub(crate) struct SettingsPage {
    contents: Contents,
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
        user: &User,
        rect: Rect,
    ) {
        let pass = ui.ctx().cumulative_pass_nr();
        if self.drawn_in.is_none_or(|last| last + 1 < pass) {
            // The page was just opened: heads may have been saved since the last time.
            context.host.refresh_models();
        }
        self.drawn_in = Some(pass);
        let inner = context.card(ui, rect);
        let inner = self.contents.ui(ui, context, inner);
        ui.scope_builder(UiBuilder::new().max_rect(inner), |ui| {
            ScrollArea::vertical().auto_shrink(false).show(ui, |ui| {
                // Room for the scroll bar that floats over the right edge.
                let width = (ui.available_width() - 12.0).min(WIDEST);
                // One column in the middle, so that lines stay short in a wide window.
                let left = ((ui.available_width() - width) / 2.0).max(0.0);
                let column = Rect::from_min_size(
                    ui.cursor().min + vec2(left, 0.0),
                    vec2(width, f32::INFINITY),
                );
                ui.scope_builder(UiBuilder::new().max_rect(column), |ui| {
                    ui.set_width(width);
                    for section in Section::ALL {
                        self.section(ui, context, view_settings, user, section);
                    }
                });
            });
        });
        self.contents.end(ui);
    }

    fn section(
        &mut self,
        ui: &mut Ui,
        context: &ViewContext<'_>,
        view_settings: &mut ViewSettings,
        user: &User,
        section: Section,
    ) {
        let Some(title) = section.title(context) else {
            return;
        };
        self.contents.begin(ui, section);
        row::head(ui, context, title);
        match section {
            Section::App => {
                if let Some(host_panel) = context.host_panel {
                    host_panel.settings_ui(ui, context.palette);
                }
            }
            Section::Analysis => analysis::section(ui, context),
            Section::Models => self.models.section(ui, context),
            Section::Heads => heads::section(ui, context),
            Section::Device => device::section(ui, context),
            Section::Display => display::section(ui, context, view_settings),
            Section::Export => self.export.section(ui, context),
            Section::Defaults => self.defaults.section(ui, context, view_settings, user),
        }
        row::end(ui);
    }
}
