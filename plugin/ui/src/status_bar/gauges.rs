//! The parts of the status bar's line: state, level, window and figures.

use egui::{Align2, CornerRadius, Rect, Ui, pos2, vec2};
use mertscope_live::{ModelState, State};

use super::figures::{Figure, level_text, state_words};
use crate::drawing::finite;
use crate::text::{self, Size};
use crate::view_context::ViewContext;

/// Lowest level on the meter, in dBFS.
const METER_FLOOR_DBFS: f32 = -60.0;

/// Draws the state with a light, lit while windows are analyzed; returns its right edge, as the next ones do.
pub(super) fn state(ui: &Ui, context: &ViewContext<'_>, rect: Rect) -> f32 {
    let (palette, snapshot) = (context.palette, context.live);
    let light = match (snapshot.model.state, snapshot.state) {
        (ModelState::Missing, _) => palette.warn,
        (ModelState::Ready, State::Analyzing) => palette.good,
        _ => palette.faint,
    };
    let at = rect.left_center() + vec2(5.0, 0.0);
    ui.painter().circle_filled(at, 4.0, light);
    let font = (text::bold(Size::Small), palette.text);
    let slot = 84.0;
    text::put(
        ui.painter(),
        at + vec2(10.0, 0.0),
        Align2::LEFT_CENTER,
        state_words(snapshot),
        font,
        slot,
    );
    at.x + 10.0 + slot
}

/// Draws the input's level: a bar and its figure.
pub(super) fn level(ui: &Ui, context: &ViewContext<'_>, rect: Rect, left: f32) -> f32 {
    let (palette, level) = (context.palette, context.live.level_dbfs);
    let track = Rect::from_center_size(pos2(left + 32.0, rect.center().y), vec2(64.0, 6.0));
    ui.painter()
        .rect_filled(track, CornerRadius::same(3), palette.raised);
    let share = if level.is_finite() {
        (1.0 - level / METER_FLOOR_DBFS).clamp(0.0, 1.0)
    } else {
        0.0
    };
    if share > 0.0 {
        let color = if level > -1.0 {
            palette.warn
        } else {
            palette.good
        };
        let lit = Rect::from_min_size(track.min, vec2(track.width() * share, track.height()));
        ui.painter().rect_filled(lit, CornerRadius::same(3), color);
    }
    let words = level_text(level);
    let font = (text::plain(Size::Small), palette.dim);
    text::put_figures(
        ui.painter(),
        pos2(track.right() + 56.0, rect.center().y),
        Align2::RIGHT_CENTER,
        &words,
        font,
    );
    track.right() + 68.0
}

/// Draws the share of the window that is filled.
pub(super) fn window_fill(ui: &Ui, context: &ViewContext<'_>, rect: Rect, left: f32) -> f32 {
    let (palette, fill) = (context.palette, finite(context.live.window_fill));
    let font = (text::plain(Size::Small), palette.faint);
    let name = text::put(
        ui.painter(),
        pos2(left, rect.center().y),
        Align2::LEFT_CENTER,
        "Window",
        font,
        60.0,
    );
    let track = Rect::from_min_size(
        pos2(name.right() + 6.0, rect.center().y - 3.0),
        vec2(40.0, 6.0),
    );
    ui.painter()
        .rect_filled(track, CornerRadius::same(3), palette.raised);
    let lit = Rect::from_min_size(track.min, vec2(track.width() * fill, track.height()));
    ui.painter()
        .rect_filled(lit, CornerRadius::same(3), palette.accent);
    track.right() + 14.0
}

/// Writes a figure from `left` on if it ends before `right`; returns where the next may begin.
pub(super) fn put_figure(
    ui: &Ui,
    context: &ViewContext<'_>,
    figure: &Figure,
    rect: Rect,
    left: f32,
    right: f32,
) -> Option<f32> {
    let (painter, palette) = (ui.painter(), context.palette);
    let font = text::plain(Size::Small);
    let name = text::line(
        painter,
        figure.name,
        font.clone(),
        palette.faint,
        f32::INFINITY,
    );
    let value = text::figures(painter, &figure.value, &font, palette.dim);
    let slot = text::figures(painter, figure.widest, &font, palette.dim)
        .size()
        .x
        .max(value.size().x);
    let end = left + name.size().x + 6.0 + slot;
    if end > right {
        return None;
    }
    let y = rect.center().y;
    let at = |x, galley: &egui::Galley| {
        Align2::LEFT_CENTER
            .anchor_size(pos2(x, y), galley.size())
            .min
    };
    let value_left = left + name.size().x + 6.0;
    painter.galley(at(left, &name), name, palette.faint);
    painter.galley(at(value_left, &value), value, palette.dim);
    Some(end + 16.0)
}
