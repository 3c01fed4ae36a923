//! References on the map: each a path in its color, with its name at the center.

use egui::{Painter, Pos2, Rect, Shape, Stroke, Vec2};

use super::frame::Frame;
use crate::color;
use crate::drawing::{Drawing, Words};
use crate::text::{self, Size};
use crate::view_context::ViewContext;

/// Draws the references that the running model can be compared with, their names where nothing is `taken`;
/// returns everything that is taken after that.
pub(super) fn references(
    painter: &Painter,
    context: &ViewContext<'_>,
    frame: Frame,
    mut taken: Vec<Rect>,
    drawing: &mut Drawing,
) -> Vec<Rect> {
    let all = context.live.study.references.iter();
    for reference in all.filter(|reference| context.is_comparable(reference)) {
        let ink = color::reference(reference.color, context.palette.dark);
        let path: Vec<Pos2> = reference.path().filter_map(|at| frame.pos(at)).collect();
        if path.len() > 1 {
            let stroke = Stroke::new(1.4, ink.gamma_multiply(0.55));
            drawing.shapes.push(Shape::line(path, stroke));
        }
        let place = reference.place().and_then(|at| frame.pos(at));
        let Some(at) = place.filter(|at| frame.rect.contains(*at)) else {
            continue;
        };
        let square = Rect::from_center_size(at, Vec2::splat(8.0));
        drawing.shapes.push(Shape::rect_filled(
            square.expand(1.5),
            3.0,
            context.palette.panel,
        ));
        drawing.shapes.push(Shape::rect_filled(square, 2.0, ink));
        let name = text::short(&reference.name);
        let font = text::bold(Size::Small);
        let size = text::line(painter, &name, font.clone(), ink, f32::INFINITY).size();
        taken.push(square);
        if let Some((at, anchor, place)) = frame.free_place(at, size, &taken) {
            taken.push(place.expand(2.0));
            drawing.words.push(Words {
                text: name,
                font,
                color: context.palette.text,
                at,
                anchor,
                under: Some(context.palette.panel.gamma_multiply(0.75)),
            });
        }
    }
    taken
}
