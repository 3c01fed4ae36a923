//! The scale of the timeline: from seconds of audio to points on the screen, and the ticks of its clock.

use chrono::{DateTime, Local, Timelike};
use egui::Rangef;

use super::track::{Stretch, Track};
use crate::view_settings::TimeBase;

/// Steps between ticks, in seconds.
const STEPS_S: [f64; 14] = [
    0.5, 1.0, 2.0, 5.0, 10.0, 15.0, 30.0, 60.0, 120.0, 300.0, 600.0, 900.0, 1800.0, 3600.0,
];
/// Least distance between two ticks, in points.
const TICK_POINTS: f64 = 72.0;

/// A stretch of the row, and the points that it is drawn between.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Scale {
    /// Its begin, in seconds of audio.
    pub from: f64,
    /// Its end, in seconds of audio.
    pub to: f64,
    /// The points that it is drawn between.
    pub x: Rangef,
}

impl Scale {
    pub(super) fn x_from_moment(&self, moment: f64) -> f32 {
        let share = (moment - self.from) / (self.to - self.from).max(1e-9);
        self.x.min + (share * f64::from(self.x.span())) as f32
    }

    pub(super) fn moment_from_x(&self, x: f32) -> f64 {
        let share = f64::from((x - self.x.min) / self.x.span().max(1e-3));
        self.from + share * (self.to - self.from)
    }

    fn step_s(&self) -> f64 {
        let least = (self.to - self.from) * TICK_POINTS / f64::from(self.x.span().max(1.0));
        STEPS_S
            .into_iter()
            .find(|step| *step >= least)
            .unwrap_or(least.max(7200.0))
    }

    /// The ticks, in seconds of audio, with their text.
    pub(super) fn ticks(&self, track: &Track, base: TimeBase) -> Vec<(f64, String)> {
        let step = self.step_s();
        let mut ticks = Vec::new();
        let mut add = |stretch: &Stretch, last: bool| {
            let zero = shift_s(stretch, base);
            let begin = self.from.max(stretch.from);
            let end = if last {
                self.to
            } else {
                self.to.min(stretch.to)
            };
            let mut tick = ((begin + zero) / step).ceil() * step;
            while tick - zero <= end && ticks.len() < 200 {
                ticks.push((tick - zero, clock_text(tick, step, base)));
                tick += step;
            }
        };
        let count = track.stretches.len();
        for (index, stretch) in track.stretches.iter().enumerate() {
            if stretch.to >= self.from && stretch.from <= self.to {
                add(stretch, index + 1 == count);
            }
        }
        ticks
    }
}

/// The difference from seconds of audio to the time of a base, within a stretch.
fn shift_s(stretch: &Stretch, base: TimeBase) -> f64 {
    match base {
        TimeBase::Elapsed => 0.0,
        TimeBase::Timecode => stretch.host_s - stretch.from,
        TimeBase::WallClock => stretch.wall_end_s - stretch.to,
    }
}

/// The text of the time at a moment of the row, to a tenth of a second.
pub(super) fn time_text(track: &Track, moment: f64, base: TimeBase) -> String {
    let zero = track
        .stretch_at(moment)
        .map_or(0.0, |stretch| shift_s(stretch, base));
    clock_text(moment + zero, 0.1, base)
}

/// The text of a time on the host's timeline, to a tenth of a second.
pub(crate) fn host_time(seconds: f64) -> String {
    clock_text(seconds, 0.1, TimeBase::Timecode)
}

fn clock_text(seconds: f64, step: f64, base: TimeBase) -> String {
    if base == TimeBase::WallClock
        && let Some(time) = DateTime::from_timestamp(seconds.floor() as i64, 0)
    {
        let local = time.with_timezone(&Local);
        return format!(
            "{:02}:{:02}:{:02}",
            local.hour(),
            local.minute(),
            local.second()
        );
    }
    let sign = if seconds < -0.05 { "−" } else { "" };
    let tenths = (seconds.abs() * 10.0).round() as u64;
    let (whole, tenth) = (tenths / 10, tenths % 10);
    let (hours, minutes, rest) = (whole / 3600, whole / 60 % 60, whole % 60);
    let mut text = if hours > 0 {
        format!("{sign}{hours}:{minutes:02}:{rest:02}")
    } else {
        format!("{sign}{minutes}:{rest:02}")
    };
    if step < 1.0 {
        text += &format!(".{tenth}");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn track(stretches: &[Stretch]) -> Track {
        let mut track = Track::default();
        track.stretches.extend_from_slice(stretches);
        track
    }

    #[test]
    fn ticks_stand_at_round_times_of_the_host() {
        let stretches = [
            Stretch {
                starts_again: false,
                from: 0.0,
                to: 20.0,
                host_s: 3.0,
                wall_end_s: 0.0,
            },
            Stretch {
                starts_again: false,
                from: 20.0,
                to: 40.0,
                host_s: 3600.0,
                wall_end_s: 0.0,
            },
        ];
        let scale = Scale {
            from: 0.0,
            to: 40.0,
            x: Rangef::new(0.0, 320.0),
        };
        let ticks = scale.ticks(&track(&stretches), TimeBase::Timecode);
        let expected = [
            (7.0, "0:10"),
            (17.0, "0:20"),
            (20.0, "1:00:00"),
            (30.0, "1:00:10"),
            (40.0, "1:00:20"),
        ];
        let found: Vec<(f64, &str)> = ticks
            .iter()
            .map(|(at, text)| (*at, text.as_str()))
            .collect();
        assert_eq!(found, expected);
        let elapsed = scale.ticks(&track(&stretches), TimeBase::Elapsed);
        assert_eq!(elapsed[1], (10.0, "0:10".to_owned()));
    }

    #[test]
    fn points_and_moments_convert_both_ways() {
        let scale = Scale {
            from: 10.0,
            to: 130.0,
            x: Rangef::new(5.0, 605.0),
        };
        for moment in [10.0, 55.5, 130.0] {
            assert!((scale.moment_from_x(scale.x_from_moment(moment)) - moment).abs() < 1e-3);
        }
    }

    #[test]
    fn times_before_the_song_have_a_sign() {
        assert_eq!(clock_text(-3.25, 0.1, TimeBase::Timecode), "−0:03.3");
        assert_eq!(clock_text(59.96, 0.1, TimeBase::Elapsed), "1:00.0");
        assert_eq!(clock_text(-0.04, 1.0, TimeBase::Elapsed), "0:00");
    }
}
