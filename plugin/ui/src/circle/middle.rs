//! The hole in the circle: one key, large; a question between two; or the words that no key is clear.

use egui::{Align2, Color32, FontId, Painter, Pos2, Ui, vec2};
use mertscope_live::State;
use mertscope_music::{KeyAnswer, Standing};

use super::geometry::Circle;
use crate::key_answer::{guess, is_uncalibrated};
use crate::state::EngineChoice;
use crate::text::{self, Size};
use crate::view_context::ViewContext;

/// The place of the words, and their sizes, in points.
struct Middle<'a> {
    painter: &'a Painter,
    center: Pos2,
    radius: f32,
    big: f32,
    small: f32,
}

impl<'a> Middle<'a> {
    fn of(circle: Circle, painter: &'a Painter) -> Self {
        let radius = circle.hole() - circle.radius * 0.05;
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

    /// One key with its figure, and the runner-up.
    fn named(&self, context: &ViewContext<'_>, answer: &KeyAnswer) {
        let (big, small, palette) = (self.big, self.small, context.palette);
        let name = answer.best.0.to_text(context.parameters.notation);
        self.title(-big * 0.7, &name, big, palette.text);
        text::put_figures(
            self.painter,
            self.center + vec2(0.0, big * 0.28),
            Align2::CENTER_CENTER,
            &text::percent(answer.best.1),
            (text::plain(Size::Points(big * 0.62)), palette.text),
        );
        let second = guess(context, answer.runner_up);
        self.line(big * 0.28 + small * 2.1, &second, palette.dim);
    }

    /// Two keys as a question, in a lighter hand than one that is sure.
    fn pair(&self, context: &ViewContext<'_>, answer: &KeyAnswer) {
        let (size, palette) = (self.big * 0.74, context.palette);
        let notation = context.parameters.notation;
        let [first, second] = [answer.best, answer.runner_up];
        let font = || text::plain(Size::Points(size));
        self.put(
            -size * 1.15,
            &first.0.to_text(notation),
            font(),
            palette.text,
        );
        let question = format!("or {}?", second.0.to_text(notation));
        self.put(size * 0.05, &question, font(), palette.text);
        let [first, second] = [first, second].map(|(_, p)| text::percent(p));
        let figures = format!("{first} · {second}");
        self.line(size * 0.7 + self.small * 1.1, &figures, palette.dim);
    }

    /// The two best guesses, small.
    fn unclear(&self, context: &ViewContext<'_>, answer: &KeyAnswer) {
        let (big, small, palette) = (self.big, self.small, context.palette);
        self.put(
            -big * 0.5,
            "No clear key",
            text::plain(Size::Points(big * 0.66)),
            palette.dim,
        );
        for (row, of) in [answer.best, answer.runner_up].into_iter().enumerate() {
            let y = small * (0.9 + 1.35 * row as f32);
            self.line(y, &guess(context, of), palette.faint);
        }
    }
}

/// Writes the answer into the middle, or what there is to wait for.
pub(super) fn middle(
    ui: &Ui,
    context: &ViewContext<'_>,
    circle: Circle,
    answer: Option<&KeyAnswer>,
) {
    let palette = context.palette;
    let middle = Middle::of(circle, ui.painter());
    let (big, small) = (middle.big, middle.small);
    let Some(answer) = answer else {
        let (first, second) = waiting(context);
        let size = (big * 0.6).max(small);
        middle.title(-small * 0.75, &first, size, palette.text);
        middle.line(small * 1.3, &second, palette.dim);
        return;
    };
    match answer.standing {
        Standing::Named => middle.named(context, answer),
        Standing::Pair => middle.pair(context, answer),
        Standing::Unclear => middle.unclear(context, answer),
    }
    if is_uncalibrated(context, "key") {
        let y = middle.radius * 0.8;
        let font = text::plain(Size::Points(small * 0.9));
        middle.put(y, "not calibrated", font, palette.faint);
    }
}

/// The two lines in the middle while there is no key.
pub(super) fn waiting(context: &ViewContext<'_>) -> (String, String) {
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
