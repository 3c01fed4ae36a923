//! The defaults section: settings for new instances, and a reset of this one.

use egui::{Button, Ui};

use crate::parameters::ParameterValues;
use crate::row::{self, end, head, row};
use crate::state::EngineChoice;
use crate::user::User;
use crate::view_context::ViewContext;
use crate::view_settings::ViewSettings;
use mertscope_audio::Notice;

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
        head(ui, context, "Defaults");
        row(
            ui,
            context.palette,
            "New instances",
            "Start as this one is now; projects keep what they have",
            |ui| {
                if button(
                    ui,
                    "Save as default",
                    "Have new instances start as this one is now",
                ) {
                    self.tell(
                        context.host.save_defaults(user),
                        "New instances start like this one.",
                    );
                }
                if button(
                    ui,
                    "Forget",
                    "Have new instances start as they were delivered",
                ) {
                    self.tell(
                        user.forget_defaults(),
                        "New instances start as they were delivered.",
                    );
                }
            },
        );
        row(
            ui,
            context.palette,
            "This instance",
            "All parameters and settings but the model",
            |ui| {
                if button(
                    ui,
                    "Reset",
                    "Put this instance back to how it was delivered",
                ) {
                    reset(context, view_settings);
                    self.notice = Some(Notice::info("Everything is as it was delivered."));
                }
            },
        );
        if let Some(notice) = &self.notice {
            row::notice(ui, context.palette, notice);
        }
        end(ui);
    }

    fn tell<E: std::fmt::Display>(&mut self, done: Result<(), E>, words: &str) {
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
    context.host.apply();
    *view_settings = ViewSettings {
        page: view_settings.page,
        ..ViewSettings::default()
    };
}
