//! The deviation of music from A = 440 Hz, and its mean over audio time.
//!
//! A deviation is a direction on a circle that is one semitone around: 50 cents above a key is 50 cents below the next.
//! So deviations are averaged as vectors, whose length is the certainty.

use std::f32::consts::TAU;
use std::fmt;

use super::{KeyAnswer, Standing};

/// Cents in a semitone, once around the circle.
const SEMITONE_CENTS: f32 = 100.0;

/// Frequency of the A to which deviations are relative, in Hz.
const A_HZ: f64 = 440.0;

/// Time constant of the tuning display: a record keeps its tuning, so the mean may be slow.
const TUNING_TIME_S: f64 = 15.0;

/// What a window's key probabilities say, see [`information`](super::information): up to the first value there is no
/// harmony, from the second on nothing but harmony. A drum has a pitch and no tuning: of 64 patterns of kicks and toms
/// alone, 28 had a clear tuning without regard to this and 1 has one with it; of 111 songs, 104 and 106
/// (`xtask/train/card/drums.py`).
const HARMONY: [f64; 2] = [0.15, 0.25];

/// Certainty from which a tuning is shown.
const CLEAR_CERTAINTY: f32 = 0.3;

/// Cents from which music lies between two semitones: the key below and the one above are as right.
const BETWEEN_CENTS: f32 = 45.0;

/// The deviation of music from A = 440 Hz, relative to the nearest semitone.
///
/// ```
/// use mertscope_music::Tuning;
///
/// let sharp = Tuning { cents: 32.0, certainty: 0.8 };
/// assert_eq!(sharp.to_string(), "+32 cents");
/// assert!(sharp.is_clear());
/// assert_eq!(sharp.reference_hz().round(), 448.0);
/// // Music that plays 4 % faster sounds a semitone higher, and 32 cents flat of that.
/// let [x, y] = Tuning { cents: 68.0, certainty: 0.8 }.to_vector();
/// assert_eq!(Tuning::from_vector([x, y]).map(|tuning| tuning.cents.round()), Some(-32.0));
/// ```
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Tuning {
    /// Cents above (below when negative) the nearest semitone of A = 440 Hz, -50 to 50.
    pub cents: f32,
    /// 0, no evidence or contradicting evidence, to 1.
    pub certainty: f32,
}

impl Tuning {
    /// The tuning whose direction on the circle of a semitone is that of `[x, y]` and whose certainty is the
    /// vector's length, at most 1; `None` for a value that is NaN or infinite.
    #[must_use]
    pub fn from_vector([x, y]: [f32; 2]) -> Option<Self> {
        let length = x.hypot(y);
        length.is_finite().then(|| Self {
            cents: y.atan2(x) / TAU * SEMITONE_CENTS,
            certainty: length.min(1.0),
        })
    }

    /// The vector `[x, y]` of this tuning, see [`Tuning::from_vector`].
    #[must_use]
    pub fn to_vector(self) -> [f32; 2] {
        let angle = self.cents / SEMITONE_CENTS * TAU;
        [self.certainty * angle.cos(), self.certainty * angle.sin()]
    }

    /// The tuning of a window whose key's probabilities say this much, see [`information`](super::information): the
    /// less harmony, the less certain.
    ///
    /// ```
    /// use mertscope_music::Tuning;
    ///
    /// let kick = Tuning { cents: 32.0, certainty: 0.8 };
    /// assert_eq!(kick.among_harmony(0.14).certainty, 0.0);
    /// assert_eq!(kick.among_harmony(0.4), kick);
    /// ```
    #[must_use]
    pub fn among_harmony(self, information: f64) -> Self {
        let [none, full] = HARMONY;
        let harmony = ((information - none) / (full - none)).clamp(0.0, 1.0);
        Self {
            certainty: self.certainty * harmony as f32,
            ..self
        }
    }

    /// Whether it is certain enough to be shown.
    #[must_use]
    pub fn is_clear(self) -> bool {
        self.certainty >= CLEAR_CERTAINTY
    }

    /// The answer for music with this tuning: half-way between two semitones, a key that would be named is a
    /// toss-up between two, and both are shown as a pair.
    ///
    /// ```
    /// use mertscope_music::{Confidence, Key, KeyAnswer, Mode, Tuning};
    ///
    /// let a_minor = Key::new(9, Mode::Minor);
    /// let mut shown = [0.0; Key::COUNT];
    /// shown[a_minor.index()] = 0.9;
    /// let answer = KeyAnswer::new(&shown, &Confidence::unfitted(None).live, None);
    /// let at = |cents| Tuning { cents, certainty: 0.8 }.between_keys(answer);
    /// assert_eq!(at(-30.0), answer);
    /// let pair = at(-48.0).pair().map(|pair| pair.map(Key::label));
    /// assert_eq!(pair, Some(["A minor".to_owned(), "Ab minor".to_owned()]));
    /// assert_eq!(at(48.0).runner_up, (a_minor.transposed(1), 0.45));
    /// ```
    #[must_use]
    pub fn between_keys(self, answer: KeyAnswer) -> KeyAnswer {
        let is_between = self.is_clear() && self.cents.abs() >= BETWEEN_CENTS;
        if !is_between || answer.standing != Standing::Named {
            return answer;
        }
        let (key, probability) = answer.best;
        let semitones = if self.cents > 0.0 { 1 } else { -1 };
        KeyAnswer {
            best: (key, probability / 2.0),
            runner_up: (key.transposed(semitones), probability / 2.0),
            standing: Standing::Pair,
        }
    }

    /// The frequency of A to which the music is tuned, in Hz.
    #[must_use]
    pub fn reference_hz(self) -> f64 {
        A_HZ * (f64::from(self.cents) / 1200.0).exp2()
    }
}

/// Whole cents with their sign: `+32 cents`, `0 cents`.
impl fmt::Display for Tuning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let cents = self.cents.round() as i32;
        match cents {
            0 => f.write_str("0 cents"),
            // A true minus sign is as wide as the plus sign.
            ..0 => write!(f, "−{} cents", cents.unsigned_abs()),
            _ => write!(f, "+{cents} cents"),
        }
    }
}

/// The mean of tunings, each weighted by its certainty: a long drum intro says nothing about the song's tuning.
///
/// ```
/// use mertscope_music::{Tuning, TuningMean};
///
/// let mut mean = TuningMean::default();
/// assert_eq!(mean.tuning(), None);
/// mean.add(Tuning { cents: 30.0, certainty: 0.8 });
/// (0..20).for_each(|_| mean.add(Tuning { cents: -10.0, certainty: 0.01 }));
/// assert!(mean.tuning().is_some_and(|tuning| tuning.cents > 29.0 && tuning.is_clear()));
/// ```
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct TuningMean {
    /// Sums of vectors times certainty, and of certainties; `None` without tunings.
    sums: Option<[f64; 3]>,
}

impl TuningMean {
    /// Adds a tuning.
    pub fn add(&mut self, tuning: Tuning) {
        self.sums = Some(match self.sums {
            None => weighted(tuning),
            Some(sums) => {
                let new = weighted(tuning);
                [0, 1, 2].map(|n| sums[n] + new[n])
            }
        });
    }

    /// Replaces the share `gain`, 0 to 1, of what was added by `tuning`.
    fn follow(&mut self, tuning: Tuning, gain: f64) {
        let new = weighted(tuning);
        let before = self.sums.unwrap_or(new);
        self.sums = Some([0, 1, 2].map(|n| before[n] + gain * (new[n] - before[n])));
    }

    /// The mean; `None` when nothing was added.
    #[must_use]
    pub fn tuning(&self) -> Option<Tuning> {
        let [x, y, weight] = self.sums?;
        let vector = [x, y].map(|sum| (sum / weight.max(f64::MIN_POSITIVE)) as f32);
        Tuning::from_vector(vector)
    }
}

/// The vector of a tuning times its certainty, and the certainty.
fn weighted(tuning: Tuning) -> [f64; 3] {
    let [x, y] = tuning.to_vector();
    [x * tuning.certainty, y * tuning.certainty, tuning.certainty].map(f64::from)
}

/// The exponential mean of a stream's tunings over audio time.
///
/// ```
/// use mertscope_music::{Tuning, TuningSmoother};
///
/// let mut smoother = TuningSmoother::default();
/// // Windows on both sides of the half between two semitones agree.
/// smoother.push(Tuning { cents: 49.0, certainty: 0.8 }, 0.0);
/// let mean = smoother.push(Tuning { cents: -49.0, certainty: 0.8 }, 1.0);
/// assert!(mean.cents.abs() > 48.0 && mean.certainty > 0.7);
/// ```
#[derive(Debug, Clone, Default)]
pub struct TuningSmoother {
    mean: TuningMean,
}

impl TuningSmoother {
    /// Takes in one window's tuning, `elapsed_s` of audio after the last one, and returns the mean, in which certain
    /// windows weigh more.
    pub fn push(&mut self, window: Tuning, elapsed_s: f64) -> Tuning {
        let gain = 1.0 - (-elapsed_s.max(0.0) / TUNING_TIME_S).exp();
        self.mean.follow(window, gain);
        self.mean.tuning().unwrap_or(window)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn vectors_and_cents_agree() {
        for cents in [-49.0, -32.0, 0.0, 12.5, 49.0] {
            let tuning = Tuning {
                cents,
                certainty: 0.5,
            };
            let back = Tuning::from_vector(tuning.to_vector()).unwrap();
            assert!((back.cents - cents).abs() < 1e-3, "{cents}: {back:?}");
            assert!((back.certainty - 0.5).abs() < 1e-6, "{cents}: {back:?}");
        }
        assert_eq!(Tuning::from_vector([f32::NAN, 0.0]), None);
        assert_eq!(Tuning::from_vector([3.0, 4.0]).unwrap().certainty, 1.0);
    }

    #[test]
    fn cents_are_written_with_their_sign() {
        let text = |cents| {
            Tuning {
                cents,
                certainty: 1.0,
            }
            .to_string()
        };
        let all = [32.4, -31.6, 0.4, -0.4].map(text);
        assert_eq!(all, ["+32 cents", "−32 cents", "0 cents", "0 cents"]);
    }

    #[test]
    fn windows_that_contradict_each_other_are_uncertain() {
        let mut smoother = TuningSmoother::default();
        let mut last = Tuning::from_vector([0.0; 2]).unwrap();
        for second in 0..200 {
            let cents = if second % 2 == 0 { 25.0 } else { -25.0 };
            let window = Tuning {
                cents,
                certainty: 0.9,
            };
            last = smoother.push(window, 1.0);
        }
        assert!(!last.is_clear(), "{last:?}");
    }
}
