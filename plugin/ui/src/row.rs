//! Sections of rows: a head, rows with the name on the left and the control on the right, and small text.

use egui::{Align, Layout, Ui, vec2};
use mertscope_audio::Notice;

use crate::text::{self, Size};
use crate::theme::Palette;
use crate::view_context::ViewContext;

/// From this width on a control stands beside its name, otherwise below it; in points.
const SIDE_BY_SIDE: f32 = 520.0;

/// Writes the head of a section.
pub(crate) fn head(ui: &mut Ui, context: &ViewContext<'_>, title: &str) {
    ui.add_space(4.0);
    ui.label(
        egui::RichText::new(title)
            .font(text::bold(Size::Title))
            .color(context.palette.text),
    );
    ui.add_space(2.0);
}

/// Ends a section.
pub(crate) fn end(ui: &mut Ui) {
    ui.add_space(10.0);
    ui.separator();
}

/// A row with a name, a line about it, and its control.
pub fn row<R>(
    ui: &mut Ui,
    palette: &Palette,
    name: &str,
    about: &str,
    control: impl FnOnce(&mut Ui) -> R,
) -> R {
    let words = |ui: &mut Ui| {
        ui.spacing_mut().item_spacing.y = 1.0;
        ui.label(egui::RichText::new(name).color(palette.text));
        if !about.is_empty() {
            ui.label(
                egui::RichText::new(about)
                    .font(text::plain(Size::Small))
                    .color(palette.faint),
            );
        }
    };
    let width = ui.available_width();
    let done = if width >= SIDE_BY_SIDE {
        ui.horizontal(|ui| {
            let name_width = width * 0.46;
            ui.allocate_ui_with_layout(vec2(name_width, 0.0), Layout::top_down(Align::Min), |ui| {
                ui.set_width(name_width);
                words(ui);
            });
            ui.add_space(8.0);
            control(ui)
        })
        .inner
    } else {
        words(ui);
        let done = ui.horizontal_wrapped(control).inner;
        // Stacked rows need more space between them than within them.
        ui.add_space(6.0);
        done
    };
    ui.add_space(5.0);
    done
}

/// Small text that wraps, below a row.
pub(crate) fn small_text(ui: &mut Ui, words: &str, color: egui::Color32) {
    let words = egui::RichText::new(words)
        .font(text::plain(Size::Small))
        .color(color);
    ui.add(egui::Label::new(words).wrap());
}

/// A notice as small text, in the color of its severity.
pub(crate) fn notice(ui: &mut Ui, palette: &Palette, notice: &Notice) {
    small_text(ui, &notice.text, palette.severity(notice.severity));
}

/// A line about the purpose of a page or of half a page, below its title.
pub(crate) fn about(ui: &mut Ui, palette: &Palette, words: &str) {
    small_text(ui, words, palette.faint);
    ui.add_space(2.0);
}
