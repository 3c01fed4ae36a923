//! Landmarks on the map: each a diamond in its genre's color, with its name where there is room.

use egui::{Painter, Pos2, Rect, Shape, Stroke, vec2};
use mertscope_heads::map::Map;

use super::frame::Frame;
use crate::color;
use crate::drawing::{Drawing, Words};
use crate::text::{self, Size};
use crate::view_context::ViewContext;

/// Draws the landmarks, their names where nothing is `taken`.
pub(super) fn landmarks(
    painter: &Painter,
    context: &ViewContext<'_>,
    map: &Map,
    frame: Frame,
    mut taken: Vec<Rect>,
    drawing: &mut Drawing,
) {
    let font = text::plain(Size::Small);
    for landmark in &map.landmarks {
        let Some(at) = frame.pos(landmark.at).filter(|at| frame.rect.contains(*at)) else {
            continue;
        };
        let labels = context.genre_labels();
        let index = labels.iter().position(|label| *label == landmark.label);
        let ink = index.map_or(context.palette.dim, |index| {
            color::label(labels, index, context.palette.dark)
        });
        let outline = Stroke::new(1.6, ink);
        drawing.shapes.push(Shape::convex_polygon(
            diamond(at),
            context.palette.panel,
            outline,
        ));
        let name = text::label(&landmark.label);
        let size = text::line(painter, &name, font.clone(), ink, 120.0).size();
        if let Some((at, anchor, place)) = frame.free_place(at, size, &taken) {
            taken.push(place.expand(2.0));
            drawing.words.push(Words {
                text: name,
                font: font.clone(),
                color: context.palette.dim,
                at,
                anchor,
                under: Some(context.palette.panel.gamma_multiply(0.6)),
            });
        }
    }
}

fn diamond(at: Pos2) -> Vec<Pos2> {
    let corners = [(0.0, -4.5), (4.5, 0.0), (0.0, 4.5), (-4.5, 0.0)];
    corners.map(|(x, y)| at + vec2(x, y)).to_vec()
}
