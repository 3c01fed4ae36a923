//! The lanes of heads that read frames: the most probable label per tenth of a second, or per frame when
//! frames are longer, in its color, stronger with its probability.

use egui::epaint::Mesh;
use egui::{Align2, Rect, Shape, pos2};
use mertscope_heads::head::{HeadInfo, Outputs, Reads};
use mertscope_heads::timeline::Ribbon;

use super::lanes::{Pen, quad};
use super::track::Span;
use crate::color;
use crate::drawing::{Drawing, Words, finite};
use crate::text::{self, Size};
use crate::view_context::ViewContext;

/// Most heads with a lane; with more, lanes would be too low to read.
const MOST: usize = 3;

/// The heads that have a lane.
pub(super) fn heads(context: &ViewContext<'_>) -> Vec<HeadInfo> {
    let running = context.snapshot.model.running.as_ref();
    let all = running.map_or(&[][..], |running| &running.heads);
    // A regression head has no labels to color.
    let drawn =
        |head: &&HeadInfo| head.reads == Reads::Frames && head.outputs != Outputs::Regression;
    all.iter().filter(drawn).take(MOST).cloned().collect()
}

/// Draws a head's lane.
pub(super) fn lane(
    pen: Pen<'_>,
    spans: &[Span],
    lane: Rect,
    head: &HeadInfo,
    drawing: &mut Drawing,
) {
    let mut mesh = Mesh::default();
    for span in spans {
        let result = span.entry.timed.result.as_ref();
        let own = |ribbon: &&Ribbon| *ribbon.head_sha256 == *head.sha256;
        let Some(ribbon) = result.and_then(|result| result.ribbons.iter().find(own)) else {
            continue;
        };
        let steps: Vec<&[f32]> = ribbon
            .answers
            .chunks_exact(head.labels.len().max(1))
            .collect();
        for (n, step) in steps.iter().enumerate() {
            // The last step ends with the window; steps of an earlier window are not drawn again.
            let to = span.to - ribbon.step_s * (steps.len() - 1 - n) as f64;
            let from = (to - ribbon.step_s).max(span.from);
            let x = |moment| {
                let x = pen.scale.x_from_moment(moment);
                x.clamp(lane.left(), lane.right())
            };
            let (left, right) = (x(from), x(to));
            let all = step.iter().map(|p| finite(*p)).enumerate();
            let Some((label, likely)) = all.max_by(|a, b| a.1.total_cmp(&b.1)) else {
                continue;
            };
            if right <= left {
                continue;
            }
            let full = color::label(&head.labels, label, pen.palette.dark);
            let fill = color::mix(pen.palette.panel, full, likely);
            let corners = [
                pos2(left, lane.top()),
                pos2(right, lane.top()),
                pos2(right, lane.bottom()),
                pos2(left, lane.bottom()),
            ];
            quad(&mut mesh, corners, [fill; 4]);
        }
    }
    drawing.shapes.push(Shape::mesh(mesh));
    // The tooltip explains the colors; the lane names its head.
    drawing.words.push(Words {
        text: text::label(&head.task),
        font: text::plain(Size::Small),
        color: pen.palette.text,
        at: pos2(lane.left() + 6.0, lane.center().y),
        anchor: Align2::LEFT_CENTER,
        under: Some(pen.palette.panel.gamma_multiply(0.7)),
    });
}

/// The heads' predictions at a moment of a span, one line per head.
pub(super) fn words(context: &ViewContext<'_>, span: &Span, moment: f64) -> Vec<String> {
    let Some(result) = &span.entry.timed.result else {
        return Vec::new();
    };
    let line = |head: &HeadInfo| {
        let own = |ribbon: &&Ribbon| *ribbon.head_sha256 == *head.sha256;
        let ribbon = result.ribbons.iter().find(own)?;
        let steps: Vec<&[f32]> = ribbon
            .answers
            .chunks_exact(head.labels.len().max(1))
            .collect();
        let back = ((span.to - moment).max(0.0) / ribbon.step_s) as usize;
        let step = steps
            .len()
            .checked_sub(1 + back)
            .and_then(|n| steps.get(n))?;
        let (label, likely) = *head.foremost(step).first()?;
        let (task, label) = (text::label(&head.task), text::label(label));
        Some(format!("{task}: {label} {}", text::percent(finite(likely))))
    };
    heads(context).iter().filter_map(line).collect()
}
