//! The stretch of the row that the timeline shows: its length and its right edge, moved by pointer and
//! keys; and the moment that the keyboard reads.

use egui::{EventFilter, Key as Pressed, PointerButton, Rangef, Response, Ui};

use super::scale::Scale;
use super::track::Track;
use crate::zoom;

/// Seconds that a new timeline shows.
const FIRST_SPAN_S: f64 = 120.0;
/// The least and the most that can be shown, in seconds.
const SPANS_S: std::ops::RangeInclusive<f64> = 5.0..=3600.0;

/// See the module.
pub(super) struct Viewport {
    /// The length of the stretch in seconds.
    pub(super) span_s: f64,
    /// The right edge in seconds of audio; `None` follows the newest.
    right: Option<f64>,
    /// The moment that the keyboard reads, in seconds of audio.
    pub(super) cursor: Option<f64>,
}

impl Default for Viewport {
    fn default() -> Self {
        Self {
            span_s: FIRST_SPAN_S,
            right: None,
            cursor: None,
        }
    }
}

impl Viewport {
    /// The stretch drawn over these points.
    pub(super) fn scale(&self, track: &Track, x: Rangef) -> Scale {
        let to = self.right.unwrap_or(track.extent().1);
        Scale {
            from: to - self.span_s,
            to,
            x,
        }
    }

    /// Whether the right edge follows the newest result.
    pub(super) fn follows(&self) -> bool {
        self.right.is_none()
    }

    /// Goes to the newest result and follows it.
    pub(super) fn follow(&mut self) {
        self.right = None;
        self.cursor = None;
    }

    /// Shows time `factor` times as large; `share` of the width stays where it is, 0 left to 1 right.
    pub(super) fn enlarge(&mut self, track: &Track, factor: f64, share: f64) {
        let to = self.right.unwrap_or(track.extent().1);
        let fixed = to - self.span_s * (1.0 - share);
        self.span_s = (self.span_s / factor).clamp(*SPANS_S.start(), *SPANS_S.end());
        if self.right.is_some() || share < 0.98 {
            self.go_to(track, fixed + self.span_s * (1.0 - share));
        }
    }

    /// Puts the right edge at a moment, or follows when that is the newest or later.
    fn go_to(&mut self, track: &Track, right: f64) {
        let (begin, end) = track.extent();
        let right = right.max(begin + self.span_s * 0.25);
        self.right = (right < end - 1e-3).then_some(right);
    }

    /// Pans by dragging and by scrolling sideways, zooms by the wheel and by a pinch.
    pub(super) fn move_by_pointer(
        &mut self,
        ui: &Ui,
        response: &Response,
        track: &Track,
        x: Rangef,
    ) {
        let scale = self.scale(track, x);
        let pan = |viewport: &mut Self, points: f32| {
            let by = scale.moment_from_x(0.0) - scale.moment_from_x(points);
            viewport.go_to(track, scale.to + by);
        };
        if response.dragged_by(PointerButton::Primary) {
            pan(self, response.drag_delta().x);
        }
        let Some(pos) = response.hover_pos() else {
            return;
        };
        if let Some(factor) = zoom::by_pointer(ui) {
            let share = f64::from((pos.x - x.min) / x.span().max(1.0));
            self.enlarge(track, factor, share);
        }
        let sideways = ui.input(|input| input.smooth_scroll_delta().x);
        if sideways != 0.0 {
            pan(self, sideways);
        }
    }

    /// Zooms by plus and minus, and moves the cursor by arrows, Home and End.
    pub(super) fn move_by_keys(&mut self, ui: &Ui, response: &Response, track: &Track) {
        if !response.has_focus() {
            self.cursor = None;
            return;
        }
        let filter = EventFilter {
            horizontal_arrows: true,
            ..EventFilter::default()
        };
        ui.memory_mut(|memory| memory.set_focus_lock_filter(response.id, filter));
        if let Some(factor) = zoom::by_keys(ui) {
            self.enlarge(track, factor, 1.0);
        }
        let Some(to) = self.stepped(ui, track) else {
            return;
        };
        self.cursor = Some(to);
        let right = self.right.unwrap_or(track.extent().1);
        if to < right - self.span_s || to > right {
            self.go_to(track, to + self.span_s / 2.0);
        }
    }

    /// The moment that a pressed key moves the cursor to: an arrow to the middle of the next span.
    fn stepped(&mut self, ui: &Ui, track: &Track) -> Option<f64> {
        let pressed = |key| ui.input(|input| input.key_pressed(key));
        let (begin, end) = track.extent();
        let at = self.cursor.unwrap_or(self.right.unwrap_or(end));
        let middle_of = |index: usize| {
            let span = track.spans.get(index)?;
            Some((span.from + span.to) / 2.0)
        };
        let here = track.spans.partition_point(|span| span.to < at);
        if pressed(Pressed::ArrowLeft) {
            match self.cursor {
                None => middle_of(here),
                Some(_) => here.checked_sub(1).and_then(middle_of),
            }
        } else if pressed(Pressed::ArrowRight) {
            middle_of(here + 1)
        } else if pressed(Pressed::Home) {
            Some(begin)
        } else if pressed(Pressed::End) {
            self.right = None;
            Some(end)
        } else {
            None
        }
    }
}
