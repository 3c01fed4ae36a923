//! The time axis that all panels share.

use super::super::units::{clock, clock_tenths};
use super::font::{Weight, width_px};

/// Round steps between labeled ticks, in seconds: 0.1 s to 4 h.
const STEPS_S: [f64; 19] = [
    0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 15.0, 30.0, 60.0, 120.0, 300.0, 600.0, 900.0, 1800.0,
    3600.0, 7200.0, 10_800.0, 14_400.0,
];

/// Least space between two labels, in pixels.
const LABEL_ROOM_PX: f64 = 56.0;

/// Size of the tick labels, in pixels.
pub(crate) const LABEL_PX: f64 = 13.0;

/// The scale from audio time to places on the page.
#[derive(Debug, Clone, Copy)]
pub(crate) struct TimeAxis {
    /// The x of the beginning, in pixels.
    pub(crate) left: f64,
    /// The x of the end, in pixels.
    pub(crate) right: f64,
    /// The time of the beginning, in seconds: 0 in a file, any time on a host's timeline.
    pub(crate) start_s: f64,
    /// Length of the audio, in seconds; more than zero.
    pub(crate) duration_s: f64,
}

impl TimeAxis {
    /// The x of `time_s` in pixels; times beyond the ends are put at the ends.
    pub(crate) fn x_from_s(&self, time_s: f64) -> f64 {
        let share = ((time_s - self.start_s) / self.duration_s).clamp(0.0, 1.0);
        self.left + share * (self.right - self.left)
    }

    /// Seconds between ticks: the smallest step at which the labels have room.
    pub(crate) fn step_s(&self) -> f64 {
        let widest = width_px(&self.label_at(self.end_s(), 1.0), LABEL_PX, Weight::Regular);
        let px_per_s = (self.right - self.left) / self.duration_s;
        let least_s = (widest + LABEL_ROOM_PX) / px_per_s;
        let fitting = STEPS_S.into_iter().find(|step| *step >= least_s);
        // Beyond four hours per tick, whole multiples of four hours.
        fitting.unwrap_or_else(|| (least_s / 14_400.0).ceil() * 14_400.0)
    }

    fn end_s(&self) -> f64 {
        self.start_s + self.duration_s
    }

    /// Times and labels of the ticks, at whole steps.
    pub(crate) fn ticks(&self) -> Vec<(f64, String)> {
        let step_s = self.step_s();
        let first = (self.start_s / step_s - 1e-6).ceil() as i64;
        let last = (self.end_s() / step_s + 1e-6).floor() as i64;
        (first..=last)
            .map(|i| i as f64 * step_s)
            .map(|time_s| (time_s, self.label_at(time_s, step_s)))
            .collect()
    }

    /// The axis's own title, with the unit.
    pub(crate) fn title(&self) -> &'static str {
        if self.end_s() >= 3600.0 {
            "time (h:mm:ss)"
        } else {
            "time (m:ss)"
        }
    }

    /// The label of a time: with tenths when the step has them, with hours when the audio lasts for one.
    fn label_at(&self, time_s: f64, step_s: f64) -> String {
        if time_s < -1e-6 {
            // A host's pre-roll.
            format!("−{}", self.label_at(-time_s, step_s))
        } else if step_s < 1.0 {
            clock_tenths(time_s)
        } else if self.end_s() >= 3600.0 && time_s < 3600.0 {
            format!("0:{:0>5}", clock(time_s))
        } else {
            clock(time_s)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn axis(duration_s: f64) -> TimeAxis {
        TimeAxis {
            left: 150.0,
            right: 1550.0,
            start_s: 0.0,
            duration_s,
        }
    }

    #[test]
    fn ticks_fit_from_a_fifth_of_a_second_to_ten_days() {
        for duration_s in [
            0.2, 1.0, 3.2, 5.0, 30.0, 61.0, 200.0, 900.0, 3599.0, 3600.0, 7200.0, 30_000.0,
            864_000.0,
        ] {
            let axis = axis(duration_s);
            let ticks = axis.ticks();
            assert!((3..=20).contains(&ticks.len()), "{duration_s} s: {ticks:?}");
            for pair in ticks.windows(2) {
                let gap = axis.x_from_s(pair[1].0) - axis.x_from_s(pair[0].0);
                let label = width_px(&pair[1].1, LABEL_PX, Weight::Regular);
                assert!(gap >= label + 20.0, "{duration_s} s: {ticks:?}");
                assert_ne!(pair[0].1, pair[1].1);
            }
            assert!(ticks.iter().all(|(time_s, _)| *time_s <= duration_s + 1e-3));
        }
    }

    #[test]
    fn steps_are_what_people_count_in() {
        for (duration_s, step_s) in [
            (5.0, 0.5),
            (30.0, 2.0),
            (240.0, 15.0),
            (3600.0, 300.0),
            (7200.0, 600.0),
        ] {
            assert_eq!(axis(duration_s).step_s(), step_s, "{duration_s} s");
        }
    }

    #[test]
    fn labels_show_hours_and_tenths_where_they_matter() {
        assert_eq!(axis(7200.0).ticks()[1].1, "0:10:00");
        assert_eq!(axis(1.0).ticks()[1].1, "0:00.1");
        assert_eq!(axis(30.0).ticks()[1].1, "0:02");
    }

    #[test]
    fn an_axis_may_begin_anywhere() {
        let on_a_host = |start_s| TimeAxis {
            start_s,
            ..axis(30.0)
        };
        let ticks = on_a_host(3599.0).ticks();
        assert_eq!(ticks[0], (3600.0, "1:00:00".to_owned()));
        assert_eq!(on_a_host(3599.0).x_from_s(3599.0), 150.0);
        assert_eq!(on_a_host(-3.0).ticks()[0], (-2.0, "−0:02".to_owned()));
    }

    #[test]
    fn times_beyond_the_audio_stay_on_the_page() {
        assert_eq!(axis(10.0).x_from_s(12.0), 1550.0);
        assert_eq!(axis(10.0).x_from_s(-1.0), 150.0);
    }
}
