//! Smoothing over audio time: a Bayes filter for the key, an exponential mean for the genre.
//!
//! All times are seconds of audio, so the same music gives the same result at any speed of analysis.

use super::{Key, Mode};

/// Mean time between two modulations that the key filter expects. Pop and dance tracks rarely change
/// key, classical development sections do so every few bars: half a minute lies in between.
const MODULATION_INTERVAL_S: f64 = 30.0;

/// Audio time after which two overlapping windows count as independent evidence: half of the
/// 5-s window, so that a real modulation shows within about one window.
const INDEPENDENT_S: f64 = 2.5;

/// Share of every observation that counts as uninformative, so that no single window is more certain
/// than the head's own errors allow.
const OUTLIER_SHARE: f64 = 0.1;

/// Time constant of the mean evidence that a key needs before it is named.
const EVIDENCE_TIME_S: f64 = 10.0;

/// Time constant of the genre display.
const GENRE_TIME_S: f64 = 8.0;

/// Mean window probability from which a key is named when its head has no threshold (the field
/// `threshold` of a head).
const CLEAR_EVIDENCE: f32 = 0.25;

/// Smoothed probability from which a key is named: the key is more likely than all others together.
const CLEAR_BELIEF: f32 = 0.5;

/// Whether the mean window `probability` of a key suffices to name it, given the head's threshold if
/// it has one.
#[must_use]
pub fn is_clear(probability: f32, threshold: Option<f32>) -> bool {
    probability >= threshold.unwrap_or(CLEAR_EVIDENCE)
}

/// Relative weight of a modulation from one key to another: music usually moves to keys near on the
/// circle of fifths, to the relative and to the parallel. Symmetric, so that without evidence the
/// belief drifts to "any key" and not to a favorite.
fn modulation_weight(from: Key, to: Key) -> f64 {
    let hours = from.fifths().abs_diff(to.fifths());
    let distance = hours.min(12 - hours);
    if from == to {
        0.0
    } else if distance == 0 || to == from.parallel() {
        4.0
    } else if distance == 1 {
        if from.mode() == to.mode() { 4.0 } else { 2.0 }
    } else {
        1.0
    }
}

/// Bayes filter over the 24 keys with a modulation prior.
///
/// # Examples
/// ```
/// use mertscope_music::{Key, KeySmoother, Mode};
///
/// let key = Key::new(9, Mode::Minor);
/// let mut window = [0.4 / 23.0; Key::COUNT];
/// window[key.index()] = 0.6;
/// let mut smoother = KeySmoother::new(None);
/// for _ in 0..10 {
///     smoother.push(&window, 1.0); // one window per second of audio
/// }
/// assert_eq!(smoother.label(), Some(key));
/// ```
#[derive(Debug, Clone)]
pub struct KeySmoother {
    /// A smoothed probability is at most this many times the key's mean window probability. The filter
    /// assumes independent windows, so lasting weak evidence would make it nearly certain; with this
    /// factor it reaches [`CLEAR_BELIEF`] exactly when the windows are clear.
    most_belief_from_evidence: f64,
    /// `modulation[from][to]`: probability of the next key, given that the key changes.
    modulation: Vec<[f64; Key::COUNT]>,
    belief: [f64; Key::COUNT],
    evidence: [f64; Key::COUNT],
    started: bool,
}

impl KeySmoother {
    /// A filter without evidence, for windows of a head with this threshold or none.
    #[must_use]
    pub fn new(threshold: Option<f32>) -> Self {
        let clear_from = threshold.unwrap_or(CLEAR_EVIDENCE).max(f32::MIN_POSITIVE);
        let total: f64 = Key::all()
            .map(|to| modulation_weight(Key::new(0, Mode::Major), to))
            .sum();
        let modulation = Key::all()
            .map(|from| {
                let mut row = [0.0; Key::COUNT];
                for to in Key::all() {
                    row[to.index()] = modulation_weight(from, to) / total;
                }
                row
            })
            .collect();
        Self {
            most_belief_from_evidence: f64::from(CLEAR_BELIEF / clear_from),
            modulation,
            belief: [1.0 / Key::COUNT as f64; Key::COUNT],
            evidence: [0.0; Key::COUNT],
            started: false,
        }
    }

    /// Lets `elapsed_s` of audio pass without evidence (silence, a gap): the belief fades.
    pub fn pass(&mut self, elapsed_s: f64) {
        // A long rest may hold several modulations; after ten intervals all keys are equally likely.
        let elapsed_s = elapsed_s.clamp(0.0, 10.0 * MODULATION_INTERVAL_S);
        let steps = (elapsed_s / INDEPENDENT_S).ceil();
        let stay = (-elapsed_s / steps.max(1.0) / MODULATION_INTERVAL_S).exp();
        for _ in 0..steps as usize {
            let before = self.belief;
            for (to, belief) in self.belief.iter_mut().enumerate() {
                let moved: f64 = before
                    .iter()
                    .zip(&self.modulation)
                    .map(|(p, row)| p * row[to])
                    .sum();
                *belief = stay * before[to] + (1.0 - stay) * moved;
            }
        }
    }

    /// Takes in one window's calibrated probabilities, `elapsed_s` of audio after the last one,
    /// and returns the smoothed probabilities. They sum to at most 1: the rest is the probability
    /// that no key is clear.
    pub fn push(&mut self, window: &[f32; Key::COUNT], elapsed_s: f64) -> [f32; Key::COUNT] {
        self.pass(elapsed_s);
        let (weight, gain) = if self.started {
            (
                (elapsed_s / INDEPENDENT_S).clamp(0.0, 1.0),
                1.0 - (-elapsed_s.max(0.0) / EVIDENCE_TIME_S).exp(),
            )
        } else {
            (1.0, 1.0)
        };
        self.started = true;
        for (key, &p) in window.iter().enumerate() {
            let p = f64::from(p);
            let likelihood = (1.0 - OUTLIER_SHARE) * p + OUTLIER_SHARE / Key::COUNT as f64;
            self.belief[key] *= likelihood.powf(weight);
            self.evidence[key] += gain * (p - self.evidence[key]);
        }
        let total: f64 = self.belief.iter().sum();
        self.belief.iter_mut().for_each(|p| *p /= total);
        self.smoothed()
    }

    /// The belief, limited by the evidence of the windows.
    fn smoothed(&self) -> [f32; Key::COUNT] {
        std::array::from_fn(|key| {
            let most = self.evidence[key] * self.most_belief_from_evidence;
            self.belief[key].min(most) as f32
        })
    }

    /// The most probable key, when its smoothed probability is at least one half.
    #[must_use]
    pub fn label(&self) -> Option<Key> {
        let smoothed = self.smoothed();
        let indexed = smoothed.into_iter().enumerate();
        let (index, probability) = indexed.max_by(|a, b| a.1.total_cmp(&b.1))?;
        (probability >= CLEAR_BELIEF)
            .then(|| Key::from_index(index))
            .flatten()
    }
}

/// Exponential mean over audio time.
#[derive(Debug, Clone, Default)]
pub struct GenreSmoother {
    mean: Vec<f32>,
}

impl GenreSmoother {
    /// Takes in one window's probabilities `[labels]`, `elapsed_s` of audio after the last one,
    /// and returns the smoothed probabilities `[labels]`.
    pub fn push(&mut self, window: &[f32], elapsed_s: f64) -> Vec<f32> {
        if self.mean.len() == window.len() {
            let gain = 1.0 - (-elapsed_s.max(0.0) / GENRE_TIME_S).exp() as f32;
            for (mean, p) in self.mean.iter_mut().zip(window) {
                *mean += gain * (p - *mean);
            }
        } else {
            self.mean = window.to_vec();
        }
        self.mean.clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `confidence` on one key, the rest spread evenly.
    fn window(key: Key, confidence: f32) -> [f32; 24] {
        let mut p = [(1.0 - confidence) / 23.0; 24];
        p[key.index()] = confidence;
        p
    }

    fn after(hop_s: f64, seconds: f64, confidence: f32, key: Key) -> (KeySmoother, [f32; 24]) {
        let mut smoother = KeySmoother::new(None);
        let mut out = smoother.push(&window(key, confidence), 0.0);
        for _ in 0..(seconds / hop_s).round() as usize {
            out = smoother.push(&window(key, confidence), hop_s);
        }
        (smoother, out)
    }

    #[test]
    fn the_modulation_prior_is_symmetric_and_sums_to_one() {
        let smoother = KeySmoother::new(None);
        for from in 0..24 {
            assert!((smoother.modulation[from].iter().sum::<f64>() - 1.0).abs() < 1e-12);
            for to in 0..24 {
                let there = smoother.modulation[from][to];
                assert!((there - smoother.modulation[to][from]).abs() < 1e-12);
            }
        }
    }

    #[test]
    fn steady_evidence_gains_confidence_and_a_label() {
        for key in Key::all() {
            let (smoother, out) = after(1.0, 10.0, 0.6, key);
            assert!(out[key.index()] > 0.9, "{key}: {}", out[key.index()]);
            assert_eq!(smoother.label(), Some(key));
            assert!((out.iter().sum::<f32>() - 1.0).abs() < 1e-5);
        }
    }

    /// For any evidence, a key is named exactly when its smoothed probability is at least one half and
    /// the highest.
    #[test]
    fn the_smoothed_probability_alone_decides_whether_a_key_is_named() {
        let keys = [Key::new(0, Mode::Major), Key::new(9, Mode::Minor)];
        let mut named = 0;
        for confidence in [0.05, 0.15, 0.2, 0.24, 0.26, 0.3, 0.5, 0.9] {
            let mut smoother = KeySmoother::new(None);
            // A modulation half-way, where evidence and belief differ.
            for second in 0..40 {
                let window = window(keys[second / 20], confidence);
                let out = smoother.push(&window, 1.0);
                let best = Key::all().max_by(|a, b| out[a.index()].total_cmp(&out[b.index()]));
                let best = best.unwrap();
                let expected = (out[best.index()] >= 0.5).then_some(best);
                assert_eq!(
                    smoother.label(),
                    expected,
                    "{confidence}, {second} s: {out:?}"
                );
                assert!(out.iter().sum::<f32>() <= 1.0 + 1e-5);
                named += usize::from(expected.is_some());
            }
        }
        assert!((60..300).contains(&named), "{named} windows are named");
    }

    #[test]
    fn weak_evidence_is_never_named_however_long_it_lasts() {
        let key = Key::new(3, Mode::Minor);
        let (smoother, out) = after(1.0, 600.0, 0.2, key);
        assert_eq!(smoother.label(), None);
        assert!(
            (out[key.index()] - 0.4).abs() < 1e-3,
            "{}",
            out[key.index()]
        );
        assert_eq!(KeySmoother::new(None).label(), None);
    }

    #[test]
    fn whether_a_key_is_named_depends_on_the_heads_threshold() {
        let key = Key::new(3, Mode::Minor);
        for (clear_from, named) in [(0.1, true), (0.29, true), (0.31, false), (1.0, false)] {
            let mut smoother = KeySmoother::new(Some(clear_from));
            for _ in 0..60 {
                smoother.push(&window(key, 0.3), 1.0);
            }
            assert_eq!(smoother.label(), named.then_some(key), "{clear_from}");
        }
    }

    #[test]
    fn the_result_depends_on_audio_time_and_not_on_the_hop() {
        let key = Key::new(7, Mode::Major);
        let (_, short) = after(0.25, 6.0, 0.3, key);
        let (_, long) = after(2.0, 6.0, 0.3, key);
        assert!((short[key.index()] - long[key.index()]).abs() < 0.05);
    }

    #[test]
    fn a_modulation_is_followed_within_about_one_window() {
        let (from, to) = (Key::new(9, Mode::Minor), Key::new(0, Mode::Minor));
        let (mut smoother, _) = after(1.0, 60.0, 0.6, from);
        let mut seconds = 0;
        while smoother.label() != Some(to) {
            smoother.push(&window(to, 0.6), 1.0);
            seconds += 1;
            assert!(seconds <= 8, "still not there after {seconds} s");
        }
        assert!(seconds >= 2, "one window alone must not flip a settled key");
    }

    #[test]
    fn silence_lets_the_belief_fade_to_any_key() {
        let (mut smoother, _) = after(1.0, 30.0, 0.6, Key::new(2, Mode::Major));
        smoother.pass(600.0);
        assert_eq!(smoother.label(), None);
        for p in smoother.belief {
            assert!((p - 1.0 / 24.0).abs() < 1e-3);
        }
    }

    #[test]
    fn the_genre_mean_moves_by_audio_time() {
        let mut fine = GenreSmoother::default();
        let mut coarse = GenreSmoother::default();
        for smoother in [&mut fine, &mut coarse] {
            assert_eq!(smoother.push(&[1.0, 0.0], 0.0), [1.0, 0.0]);
        }
        for _ in 0..8 {
            fine.push(&[0.0, 1.0], 1.0);
        }
        let fine = fine.mean[1];
        let coarse = coarse.push(&[0.0, 1.0], 8.0)[1];
        assert!((fine - coarse).abs() < 1e-6);
        assert!((fine - (1.0 - (-1.0f32).exp())).abs() < 1e-6);
    }
}
