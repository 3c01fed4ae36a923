//! The genres: one bar per label, in the head's order, so that no bar changes its place.

use egui::accesskit::Role;
use egui::{
    Align2, Color32, CornerRadius, Rangef, Rect, Sense, Stroke, StrokeKind, Ui, WidgetInfo, pos2,
    vec2,
};

use crate::color;
use crate::drawing::finite;
use crate::key_answer::is_uncalibrated;
use crate::text::{self, Size};
use crate::view_context::{ViewContext, best_label, is_absence};

/// Least height of a row in points.
const LEAST_ROW: f32 = 12.6;
/// Greatest height of a row in points.
const GREATEST_ROW: f32 = 84.0;
/// Height of the headline in points.
const HEADLINE: f32 = 30.0;

/// Draws the bars into `rect`, with the most probable label above them when there is room.
pub(crate) fn genre_ui(ui: &mut Ui, context: &ViewContext<'_>, rect: Rect) {
    let response = ui.interact(
        rect,
        ui.scope_id().with("genre bars"),
        Sense::focusable_noninteractive(),
    );
    response.widget_info(|| WidgetInfo::labeled(Role::Image, true, description(context)));
    crate::control::focus_ring(ui, &response, context.palette, 6);
    response.on_hover_text_at_pointer(about(context));
    let labels = context.genre_labels();
    if labels.is_empty() {
        let words = reason(context);
        text::put_sentence(ui.painter(), rect, &words, context.palette.faint);
        return;
    }
    let has_headline = rect.height() >= HEADLINE + 20.0 * labels.len().min(10) as f32;
    let mut rows = rect;
    if has_headline {
        rows.min.y += HEADLINE;
        headline(ui, context, rect);
    }
    bars(ui, context, rows, labels);
}

/// What the figures promise.
fn about(context: &ViewContext<'_>) -> String {
    let promise = if is_uncalibrated(context, "genre") {
        "Not calibrated: this head's figures were not held against music, so they may be right more or less often \
         than they say."
    } else {
        "Of a hundred answers with 70 %, about 70 are right."
    };
    let labels = context.genre_labels();
    let absence = match labels.iter().any(|label| is_absence(label)) {
        true => {
            " “None of these” is its answer to what is no such music: speech, noise, a single loop."
        }
        false => "",
    };
    format!("The probability of each genre, over the last seconds. {promise}{absence}")
}

/// Why there are no bars.
fn reason(context: &ViewContext<'_>) -> String {
    if context.snapshot.model.running.is_some() {
        context.no_head("genre")
    } else {
        "No model yet".to_owned()
    }
}

fn headline(ui: &Ui, context: &ViewContext<'_>, rect: Rect) {
    let best = context
        .snapshot
        .latest
        .as_ref()
        .and_then(|entry| best_label(context.genre_labels(), entry));
    let palette = context.palette;
    let (words, figure, color) = match best {
        Some((index, p)) if context.genre_is_clear(p) => {
            let label = &context.genre_labels()[index];
            let color = match is_absence(label) {
                true => palette.dim,
                false => palette.text,
            };
            (text::label(label), text::percent(p), color)
        }
        Some(_) => ("No clear genre".to_owned(), String::new(), palette.dim),
        None => ("–".to_owned(), String::new(), palette.text),
    };
    // An absence is written in a lighter hand than an answer.
    let font = match color == palette.text {
        true => text::bold(Size::Large),
        false => text::plain(Size::Large),
    };
    let figure = text::put_figures(
        ui.painter(),
        rect.right_top(),
        Align2::RIGHT_TOP,
        &figure,
        (text::plain(Size::Large), color),
    );
    let mut right = figure.left() - 10.0;
    if best.is_some() && is_uncalibrated(context, "genre") {
        let small = (text::plain(Size::Small), palette.faint);
        let at = pos2(right + 4.0, figure.center().y);
        let (painter, words) = (ui.painter(), "not calibrated");
        let place = text::put(painter, at, Align2::RIGHT_CENTER, words, small, 100.0);
        right = place.left() - 8.0;
    }
    text::put(
        ui.painter(),
        rect.left_top(),
        Align2::LEFT_TOP,
        &words,
        (font, color),
        right - rect.left(),
    );
}

/// The labels that have a row: all in their order, or the most probable when not all fit.
fn shown(probabilities: &[f32], labels: usize, room: usize) -> Vec<usize> {
    let mut all: Vec<usize> = (0..labels).collect();
    if labels > room {
        let p = |i: &usize| probabilities.get(*i).copied().unwrap_or(0.0);
        all.sort_by(|a, b| p(b).total_cmp(&p(a)));
        all.truncate(room);
    }
    all
}

fn bars(ui: &Ui, context: &ViewContext<'_>, rect: Rect, labels: &[String]) {
    let result = context.result();
    let result = result.and_then(|result| result.genre_smoothed.as_ref());
    let probabilities: Vec<f32> =
        result.map_or_else(Vec::new, |all| all.iter().map(|p| finite(*p)).collect());
    let room = (rect.height() / LEAST_ROW).floor().max(1.0) as usize;
    let mut rows = shown(&probabilities, labels.len(), room);
    // The absence of a style stands last, whatever its place among the labels.
    rows.sort_by_key(|index| is_absence(&labels[*index]));
    let pitch = (rect.height() / rows.len() as f32).min(GREATEST_ROW);
    let columns = Columns::new(ui, rect, pitch);
    let best = probabilities.iter().copied().fold(0.0, f32::max);
    for (row, index) in rows.into_iter().enumerate() {
        let y = rect.top() + pitch * (row as f32 + 0.5);
        let p = probabilities.get(index).copied();
        let leads = p.is_some_and(|p| p >= best && p > 0.0);
        columns.row(ui, context, y, (index, &labels[index]), p, leads);
    }
}

/// The columns of the rows: name, bar and figure.
struct Columns {
    rect: Rect,
    size: Size,
    name_width: f32,
    /// Between name and figure.
    track: Rangef,
    /// Thickness of a bar.
    thick: f32,
}

impl Columns {
    fn new(ui: &Ui, rect: Rect, pitch: f32) -> Self {
        let size = match pitch {
            ..18.0 => Size::Small,
            18.0..44.0 => Size::Body,
            _ => Size::Title,
        };
        let name_width = (rect.width() * 0.42).clamp(48.0, 124.0);
        let widest = text::figures(ui.painter(), "100 %", &text::plain(size), Color32::WHITE);
        let right = rect.right() - widest.size().x - 8.0;
        let center = (rect.left() + name_width + right) / 2.0;
        let half = (right - rect.left() - name_width).max(4.0) / 2.0;
        Self {
            rect,
            size,
            name_width,
            track: Rangef::new(center - half, center + half),
            thick: (pitch * 0.42).clamp(5.0, 18.0),
        }
    }

    /// Draws the row of a label whose middle is at `y`.
    fn row(
        &self,
        ui: &Ui,
        context: &ViewContext<'_>,
        y: f32,
        (index, label): (usize, &str),
        p: Option<f32>,
        leads: bool,
    ) {
        let (palette, painter) = (context.palette, ui.painter());
        let is_absence = is_absence(label);
        let (font, ink) = match leads && !is_absence {
            true => (text::bold(self.size), palette.text),
            false => (text::plain(self.size), palette.dim),
        };
        text::put(
            painter,
            pos2(self.rect.left(), y),
            Align2::LEFT_CENTER,
            &text::label(label),
            (font, ink),
            self.name_width - 8.0,
        );
        let track = Rect::from_x_y_ranges(self.track, y - self.thick / 2.0..=y + self.thick / 2.0);
        let radius = |thick: f32| CornerRadius::same((thick / 2.0) as u8);
        painter.rect_filled(track, radius(self.thick), palette.raised);
        if let Some(p) = p.filter(|p| *p > 0.0) {
            let width = (track.width() * p).max(2.0);
            let fill = Rect::from_min_size(track.min, vec2(width, self.thick));
            let color = color::label(context.genre_labels(), index, palette.dark);
            let radius = radius(self.thick.min(width));
            match is_absence {
                // Hollow: nothing was found.
                true => {
                    let stroke = Stroke::new(1.0, palette.dim);
                    painter.rect_stroke(fill, radius, stroke, StrokeKind::Inside);
                }
                false => {
                    painter.rect_filled(fill, radius, color);
                }
            }
        }
        text::put_figures(
            painter,
            pos2(self.rect.right(), y),
            Align2::RIGHT_CENTER,
            &p.map_or_else(|| "–".to_owned(), text::percent),
            (text::plain(self.size), ink),
        );
    }
}

/// The picture in words.
fn description(context: &ViewContext<'_>) -> String {
    let labels = context.genre_labels();
    if labels.is_empty() {
        return format!("Genre: {}.", reason(context));
    }
    let Some(all) = context
        .result()
        .and_then(|result| result.genre_smoothed.as_ref())
    else {
        return "Genre: no result yet.".to_owned();
    };
    let mut pairs: Vec<(&String, f32)> =
        labels.iter().zip(all.iter().map(|p| finite(*p))).collect();
    pairs.sort_by(|a, b| b.1.total_cmp(&a.1));
    let words: Vec<String> = pairs
        .iter()
        .map(|(label, p)| format!("{} {}", text::label(label), text::percent(*p)))
        .collect();
    let best = pairs.first().map_or(0.0, |(_, p)| *p);
    let unclear = if context.genre_is_clear(best) {
        ""
    } else {
        "none is clear; "
    };
    let uncalibrated = match is_uncalibrated(context, "genre") {
        true => " The figures are not calibrated.",
        false => "",
    };
    format!("Genre: {unclear}{}.{uncalibrated}", words.join(", "))
}

#[cfg(test)]
mod tests {
    use super::shown;

    #[test]
    fn labels_keep_their_order_while_they_fit() {
        let p = [0.1, 0.5, 0.0, 0.4];
        assert_eq!(shown(&p, 4, 4), [0, 1, 2, 3]);
        assert_eq!(shown(&p, 4, 2), [1, 3]);
        assert_eq!(shown(&[], 3, 2).len(), 2);
    }
}
