//! The export section: results as files, and as OSC messages while they come.

use std::path::PathBuf;
use std::sync::Arc;

use egui::{Button, TextEdit, Ui};
use mertscope_audio::Notice;
use mertscope_export::save::ExportKind;

use crate::control::switch;
use crate::row::{self, row, small_text};
use crate::state::OscChoice;
use crate::view_context::ViewContext;

/// The section's own state: typed text, and the error of the last change.
#[derive(Debug, Default)]
pub(super) struct ExportSection {
    folder: String,
    address: Option<String>,
    name: Option<String>,
    notice: Option<Notice>,
}

impl ExportSection {
    /// Draws the section.
    pub(super) fn section(&mut self, ui: &mut Ui, context: &ViewContext<'_>) {
        self.files(ui, context);
        self.osc(ui, context);
    }

    fn files(&mut self, ui: &mut Ui, context: &ViewContext<'_>) {
        row(
            ui,
            context.palette,
            "Folder",
            "Empty: the folder “mertscope” of your documents or data",
            |ui| {
                let field = TextEdit::singleline(&mut self.folder)
                    .desired_width(240.0)
                    .hint_text("Default folder");
                ui.add(field)
                    .accessible_name("Folder for exports")
                    .on_hover_text("The folder for exports");
            },
        );
        row(
            ui,
            context.palette,
            "Write the history",
            "All results of this instance up to now",
            |ui| {
                for kind in ExportKind::ALL {
                    let about = match kind {
                        ExportKind::Csv => "One row of comma-separated values per window",
                        ExportKind::Json => "One JSON document",
                        ExportKind::Png => "A picture of the timeline",
                        ExportKind::Midi => "The key changes as a MIDI file",
                    };
                    if ui
                        .add(Button::new(kind.name()))
                        .on_hover_text(about)
                        .clicked()
                    {
                        let folder = self.folder.trim();
                        let folder = (!folder.is_empty()).then(|| PathBuf::from(folder));
                        context.host.export(Arc::clone(context.live), kind, folder);
                    }
                }
            },
        );
        if let Some(notice) = context.host.export_notice() {
            row::notice(ui, context.palette, &notice);
        }
    }

    fn osc(&mut self, ui: &mut Ui, context: &ViewContext<'_>) {
        let before: OscChoice = context.host.state().get().unwrap_or_default();
        let mut choice = before.clone();
        let palette = context.palette;
        let line = "Sends each result as messages over the network (UDP)";
        row(ui, palette, "OSC", line, |ui| {
            let about = "Whether results are sent as OSC messages";
            if let Some(on) = switch(ui, palette, before.enabled, "OSC", about) {
                choice.enabled = on;
            }
        });
        let line = "Receiver and port; this machine by default";
        row(ui, palette, "OSC address", line, |ui| {
            let text = self.address.get_or_insert_with(|| before.address.clone());
            let about = "For example 127.0.0.1:9000; press Enter to use it";
            if let Some(address) = osc_field(ui, text, "OSC address", about) {
                choice.address = address;
            }
        });
        let line = "The name of this instance in the messages; empty for a number";
        row(ui, palette, "OSC name", line, |ui| {
            let text = self.name.get_or_insert_with(|| before.name.clone());
            let about = "A part of the messages' addresses";
            if let Some(name) = osc_field(ui, text, "OSC name", about) {
                choice.name = name;
            }
        });
        if choice != before {
            self.notice = context.host.set_osc(choice).err().map(Notice::error);
        }
        let status = context.host.osc_status();
        if let Some(notice) = self.notice.as_ref().or(status.notice.as_ref()) {
            row::notice(ui, context.palette, notice);
        } else if before.enabled {
            small_text(
                ui,
                &format!("{} messages sent", status.messages),
                context.palette.dim,
            );
        }
    }
}

/// Draws a field; `Some` of its text once the typing has ended.
fn osc_field(ui: &mut Ui, text: &mut String, name: &str, about: &str) -> Option<String> {
    let field = ui.add(TextEdit::singleline(text).desired_width(180.0));
    let field = field.accessible_name(name).on_hover_text(about);
    field.lost_focus().then(|| text.trim().to_owned())
}
