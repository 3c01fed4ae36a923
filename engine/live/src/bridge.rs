//! Short gaps: filled, so that a window may span them, and remembered, so that it says so.
//!
//! A host that drops a block, or a machine that is late once, costs milliseconds; a new window costs five
//! seconds. The missing frames keep their place: audio time stays right.

use std::collections::VecDeque;
use std::ops::Range;

/// The longest gap that is bridged, in seconds.
pub(super) const LONGEST_S: f64 = 0.05;

/// The share of a window that may be bridged; a window with more counts as one with a gap.
const MAX_SHARE: f64 = 0.1;

/// Length of the fades at both ends, in seconds: without them two clicks would be louder than the music.
const FADE_S: f64 = 0.005;

/// The bridged gaps of the present windows, on the stream's own clock.
#[derive(Debug, Default)]
pub(super) struct Bridges {
    stretches: VecDeque<Range<u64>>,
}

impl Bridges {
    pub(super) fn add(&mut self, stretch: Range<u64>) {
        self.stretches.push_back(stretch);
    }

    pub(super) fn clear(&mut self) {
        self.stretches.clear();
    }

    /// The bridged frames of a window; those before it are forgotten, since windows come in order.
    pub(super) fn frames_in(&mut self, window: &Range<u64>) -> u64 {
        while let Some(first) = self.stretches.front()
            && first.end <= window.start
        {
            self.stretches.pop_front();
        }
        let inside = self.stretches.iter().map(|stretch| {
            let end = stretch.end.min(window.end);
            end.saturating_sub(stretch.start.max(window.start))
        });
        inside.sum()
    }
}

/// Whether so much of a window is bridged that its result would say little about the music.
pub(super) fn is_too_much(bridged: u64, window: u64) -> bool {
    bridged as f64 > MAX_SHARE * window as f64
}

/// Appends `frames` of silence between the samples `from` and `to`, with a fade at both ends.
pub(super) fn fill(from: f32, to: f32, frames: usize, rate_hz: u32, out: &mut Vec<f32>) {
    let fade = ((FADE_S * f64::from(rate_hz)) as usize).min(frames / 2);
    let weight = |n: usize| {
        let phase = std::f32::consts::PI * (n + 1) as f32 / (fade + 1) as f32;
        0.5 * (1.0 + phase.cos())
    };
    out.extend((0..fade).map(|n| from * weight(n)));
    out.extend(std::iter::repeat_n(0.0, frames - 2 * fade));
    out.extend((0..fade).rev().map(|n| to * weight(n)));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bridge_has_its_length_and_no_step() {
        for frames in [1, 2, 7, 480, 2_400] {
            let mut out = vec![0.8];
            fill(0.8, -0.6, frames, 48_000, &mut out);
            assert_eq!(out.len(), 1 + frames);
            out.push(-0.6);
            let steps = out.windows(2).map(|pair| (pair[1] - pair[0]).abs());
            let largest = steps.fold(0.0, f32::max);
            // Of 5 ms, or of what there is room for.
            let room = (frames / 2).clamp(1, 240) as f32;
            assert!(largest <= 0.8 * 1.6 / room + 0.02, "{frames}: {largest}");
        }
    }

    #[test]
    fn a_window_counts_the_part_of_a_gap_that_it_holds() {
        let mut bridges = Bridges::default();
        bridges.add(100..110);
        bridges.add(195..205);
        assert_eq!(bridges.frames_in(&(0..200)), 15);
        assert_eq!(bridges.frames_in(&(105..305)), 15);
        assert_eq!(bridges.frames_in(&(110..310)), 10);
        assert_eq!(bridges.frames_in(&(300..500)), 0);
        assert!(bridges.stretches.is_empty());
        assert!(is_too_much(21, 200) && !is_too_much(20, 200));
    }
}
