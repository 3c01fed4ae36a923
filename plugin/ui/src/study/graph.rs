//! Curves over the last two minutes: distances to references, or probabilities of the labels that the user taught.

use std::sync::Arc;

use egui::accesskit::Role;
use egui::{
    Align2, Color32, CornerRadius, Pos2, Rect, Sense, Shape, Stroke, Ui, WidgetInfo, lerp, pos2,
    vec2,
};
use mertscope_heads::reference::Reference;
use mertscope_heads::timeline::WindowResult;

use crate::color;
use crate::control::focus_ring;
use crate::text::{self, Size};
use crate::view_context::{ViewContext, distance_to};

/// Length of the graph in seconds; its tooltips say it in words.
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
    pub curves: Vec<Curve>,
}

/// A curve of a [`Graph`].
pub(super) struct Curve {
    ink: Color32,
    /// A name at its end, for an example.
    name: Option<&'static str>,
    /// Its points, in pieces between windows that were not analyzed. Each is the share of the graph's length,
    /// from the left, and the value.
    pieces: Vec<Vec<(f32, f32)>>,
}

impl Curve {
    /// The values of the windows of the last minutes.
    pub(super) fn of_history(
        context: &ViewContext<'_>,
        ink: Color32,
        value: impl Fn(&WindowResult) -> Option<f32>,
    ) -> Self {
        let history = &context.snapshot.history;
        let mut pieces = vec![Vec::new()];
        if let Some(last) = history.last() {
            let end_s = last.timed.end_s;
            let recent = history
                .iter()
                .rev()
                .take_while(|entry| entry.generation == last.generation)
                .take_while(|entry| entry.timed.end_s >= end_s - SPAN_S);
            for entry in recent {
                let value = entry.timed.result.as_ref().and_then(&value);
                let age = ((end_s - entry.timed.end_s) / SPAN_S) as f32;
                match (value.filter(|_| age.is_finite()), pieces.last_mut()) {
                    (Some(value), Some(piece)) => piece.push((1.0 - age, value)),
                    _ => pieces.push(Vec::new()),
                }
            }
        }
        pieces.retain(|piece| !piece.is_empty());
        Self {
            ink,
            name: None,
            pieces,
        }
    }

    /// A made-up curve for an example: the value at each share of the graph's length.
    pub(super) fn made_up(name: &'static str, ink: Color32, value: impl Fn(f32) -> f32) -> Self {
        let points = (0..=60u8).map(|n| f32::from(n) / 60.0);
        Self {
            ink,
            name: Some(name),
            pieces: vec![points.map(|share| (share, value(share))).collect()],
        }
    }
}

/// Draws the distances to references into `rect`.
pub(super) fn distances_ui(
    ui: &mut Ui,
    context: &ViewContext<'_>,
    compared: &[&Arc<Reference>],
    rect: Rect,
) {
    let words = nearer(context, compared);
    let curve = |reference: &&Arc<Reference>| {
        let ink = color::reference(reference.color, context.palette.dark);
        Curve::of_history(context, ink, |result| distance_to(result, reference))
    };
    let graph = Graph {
        words: &words,
        spoken: &format!("Distances: {words}"),
        about: "The last two minutes; lower is nearer",
        curves: compared.iter().map(curve).collect(),
        ..Graph::distances()
    };
    graph.ui(ui, context, rect);
}

impl Graph<'_> {
    /// Distances to references: 0 is the same, 1 unrelated.
    pub(super) const fn distances() -> Self {
        Self {
            top: 1.5,
            rule: (1.0, "1"),
            words: "",
            spoken: "",
            about: "",
            curves: Vec::new(),
        }
    }

    /// Probabilities of labels.
    pub(super) fn probabilities() -> Self {
        Self {
            top: 1.0,
            rule: (0.5, "50 %"),
            ..Self::distances()
        }
    }

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
        for Curve { ink, name, pieces } in self.curves.iter().rev() {
            for piece in pieces {
                let points = piece.iter().map(|point| self.place(*point, plot));
                let points: Vec<Pos2> = points.collect();
                match points.as_slice() {
                    [only] => painter.add(Shape::circle_filled(*only, 1.5, *ink)),
                    _ => painter.add(Shape::line(points, Stroke::new(1.8, *ink))),
                };
            }
            if let (Some(name), Some(end)) = (name, pieces.last().and_then(|piece| piece.last())) {
                let font = text::bold(Size::Small);
                let line = text::line(&painter, name, font, palette.text, plot.width());
                let end = self.place(*end, plot) - vec2(8.0, 0.0);
                let at = Align2::RIGHT_CENTER.anchor_size(end, line.size());
                let lowest = plot.bottom() - line.size().y - 2.0;
                let at = at.translate(vec2(0.0, (lowest - at.top()).min(0.0)));
                let at = at.translate(vec2(0.0, (plot.top() + 2.0 - at.top()).max(0.0)));
                // The box leaves room for the name on its line.
                let under = at.expand2(vec2(4.0, 1.0));
                painter.rect_filled(under, CornerRadius::same(3), ground);
                painter.galley(at.min, line, palette.text);
            }
        }
        focus_ring(ui, &response, palette, 4);
        response.on_hover_text(format!("{}\n{}", self.words, self.about));
    }

    /// The place of a point of a curve.
    fn place(&self, (share, value): (f32, f32), plot: Rect) -> Pos2 {
        let height = (value / self.top).clamp(0.0, 1.0);
        let y = lerp(plot.bottom() - 1.0..=plot.top() + 1.0, height);
        pos2(lerp(plot.left()..=plot.right(), share), y)
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
