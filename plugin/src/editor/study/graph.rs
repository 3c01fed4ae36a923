//! Two distances over the last minutes, side by side, and which is nearer.

use std::sync::Arc;

use egui::accesskit::Role;
use egui::{Align2, CornerRadius, Rect, Sense, Shape, Stroke, Ui, WidgetInfo, lerp, pos2};
use mertscope_engine::reference::Reference;

use super::super::colour;
use super::super::control::focus_ring;
use super::super::desk::{Desk, distance_to};
use super::super::text::{self, Size};

/// Seconds that are shown.
const SPAN_S: f64 = 120.0;
/// The distance at the top.
const TOP: f32 = 1.5;

/// Draws the curves of the references into `rect`.
pub fn graph_ui(ui: &mut Ui, desk: &Desk<'_>, compared: &[&Arc<Reference>], rect: Rect) {
    let palette = desk.palette;
    let response = ui.interact(
        rect,
        ui.scope_id().with("graph"),
        Sense::focusable_noninteractive(),
    );
    let words = nearer(desk, compared);
    response.widget_info(|| WidgetInfo::labeled(Role::Image, true, format!("Distances: {words}")));
    let caption = rect.with_max_y(rect.top() + 18.0);
    text::put(
        ui.painter(),
        caption.left_center(),
        Align2::LEFT_CENTER,
        &words,
        (text::plain(Size::Body), palette.text),
        rect.width(),
    );
    let plot = rect.with_min_y(caption.bottom() + 4.0);
    ui.painter().rect_filled(
        plot,
        CornerRadius::same(3),
        colour::mix(palette.panel, palette.raised, 0.55),
    );
    let one = lerp(plot.bottom()..=plot.top(), 1.0 / TOP);
    ui.painter()
        .hline(plot.x_range(), one, Stroke::new(1.0, palette.rule));
    let font = (text::plain(Size::Small), palette.faint);
    for (y, anchor, figure) in [
        (one, Align2::LEFT_BOTTOM, "1"),
        (plot.bottom(), Align2::LEFT_BOTTOM, "0"),
    ] {
        text::put(
            ui.painter(),
            pos2(plot.left() + 4.0, y),
            anchor,
            figure,
            font.clone(),
            20.0,
        );
    }
    let painter = ui.painter().with_clip_rect(plot.intersect(ui.clip_rect()));
    // The second below the first, so that the one that matters is whole.
    for reference in compared.iter().rev() {
        let ink = colour::reference(reference.colour, palette.dark);
        for run in runs(desk, reference, plot) {
            match run.as_slice() {
                [only] => painter.add(Shape::circle_filled(*only, 1.5, ink)),
                _ => painter.add(Shape::line(run, Stroke::new(1.8, ink))),
            };
        }
    }
    focus_ring(ui, &response, palette, 4);
    response.on_hover_text(format!("{words}\nThe last {SPAN_S:.0} s; lower is nearer"));
}

/// Points of a curve, in pieces where something was not analysed.
fn runs(desk: &Desk<'_>, reference: &Reference, plot: Rect) -> Vec<Vec<egui::Pos2>> {
    let history = &desk.snapshot.history;
    let Some(last) = history.last() else {
        return Vec::new();
    };
    let end_s = last.reading.end_s;
    let recent = history
        .iter()
        .rev()
        .take_while(|entry| entry.generation == last.generation)
        .take_while(|entry| entry.reading.end_s >= end_s - SPAN_S);
    let mut runs = vec![Vec::new()];
    for entry in recent {
        let heard = entry.reading.heard.as_ref();
        let distance = heard.and_then(|heard| distance_to(heard, reference));
        let age = ((end_s - entry.reading.end_s) / SPAN_S) as f32;
        match (distance.filter(|_| age.is_finite()), runs.last_mut()) {
            (Some(distance), Some(run)) => {
                let share = (distance / TOP).clamp(0.0, 1.0);
                let y = lerp(plot.bottom() - 1.0..=plot.top() + 1.0, share);
                run.push(pos2(plot.right() - age * plot.width(), y));
            }
            _ => runs.push(Vec::new()),
        }
    }
    runs.retain(|run| !run.is_empty());
    runs
}

/// Which of them is nearer now, in words.
fn nearer(desk: &Desk<'_>, compared: &[&Arc<Reference>]) -> String {
    let heard = desk.heard();
    let now = |reference: &Reference| heard.and_then(|heard| distance_to(heard, reference));
    match compared {
        [a, b] => match (now(a), now(b)) {
            (Some(to_a), Some(to_b)) => {
                let (near, far) = if to_a <= to_b {
                    ((&a.name, to_a), (&b.name, to_b))
                } else {
                    ((&b.name, to_b), (&a.name, to_a))
                };
                format!(
                    "{} is nearer: {:.2}, {} {:.2}",
                    near.0, near.1, far.0, far.1
                )
            }
            _ => format!("{} and {}: nothing heard now", a.name, b.name),
        },
        [a] => now(a).map_or_else(
            || format!("{}: nothing heard now", a.name),
            |distance| format!("{}: {distance:.2}", a.name),
        ),
        _ => String::new(),
    }
}
