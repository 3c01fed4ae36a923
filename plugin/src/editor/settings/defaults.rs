//! What new instances start with, and the way back to how everything was.

use egui::{Button, Ui};
use nih_plug::params::Param;

use super::super::desk::Desk;
use super::super::look::Look;
use super::row::{end, head, note, row};
use crate::state::EngineChoice;
use crate::user::User;

/// The section's own state.
#[derive(Debug, Default)]
pub struct Defaults {
    said: Option<(String, bool)>,
}

impl Defaults {
    /// Draws the section.
    pub fn section(&mut self, ui: &mut Ui, desk: &Desk<'_>, look: &mut Look, user: &User) {
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
                        user.set_defaults(Some(desk.host.get_state())),
                        "New instances start like this one.",
                    );
                }
                if button(
                    ui,
                    "Forget",
                    "Have new instances start as they were delivered",
                ) {
                    self.say(
                        user.set_defaults(None),
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
    let params = desk.params;
    desk.set(&params.analyse, params.analyse.default_plain_value());
    desk.set(&params.hop_s, params.hop_s.default_plain_value());
    desk.set(&params.smoothing, params.smoothing.default_plain_value());
    desk.set(&params.source, params.source.default_plain_value());
    desk.set(&params.hold, params.hold.default_plain_value());
    desk.set(&params.notation, params.notation.default_plain_value());
    desk.set(&params.log, params.log.default_plain_value());
    params.memory.set(&EngineChoice::default());
    desk.connection.apply();
    *look = Look {
        page: look.page,
        ..Look::default()
    };
}
