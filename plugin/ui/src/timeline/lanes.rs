//! The genres' ribbon as shapes, stacked to one, and the marks over all lanes. Drawn once per history, place and
//! zoom, with no more points than pixels.

use egui::epaint::{Mesh, Vertex, WHITE_UV};
use egui::{Align2, Color32, CornerRadius, Painter, Pos2, Rect, Shape, Stroke, pos2};
use mertscope_audio::Status;

use super::scale::Scale;
use super::track::Span;
use crate::color;
use crate::drawing::{Drawing, Words, finite};
use crate::text::{self, Size};
use crate::theme::Palette;

/// Least width of a column of the genre ribbon, in points.
const COLUMN: f32 = 1.5;
/// Distance between the strokes of a hatch, in points.
const HATCH: f32 = 6.0;

/// The painter, the colors and the scale of the lanes.
#[derive(Clone, Copy)]
pub(super) struct Pen<'a> {
    pub painter: &'a Painter,
    pub palette: &'static Palette,
    pub scale: Scale,
}

impl Pen<'_> {
    pub(super) fn rect(&self, from: f64, to: f64, lane: Rect) -> Rect {
        let x = |moment| {
            self.scale
                .x_from_moment(moment)
                .clamp(lane.left(), lane.right())
        };
        Rect::from_min_max(pos2(x(from), lane.top()), pos2(x(to), lane.bottom()))
    }
}

pub(super) fn quad(mesh: &mut Mesh, corners: [Pos2; 4], colors: [Color32; 4]) {
    let first = mesh.vertices.len() as u32;
    for (pos, color) in corners.into_iter().zip(colors) {
        mesh.vertices.push(Vertex {
            pos,
            uv: WHITE_UV,
            color,
        });
    }
    mesh.add_triangle(first, first + 1, first + 2);
    mesh.add_triangle(first, first + 2, first + 3);
}

/// Draws the genres' ribbon: stacked bands that always fill the lane.
pub(super) fn labels(
    pen: Pen<'_>,
    spans: &[Span],
    lane: Rect,
    names: &[String],
    drawing: &mut Drawing,
) {
    let count = names.len();
    let mut run: Vec<(f32, Vec<f32>)> = Vec::new();
    let mut end = f64::NEG_INFINITY;
    for span in spans {
        let result = span
            .entry
            .timed
            .result
            .as_ref()
            .and_then(|result| result.genre_smoothed.as_ref());
        if result.is_none() || span.from > end + 1e-6 {
            bands(pen, &run, lane, names, drawing);
            run.clear();
        }
        let Some(all) = result else { continue };
        let stack = stacked(all, count);
        let (from, to) = (
            pen.scale.x_from_moment(span.from),
            pen.scale.x_from_moment(span.to),
        );
        if run.is_empty() {
            run.push((from, stack.clone()));
        }
        if run.last().is_none_or(|(x, _)| to - x >= COLUMN) {
            run.push((to, stack));
        } else if let Some(last) = run.last_mut() {
            *last = (to, stack);
        }
        end = span.to;
    }
    bands(pen, &run, lane, names, drawing);
}

/// Running sums of the probabilities, scaled to end at one.
fn stacked(all: &[f32], count: usize) -> Vec<f32> {
    let all = || all.iter().take(count).map(|p| finite(*p));
    let sum: f32 = all().sum();
    let mut above = 0.0;
    all()
        .map(|p| {
            above += if sum > 0.0 { p / sum } else { 0.0 };
            above
        })
        .collect()
}

fn bands(
    pen: Pen<'_>,
    run: &[(f32, Vec<f32>)],
    lane: Rect,
    names: &[String],
    drawing: &mut Drawing,
) {
    if run.len() < 2 {
        return;
    }
    let count = names.len();
    let mut mesh = Mesh::default();
    let y = |share: f32| lane.top() + share.clamp(0.0, 1.0) * lane.height();
    let edge = |stack: &[f32], band: usize| stack.get(band).copied().unwrap_or(1.0);
    for pair in run.windows(2) {
        let [(x0, a), (x1, b)] = pair else { continue };
        let (x0, x1) = (
            x0.clamp(lane.left(), lane.right()),
            x1.clamp(lane.left(), lane.right()),
        );
        if x1 <= x0 {
            continue;
        }
        let mut above = (0.0, 0.0);
        for band in 0..count {
            let below = (edge(a, band), edge(b, band));
            if below.0 - above.0 > 1e-3 || below.1 - above.1 > 1e-3 {
                let corners = [
                    pos2(x0, y(above.0)),
                    pos2(x1, y(above.1)),
                    pos2(x1, y(below.1)),
                    pos2(x0, y(below.0)),
                ];
                quad(
                    &mut mesh,
                    corners,
                    [color::label(names, band, pen.palette.dark); 4],
                );
            }
            above = below;
        }
    }
    drawing.shapes.push(Shape::mesh(mesh));
    // A mesh has hard edges; thin lines between the bands soften them.
    let line = Stroke::new(1.0, pen.palette.panel.gamma_multiply(0.55));
    for band in 0..count.saturating_sub(1) {
        let points = run.iter().filter(|(x, _)| lane.x_range().contains(*x));
        let points: Vec<Pos2> = points
            .map(|(x, stack)| pos2(*x, y(edge(stack, band))))
            .collect();
        if points.len() > 1 {
            drawing.shapes.push(Shape::line(points, line));
        }
    }
    for band in 0..count {
        name_band(pen, run, lane, (names, band), drawing);
    }
}

/// Writes a band's name where the band is thickest, if the name fits there.
fn name_band(
    pen: Pen<'_>,
    run: &[(f32, Vec<f32>)],
    lane: Rect,
    (names, band): (&[String], usize),
    drawing: &mut Drawing,
) {
    let edge = |stack: &[f32], band: usize| stack.get(band).copied().unwrap_or(1.0);
    let top = |stack: &[f32]| band.checked_sub(1).map_or(0.0, |above| edge(stack, above));
    let font = text::plain(Size::Small);
    let name = text::label(&names[band]);
    let size = text::line(
        pen.painter,
        &name,
        font.clone(),
        pen.palette.text,
        f32::INFINITY,
    )
    .size();
    let room = lane.x_range().shrink(size.x / 2.0 + 4.0);
    let seen = run
        .iter()
        .filter(|(x, _)| room.contains(*x) && *x >= run[0].0 + size.x / 2.0);
    let seen = seen.filter(|(x, _)| run.last().is_some_and(|last| *x <= last.0 - size.x / 2.0));
    let thickness = |stack: &[f32]| (edge(stack, band) - top(stack)) * lane.height();
    let thickest = seen.max_by(|a, b| thickness(&a.1).total_cmp(&thickness(&b.1)));
    if let Some((x, stack)) = thickest.filter(|(_, stack)| thickness(stack) >= size.y + 4.0) {
        let middle = lane.top() + (top(stack) + edge(stack, band)) / 2.0 * lane.height();
        drawing.words.push(Words {
            text: name,
            font,
            color: color::on(color::label(names, band, pen.palette.dark)),
            at: pos2(*x, middle),
            anchor: Align2::CENTER_CENTER,
            under: None,
        });
    }
}

/// Marks windows without a result over all lanes; neighbors of one status share a mark.
pub(super) fn marks(pen: Pen<'_>, spans: &[Span], area: Rect, drawing: &mut Drawing) {
    let mut marks: Vec<(Status, Rect)> = Vec::new();
    for span in spans
        .iter()
        .filter(|span| span.entry.timed.result.is_none())
    {
        let status = span.entry.timed.status;
        let rect = pen.rect(span.from, span.to, area);
        match marks
            .last_mut()
            .filter(|(last, place)| *last == status && rect.left() <= place.right() + 0.5)
        {
            Some((_, place)) => place.max.x = rect.right(),
            None => marks.push((status, rect)),
        }
    }
    for (status, rect) in marks {
        if rect.width() >= 0.5 {
            mark(pen, status, rect, drawing);
        }
    }
}

fn mark(pen: Pen<'_>, status: Status, rect: Rect, drawing: &mut Drawing) {
    let (words, strokes) = match status {
        Status::Silent => ("silence", None),
        Status::Gap => ("gap", Some(pen.palette.hatch)),
        Status::Invalid => ("invalid", Some(pen.palette.warn)),
        Status::Failed => ("failed", Some(pen.palette.warn)),
        Status::Ok => return,
    };
    drawing.shapes.push(Shape::rect_filled(
        rect,
        CornerRadius::ZERO,
        pen.palette.raised.gamma_multiply(0.6),
    ));
    if let Some(ink) = strokes {
        hatch(rect, ink, drawing);
    }
    let size = text::line(
        pen.painter,
        words,
        text::plain(Size::Small),
        pen.palette.dim,
        f32::INFINITY,
    )
    .size();
    if size.x + 8.0 <= rect.width() && size.y <= rect.height() {
        drawing.words.push(Words {
            text: words.to_owned(),
            font: text::plain(Size::Small),
            color: pen.palette.dim,
            at: rect.center(),
            anchor: Align2::CENTER_CENTER,
            under: Some(pen.palette.panel),
        });
    }
}

fn hatch(rect: Rect, ink: Color32, drawing: &mut Drawing) {
    let height = rect.height();
    let mut x = rect.left() - height + (HATCH - (rect.left() - height).rem_euclid(HATCH));
    while x < rect.right() {
        // From the bottom left to the top right, cut at the sides.
        let (left, right) = (x.max(rect.left()), (x + height).min(rect.right()));
        if right > left {
            let y = |at: f32| rect.bottom() - (at - x);
            drawing.shapes.push(Shape::line_segment(
                [pos2(left, y(left)), pos2(right, y(right))],
                Stroke::new(1.0, ink),
            ));
        }
        x += HATCH;
    }
}

#[cfg(test)]
mod tests {
    use super::stacked;

    #[test]
    fn stacks_end_at_one_for_any_values() {
        assert_eq!(stacked(&[0.25, 0.25, 0.5], 3), [0.25, 0.5, 1.0]);
        let odd = stacked(&[f32::NAN, 0.5, f32::INFINITY, 0.5], 4);
        assert!(
            odd.iter().all(|p| p.is_finite()) && (odd[3] - 1.0).abs() < 1e-6,
            "{odd:?}"
        );
        assert_eq!(stacked(&[0.0, 0.0], 2), [0.0, 0.0]);
        assert_eq!(stacked(&[1.0; 5], 2).len(), 2);
    }
}
