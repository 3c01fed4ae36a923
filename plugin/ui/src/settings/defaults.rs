//! What new instances start with, and the way back to how everything was.

use egui::{Button, Ui};

use crate::desk::Desk;
use crate::look::Look;
use crate::parameters::ParameterValues;
use crate::row::{end, head, note, row};
use crate::state::EngineChoice;
use crate::user::User;

/// The section's own state.
#[derive(Debug, Default)]
pub(super) struct Defaults {
    said: Option<(String, bool)>,
}

impl Defaults {
    /// Draws the section.
    pub(super) fn section(&mut self, ui: &mut Ui, desk: &Desk<'_>, look: &mut Look, user: &User) {
        head(ui, desk, "Defaults");
        row(
            ui,
            desk.palette,
            "New instances",
            "Start as this one is now; projects keep what they have",
            |ui| {
                if button(
                    ui,
                    "Save as default",
                    "Have new instances start as this one is now",
                ) {
                    self.say(
                        desk.host.save_defaults(user),
                        "New instances start like this one.",
                    );
                }
                if button(
                    ui,
                    "Forget",
                    "Have new instances start as they were delivered",
                ) {
                    self.say(
                        user.forget_defaults(),
                        "New instances start as they were delivered.",
                    );
                }
            },
        );
        row(
            ui,
            desk.palette,
            "This instance",
            "All parameters and settings but the model",
            |ui| {
                if button(
                    ui,
                    "Reset",
                    "Put this instance back to how it was delivered",
                ) {
                    reset(desk, look);
                    self.said = Some(("Everything is as it was delivered.".to_owned(), true));
                }
            },
        );
        if let Some((words, good)) = &self.said {
            note(
                ui,
                words,
                if *good {
                    desk.palette.good
                } else {
                    desk.palette.warn
                },
            );
        }
        end(ui);
    }

    fn say<E: std::fmt::Display>(&mut self, done: Result<(), E>, words: &str) {
        self.said = Some(match done {
            Ok(()) => (words.to_owned(), true),
            Err(error) => (error.to_string(), false),
        });
    }
}

fn button(ui: &mut Ui, name: &str, about: &str) -> bool {
    ui.add(Button::new(name)).on_hover_text(about).clicked()
}

fn reset(desk: &Desk<'_>, look: &mut Look) {
    for change in ParameterValues::DEFAULT.changes() {
        desk.host.change(change);
    }
    desk.host.memory().set(&EngineChoice::default());
    desk.host.apply();
    *look = Look {
        page: look.page,
        ..Look::default()
    };
}
