//! Smoothing over audio time: an exponential mean of log probabilities, and the calibrated probabilities
//! that it is worth.
//!
//! All times are seconds of audio, so the same music gives the same result at any speed of analysis.

use super::Shown;

/// Audio that one window is evidence of, at most, in seconds: the length of a window.
const WINDOW_S: f64 = 5.0;

/// The least probability of a window that counts, so that no single window rules a label out.
const LEAST: f64 = 1e-4;

/// Smooths the probabilities of one head over audio time.
///
/// The result is calibrated: the mean of the log probabilities, where windows lose weight with age, is
/// multiplied by a number that rises from 1, the evidence of one window, to the head's own
/// [`Shown::scale`].
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
        }
    }

    /// Takes in one window's probabilities `[labels]`, `elapsed_s` of audio after the last one, and returns
    /// the calibrated probabilities `[labels]`; they sum to 1.
    pub fn push(&mut self, window: &[f32], elapsed_s: f64) -> Vec<f32> {
        let kept = |seconds: f64| (-seconds.max(0.0) / self.time_s).exp();
        if self.mean.len() != window.len() {
            self.mean = vec![0.0; window.len()];
            self.heard = 0.0;
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
            for (mean, p) in self.mean.iter_mut().zip(window) {
                *mean += gain * (log_probability(*p) - *mean);
            }
        }
        let scale = 1.0 + (self.scale - 1.0) * self.heard;
        softmax(&self.mean, scale)
    }
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
