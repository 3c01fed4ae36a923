//! The answers of further heads: a line per head, the best label with its bar.

use egui::accesskit::Role;
use egui::{Align2, CornerRadius, Rect, Sense, Ui, WidgetInfo, pos2, vec2};

use mertscope_heads::head::Outputs;

use crate::drawing::finite;
use crate::text::{self, Size};
use crate::view_context::ViewContext;

/// Height of a line in points.
const LINE: f32 = 24.0;

/// How much room the lines want, in points; 0 without further heads.
pub(crate) fn height(context: &ViewContext<'_>) -> f32 {
    let heads = context
        .snapshot
        .model
        .running
        .as_ref()
        .map_or(0, |running| running.heads.len());
    LINE * heads as f32
}

/// Draws as many lines as fit into `rect`.
pub(crate) fn extra_heads_ui(ui: &mut Ui, context: &ViewContext<'_>, rect: Rect) {
    let Some(running) = &context.snapshot.model.running else {
        return;
    };
    let palette = context.palette;
    for (row, info) in running.heads.iter().enumerate() {
        let line = Rect::from_min_size(
            rect.min + vec2(0.0, LINE * row as f32),
            vec2(rect.width(), LINE),
        );
        if line.bottom() > rect.bottom() + 0.5 {
            break;
        }
        let all = context
            .result()
            .and_then(|result| result.prediction_of(&info.sha256));
        let foremost = info.foremost(all.unwrap_or_default());
        let is_share = info.outputs != Outputs::Regression;
        let figure = |value: f32| {
            if is_share {
                text::percent(value)
            } else {
                format!("{value:.2}")
            }
        };
        let answers: Vec<String> = foremost
            .iter()
            .map(|(label, value)| format!("{} {}", text::label(label), figure(*value)))
            .collect();
        let is_unsure = info.outputs == Outputs::Multiclass
            && foremost
                .first()
                .is_some_and(|(_, share)| !info.is_sure(*share));
        // One share has its figure and bar at the right; of several each has its figure beside it.
        let (words, only) = match &foremost[..] {
            [] => ("–".to_owned(), None),
            [(label, share)] if is_share => (text::label(label), Some(finite(*share))),
            _ => (answers.join(" · "), None),
        };
        let words = if is_unsure {
            format!("unsure ({words})")
        } else {
            words
        };
        let response = ui.interact(
            line,
            ui.scope_id().with(("head", row)),
            Sense::focusable_noninteractive(),
        );
        let unsure = if is_unsure { "unsure, " } else { "" };
        let spoken = format!(
            "{}: {unsure}{}",
            text::label(&info.task),
            answers.join(", ")
        );
        response.widget_info(|| WidgetInfo::labeled(Role::Label, true, &spoken));
        crate::control::focus_ring(ui, &response, palette, 4);
        response.on_hover_text(format!(
            "{spoken}\n{}\n{}",
            info.layers_text, info.metrics_text
        ));
        let ink = if is_unsure { palette.dim } else { palette.text };
        let painter = ui.painter();
        let y = line.center().y;
        let named = (text::plain(Size::Small), palette.faint);
        let task = text::label(&info.task);
        text::put(
            painter,
            pos2(line.left(), y),
            Align2::LEFT_CENTER,
            &task,
            named,
            rect.width() * 0.32,
        );
        let left = line.left() + rect.width() * 0.36;
        let mut room = line.right() - left;
        if let Some(share) = only {
            let figure = text::put_figures(
                painter,
                pos2(line.right(), y),
                Align2::RIGHT_CENTER,
                &text::percent(share),
                (text::plain(Size::Body), palette.dim),
            );
            room = figure.left() - 52.0 - left;
            let track = Rect::from_center_size(pos2(figure.left() - 26.0, y), vec2(36.0, 5.0));
            painter.rect_filled(track, CornerRadius::same(2), palette.raised);
            let lit = Rect::from_min_size(track.min, vec2(track.width() * share, track.height()));
            painter.rect_filled(lit, CornerRadius::same(2), palette.accent);
        }
        text::put(
            painter,
            pos2(left, y),
            Align2::LEFT_CENTER,
            &words,
            (text::plain(Size::Body), ink),
            room.max(10.0),
        );
    }
}
