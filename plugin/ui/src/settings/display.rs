//! The display section: notation, theme and clock.

use egui::Ui;
use mertscope_music::Notation;

use crate::control::segments;
use crate::parameters::{self, ParameterChange};
use crate::row::row;
use crate::theme::Theme;
use crate::view_context::ViewContext;
use crate::view_settings::{TimeBase, ViewSettings};

/// Draws the section.
pub(super) fn section(ui: &mut Ui, context: &ViewContext<'_>, view_settings: &mut ViewSettings) {
    row(
        ui,
        context.palette,
        parameters::NOTATION,
        "Changes only how keys are written",
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
            if let Some(notation) =
                segments(ui, context.palette, context.parameters.notation, &options)
            {
                context.host.change(ParameterChange::Notation(notation));
            }
        },
    );
    row(ui, context.palette, "Theme", "", |ui| {
        let options = Theme::ALL.map(|theme| (theme, theme.name(), "Colors of the window"));
        if let Some(theme) = segments(ui, context.palette, view_settings.theme, &options) {
            view_settings.theme = theme;
        }
    });
    row(
        ui,
        context.palette,
        "Clock",
        "The times below the timeline",
        |ui| {
            let options = TimeBase::ALL.map(|base| {
                let about = match base {
                    TimeBase::Elapsed => "Audio since listening began",
                    TimeBase::Timecode if context.host_panel.is_some() => {
                        "The position in the file"
                    }
                    TimeBase::Timecode => "The host's timeline",
                    TimeBase::WallClock => "The time of day",
                };
                (base, base.name(), about)
            });
            if let Some(base) = segments(ui, context.palette, view_settings.time_base, &options) {
                view_settings.time_base = base;
            }
        },
    );
}
