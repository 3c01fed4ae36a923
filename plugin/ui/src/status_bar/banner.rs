//! The banner above the status bar: an error, as a sentence with its remedy.

use std::sync::Arc;

use egui::accesskit::Role;
use egui::text::LayoutJob;
use egui::{Align2, CornerRadius, Galley, Rect, Sense, Shape, Stroke, Ui, WidgetInfo, pos2, vec2};

use crate::color;
use crate::control::focus_ring;
use crate::text::{self, Size};
use crate::view_context::ViewContext;

/// The height of the banner at this width, in points.
pub(super) fn height(ui: &Ui, context: &ViewContext<'_>, words: &str, width: f32) -> f32 {
    galley(ui, context, words, width).size().y + 14.0
}

fn galley(ui: &Ui, context: &ViewContext<'_>, words: &str, width: f32) -> Arc<Galley> {
    let mut job = LayoutJob::simple(
        words.to_owned(),
        text::plain(Size::Small),
        context.palette.text,
        (width - 44.0).max(40.0),
    );
    // The tooltip has the rest.
    job.wrap.max_rows = 4;
    ui.painter().layout_job(job)
}

/// Draws the banner into `rect`.
pub(super) fn banner_ui(ui: &Ui, context: &ViewContext<'_>, words: &str, rect: Rect) {
    let palette = context.palette;
    let response = ui.interact(
        rect,
        ui.scope_id().with("notice"),
        Sense::focusable_noninteractive(),
    );
    response.widget_info(|| WidgetInfo::labeled(Role::Alert, true, words));
    ui.painter().rect_filled(
        rect,
        CornerRadius::ZERO,
        color::mix(palette.panel, palette.warn, 0.14),
    );
    ui.painter().rect_filled(
        rect.with_max_x(rect.left() + 3.0),
        CornerRadius::ZERO,
        palette.warn,
    );
    let sign = pos2(rect.left() + 20.0, rect.center().y);
    let triangle = [vec2(0.0, -6.5), vec2(7.0, 5.5), vec2(-7.0, 5.5)]
        .map(|d| sign + d)
        .to_vec();
    ui.painter()
        .add(Shape::convex_polygon(triangle, palette.warn, Stroke::NONE));
    let mark = (text::bold(Size::Points(9.0)), color::on(palette.warn));
    text::put(
        ui.painter(),
        sign + vec2(0.0, 1.5),
        Align2::CENTER_CENTER,
        "!",
        mark,
        10.0,
    );
    let words_galley = galley(ui, context, words, rect.width());
    let at = rect.min + vec2(34.0, 7.0);
    ui.painter().galley(at, words_galley, palette.text);
    focus_ring(ui, &response, palette, 2);
    response.on_hover_text(words);
}
