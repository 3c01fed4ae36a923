//! The key: a circle of fifths shaded by probability, majors outside, minors inside, with the
//! current key in the middle.

use std::f32::consts::TAU;

use egui::accesskit::Role;
use egui::{Align2, Pos2, Rect, Response, Sense, Shape, Stroke, Ui, WidgetInfo, vec2};
use mertscope_live::State;
use mertscope_music::{Key, Mode};

use crate::color;
use crate::control::focus_ring;
use crate::text::{self, Size};
use crate::view_context::{ViewContext, ranked_keys};

/// Radii of the rings, as shares of the outer radius: the majors' outside and inside, the minors'
/// outside and inside.
const RINGS: [f32; 4] = [0.95, 0.755, 0.74, 0.54];
/// Points of an arc of a twelfth.
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
    fn sector(self, key: Key, (inner, outer): (f32, f32), fill: egui::Color32) -> Shape {
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
    let clear = context.result().and_then(|result| result.key_label);
    sectors(ui, context, circle, keys.as_deref(), clear);
    middle(ui, context, circle, keys.as_deref(), clear);
    focus_ring(ui, &response, context.palette, 8);
    copy(ui, context, circle, &response, clear);
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

/// The current key's edge, and a thin bar at the keys that mix well with it.
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

/// Whether a mix from one key into the other keeps all notes but one at most: the relative key,
/// and the neighbors on the circle in the same mode.
fn mixes(current: Key, key: Key) -> bool {
    let same_mode = key.mode() == current.mode();
    key == current.relative()
        || same_mode && [5, 7].iter().any(|fifth| key == current.transposed(*fifth))
}

fn middle(
    ui: &Ui,
    context: &ViewContext<'_>,
    circle: Circle,
    keys: Option<&[(Key, f32)]>,
    clear: Option<Key>,
) {
    let hole = circle.radius * RINGS[3] - circle.radius * 0.05;
    let (palette, painter) = (context.palette, ui.painter());
    let width = hole * 2.0;
    let big = (hole * 0.37).clamp(12.0, 50.0);
    let small = (hole * 0.155).clamp(9.5, 17.0);
    let put = |y: f32, words: &str, bold: bool, size: f32, color| {
        let size = Size::Points(size);
        let font = if bold {
            text::bold(size)
        } else {
            text::plain(size)
        };
        let at = circle.center + vec2(0.0, y);
        // A circle is narrower away from its middle.
        let width = (width * (1.0 - (y / hole).powi(2)).max(0.0).sqrt()).max(hole * 0.8);
        text::put(
            painter,
            at,
            Align2::CENTER_CENTER,
            words,
            (font, color),
            width,
        );
    };
    let Some([(best, probability), runner_up, ..]) = keys else {
        let (first, second) = waiting(context);
        put(
            -small * 0.75,
            &first,
            true,
            (big * 0.6).max(small),
            palette.text,
        );
        put(small * 1.3, &second, false, small, palette.dim);
        return;
    };
    let second = format!(
        "{} {}",
        runner_up.0.to_text(context.parameters.notation),
        text::percent(runner_up.1)
    );
    if let Some(key) = clear {
        put(
            -big * 0.55,
            &key.to_text(context.parameters.notation),
            true,
            big,
            palette.text,
        );
        let at = circle.center + vec2(0.0, big * 0.45);
        let size = Size::Points(big * 0.62);
        let font = (text::plain(size), palette.text);
        text::put_figures(
            painter,
            at,
            Align2::CENTER_CENTER,
            &text::percent(*probability),
            font,
        );
        put(big * 0.45 + small * 2.5, &second, false, small, palette.dim);
    } else {
        put(-big * 0.35, "No clear key", true, big * 0.72, palette.text);
        let guess = format!(
            "{} {}",
            best.to_text(context.parameters.notation),
            text::percent(*probability)
        );
        put(small * 1.2, &guess, false, small, palette.dim);
        put(small * 2.6, &second, false, small, palette.dim);
    }
}

/// What stands in the middle while there is no answer.
fn waiting(context: &ViewContext<'_>) -> (String, String) {
    let snapshot = context.snapshot;
    let fill = text::percent(snapshot.window_fill);
    match snapshot.state {
        _ if snapshot.latest.is_some() => ("No key".to_owned(), context.no_head("key")),
        State::Idle => ("Idle".to_owned(), "Play something".to_owned()),
        State::Stopped => ("Stopped".to_owned(), "Start the transport".to_owned()),
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

/// A key's tooltip.
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
    let name = |i: usize| {
        format!(
            "{} {}",
            keys[i].0.to_text(context.parameters.notation),
            text::percent(keys[i].1)
        )
    };
    match result.key_label {
        Some(key) => {
            let mixing: Vec<String> = Key::all()
                .filter(|k| mixes(key, *k))
                .map(|k| k.to_text(context.parameters.notation))
                .collect();
            let key = key.to_text(context.parameters.notation);
            format!(
                "Key: {key}, {}. Runner-up: {}. Mixes with {}. Enter copies the key.",
                name(0),
                name(1),
                mixing.join(", ")
            )
        }
        None => format!("Key: no clear key. Best guesses: {}, {}.", name(0), name(1)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use egui::pos2;

    #[test]
    fn every_key_is_found_where_it_is_drawn() {
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
