//! Smoothing over audio time: an exponential mean of log probabilities, and the calibrated probabilities
//! that it is worth.
//!
//! All times are seconds of audio, so the same music gives the same result at any speed of analysis.

use super::Shown;

/// Audio that one window is evidence of, at most, in seconds: the length of a window.
const WINDOW_S: f64 = 5.0;

/// The distance between windows and their mean from which on they count as evidence of their own, half the sum of
/// absolute differences of probabilities. A held note stays below .02 where it suggests any key; in nineteen of twenty
/// pieces of the fitting music the distance is larger than this, and in the others the windows are sure or say nothing.
const CHANGING: f64 = 0.08;

/// Weight of old evidence below which a window is as good as the first.
const FRESH: f64 = 1e-3;

/// The least probability of a window that counts, so that no single window rules a label out.
const LEAST: f64 = 1e-4;

/// Smooths the probabilities of one head over audio time.
///
/// The result is calibrated: the mean of the log probabilities, where windows lose weight with age, is
/// multiplied by a number that rises from 1, the evidence of one window, to the head's own [`Shown::scale`]. Sound
/// that stays the same, such as a held note, remains the evidence of one window.
///
/// ```
/// use mertscope_music::{Confidence, Smoother};
///
/// let mut smoother = Smoother::new(15.0, Confidence::unfitted(None).live);
/// let mut shown = Vec::new();
/// for _ in 0..10 {
///     shown = smoother.push(&[0.7, 0.2, 0.1], 1.0); // one window per second of audio
/// }
/// assert!((shown[0] - 0.7).abs() < 1e-6);
/// ```
#[derive(Debug, Clone)]
pub struct Smoother {
    time_s: f64,
    scale: f64,
    /// Mean log probability of each label.
    mean: Vec<f64>,
    /// Weight of the audio heard, 0 to 1.
    heard: f64,
    /// Mean distance of the windows from the mean.
    distance: f64,
}

impl Smoother {
    /// A smoother that has heard nothing, with this time constant in seconds of audio.
    #[must_use]
    pub const fn new(time_s: f64, shown: Shown) -> Self {
        Self {
            time_s,
            scale: shown.scale,
            mean: Vec::new(),
            heard: 0.0,
            distance: 0.0,
        }
    }

    /// Takes in one window's probabilities `[labels]`, `elapsed_s` of audio after the last one, and returns
    /// the calibrated probabilities `[labels]`; they sum to 1. Those of a first window are its own.
    pub fn push(&mut self, window: &[f32], elapsed_s: f64) -> Vec<f32> {
        let kept = |seconds: f64| (-seconds.max(0.0) / self.time_s).exp();
        if self.mean.len() != window.len() {
            self.mean = vec![0.0; window.len()];
            (self.heard, self.distance) = (0.0, 0.0);
        }
        let new_s = if self.heard > 0.0 {
            elapsed_s.min(WINDOW_S)
        } else {
            WINDOW_S
        };
        let (old, new) = (self.heard * kept(elapsed_s), 1.0 - kept(new_s));
        self.heard = old + new;
        if self.heard > 0.0 {
            let gain = new / self.heard;
            let distance = if old > FRESH {
                distance(window, &softmax(&self.mean, 1.0))
            } else {
                0.0
            };
            self.distance += gain * (distance - self.distance);
            for (mean, p) in self.mean.iter_mut().zip(window) {
                *mean += gain * (log_probability(*p) - *mean);
            }
        }
        if old <= FRESH {
            return window.to_vec();
        }
        softmax(&self.mean, scale(self.scale, self.heard, self.distance))
    }
}

/// The scale for windows at this mean `distance` from their mean, `heard` of them, 0 to 1, when many different ones have
/// the scale `full`.
#[must_use]
pub fn scale(full: f64, heard: f64, distance: f64) -> f64 {
    1.0 + (full - 1.0) * heard * (distance / CHANGING).clamp(0.0, 1.0)
}

/// The distance between probabilities `[labels]`: half the sum of absolute differences, 0 to 1; a NaN counts as 0.
#[must_use]
pub fn distance(window: &[f32], other: &[f32]) -> f64 {
    let pairs = window.iter().zip(other);
    let apart = pairs.map(|(a, b)| f64::from(a - b).abs());
    0.5 * apart.filter(|apart| !apart.is_nan()).sum::<f64>()
}

/// What probabilities `[labels]` say, 0 to 1: how far they are from all being equal.
#[must_use]
pub fn information(window: &[f32]) -> f64 {
    let entropy: f64 = window
        .iter()
        .map(|p| f64::from(*p))
        .filter(|p| *p > 0.0)
        .map(|p| -p * p.ln())
        .sum();
    let most = (window.len().max(2) as f64).ln();
    (1.0 - entropy / most).clamp(1e-6, 1.0)
}

/// Probabilities that are proportional to the exponential of `scale` times each of `logs`; they sum to 1.
#[must_use]
pub fn softmax(logs: &[f64], scale: f64) -> Vec<f32> {
    let most = logs.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let raw: Vec<f64> = logs.iter().map(|l| (scale * (l - most)).exp()).collect();
    let total: f64 = raw.iter().sum();
    raw.iter().map(|p| (p / total) as f32).collect()
}

/// The logarithm of a window's probability, as smoothing counts it.
#[must_use]
pub fn log_probability(probability: f32) -> f64 {
    f64::from(probability).max(LEAST).ln()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Confidence;

    const SHOWN: Shown = Shown {
        scale: 1.5,
        named: 0.7,
        kept: 0.5,
        pair: 0.6,
    };

    /// The last of windows like `window`, one each `hop_s`.
    fn after(hop_s: f64, seconds: f64, window: &[f32]) -> (Smoother, Vec<f32>) {
        let mut smoother = Smoother::new(15.0, SHOWN);
        let mut out = smoother.push(window, 0.0);
        for _ in 0..(seconds / hop_s).round() as usize {
            out = smoother.push(window, hop_s);
        }
        (smoother, out)
    }

    #[test]
    fn windows_that_differ_are_worth_a_few_and_equal_ones_are_worth_one() {
        let windows = [[0.75, 0.15, 0.1], [0.45, 0.25, 0.3]];
        let logs = [0, 1, 2]
            .map(|n| 0.5 * (log_probability(windows[0][n]) + log_probability(windows[1][n])));
        let whole = softmax(&logs, 1.5);
        for seconds in [200, 2000] {
            let mut smoother = Smoother::new(15.0, SHOWN);
            let mut out = Vec::new();
            for n in 0..seconds {
                out = smoother.push(&windows[n % 2], 1.0);
            }
            assert!((out[0] - whole[0]).abs() < 0.02, "{out:?} {whole:?}");
            assert!((out.iter().sum::<f32>() - 1.0).abs() < 1e-6);
        }
        let (_, same) = after(1.0, 200.0, &[0.6, 0.2, 0.2]);
        assert!((same[0] - 0.6).abs() < 1e-5, "{same:?}");
    }

    #[test]
    fn the_result_depends_on_audio_time_and_not_on_the_hop() {
        let change = |hop_s: f64| {
            let (mut smoother, mut out) = after(hop_s, 30.0, &[0.6, 0.3, 0.1]);
            for _ in 0..(12.0 / hop_s).round() as usize {
                out = smoother.push(&[0.1, 0.3, 0.6], hop_s);
            }
            out
        };
        for (short, long) in change(0.25).iter().zip(change(2.0)) {
            assert!((short - long).abs() < 0.02);
        }
    }

    #[test]
    fn a_change_is_followed_within_the_time_constant() {
        let (mut smoother, _) = after(1.0, 120.0, &[0.8, 0.1, 0.1]);
        let mut seconds = 0;
        while smoother.push(&[0.1, 0.8, 0.1], 1.0)[1] < 0.5 {
            seconds += 1;
        }
        assert!((3..=15).contains(&seconds), "{seconds} s");
    }

    #[test]
    fn what_was_heard_before_a_long_silence_does_not_count() {
        let (mut smoother, _) = after(1.0, 60.0, &[0.8, 0.1, 0.1]);
        let (_, fresh) = after(1.0, 0.0, &[0.1, 0.1, 0.8]);
        let out = smoother.push(&[0.1, 0.1, 0.8], 600.0);
        assert!((out[2] - fresh[2]).abs() < 1e-5, "{out:?} {fresh:?}");
    }

    #[test]
    fn impossible_and_missing_values_do_no_lasting_harm() {
        let confidence = Confidence::unfitted(None);
        let mut smoother = Smoother::new(confidence.time_s, confidence.live);
        smoother.push(&[0.0, 1.0], 0.0);
        smoother.push(&[f32::NAN, 0.0], 1.0);
        assert!(smoother.push(&[1.0, 0.0], 60.0)[0] > 0.9);
        assert_eq!(smoother.push(&[0.2, 0.3, 0.5], 1.0).len(), 3);
    }
}
