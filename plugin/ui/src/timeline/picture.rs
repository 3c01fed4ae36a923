//! The timeline as shapes: lanes, jumps and the clock.

use egui::epaint::CircleShape;
use egui::{Align2, Color32, CornerRadius, Rect, Shape, Stroke, Ui, pos2};
use mertscope_heads::head::HeadInfo;
use mertscope_music::Notation;

use super::distances::{self, DistanceCurve};
use super::keys;
use super::lanes::{self, Pen};
use super::places::Places;
use super::ribbons;
use super::scale::Scale;
use super::track::Track;
use crate::color;
use crate::drawing::{Drawing, Words};
use crate::text::{self, Size};
use crate::theme::Palette;
use crate::view_context::ViewContext;
use crate::view_settings::TimeBase;

/// Everything that a drawing depends on: while it is equal, the drawing is used again.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct DrawingKey {
    pub(super) compared: Vec<DistanceCurve>,
    pub(super) heads: Vec<HeadInfo>,
    pub(super) version: u64,
    pub(super) area: Rect,
    pub(super) scale: Scale,
    pub(super) notation: Notation,
    pub(super) base: TimeBase,
    pub(super) palette: Palette,
    pub(super) pixels_per_point: f32,
    pub(super) labels: usize,
}

/// Draws the timeline.
pub(super) fn draw(
    ui: &Ui,
    context: &ViewContext<'_>,
    track: &Track,
    places: &Places,
    key: &DrawingKey,
) -> Drawing {
    let mut drawing = Drawing::default();
    let painter = ui.painter().with_clip_rect(places.lanes());
    let pen = Pen {
        painter: &painter,
        palette: context.palette,
        scale: key.scale,
    };
    let own = [places.keys, places.labels, places.distances];
    let empty = color_of_empty(context.palette);
    for lane in own.iter().chain(&places.ribbons) {
        let shape = Shape::rect_filled(*lane, CornerRadius::ZERO, empty);
        drawing.shapes.push(shape);
    }
    let spans = track.within(key.scale.from, key.scale.to);
    keys::lane(pen, spans, places.keys, key.notation, &mut drawing);
    let labels = context.genre_labels();
    lanes::labels(pen, spans, places.labels, labels, &mut drawing);
    for (lane, head) in places.ribbons.iter().zip(&key.heads) {
        ribbons::lane(pen, spans, *lane, head, &mut drawing);
    }
    if places.distances.height() > 0.0 {
        distances::lane(pen, spans, places.distances, &key.compared, &mut drawing);
    }
    lanes::marks(pen, spans, places.lanes(), &mut drawing);
    breaks(pen, track, places.lanes(), &mut drawing);
    clock(ui, context.palette, track, places.clock, key, &mut drawing);
    drawing
}

fn color_of_empty(palette: &Palette) -> Color32 {
    color::mix(palette.panel, palette.raised, 0.55)
}

/// A line at each break: with a flag where the host jumped, with a round head where the user started again.
fn breaks(pen: Pen<'_>, track: &Track, lanes: Rect, drawing: &mut Drawing) {
    for stretch in track.stretches.iter().skip(1) {
        if !(pen.scale.from..pen.scale.to).contains(&stretch.from) {
            continue;
        }
        let x = pen.scale.x_from_moment(stretch.from);
        let line = |width, ink| Shape::vline(x, lanes.y_range(), Stroke::new(width, ink));
        let head = if stretch.starts_again {
            Shape::Circle(CircleShape {
                center: pos2(x, lanes.top() + 5.0),
                radius: 5.0,
                fill: pen.palette.text,
                stroke: Stroke::new(1.0, pen.palette.ground),
            })
        } else {
            let flag = [(0.0, 0.0), (6.0, 3.0), (0.0, 6.0)];
            let flag = flag.map(|(dx, dy)| pos2(x + dx, lanes.top() + dy)).to_vec();
            Shape::convex_polygon(flag, pen.palette.text, Stroke::NONE)
        };
        drawing.shapes.extend([
            line(2.0, pen.palette.ground),
            line(1.0, pen.palette.text),
            head,
        ]);
    }
}

/// Ticks below the lanes, each with its time where there is room.
fn clock(
    ui: &Ui,
    palette: &Palette,
    track: &Track,
    clock: Rect,
    key: &DrawingKey,
    drawing: &mut Drawing,
) {
    let font = text::plain(Size::Small);
    let stroke = Stroke::new(1.0, palette.hatch);
    let mut free_from = clock.left();
    for (moment, time) in key.scale.ticks(track, key.base) {
        let x = key.scale.x_from_moment(moment);
        let tick = clock.top() - 2.0..=clock.top() + 3.0;
        drawing.shapes.push(Shape::vline(x, tick, stroke));
        let galley = text::figures(ui.painter(), &time, &font, palette.faint);
        let at = pos2(x, clock.bottom());
        let place = Align2::CENTER_BOTTOM.anchor_size(at, galley.size());
        if place.left() >= free_from && place.right() <= clock.right() {
            free_from = place.right() + 8.0;
            drawing.words.push(Words {
                text: time,
                font: font.clone(),
                color: palette.faint,
                at,
                anchor: Align2::CENTER_BOTTOM,
                under: None,
            });
        }
    }
}
