//! The details of the status bar: all figures in columns.

use egui::accesskit::Role;
use egui::{Align2, Rect, Sense, Ui, WidgetInfo, vec2};

use super::figures::{Figure, figures};
use crate::text::{self, Size};
use crate::view_context::ViewContext;

/// Height of a row in points.
const ROW: f32 = 20.0;
/// Figures in the details: those of the line, and the window.
const FIGURES: usize = 8;

/// The height at this width, in points.
pub(super) fn height(width: f32) -> f32 {
    ROW * FIGURES.div_ceil(columns(width)) as f32 + 10.0
}

fn columns(width: f32) -> usize {
    ((width / 300.0).floor() as usize).clamp(1, 4)
}

/// Draws the figures, each with its meaning as a tooltip.
pub(super) fn details_ui(ui: &mut Ui, context: &ViewContext<'_>, rect: Rect) {
    let columns = columns(rect.width());
    let width = (rect.width() - 20.0) / columns as f32;
    let window = Figure {
        name: "Window",
        value: text::percent(context.live.window_fill),
        widest: "",
        about: "The share of a window that has arrived since the last start or jump",
    };
    for (index, figure) in std::iter::once(window)
        .chain(figures(context.live))
        .enumerate()
    {
        let (row, column) = (index / columns, index % columns);
        let min = rect.min + vec2(10.0 + width * column as f32, ROW * row as f32);
        let cell = Rect::from_min_size(min, vec2(width - 10.0, ROW));
        let response = ui.interact(
            cell,
            ui.scope_id().with(("figure", figure.name)),
            Sense::hover(),
        );
        let words = format!("{}: {}", figure.name, figure.value);
        response.widget_info(|| WidgetInfo::labeled(Role::Label, true, &words));
        let named = (text::plain(Size::Small), context.palette.faint);
        text::put(
            ui.painter(),
            cell.left_center(),
            Align2::LEFT_CENTER,
            figure.name,
            named,
            60.0,
        );
        let valued = (text::plain(Size::Small), context.palette.text);
        let at = cell.left_center() + vec2(66.0, 0.0);
        text::put(
            ui.painter(),
            at,
            Align2::LEFT_CENTER,
            &figure.value,
            valued,
            cell.width() - 66.0,
        );
        response.on_hover_text(format!("{words}\n{}", figure.about));
    }
}
