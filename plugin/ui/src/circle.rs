//! The circle of fifths, shaded by probability: majors outside, minors inside, the current key in
//! the middle.

use std::f32::consts::TAU;

use egui::accesskit::Role;
use egui::{
    Align2, Color32, FontId, Painter, Pos2, Rect, Response, Sense, Shape, Stroke, Ui, UiBuilder,
    Vec2, WidgetInfo, vec2,
};
use mertscope_live::State;
use mertscope_music::{Key, Mode};

use crate::color;
use crate::control::{HEIGHT, Icon, focus_ring, icon_button};
use crate::state::EngineChoice;
use crate::text::{self, Size};
use crate::view_context::{ViewContext, ranked_keys};

/// Radii of the rings, as shares of the outer radius: the majors' outside and inside, the minors'
/// outside and inside.
const RINGS: [f32; 4] = [0.95, 0.755, 0.74, 0.54];
/// The keys that copy the shown key, as people read them.
const COPY_KEYS: &str = if cfg!(target_os = "macos") {
    "⌘C"
} else {
    "Ctrl+C"
};
/// Points on the arc of a sector, a twelfth of a ring.
const ARC_POINTS: usize = 12;
/// Space between two keys, in points.
const GAP: f32 = 1.5;

/// The circle's place on the screen.
#[derive(Debug, Clone, Copy)]
struct Circle {
    center: Pos2,
    radius: f32,
}

impl Circle {
    fn inside(rect: Rect) -> Self {
        Self {
            center: rect.center(),
            radius: rect.width().min(rect.height()) / 2.0,
        }
    }

    /// Inner and outer radius of the ring that a key is in.
    fn ring(self, mode: Mode) -> (f32, f32) {
        let [major_out, major_in, minor_out, minor_in] = RINGS.map(|share| share * self.radius);
        match mode {
            Mode::Major => (major_in, major_out),
            Mode::Minor => (minor_in, minor_out),
        }
    }

    fn at(self, radius: f32, turn: f32) -> Pos2 {
        let (sin, cos) = (turn * TAU).sin_cos();
        self.center + vec2(sin, -cos) * radius
    }

    /// A twelfth of a ring between two radii, as a thick line, which egui draws with smooth edges.
    fn sector(self, key: Key, (inner, outer): (f32, f32), fill: Color32) -> Shape {
        let radius = (inner + outer) / 2.0;
        let inset = GAP / 2.0 / radius.max(1.0) / TAU;
        let begin = (key.fifths() as f32 - 0.5) / 12.0 + inset;
        let length = 1.0 / 12.0 - 2.0 * inset;
        let point = |i: usize| self.at(radius, begin + length * i as f32 / (ARC_POINTS - 1) as f32);
        Shape::line(
            (0..ARC_POINTS).map(point).collect(),
            Stroke::new(outer - inner, fill),
        )
    }

    fn key_at(self, pos: Pos2) -> Option<Key> {
        let from_center = pos - self.center;
        let radius = from_center.length();
        let turn = from_center.x.atan2(-from_center.y) / TAU;
        let hour = (turn * 12.0).round().rem_euclid(12.0) as usize;
        let mode = [Mode::Major, Mode::Minor].into_iter().find(|mode| {
            let (inner, outer) = self.ring(*mode);
            (inner..=outer).contains(&radius)
        })?;
        Key::all().find(|key| key.mode() == mode && key.fifths() == hour)
    }
}

/// Draws the circle into `rect`. A click copies the key under the pointer, Enter the current one.
pub(crate) fn circle_ui(ui: &mut Ui, context: &ViewContext<'_>, rect: Rect) {
    let id = ui.scope_id().with("circle of fifths");
    let response = ui.interact(rect, id, Sense::click());
    response.widget_info(|| WidgetInfo::labeled(Role::Button, true, description(context)));
    if rect.width().min(rect.height()) < 40.0 {
        return;
    }
    let circle = Circle::inside(rect);
    let keys = context.result().and_then(ranked_keys);
    let clear = context.result().and_then(|result| result.key_label());
    sectors(ui, context, circle, keys.as_deref(), clear);
    middle(ui, context, circle, keys.as_deref(), clear);
    focus_ring(ui, &response, context.palette, 8);
    copy(ui, context, circle, &response, clear);
    copy_button(ui, context, rect);
    let pointed = response.hover_pos().and_then(|pos| circle.key_at(pos));
    match pointed {
        Some(key) => response.on_hover_text_at_pointer(about(context, key, keys.as_deref(), clear)),
        None => response.on_hover_text_at_pointer(
            "The circle of fifths: the brighter, the more probable. A bar outside marks the keys \
             that mix well with the current one. Click a key to copy its name.",
        ),
    };
}

fn sectors(
    ui: &Ui,
    context: &ViewContext<'_>,
    circle: Circle,
    keys: Option<&[(Key, f32)]>,
    clear: Option<Key>,
) {
    let palette = context.palette;
    let font_size = (circle.radius * 0.105).clamp(8.0, 19.0);
    for key in Key::all() {
        let found = keys.and_then(|keys| keys.iter().find(|(k, _)| *k == key));
        let probability = found.map_or(0.0, |(_, p)| *p);
        let full = color::key(key, palette.dark);
        let rest = color::mix(palette.raised, full, if palette.dark { 0.07 } else { 0.10 });
        let fill = color::mix(rest, full, probability.powf(0.6));
        let ring = circle.ring(key.mode());
        ui.painter().add(circle.sector(key, ring, fill));
        let is_current = clear == Some(key);
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
        let font = if is_current {
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
        if let Some(current) = clear {
            mark(ui, context, circle, key, current);
        }
    }
}

/// Draws the edge of the current key, and a thin bar at each key that mixes well with it.
fn mark(ui: &Ui, context: &ViewContext<'_>, circle: Circle, key: Key, current: Key) {
    let (inner, outer) = circle.ring(key.mode());
    let thin = (circle.radius * 0.02).clamp(2.0, 4.0);
    let edge = match key.mode() {
        Mode::Major => (outer + 1.0, outer + 1.0 + thin),
        Mode::Minor => (inner - 1.0 - thin, inner - 1.0),
    };
    if key == current {
        ui.painter()
            .add(circle.sector(key, edge, context.palette.text));
    } else if mixes(current, key) {
        ui.painter()
            .add(circle.sector(key, edge, context.palette.accent));
    }
}

/// Whether a mix from one key into the other keeps all notes but at most one: true of the relative key
/// and of the neighbors on the circle in the same mode.
fn mixes(current: Key, key: Key) -> bool {
    let same_mode = key.mode() == current.mode();
    key == current.relative()
        || same_mode && [5, 7].iter().any(|fifth| key == current.transposed(*fifth))
}

/// The hole in the circle, and the sizes of the words in it, in points.
struct Middle<'a> {
    painter: &'a Painter,
    center: Pos2,
    radius: f32,
    big: f32,
    small: f32,
}

impl<'a> Middle<'a> {
    fn of(circle: Circle, painter: &'a Painter) -> Self {
        let radius = circle.radius * RINGS[3] - circle.radius * 0.05;
        Self {
            painter,
            center: circle.center,
            radius,
            big: (radius * 0.37).clamp(12.0, 50.0),
            small: (radius * 0.155).clamp(9.5, 17.0),
        }
    }

    /// Writes words `y` points below the center, no wider than the circle is there.
    fn put(&self, y: f32, words: &str, font: FontId, color: Color32) {
        let chord = (1.0 - (y / self.radius).powi(2)).max(0.0).sqrt();
        let width = (self.radius * 2.0 * chord).max(self.radius * 0.8);
        text::put(
            self.painter,
            self.center + vec2(0.0, y),
            Align2::CENTER_CENTER,
            words,
            (font, color),
            width,
        );
    }

    fn title(&self, y: f32, words: &str, size: f32, color: Color32) {
        self.put(y, words, text::bold(Size::Points(size)), color);
    }

    fn line(&self, y: f32, words: &str, color: Color32) {
        self.put(y, words, text::plain(Size::Points(self.small)), color);
    }
}

/// Writes the current key and the runner-up into the middle; without a clear key the two best guesses.
fn middle(
    ui: &Ui,
    context: &ViewContext<'_>,
    circle: Circle,
    keys: Option<&[(Key, f32)]>,
    clear: Option<Key>,
) {
    let palette = context.palette;
    let middle = Middle::of(circle, ui.painter());
    let (big, small) = (middle.big, middle.small);
    let Some([best, runner_up, ..]) = keys else {
        let (first, second) = waiting(context);
        let size = (big * 0.6).max(small);
        middle.title(-small * 0.75, &first, size, palette.text);
        middle.line(small * 1.3, &second, palette.dim);
        return;
    };
    let second = guess_text(context, *runner_up);
    let Some(key) = clear else {
        middle.title(-big * 0.35, "No clear key", big * 0.72, palette.text);
        let first = guess_text(context, *best);
        middle.line(small * 1.2, &first, palette.dim);
        middle.line(small * 2.6, &second, palette.dim);
        return;
    };
    let name = key.to_text(context.parameters.notation);
    middle.title(-big * 0.55, &name, big, palette.text);
    text::put_figures(
        middle.painter,
        middle.center + vec2(0.0, big * 0.45),
        Align2::CENTER_CENTER,
        &text::percent(best.1),
        (text::plain(Size::Points(big * 0.62)), palette.text),
    );
    middle.line(big * 0.45 + small * 2.5, &second, palette.dim);
}

/// A key with its probability, in the notation that is shown.
fn guess_text(context: &ViewContext<'_>, (key, probability): (Key, f32)) -> String {
    let key = key.to_text(context.parameters.notation);
    format!("{key} {}", text::percent(probability))
}

/// The two lines in the middle while there is no key.
fn waiting(context: &ViewContext<'_>) -> (String, String) {
    let snapshot = context.snapshot;
    let fill = text::percent(snapshot.window_fill);
    match snapshot.state {
        _ if snapshot.latest.is_some() => ("No key".to_owned(), context.no_head("key")),
        State::Idle => ("Idle".to_owned(), "Play something".to_owned()),
        State::Stopped => {
            let engine: EngineChoice = context.host.state().get().unwrap_or_default();
            let remedy = match engine.follow_transport {
                true => "Start the transport",
                false => "Play something",
            };
            ("Stopped".to_owned(), remedy.to_owned())
        }
        State::Silent => ("Silence".to_owned(), "Below −70 dBFS".to_owned()),
        State::Analyzing => ("Listening".to_owned(), format!("Window {fill} full")),
    }
}

fn copy(
    ui: &Ui,
    context: &ViewContext<'_>,
    circle: Circle,
    response: &Response,
    clear: Option<Key>,
) {
    if !response.clicked() {
        return;
    }
    let pointed = response
        .interact_pointer_pos()
        .and_then(|pos| circle.key_at(pos));
    if let Some(key) = pointed.or(clear) {
        ui.ctx().copy_text(key.to_text(context.parameters.notation));
    }
}

/// A button in a corner that the circle leaves free.
fn copy_button(ui: &mut Ui, context: &ViewContext<'_>, rect: Rect) {
    let place = Align2::RIGHT_TOP.align_size_within_rect(Vec2::splat(HEIGHT), rect);
    let key = copied_key(context);
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

/// The key that is shown, in words, for the clipboard.
pub(crate) fn copied_key(context: &ViewContext<'_>) -> Option<String> {
    let key = context.result()?.key_label?;
    Some(key.to_text(context.parameters.notation))
}

/// The tooltip of a key.
fn about(
    context: &ViewContext<'_>,
    key: Key,
    keys: Option<&[(Key, f32)]>,
    current: Option<Key>,
) -> String {
    use mertscope_music::Notation::{Camelot, OpenKey, Traditional};
    let names = [Traditional, Camelot, OpenKey]
        .map(|notation| key.to_text(notation))
        .join(" · ");
    let found = keys.and_then(|keys| keys.iter().find(|(k, _)| *k == key));
    let probability = found.map_or_else(String::new, |(_, p)| format!("\n{}", text::percent(*p)));
    let relation = current
        .and_then(|current| relation(current, key))
        .map_or_else(String::new, |r| {
            let current =
                current.map_or_else(String::new, |c| c.to_text(context.parameters.notation));
            format!("\n{r} {current}")
        });
    format!("{names}{probability}{relation}\nClick to copy")
}

fn relation(current: Key, key: Key) -> Option<&'static str> {
    match key {
        _ if key == current => Some("The current key:"),
        _ if key == current.relative() => Some("Relative key of"),
        _ if key == current.parallel() => Some("Parallel key of"),
        _ if key == current.transposed(7) => Some("A fifth above"),
        _ if key == current.transposed(5) => Some("A fifth below"),
        _ => None,
    }
}

/// The picture in words.
fn description(context: &ViewContext<'_>) -> String {
    let Some(result) = context.result() else {
        let (first, second) = waiting(context);
        return format!("Key: {first}. {second}.");
    };
    let Some(keys) = ranked_keys(result) else {
        return format!("Key: {}.", context.no_head("key"));
    };
    let guess = |i: usize| guess_text(context, keys[i]);
    match result.key_label() {
        Some(key) => {
            let mixing: Vec<String> = Key::all()
                .filter(|k| mixes(key, *k))
                .map(|k| k.to_text(context.parameters.notation))
                .collect();
            let key = key.to_text(context.parameters.notation);
            format!(
                "Key: {key}, {}. Runner-up: {}. Mixes with {}. Enter copies the key.",
                guess(0),
                guess(1),
                mixing.join(", ")
            )
        }
        None => format!(
            "Key: no clear key. Best guesses: {}, {}.",
            guess(0),
            guess(1)
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use egui::pos2;

    #[test]
    fn every_key_is_found_at_its_place() {
        let rect = Rect::from_min_size(pos2(10.0, 20.0), vec2(300.0, 260.0));
        let circle = Circle::inside(rect);
        for key in Key::all() {
            let (inner, outer) = circle.ring(key.mode());
            let at = circle.at((inner + outer) / 2.0, key.fifths() as f32 / 12.0);
            assert_eq!(circle.key_at(at), Some(key));
            assert!(rect.contains(at));
        }
        assert_eq!(circle.key_at(circle.center), None);
    }

    #[test]
    fn a_minor_mixes_with_its_relative_and_neighbors() {
        let a_minor: Key = "A minor".parse().unwrap();
        let mut mixing: Vec<String> = Key::all()
            .filter(|k| mixes(a_minor, *k))
            .map(|k| k.to_string())
            .collect();
        mixing.sort();
        assert_eq!(mixing, ["C major", "D minor", "E minor"]);
    }
}
