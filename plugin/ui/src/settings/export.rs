//! Taking results elsewhere: files of what was heard, and OSC messages while it is heard.

use std::path::PathBuf;
use std::sync::Arc;

use egui::{Button, TextEdit, Ui};
use mertscope_export::save::ExportKind;

use crate::control::switch;
use crate::row::{self, end, head, row, small_text};
use crate::state::OscChoice;
use crate::view_context::ViewContext;
use mertscope_audio::Notice;

/// The section's own state: what is being typed.
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
        head(ui, context, "Export");
        self.files(ui, context);
        self.osc(ui, context);
        end(ui);
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
                    .on_hover_text("Where exports are written");
            },
        );
        row(
            ui,
            context.palette,
            "Write what was heard",
            "The history of this instance, as it is now",
            |ui| {
                for kind in ExportKind::ALL {
                    let about = match kind {
                        ExportKind::Csv => "A row of comma-separated values for each window",
                        ExportKind::Json => "One JSON document",
                        ExportKind::Png => "A picture of the timeline",
                        ExportKind::Midi => "The changes of key as a MIDI file",
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
        row(
            ui,
            context.palette,
            "OSC",
            "Each answer as messages over UDP; docs/osc.md describes them",
            |ui| {
                if let Some(on) = switch(
                    ui,
                    context.palette,
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
            context.palette,
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
            context.palette,
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
