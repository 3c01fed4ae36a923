//! The most probable keys as a list, in all three notations; it stands beside the circle.

use egui::accesskit::Role;
use egui::{Align2, CornerRadius, Rect, Sense, Ui, WidgetInfo, pos2, vec2};
use mertscope_music::{Key, Notation};

use crate::color;
use crate::control::focus_ring;
use crate::key_answer;
use crate::text::{self, Size};
use crate::view_context::{ViewContext, ranked_keys};

/// Height of a row in points, at least and at most.
const ROWS: (f32, f32) = (24.0, 38.0);
/// Keys that the list names in words.
const SPOKEN: usize = 8;

/// Draws as many keys as fit into `rect`, the most probable first.
pub(crate) fn ranking_ui(ui: &mut Ui, context: &ViewContext<'_>, rect: Rect) {
    let palette = context.palette;
    let id = ui.scope_id().with("ranking");
    let response = ui.interact(rect, id, Sense::focusable_noninteractive());
    let keys = context.result().and_then(ranked_keys).unwrap_or_default();
    response.widget_info(|| WidgetInfo::labeled(Role::Image, true, description(context, &keys)));
    focus_ring(ui, &response, palette, 6);
    response.on_hover_text_at_pointer(
        "The most probable keys, each with its names on the Camelot and Open Key wheels",
    );
    let title = text::put(
        ui.painter(),
        rect.left_top(),
        Align2::LEFT_TOP,
        "Most probable",
        (text::bold(Size::Body), palette.dim),
        rect.width(),
    );
    let rows = rect.with_min_y(title.bottom() + 8.0);
    if keys.is_empty() {
        text::put(
            ui.painter(),
            rows.left_top(),
            Align2::LEFT_TOP,
            "No result yet",
            (text::plain(Size::Body), palette.faint),
            rect.width(),
        );
        return;
    }
    let count = ((rows.height() / ROWS.0).floor() as usize).clamp(1, Key::COUNT);
    let pitch = (rows.height() / count as f32).min(ROWS.1);
    let shown = key_answer::shown(context);
    let shown = shown.as_ref().map(key_answer::keys).unwrap_or_default();
    for (row, (key, p)) in keys.into_iter().take(count).enumerate() {
        let min = pos2(rows.left(), rows.top() + pitch * row as f32);
        let place = Rect::from_min_size(min, vec2(rows.width(), pitch));
        key_row(ui, context, place, key, p, shown.contains(&key));
    }
}

/// The list in words.
fn description(context: &ViewContext<'_>, keys: &[(Key, f32)]) -> String {
    let spoken = |(key, p): &(Key, f32)| {
        let key = key.to_text(context.parameters.notation);
        format!("{key} {}", text::percent(*p))
    };
    let keys: Vec<String> = keys.iter().take(SPOKEN).map(spoken).collect();
    format!("Most probable keys: {}", keys.join(", "))
}

fn key_row(ui: &Ui, context: &ViewContext<'_>, place: Rect, key: Key, p: f32, leads: bool) {
    let (palette, painter) = (context.palette, ui.painter());
    let y = place.center().y;
    let ink = if leads { palette.text } else { palette.dim };
    let font = if leads {
        text::bold(Size::Body)
    } else {
        text::plain(Size::Body)
    };
    let name = key.to_text(context.parameters.notation);
    text::put(
        painter,
        pos2(place.left(), y),
        Align2::LEFT_CENTER,
        &name,
        (font, ink),
        78.0,
    );
    let others = [Notation::Traditional, Notation::Camelot, Notation::OpenKey];
    let others = others
        .into_iter()
        .filter(|notation| *notation != context.parameters.notation);
    let others: Vec<String> = others
        .map(|notation| text::short_key(key, notation))
        .collect();
    let small = (text::plain(Size::Small), palette.faint);
    text::put(
        painter,
        pos2(place.left() + 84.0, y),
        Align2::LEFT_CENTER,
        &others.join(" · "),
        small,
        60.0,
    );
    let font = (text::plain(Size::Body), ink);
    text::put_figures(
        painter,
        pos2(place.right(), y),
        Align2::RIGHT_CENTER,
        &text::percent(p),
        font,
    );
    let (left, right) = (place.left() + 148.0, place.right() - 48.0);
    if right - left > 10.0 {
        let track = Rect::from_min_max(pos2(left, y - 4.0), pos2(right, y + 4.0));
        painter.rect_filled(track, CornerRadius::same(4), palette.raised);
        let width = (track.width() * p).max(2.0);
        let lit = Rect::from_min_size(track.min, vec2(width, track.height()));
        let radius = CornerRadius::same((track.height().min(width) / 2.0) as u8);
        painter.rect_filled(lit, radius, color::key(key, palette.dark));
    }
}
