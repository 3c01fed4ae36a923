//! The meter: peaks of left and right that fall slowly, in decibels below full scale.

use egui::accesskit::Role;
use egui::{CornerRadius, Rect, Sense, Ui, WidgetInfo, pos2, vec2};

use crate::audio::StreamHealth;
use mertscope_ui::control::HEIGHT;
use mertscope_ui::theme::Palette;

/// The meter's left end.
const LOWEST_DB: f32 = -60.0;
/// Above this level a peak is close to full scale.
const HOT_DB: f32 = -3.0;
/// Speed at which a peak falls, in decibels per second.
const FALL_DB_S: f32 = 24.0;

/// The state of the meter.
#[derive(Debug)]
pub(super) struct Level {
    /// Left and right, in decibels.
    peaks_db: [f32; 2],
    /// The time of the last frame, in egui's seconds.
    drawn_s: f64,
}

impl Default for Level {
    fn default() -> Self {
        Self {
            peaks_db: [f32::NEG_INFINITY; 2],
            drawn_s: 0.0,
        }
    }
}

impl Level {
    /// Takes in the peaks of a stream since the last frame.
    fn follow(&mut self, peaks: [f32; 2], now_s: f64) {
        let fallen = FALL_DB_S * (now_s - self.drawn_s).clamp(0.0, 1.0) as f32;
        self.drawn_s = now_s;
        for (shown, peak) in self.peaks_db.iter_mut().zip(peaks) {
            *shown = (20.0 * peak.log10()).max(*shown - fallen);
        }
    }

    /// Whether a peak is still falling.
    fn moves(&self) -> bool {
        self.peaks_db.iter().any(|peak_db| *peak_db > LOWEST_DB)
    }

    /// Draws the meter, `width` points wide, and requests another frame soon while it moves.
    pub(super) fn ui(
        &mut self,
        ui: &mut Ui,
        palette: &Palette,
        health: Option<&StreamHealth>,
        width: f32,
    ) {
        let peaks = health.map_or([0.0; 2], StreamHealth::take_peaks);
        self.follow(peaks, ui.input(|input| input.time));
        let (rect, response) = ui.allocate_exact_size(vec2(width, HEIGHT), Sense::hover());
        let highest_db = self.peaks_db[0].max(self.peaks_db[1]);
        let spoken = match highest_db > LOWEST_DB {
            true => format!("Level: {highest_db:.0} dB below full scale").replace(": -", ": "),
            false => "Level: silence".to_owned(),
        };
        response.widget_info(|| WidgetInfo::labeled(Role::Meter, true, &spoken));
        let bar_height = 5.0;
        for (side, peak_db) in self.peaks_db.iter().enumerate() {
            let top = rect.center().y - bar_height - 1.0 + side as f32 * (bar_height + 2.0);
            let track = Rect::from_min_size(pos2(rect.left(), top), vec2(rect.width(), bar_height));
            let corner = CornerRadius::same(2);
            ui.painter().rect_filled(track, corner, palette.raised);
            let share = ((peak_db - LOWEST_DB) / -LOWEST_DB).clamp(0.0, 1.0);
            if share > 0.0 {
                let color = if *peak_db > HOT_DB {
                    palette.warn
                } else {
                    palette.good
                };
                let filled = track.with_max_x(track.left() + track.width() * share);
                ui.painter().rect_filled(filled, corner, color);
            }
        }
        response.on_hover_text(spoken);
        if self.moves() {
            ui.ctx().request_repaint_after_secs(1.0 / 20.0);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_peak_shows_at_once_and_falls_slowly() {
        let mut level = Level::default();
        assert!(!level.moves());
        level.follow([1.0, 0.1], 10.0);
        assert_eq!(level.peaks_db.map(f32::round), [0.0, -20.0]);
        level.follow([0.0, 0.5], 10.5);
        assert_eq!(level.peaks_db.map(f32::round), [-12.0, -6.0]);
        level.follow([0.0, 0.0], 20.0);
        assert!(
            level.moves(),
            "a frame that comes late shows no jump to silence"
        );
        level.follow([0.0, f32::NAN], 21.0);
        level.follow([0.0, 0.0], 22.0);
        level.follow([0.0, 0.0], 23.0);
        assert!(!level.moves());
    }
}
