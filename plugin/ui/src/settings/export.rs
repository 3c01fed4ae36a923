//! Taking results elsewhere: files of what was heard, and OSC messages while it is heard.

use std::path::PathBuf;
use std::sync::Arc;

use egui::{Button, TextEdit, Ui};
use mertscope_export::save::Kind;

use crate::control::switch;
use crate::desk::Desk;
use crate::row::{end, head, note, row};
use crate::state::OscChoice;

/// The section's own state: what is being typed.
#[derive(Debug, Default)]
pub(super) struct Export {
    folder: String,
    address: Option<String>,
    name: Option<String>,
    trouble: Option<String>,
}

impl Export {
    /// Draws the section.
    pub(super) fn section(&mut self, ui: &mut Ui, desk: &Desk<'_>) {
        head(ui, desk, "Export");
        self.files(ui, desk);
        self.osc(ui, desk);
        end(ui);
    }

    fn files(&mut self, ui: &mut Ui, desk: &Desk<'_>) {
        row(
            ui,
            desk.palette,
            "Folder",
            "Empty: the folder “mertscope” of your documents or data",
            |ui| {
                let field = TextEdit::singleline(&mut self.folder)
                    .desired_width(240.0)
                    .hint_text("Default folder");
                ui.add(field)
                    .accessible_name("Folder for exports")
                    .on_hover_text("Where exports are written");
            },
        );
        row(
            ui,
            desk.palette,
            "Write what was heard",
            "The history of this instance, as it is now",
            |ui| {
                for kind in Kind::ALL {
                    let about = match kind {
                        Kind::Csv => "A row of comma-separated values for each window",
                        Kind::Json => "One JSON document",
                        Kind::Png => "A picture of the timeline",
                        Kind::Midi => "The changes of key as a MIDI file",
                    };
                    if ui
                        .add(Button::new(kind.name()))
                        .on_hover_text(about)
                        .clicked()
                    {
                        let folder = self.folder.trim();
                        let folder = (!folder.is_empty()).then(|| PathBuf::from(folder));
                        desk.host.export(Arc::clone(desk.live), kind, folder);
                    }
                }
            },
        );
        if let Some(said) = desk.host.export_notice() {
            note(
                ui,
                &said.text,
                if said.is_error {
                    desk.palette.warn
                } else {
                    desk.palette.good
                },
            );
        }
    }

    fn osc(&mut self, ui: &mut Ui, desk: &Desk<'_>) {
        let before: OscChoice = desk.host.memory().get().unwrap_or_default();
        let mut choice = before.clone();
        row(
            ui,
            desk.palette,
            "OSC",
            "Each answer as messages over UDP; assets/schema/osc.md describes them",
            |ui| {
                if let Some(on) = switch(
                    ui,
                    desk.palette,
                    before.enabled,
                    "OSC",
                    "Whether answers are sent as OSC messages",
                ) {
                    choice.enabled = on;
                }
            },
        );
        row(
            ui,
            desk.palette,
            "OSC address",
            "Receiver and port; this machine by default",
            |ui| {
                let text = self.address.get_or_insert_with(|| before.address.clone());
                let field = ui.add(TextEdit::singleline(text).desired_width(180.0));
                let field = field
                    .accessible_name("OSC address")
                    .on_hover_text("Like 127.0.0.1:9000; press Enter to use it");
                if field.lost_focus() {
                    choice.address = text.trim().to_owned();
                }
            },
        );
        row(
            ui,
            desk.palette,
            "OSC name",
            "What this instance calls itself; empty for a number",
            |ui| {
                let text = self.name.get_or_insert_with(|| before.name.clone());
                let field = ui.add(TextEdit::singleline(text).desired_width(180.0));
                let field = field
                    .accessible_name("OSC name")
                    .on_hover_text("A part of the messages' addresses");
                if field.lost_focus() {
                    choice.name = text.trim().to_owned();
                }
            },
        );
        if choice != before {
            self.trouble = desk
                .host
                .set_osc(choice)
                .err()
                .map(|error| error.to_string());
        }
        let status = desk.host.osc_status();
        if let Some(trouble) = self.trouble.as_ref().or(status.error.as_ref()) {
            note(ui, trouble, desk.palette.warn);
        } else if before.enabled {
            note(
                ui,
                &format!("{} messages sent", status.messages),
                desk.palette.dim,
            );
        }
    }
}
