//! The circle of fifths, shaded by probability: majors outside, minors inside, the answer in the middle.

mod geometry;
mod middle;
mod words;

use egui::accesskit::Role;
use egui::{Align2, Rect, Response, Sense, Ui, UiBuilder, Vec2, WidgetInfo};
use mertscope_music::{Key, KeyAnswer, Mode, Standing};

use self::geometry::Circle;
use self::middle::middle;
use self::words::{about, description, mixes};
use crate::color;
use crate::control::{HEIGHT, Icon, focus_ring, icon_button};
use crate::key_answer;
use crate::text::{self, Size};
use crate::tuning::tuning_ui;
use crate::view_context::{ViewContext, ranked_keys};

/// The keys that copy the shown key, as people read them.
const COPY_KEYS: &str = if cfg!(target_os = "macos") {
    "⌘C"
} else {
    "Ctrl+C"
};

/// Draws the circle into `rect`. A click copies the key under the pointer, Enter the shown one.
pub(crate) fn circle_ui(ui: &mut Ui, context: &ViewContext<'_>, rect: Rect) {
    let id = ui.scope_id().with("circle of fifths");
    let response = ui.interact(rect, id, Sense::click());
    let answer = key_answer::shown(context);
    let answer = answer.as_ref();
    response.widget_info(|| WidgetInfo::labeled(Role::Button, true, description(context, answer)));
    if rect.width().min(rect.height()) < 40.0 {
        return;
    }
    let circle = Circle::inside(rect);
    let keys = context.result().and_then(ranked_keys).unwrap_or_default();
    sectors(ui, context, circle, &keys, answer);
    middle(ui, context, circle, answer);
    focus_ring(ui, &response, context.palette, 8);
    copy(ui, context, circle, &response);
    copy_button(ui, context, rect);
    tuning_ui(ui, context, rect);
    tooltip(context, circle, response, &keys, answer);
}

/// The tooltip of the key under the pointer, of the answer in the middle, or of the whole picture.
fn tooltip(
    context: &ViewContext<'_>,
    circle: Circle,
    response: Response,
    keys: &[(Key, f32)],
    answer: Option<&KeyAnswer>,
) {
    let pointed = response.hover_pos();
    let is_middle = pointed.is_some_and(|pos| (pos - circle.center).length() < circle.hole());
    let words = match (pointed.and_then(|pos| circle.key_at(pos)), answer) {
        (Some(key), _) => {
            let found = keys.iter().find(|(other, _)| *other == key);
            about(context, key, found.map(|(_, p)| *p), answer)
        }
        (None, Some(answer)) if is_middle => key_answer::promise(context, answer),
        _ => "The circle of fifths: the brighter, the more probable. A bar outside marks the keys that mix well \
              with the current one, dashes two keys that are in question. Click a key to copy its name."
            .to_owned(),
    };
    response.on_hover_text_at_pointer(words);
}

fn sectors(
    ui: &Ui,
    context: &ViewContext<'_>,
    circle: Circle,
    keys: &[(Key, f32)],
    answer: Option<&KeyAnswer>,
) {
    let palette = context.palette;
    let font_size = (circle.radius * 0.105).clamp(8.0, 19.0);
    let shown = answer.map(key_answer::keys).unwrap_or_default();
    for key in Key::all() {
        let found = keys.iter().find(|(k, _)| *k == key);
        let probability = found.map_or(0.0, |(_, p)| *p);
        let full = color::key(key, palette.dark);
        let rest = color::mix(palette.raised, full, if palette.dark { 0.07 } else { 0.10 });
        let fill = color::mix(rest, full, probability.powf(0.6));
        let ring = circle.ring(key.mode());
        ui.painter().add(circle.sector(key, ring, fill));
        let ink = if probability > 0.12 {
            color::on(fill)
        } else {
            palette.dim
        };
        let size = Size::Points(if key.mode() == Mode::Major {
            font_size
        } else {
            font_size * 0.82
        });
        let font = if shown.contains(&key) {
            text::bold(size)
        } else {
            text::plain(size)
        };
        let at = circle.at((ring.0 + ring.1) / 2.0, key.fifths() as f32 / 12.0);
        let name = text::short_key(key, context.parameters.notation);
        text::put(
            ui.painter(),
            at,
            Align2::CENTER_CENTER,
            &name,
            (font, ink),
            circle.radius,
        );
        if let Some(answer) = answer {
            mark(ui, context, circle, key, answer);
        }
    }
}

/// Draws the edge of the named key, and a thin bar at each key that mixes well with it; dashes at two keys that
/// are in question.
fn mark(ui: &Ui, context: &ViewContext<'_>, circle: Circle, key: Key, answer: &KeyAnswer) {
    let (inner, outer) = circle.ring(key.mode());
    let thin = (circle.radius * 0.02).clamp(2.0, 4.0);
    let edge = match key.mode() {
        Mode::Major => (outer + 1.0, outer + 1.0 + thin),
        Mode::Minor => (inner - 1.0 - thin, inner - 1.0),
    };
    let palette = context.palette;
    let best = answer.best.0;
    match answer.standing {
        Standing::Named if key == best => {
            ui.painter().add(circle.sector(key, edge, palette.text));
        }
        Standing::Named if mixes(best, key) => {
            ui.painter().add(circle.sector(key, edge, palette.accent));
        }
        Standing::Pair if key == best || key == answer.runner_up.0 => {
            ui.painter().extend(circle.dashes(key, edge, palette.text));
        }
        _ => {}
    }
}

fn copy(ui: &Ui, context: &ViewContext<'_>, circle: Circle, response: &Response) {
    if !response.clicked() {
        return;
    }
    let pointed = response
        .interact_pointer_pos()
        .and_then(|pos| circle.key_at(pos));
    let pointed = pointed.map(|key| key.to_text(context.parameters.notation));
    if let Some(key) = pointed.or_else(|| key_answer::copied(context)) {
        ui.ctx().copy_text(key);
    }
}

/// A button in a corner that the circle leaves free.
fn copy_button(ui: &mut Ui, context: &ViewContext<'_>, rect: Rect) {
    let place = Align2::RIGHT_TOP.align_size_within_rect(Vec2::splat(HEIGHT), rect);
    let key = key_answer::copied(context);
    let about = match &key {
        Some(key) => format!("Copy “{key}” ({COPY_KEYS})"),
        None => "There is no key to copy yet".to_owned(),
    };
    let builder = UiBuilder::new().max_rect(place).id_salt("copy");
    ui.scope_builder(builder, |ui| {
        if key.is_none() {
            ui.disable();
        }
        let (icon, name) = (Icon::Copy, "Copy the key");
        let button = icon_button(ui, context.palette, icon, false, name, &about);
        if let Some(key) = key.filter(|_| button.clicked()) {
            ui.ctx().copy_text(key);
        }
    });
}
