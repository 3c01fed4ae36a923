//! The timeline read: the moment under the pointer or the keyboard's cursor, and the picture in words.

use egui::{CornerRadius, Rect, Response, Stroke, StrokeKind, Ui, pos2, vec2};

use super::ribbons;
use super::scale::{Scale, time_text};
use super::track::Track;
use crate::entry_words::entry_words;
use crate::text::{self, Size};
use crate::theme::Palette;
use crate::view_context::ViewContext;
use crate::view_settings::TimeBase;

/// Changes of key that the picture in words names at most.
const MOST_CHANGES: usize = 12;

/// A moment of the row that is read.
pub(super) struct Moment<'a> {
    context: &'a ViewContext<'a>,
    track: &'a Track,
    base: TimeBase,
    /// In seconds of audio.
    at: f64,
}

impl<'a> Moment<'a> {
    pub(super) fn new(
        context: &'a ViewContext<'a>,
        track: &'a Track,
        base: TimeBase,
        at: f64,
    ) -> Self {
        Self {
            context,
            track,
            base,
            at,
        }
    }

    /// Draws a line at the moment, and its words: in the tooltip of the timeline that the pointer is over, else
    /// in a box.
    pub(super) fn show(&self, ui: &Ui, lanes: Rect, scale: Scale, pointed: Option<Response>) {
        let x = scale.x_from_moment(self.at);
        if self.track.spans.is_empty() || !scale.x.contains(x) {
            return;
        }
        let palette = self.context.palette;
        for (width, ink) in [
            (3.0, palette.panel.gamma_multiply(0.7)),
            (1.0, palette.text),
        ] {
            ui.painter()
                .vline(x, lanes.y_range(), Stroke::new(width, ink));
        }
        match pointed {
            Some(response) => drop(response.on_hover_text_at_pointer(self.words())),
            None => cursor_box(ui, palette, lanes, x, &self.words()),
        }
    }

    /// The timeline in words while the cursor is at the moment.
    pub(super) fn description(&self) -> String {
        format!("Timeline at {}", self.words().replace('\n', ", "))
    }

    fn words(&self) -> String {
        let time = time_text(self.track, self.at, self.base);
        let words = match self.track.at(self.at) {
            Some(span) => {
                let stretch = self.track.stretch_at(span.to);
                let begins = stretch.filter(|stretch| stretch.from == span.from);
                let mut lines = Vec::new();
                if begins.is_some_and(|stretch| stretch.starts_again) {
                    lines.push("Started again here".to_owned());
                }
                lines.push(entry_words(self.context, &span.entry));
                lines.extend(ribbons::words(self.context, span, self.at));
                lines.join("\n")
            }
            None => "Nothing was analyzed here".to_owned(),
        };
        format!("{time}\n{words}")
    }
}

/// The picture in words, with the keys of the last `span_s` seconds.
pub(super) fn description(
    context: &ViewContext<'_>,
    track: &Track,
    base: TimeBase,
    span_s: f64,
) -> String {
    let (begin, end) = track.extent();
    let mut changes: Vec<String> = Vec::new();
    let mut last = None;
    for span in track.within(end - span_s, end) {
        let result = span.entry.timed.result.as_ref();
        let Some(key) = result.and_then(|result| result.key_label()) else {
            continue;
        };
        if last != Some(key) {
            let name = key.to_text(context.parameters.notation);
            changes.push(format!("{name} from {}", time_text(track, span.from, base)));
            last = Some(key);
        }
    }
    let first = changes.len().saturating_sub(MOST_CHANGES);
    let keys = match changes.is_empty() {
        true => "none clear".to_owned(),
        false => changes[first..].join(", "),
    };
    let starts = track.stretches.iter().filter(|s| s.starts_again);
    let starts: Vec<String> = starts.map(|s| time_text(track, s.from, base)).collect();
    let starts = match starts.is_empty() {
        true => String::new(),
        false => format!(" Started again at {}.", starts.join(", ")),
    };
    format!(
        "Timeline: {} of audio. Keys: {keys}.{starts} Arrows read it, plus and minus zoom.",
        length_text(end - begin)
    )
}

fn cursor_box(ui: &Ui, palette: &Palette, lanes: Rect, x: f32, words: &str) {
    let font = text::plain(Size::Body);
    let galley = ui
        .painter()
        .layout_no_wrap(words.to_owned(), font, palette.text);
    let size = galley.size() + vec2(16.0, 12.0);
    let left = (x + 8.0).min(lanes.right() - size.x).max(lanes.left());
    let rect = Rect::from_min_size(pos2(left, lanes.top() + 4.0), size);
    ui.painter().rect(
        rect,
        CornerRadius::same(6),
        palette.panel,
        Stroke::new(1.0, palette.rule),
        StrokeKind::Inside,
    );
    ui.painter()
        .galley(rect.min + vec2(8.0, 6.0), galley, palette.text);
}

/// A length of time in words: `45 s`, `2 min`.
pub(super) fn length_text(seconds: f64) -> String {
    if seconds < 90.0 {
        format!("{seconds:.0} s")
    } else if seconds < 5400.0 {
        format!("{:.1} min", seconds / 60.0).replace(".0 ", " ")
    } else {
        format!("{:.1} h", seconds / 3600.0)
    }
}
