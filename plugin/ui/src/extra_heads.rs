//! The predictions of the model's further heads: one row per head, its best label with a bar.

use egui::accesskit::Role;
use egui::{Align2, CornerRadius, Rect, Sense, Ui, WidgetInfo, pos2, vec2};

use mertscope_heads::head::{HeadInfo, Outputs};

use crate::control::focus_ring;
use crate::drawing::finite;
use crate::text::{self, Size};
use crate::view_context::ViewContext;

/// Height of a row in points.
const ROW: f32 = 24.0;

/// The height that the rows take, in points; 0 without further heads.
pub(crate) fn height(context: &ViewContext<'_>) -> f32 {
    let running = context.snapshot.model.running.as_ref();
    ROW * running.map_or(0, |running| running.heads.len()) as f32
}

/// Draws as many rows as fit into `rect`.
pub(crate) fn extra_heads_ui(ui: &mut Ui, context: &ViewContext<'_>, rect: Rect) {
    let Some(running) = &context.snapshot.model.running else {
        return;
    };
    for (number, info) in running.heads.iter().enumerate() {
        let top_left = rect.min + vec2(0.0, ROW * number as f32);
        let row = Rect::from_min_size(top_left, vec2(rect.width(), ROW));
        if row.bottom() > rect.bottom() + 0.5 {
            break;
        }
        let prediction = Prediction::of(context, info);
        let id = ui.scope_id().with(("head", number));
        let response = ui.interact(row, id, Sense::focusable_noninteractive());
        let spoken = prediction.spoken(info);
        response.widget_info(|| WidgetInfo::labeled(Role::Label, true, &spoken));
        focus_ring(ui, &response, context.palette, 4);
        let uncalibrated = match info.is_calibrated {
            true => "",
            false => " (not calibrated)",
        };
        response.on_hover_text(format!(
            "{spoken}{uncalibrated}\n{}\n{}",
            info.layers_text, info.metrics_text
        ));
        draw_row(ui, context, info, &prediction, row);
    }
}

/// A head's prediction for the newest window, in words.
struct Prediction {
    /// Labels with their figures, the best first.
    answers: Vec<String>,
    /// The best label and its share, when one share says everything.
    only: Option<(String, f32)>,
    /// Whether the best label is below the head's threshold.
    is_unsure: bool,
}

impl Prediction {
    fn of(context: &ViewContext<'_>, info: &HeadInfo) -> Self {
        let result = context.result();
        let all = result.and_then(|result| result.prediction_of(&info.sha256));
        let foremost = info.foremost(all.unwrap_or_default());
        let is_share = info.outputs != Outputs::Regression;
        let answer = |(label, value): &(&str, f32)| {
            let figure = if is_share {
                text::percent(*value)
            } else {
                format!("{value:.2}")
            };
            format!("{} {figure}", text::label(label))
        };
        let best = foremost.first();
        let is_unsure = info.outputs == Outputs::Multiclass
            && best.is_some_and(|(_, share)| !info.is_sure(*share));
        let only = match &foremost[..] {
            [(label, share)] if is_share => Some((text::label(label), finite(*share))),
            _ => None,
        };
        Self {
            answers: foremost.iter().map(answer).collect(),
            only,
            is_unsure,
        }
    }

    /// One share has its figure and bar on the right; of several each has its figure beside it.
    fn words(&self) -> String {
        let words = match &self.only {
            Some((label, _)) => label.clone(),
            None if self.answers.is_empty() => "–".to_owned(),
            None => self.answers.join(" · "),
        };
        if self.is_unsure {
            format!("unsure ({words})")
        } else {
            words
        }
    }

    fn spoken(&self, info: &HeadInfo) -> String {
        let unsure = if self.is_unsure { "unsure, " } else { "" };
        let task = text::label(&info.task);
        format!("{task}: {unsure}{}", self.answers.join(", "))
    }
}

fn draw_row(
    ui: &Ui,
    context: &ViewContext<'_>,
    info: &HeadInfo,
    prediction: &Prediction,
    row: Rect,
) {
    let (painter, palette) = (ui.painter(), context.palette);
    let y = row.center().y;
    text::put(
        painter,
        pos2(row.left(), y),
        Align2::LEFT_CENTER,
        &text::label(&info.task),
        (text::plain(Size::Small), palette.faint),
        row.width() * 0.32,
    );
    let left = row.left() + row.width() * 0.36;
    let mut room = row.right() - left;
    if let Some((_, share)) = prediction.only {
        let figure = text::put_figures(
            painter,
            pos2(row.right(), y),
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
    let ink = if prediction.is_unsure {
        palette.dim
    } else {
        palette.text
    };
    text::put(
        painter,
        pos2(left, y),
        Align2::LEFT_CENTER,
        &prediction.words(),
        (text::plain(Size::Body), ink),
        room.max(10.0),
    );
}
