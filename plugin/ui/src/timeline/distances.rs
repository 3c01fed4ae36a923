//! The lane below the ribbons: distances of the music to the references that are compared.

use std::sync::Arc;

use egui::{Align2, Color32, Pos2, Rect, Shape, Stroke, lerp, pos2};
use mertscope_heads::reference::Reference;

use super::lanes::Pen;
use super::track::Span;
use crate::color;
use crate::drawing::{Drawing, Words};
use crate::text::{self, Size};
use crate::view_context::{ViewContext, distance_to};

/// The distance at the top of the lane; unrelated music is at 1.
const TOP: f32 = 1.5;
/// Least distance between two points of a curve, in points.
const STEP: f32 = 1.0;

/// The distance to a reference over time.
#[derive(Debug, Clone)]
pub(super) struct DistanceCurve {
    reference: Arc<Reference>,
    ink: Color32,
}

impl PartialEq for DistanceCurve {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.reference, &other.reference) && self.ink == other.ink
    }
}

/// The curves of the references that are compared, the first the most important.
pub(super) fn curves(context: &ViewContext<'_>) -> Vec<DistanceCurve> {
    let curve = |reference: &Arc<Reference>| DistanceCurve {
        ink: color::reference(reference.color, context.palette.dark),
        reference: Arc::clone(reference),
    };
    context.compared().into_iter().map(curve).collect()
}

/// Draws the curves into `lane`: the lower, the nearer.
pub(super) fn lane(
    pen: Pen<'_>,
    spans: &[Span],
    lane: Rect,
    curves: &[DistanceCurve],
    drawing: &mut Drawing,
) {
    let rule = Stroke::new(1.0, pen.palette.rule);
    let unrelated = y_from_distance(lane, 1.0);
    drawing
        .shapes
        .push(Shape::hline(lane.x_range(), unrelated, rule));
    // The first on top, so that the one that matters is whole.
    for curve in curves.iter().rev() {
        draw_curve(pen, spans, lane, curve, drawing);
    }
    legend(pen, lane, curves, drawing);
}

fn y_from_distance(lane: Rect, distance: f32) -> f32 {
    let share = (distance / TOP).clamp(0.0, 1.0);
    lerp(lane.bottom() - 1.0..=lane.top() + 1.0, share)
}

/// Draws a curve, with a break where nothing was analyzed.
fn draw_curve(
    pen: Pen<'_>,
    spans: &[Span],
    lane: Rect,
    curve: &DistanceCurve,
    drawing: &mut Drawing,
) {
    let stroke = Stroke::new(1.6, curve.ink);
    let (mut piece, mut end) = (Vec::new(), f64::NEG_INFINITY);
    for span in spans {
        let result = span.entry.timed.result.as_ref();
        let distance = result.and_then(|result| distance_to(result, &curve.reference));
        if distance.is_none() || span.from > end + 1e-6 {
            finish(&mut piece, stroke, drawing);
        }
        end = span.to;
        let Some(distance) = distance else { continue };
        let x = pen.scale.x_from_moment(span.to);
        let last = piece.last().map(|last: &Pos2| last.x);
        if last.is_none_or(|last| x - last >= STEP) {
            piece.push(pos2(x, y_from_distance(lane, distance)));
        }
    }
    finish(&mut piece, stroke, drawing);
}

/// Draws a piece of a curve, and empties it.
fn finish(piece: &mut Vec<Pos2>, stroke: Stroke, drawing: &mut Drawing) {
    match piece.as_slice() {
        [] => {}
        [only] => drawing
            .shapes
            .push(Shape::circle_filled(*only, 1.5, stroke.color)),
        _ => drawing.shapes.push(Shape::line(piece.clone(), stroke)),
    }
    piece.clear();
}

/// Writes the references' names into the top of the lane, as many as have room.
fn legend(pen: Pen<'_>, lane: Rect, curves: &[DistanceCurve], drawing: &mut Drawing) {
    let font = text::plain(Size::Small);
    let first = lane.left() + 6.0;
    let mut left = first;
    for curve in curves {
        let name = text::short(&curve.reference.name);
        let name = if left > first {
            name
        } else {
            format!("Distance to {name}")
        };
        let galley = text::line(pen.painter, &name, font.clone(), curve.ink, f32::INFINITY);
        let width = galley.size().x;
        if left + width > lane.right() || galley.size().y > lane.height() {
            break;
        }
        drawing.words.push(Words {
            text: name,
            font: font.clone(),
            color: pen.palette.text,
            at: pos2(left + 8.0, lane.top() + 2.0),
            anchor: Align2::LEFT_TOP,
            under: Some(pen.palette.panel.gamma_multiply(0.7)),
        });
        let dot = pos2(left, lane.top() + 2.0 + galley.size().y / 2.0);
        drawing
            .shapes
            .push(Shape::circle_filled(dot, 3.0, curve.ink));
        left += width + 24.0;
    }
}
