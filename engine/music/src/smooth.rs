//! Smoothing over audio time: an exponential mean of log probabilities, and the calibrated probabilities
//! that it is worth.
//!
//! All times are seconds of audio, so the same music gives the same result at any speed of analysis.

use super::{Confidence, Context};

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
/// multiplied by a number that rises from 1, the evidence of one window, to the head's own
/// [`Shown::scale`](crate::Shown::scale). Sound that stays the same, such as a held note, remains the evidence of
/// one window.
///
/// ```
/// use mertscope_music::{Confidence, Smoother};
///
/// let mut smoother = Smoother::new(&Confidence::unfitted(None));
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
    context: Option<Context>,
    /// Mean log probability of each label.
    mean: Vec<f64>,
    /// Weight of the audio heard, 0 to 1.
    heard: f64,
    /// Mean distance of the windows from the mean.
    distance: f64,
}

impl Smoother {
    /// A smoother that has heard nothing, with the constants of a head for what is shown live.
    #[must_use]
    pub const fn new(confidence: &Confidence) -> Self {
        Self {
            time_s: confidence.time_s,
            scale: confidence.live.scale,
            context: confidence.context,
            mean: Vec::new(),
            heard: 0.0,
            distance: 0.0,
        }
    }

    /// Takes in one window's probabilities `[labels]`, `elapsed_s` of audio after the last one, and returns
    /// the calibrated probabilities `[labels]`; they sum to 1. Those of a first window are its own, but for the
    /// [context](Confidence::context).
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
        let newest: Vec<f64> = window.iter().map(|p| log_probability(*p)).collect();
        if self.heard > 0.0 {
            let gain = new / self.heard;
            let distance = if old > FRESH {
                distance(window, &softmax(&self.mean, 1.0))
            } else {
                0.0
            };
            self.distance += gain * (distance - self.distance);
            for (mean, newest) in self.mean.iter_mut().zip(&newest) {
                *mean += gain * (newest - *mean);
            }
        }
        let scale = scale(self.scale, self.heard, self.distance);
        match &self.context {
            Some(context) => softmax(&context.applied(&self.mean, &newest), scale),
            None if old <= FRESH => window.to_vec(),
            None => softmax(&self.mean, scale),
        }
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
    use crate::Shown;

    const SHOWN: Shown = Shown {
        scale: 1.5,
        named: 0.7,
        kept: 0.5,
        pair: 0.6,
    };

    fn smoother() -> Smoother {
        Smoother::new(&Confidence {
            live: SHOWN,
            ..Confidence::unfitted(None)
        })
    }

    /// The last of windows like `window`, one each `hop_s`.
    fn after(hop_s: f64, seconds: f64, window: &[f32]) -> (Smoother, Vec<f32>) {
        let mut smoother = smoother();
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
            let mut smoother = smoother();
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
        let mut smoother = Smoother::new(&Confidence::unfitted(None));
        smoother.push(&[0.0, 1.0], 0.0);
        smoother.push(&[f32::NAN, 0.0], 1.0);
        assert!(smoother.push(&[1.0, 0.0], 60.0)[0] > 0.9);
        assert_eq!(smoother.push(&[0.2, 0.3, 0.5], 1.0).len(), 3);
    }

    #[test]
    fn figures_with_a_context_equal_the_pipelines() {
        let mut kernel = [[[0.0; 12]; 4]; 2];
        let weights = kernel.as_flattened_mut().as_flattened_mut();
        for (n, weight) in weights.iter_mut().enumerate() {
            *weight = (((n * 5) % 11) as f32 / 20.0 - 0.2) / 10.0;
        }
        let bias = [0.25, -0.5];
        let mut smoother = Smoother::new(&Confidence {
            time_s: 8.0,
            context: Some(Context { kernel, bias }),
            live: Shown {
                scale: 1.75,
                ..SHOWN
            },
            ..Confidence::unfitted(None)
        });
        let mut shown = Vec::new();
        for window in 0..6 {
            let raw: Vec<f32> = (0..24)
                .map(|n| (1 + (window * 5 + n * 7 + n * n * 3) % 23) as f32)
                .collect();
            let total: f32 = raw.iter().sum();
            let own: Vec<f32> = raw.iter().map(|p| p / total).collect();
            shown.push(smoother.push(&own, 2.0));
        }
        // By `shown.figures` of `context.applied` in xtask/train/confidence.
        let first = [0.0057, 0.067_04, 0.023_492, 0.020_574];
        let last = [0.027_546, 0.073_728, 0.023_936, 0.069_966];
        for (found, expected) in [(&shown[0], first), (&shown[5], last)] {
            for (found, expected) in found.iter().zip(expected) {
                assert!((found - expected).abs() < 2e-6, "{found} {expected}");
            }
        }
    }
}
