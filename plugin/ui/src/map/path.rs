//! The path of the embedding: old windows, and those from before the user started again, as faint dots, the
//! newest as a line that fades, and the newest of all as a point.

use std::sync::Arc;

use egui::epaint::{Mesh, Vertex, WHITE_UV};
use egui::{Color32, Pos2, Shape, Stroke, vec2};
use mertscope_live::Entry;

use super::frame::Frame;
use crate::color;
use crate::drawing::Drawing;
use crate::view_context::{ViewContext, best_label};

/// Windows in the bright part of the tail; older ones are faint dots.
const TAIL: usize = 90;

/// A window and its place on the screen.
type PlacedEntry<'a> = (&'a Arc<Entry>, Pos2);

/// The windows that have a place on the map, oldest first.
pub(super) fn placed<'a>(
    context: &'a ViewContext<'_>,
) -> impl DoubleEndedIterator<Item = (&'a Arc<Entry>, [f32; 2])> {
    let point = |entry: &'a Arc<Entry>| Some((entry, entry.timed.result.as_ref()?.point?));
    context.snapshot.history.iter().filter_map(point)
}

/// Draws the path.
pub(super) fn path(context: &ViewContext<'_>, frame: Frame, drawing: &mut Drawing) {
    let places: Vec<PlacedEntry<'_>> = placed(context)
        .filter_map(|(entry, at)| Some((entry, frame.pos(at)?)))
        .collect();
    let own = context.snapshot.restarts;
    let first = places.iter().position(|(entry, _)| entry.restarts == own);
    let first = first.unwrap_or(places.len());
    let (old, tail) = places.split_at(first.max(places.len().saturating_sub(TAIL)));
    dots(context, frame, old, drawing);
    line(context, tail, drawing);
    if let Some(newest) = tail.last() {
        point(context, newest, drawing);
    }
}

/// The color of a window's most probable genre.
fn color_of(context: &ViewContext<'_>, entry: &Entry) -> Color32 {
    let best = best_label(context.genre_labels(), entry);
    best.map_or(context.palette.accent, |(index, _)| {
        color::label(context.genre_labels(), index, context.palette.dark)
    })
}

fn dots(context: &ViewContext<'_>, frame: Frame, old: &[PlacedEntry<'_>], drawing: &mut Drawing) {
    let strength = if context.palette.dark { 0.3 } else { 0.45 };
    let mut mesh = Mesh::default();
    for (entry, at) in old.iter().filter(|(_, at)| frame.rect.contains(*at)) {
        let color = color_of(context, entry).gamma_multiply(strength);
        let first = mesh.vertices.len() as u32;
        for (dx, dy) in [(-1.0, 0.0), (0.0, -1.0), (1.0, 0.0), (0.0, 1.0)] {
            mesh.vertices.push(Vertex {
                pos: *at + vec2(dx, dy) * 1.6,
                uv: WHITE_UV,
                color,
            });
        }
        mesh.add_triangle(first, first + 1, first + 2);
        mesh.add_triangle(first, first + 2, first + 3);
    }
    drawing.shapes.push(Shape::mesh(mesh));
}

/// A line from window to window, stronger toward the newest, with a break at each jump.
fn line(context: &ViewContext<'_>, tail: &[PlacedEntry<'_>], drawing: &mut Drawing) {
    for (index, pair) in tail.windows(2).enumerate() {
        let [(a, from), (b, to)] = pair else { continue };
        if a.generation == b.generation {
            let age = (index + 2) as f32 / tail.len() as f32;
            let stroke = Stroke::new(
                1.2 + 1.8 * age,
                color_of(context, b).gamma_multiply(0.15 + 0.85 * age * age),
            );
            drawing
                .shapes
                .push(Shape::line_segment([*from, *to], stroke));
        }
    }
}

/// The newest place; gray when windows after it have none.
fn point(context: &ViewContext<'_>, (entry, at): &PlacedEntry<'_>, drawing: &mut Drawing) {
    let latest = context.snapshot.latest.as_ref();
    let is_now = latest.is_some_and(|latest| Arc::ptr_eq(latest, entry));
    let fill = if is_now {
        color_of(context, entry)
    } else {
        context.palette.faint
    };
    let rings = [
        (10.0, fill.gamma_multiply(0.25)),
        (5.5, context.palette.text),
        (4.0, fill),
    ];
    let rings = rings.map(|(radius, fill)| Shape::circle_filled(*at, radius, fill));
    drawing.shapes.extend(rings);
}
