//! Curves over the last two minutes: distances to references, or probabilities of the labels that the user taught.

use std::sync::Arc;

use egui::accesskit::Role;
use egui::{
    Align2, Color32, CornerRadius, Pos2, Rect, Sense, Shape, Stroke, Ui, WidgetInfo, lerp, pos2,
};
use mertscope_heads::reference::Reference;
use mertscope_heads::timeline::WindowResult;

use crate::color;
use crate::control::focus_ring;
use crate::text::{self, Size};
use crate::view_context::{ViewContext, distance_to};

/// Length of the graph in seconds.
const SPAN_S: f64 = 120.0;
/// Height of a graph, in points, at least and at most.
pub(super) const HEIGHTS: (f32, f32) = (84.0, 640.0);

/// A graph of some curves, with a caption.
pub(super) struct Graph<'a> {
    /// The value at the top; 0 is at the bottom.
    pub top: f32,
    /// The value with a line across, and its name.
    pub rule: (f32, &'a str),
    /// The caption above it.
    pub words: &'a str,
    /// The picture in words.
    pub spoken: &'a str,
    /// The meaning of the values, for its tooltip.
    pub about: &'a str,
    /// The curves, the most important first.
    pub(crate) curves: Vec<Curve<'a>>,
}

/// A color, and the value that a window adds.
pub(super) type Curve<'a> = (Color32, Box<dyn Fn(&WindowResult) -> Option<f32> + 'a>);

/// Draws the distances to references into `rect`.
pub(super) fn distances_ui(
    ui: &mut Ui,
    context: &ViewContext<'_>,
    compared: &[&Arc<Reference>],
    rect: Rect,
) {
    let words = nearer(context, compared);
    let curve = |reference: &&'_ Arc<Reference>| -> Curve<'_> {
        let ink = color::reference(reference.color, context.palette.dark);
        let reference = Arc::clone(reference);
        (ink, Box::new(move |result| distance_to(result, &reference)))
    };
    let graph = Graph {
        top: 1.5,
        rule: (1.0, "1"),
        words: &words,
        spoken: &format!("Distances: {words}"),
        about: "lower is nearer",
        curves: compared.iter().map(curve).collect(),
    };
    graph.ui(ui, context, rect);
}

impl Graph<'_> {
    /// Draws it into `rect`.
    pub(super) fn ui(&self, ui: &mut Ui, context: &ViewContext<'_>, rect: Rect) {
        let palette = context.palette;
        let id = ui.scope_id().with("graph");
        let response = ui.interact(rect, id, Sense::focusable_noninteractive());
        response.widget_info(|| WidgetInfo::labeled(Role::Image, true, self.spoken));
        let caption = rect.with_max_y(rect.top() + 18.0);
        text::put(
            ui.painter(),
            caption.left_center(),
            Align2::LEFT_CENTER,
            self.words,
            (text::plain(Size::Body), palette.text),
            rect.width(),
        );
        let plot = rect.with_min_y(caption.bottom() + 4.0);
        let ground = color::mix(palette.panel, palette.raised, 0.55);
        ui.painter()
            .rect_filled(plot, CornerRadius::same(3), ground);
        let (at, name) = self.rule;
        let y = lerp(plot.bottom()..=plot.top(), at / self.top);
        ui.painter()
            .hline(plot.x_range(), y, Stroke::new(1.0, palette.rule));
        for (y, figure) in [(y, name), (plot.bottom(), "0")] {
            let font = (text::plain(Size::Small), palette.faint);
            let at = pos2(plot.left() + 4.0, y);
            text::put(ui.painter(), at, Align2::LEFT_BOTTOM, figure, font, 40.0);
        }
        let painter = ui.painter().with_clip_rect(plot.intersect(ui.clip_rect()));
        // The first on top, so that the one that matters is whole.
        for (ink, value) in self.curves.iter().rev() {
            for piece in self.pieces(context, value, plot) {
                match piece.as_slice() {
                    [only] => painter.add(Shape::circle_filled(*only, 1.5, *ink)),
                    _ => painter.add(Shape::line(piece, Stroke::new(1.8, *ink))),
                };
            }
        }
        focus_ring(ui, &response, palette, 4);
        response.on_hover_text(format!(
            "{}\nThe last {SPAN_S:.0} s; {}",
            self.words, self.about
        ));
    }

    /// The points of a curve, in pieces between windows that were not analyzed.
    fn pieces(
        &self,
        context: &ViewContext<'_>,
        value: &dyn Fn(&WindowResult) -> Option<f32>,
        plot: Rect,
    ) -> Vec<Vec<Pos2>> {
        let history = &context.snapshot.history;
        let Some(last) = history.last() else {
            return Vec::new();
        };
        let end_s = last.timed.end_s;
        let recent = history
            .iter()
            .rev()
            .take_while(|entry| entry.generation == last.generation)
            .take_while(|entry| entry.timed.end_s >= end_s - SPAN_S);
        let mut pieces = vec![Vec::new()];
        for entry in recent {
            let value = entry.timed.result.as_ref().and_then(value);
            let age = ((end_s - entry.timed.end_s) / SPAN_S) as f32;
            match (value.filter(|_| age.is_finite()), pieces.last_mut()) {
                (Some(value), Some(piece)) => {
                    let share = (value / self.top).clamp(0.0, 1.0);
                    let y = lerp(plot.bottom() - 1.0..=plot.top() + 1.0, share);
                    piece.push(pos2(plot.right() - age * plot.width(), y));
                }
                _ => pieces.push(Vec::new()),
            }
        }
        pieces.retain(|piece| !piece.is_empty());
        pieces
    }
}

/// Which reference is nearer now, in words.
fn nearer(context: &ViewContext<'_>, compared: &[&Arc<Reference>]) -> String {
    let result = context.result();
    let now = |reference: &Reference| result.and_then(|result| distance_to(result, reference));
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
            _ => format!("{} and {}: no result now", a.name, b.name),
        },
        [a] => now(a).map_or_else(
            || format!("{}: no result now", a.name),
            |distance| format!("{}: {distance:.2}", a.name),
        ),
        _ => String::new(),
    }
}
