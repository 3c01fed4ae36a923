//! How things are written and how the window looks.

use egui::Ui;
use mertscope_music::Notation;

use crate::control::segments;
use crate::desk::Desk;
use crate::look::{Look, TimeBase};
use crate::parameters::{self, ParameterChange};
use crate::row::{end, head, row};
use crate::theme::Theme;

/// Draws the section.
pub(super) fn section(ui: &mut Ui, desk: &Desk<'_>, look: &mut Look) {
    head(ui, desk, "Display");
    row(
        ui,
        desk.palette,
        parameters::NOTATION,
        "Only how keys are written; the answer is the same",
        |ui| {
            let options = [
                (
                    Notation::Traditional,
                    "A minor",
                    "Traditional: tonic and mode",
                ),
                (Notation::Camelot, "8A", "The Camelot wheel"),
                (Notation::OpenKey, "1m", "The Open Key wheel"),
            ];
            if let Some(notation) = segments(ui, desk.palette, desk.parameters.notation, &options) {
                desk.host.change(ParameterChange::Notation(notation));
            }
        },
    );
    row(ui, desk.palette, "Theme", "", |ui| {
        let options = Theme::ALL.map(|theme| (theme, theme.name(), "How the window looks"));
        if let Some(theme) = segments(ui, desk.palette, look.theme, &options) {
            look.theme = theme;
        }
    });
    row(
        ui,
        desk.palette,
        "Clock",
        "How the timeline tells the time",
        |ui| {
            let options = TimeBase::ALL.map(|base| {
                let about = match base {
                    TimeBase::Elapsed => "Audio heard since listening began",
                    TimeBase::Timecode => "The host's timeline",
                    TimeBase::WallClock => "The time of day when it was heard",
                };
                (base, base.name(), about)
            });
            if let Some(base) = segments(ui, desk.palette, look.time_base, &options) {
                look.time_base = base;
            }
        },
    );
    end(ui);
}
