//! The key's ribbon: one color per key, two bands where two keys are in question, with names where there is room.

use egui::epaint::Mesh;
use egui::{Align2, Color32, Rect, Shape, pos2};
use mertscope_music::{Key, KeyAnswer, Notation};

use super::lanes::{Pen, quad};
use super::track::Span;
use crate::color;
use crate::drawing::{Drawing, Words, finite};
use crate::key_answer;
use crate::text::{self, Size};

/// What a stretch of the ribbon shows: one key, two keys in question, or nothing clear.
#[derive(Debug, Clone, PartialEq)]
struct Band {
    /// In the order of their indices, so that the halves don't change places with every window.
    keys: Vec<Key>,
}

impl Band {
    fn of(answer: &KeyAnswer) -> Self {
        let mut keys = key_answer::keys(answer);
        keys.sort_by_key(|key| key.index());
        Self { keys }
    }

    /// The color of each key, weaker where two are in question.
    fn fills(&self, pen: Pen<'_>, answer: &KeyAnswer) -> Vec<Color32> {
        let fill = |key: &Key| {
            let full = color::key(*key, pen.palette.dark);
            let probability = match *key == answer.best.0 {
                true => answer.best.1,
                false => answer.runner_up.1,
            };
            let least = if self.keys.len() == 1 { 0.35 } else { 0.15 };
            let weak = color::mix(pen.palette.panel, full, least);
            color::mix(weak, full, finite(probability))
        };
        match self.keys.is_empty() {
            true => vec![pen.palette.unclear],
            false => self.keys.iter().map(fill).collect(),
        }
    }

    /// The names that may stand on it, longest first.
    fn names(&self, notation: Notation) -> Vec<String> {
        let short = |key: &Key| text::short_key(*key, notation);
        match &self.keys[..] {
            [] => Vec::new(),
            [key] => vec![key.to_text(notation), short(key)],
            [first, second, ..] => vec![
                format!(
                    "{} or {}?",
                    first.to_text(notation),
                    second.to_text(notation)
                ),
                format!("{} or {}?", short(first), short(second)),
            ],
        }
    }
}

/// A stretch with one band.
struct Run {
    band: Band,
    place: Rect,
    /// The colors of its newest window.
    fills: Vec<Color32>,
}

/// Draws the ribbon.
pub(super) fn lane(
    pen: Pen<'_>,
    spans: &[Span],
    lane: Rect,
    notation: Notation,
    drawing: &mut Drawing,
) {
    let mut mesh = Mesh::default();
    let mut runs: Vec<Run> = Vec::new();
    let mut last_pixel = f32::NEG_INFINITY;
    for (index, span) in spans.iter().enumerate() {
        let result = span.entry.timed.result.as_ref();
        let Some(answer) = result.and_then(|result| result.key_answer) else {
            continue;
        };
        let rect = pen.rect(span.from, span.to, lane);
        // Of several windows in one pixel only the last is drawn.
        let next = spans
            .get(index + 1)
            .map(|next| pen.scale.x_from_moment(next.to));
        if rect.right() - last_pixel < 0.5 && next.is_some_and(|next| next - last_pixel < 1.0) {
            continue;
        }
        let left = if rect.left() - last_pixel < 1.0 {
            last_pixel.max(lane.left())
        } else {
            rect.left()
        };
        let rect = Rect::from_min_max(pos2(left, rect.top()), rect.max);
        last_pixel = rect.right();
        let band = Band::of(&answer);
        let fills = band.fills(pen, &answer);
        // Within a band the color changes from window to window without steps.
        let last = runs.last_mut();
        let joined = last.filter(|run| run.band == band && left <= run.place.right() + 1.0);
        match joined {
            Some(run) => {
                halves(&mut mesh, rect, &run.fills, &fills);
                run.place.max.x = rect.right();
                run.fills = fills;
            }
            None => {
                halves(&mut mesh, rect, &fills, &fills);
                let place = rect;
                runs.push(Run { band, place, fills });
            }
        }
    }
    drawing.shapes.push(Shape::mesh(mesh));
    for run in runs {
        name(pen, &run, notation, drawing);
    }
}

/// Colors a window from the colors of the one before to its own, one above the other.
fn halves(mesh: &mut Mesh, rect: Rect, from: &[Color32], to: &[Color32]) {
    let height = rect.height() / to.len() as f32;
    for (row, (from, to)) in from.iter().zip(to).enumerate() {
        let top = rect.top() + height * row as f32;
        let part = rect.with_min_y(top).with_max_y(top + height);
        let corners = [
            part.left_top(),
            part.right_top(),
            part.right_bottom(),
            part.left_bottom(),
        ];
        quad(mesh, corners, [*from, *to, *to, *from]);
    }
}

fn name(pen: Pen<'_>, run: &Run, notation: Notation, drawing: &mut Drawing) {
    let size = if run.place.height() > 30.0 {
        Size::Title
    } else {
        Size::Small
    };
    let is_named = run.band.keys.len() == 1;
    let (font, ink) = match is_named {
        true => {
            let full = color::key(run.band.keys[0], pen.palette.dark);
            let fill = color::mix(pen.palette.panel, full, 0.75);
            (text::bold(size), color::on(fill))
        }
        false => (text::plain(Size::Small), pen.palette.text),
    };
    for name in run.band.names(notation) {
        let galley = text::line(pen.painter, &name, font.clone(), ink, f32::INFINITY);
        let size = galley.size();
        if size.x + 8.0 <= run.place.width() && size.y <= run.place.height() {
            drawing.words.push(Words {
                text: name,
                font,
                color: ink,
                at: pos2(run.place.left() + 6.0, run.place.center().y),
                anchor: Align2::LEFT_CENTER,
                // Two colors meet behind a question.
                under: (!is_named).then_some(pen.palette.panel),
            });
            return;
        }
    }
}
