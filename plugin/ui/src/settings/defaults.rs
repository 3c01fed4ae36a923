//! The defaults section: settings for new instances, and a reset of this one.

use egui::{Button, Ui};
use mertscope_audio::Notice;

use crate::parameters::ParameterValues;
use crate::row::{self, row};
use crate::state::{EngineChoice, LogChoice};
use crate::user::User;
use crate::view_context::ViewContext;
use crate::view_settings::ViewSettings;

/// The section's own state.
#[derive(Debug, Default)]
pub(super) struct DefaultsSection {
    notice: Option<Notice>,
}

impl DefaultsSection {
    /// Draws the section.
    pub(super) fn section(
        &mut self,
        ui: &mut Ui,
        context: &ViewContext<'_>,
        view_settings: &mut ViewSettings,
        user: &User,
    ) {
        row(
            ui,
            context.palette,
            "New instances",
            "Start with the settings of this one; projects keep their own",
            |ui| {
                if button(
                    ui,
                    "Save as default",
                    "Start new instances with the present settings of this one",
                ) {
                    self.notify(
                        context.host.save_defaults(user),
                        "New instances start like this one.",
                    );
                }
                if button(
                    ui,
                    "Forget",
                    "Start new instances with the factory settings",
                ) {
                    self.notify(
                        user.forget_defaults(),
                        "New instances start with the factory settings.",
                    );
                }
            },
        );
        row(
            ui,
            context.palette,
            "This instance",
            "All parameters and settings except the model",
            |ui| {
                if button(ui, "Reset", "Set this instance to the factory settings") {
                    reset(context, view_settings);
                    self.notice = Some(Notice::info("This instance has the factory settings."));
                }
            },
        );
        if let Some(notice) = &self.notice {
            row::notice(ui, context.palette, notice);
        }
    }

    /// Shows `words`, or the error.
    fn notify<E: std::fmt::Display>(&mut self, done: Result<(), E>, words: &str) {
        self.notice = Some(match done {
            Ok(()) => Notice::info(words),
            Err(error) => Notice::error(error),
        });
    }
}

fn button(ui: &mut Ui, name: &str, about: &str) -> bool {
    ui.add(Button::new(name)).on_hover_text(about).clicked()
}

fn reset(context: &ViewContext<'_>, view_settings: &mut ViewSettings) {
    for change in ParameterValues::DEFAULT.changes() {
        context.host.change(change);
    }
    context.host.state().set(&EngineChoice::default());
    context.host.state().set(&LogChoice::default());
    context.host.apply();
    *view_settings = ViewSettings {
        page: view_settings.page,
        ..ViewSettings::default()
    };
}
