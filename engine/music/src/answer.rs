//! Answers: what may be said of calibrated probabilities, and the constants that decide it.
//!
//! Deliberately not here: fitting the constants, which the pipeline of a model does, and words for people.

use super::{Context, Key};

/// Constants of a head that make the figures shown beside its labels true: fitted on music in which windows
/// follow each other, since windows of one song err alike and are not independent evidence.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Confidence {
    /// Time constant of the live mean, in seconds of audio.
    pub time_s: f64,
    /// For keys: what the mean and the newest window say together; without it the mean alone is shown.
    pub context: Option<Context>,
    /// What is shown while music plays.
    pub live: Shown,
    /// What is shown of a whole file.
    pub file: Shown,
}

/// The step from mean evidence to what is shown.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Shown {
    /// The mean log probability of the windows is multiplied by it: the number of independent windows that
    /// all of them are worth.
    pub scale: f64,
    /// The least probability at which one label is named.
    pub named: f32,
    /// The least probability at which a label that was named stays named while it is the most probable.
    pub kept: f32,
    /// The least probability of the two best labels together at which they are shown as a pair.
    pub pair: f32,
}

impl Confidence {
    /// Constants for a head that has none of its own: windows as they are, averaged over 15 s, a label named
    /// from the head's `threshold` or else when it is more likely than all others together.
    #[must_use]
    pub fn unfitted(threshold: Option<f32>) -> Self {
        let named = threshold.unwrap_or(0.5);
        let shown = Shown {
            scale: 1.0,
            named,
            kept: named,
            pair: named.max(0.5),
        };
        Self {
            time_s: 15.0,
            context: None,
            live: shown,
            file: shown,
        }
    }
}

/// How sure an answer is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Standing {
    /// The best label alone: of such answers at least four in five are right.
    Named,
    /// The two best labels as a pair, tentatively: one of them is likely.
    Pair,
    /// No label is clear.
    #[default]
    Unclear,
}

/// The answer to the question for the key.
///
/// ```
/// use mertscope_music::{Confidence, Key, KeyAnswer, Mode, Standing};
///
/// let (a_minor, c_major) = (Key::new(9, Mode::Minor), Key::new(0, Mode::Major));
/// let mut shown = [0.01; Key::COUNT];
/// (shown[a_minor.index()], shown[c_major.index()]) = (0.45, 0.33);
/// let answer = KeyAnswer::new(&shown, &Confidence::unfitted(None).live, None);
/// assert_eq!(answer.standing, Standing::Pair);
/// assert_eq!(answer.pair(), Some([a_minor, c_major]));
/// assert_eq!(answer.named(), None);
/// ```
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct KeyAnswer {
    /// The most probable key and its calibrated probability.
    pub best: (Key, f32),
    /// The second most probable key and its calibrated probability.
    pub runner_up: (Key, f32),
    /// How sure it is.
    pub standing: Standing,
}

impl KeyAnswer {
    /// The answer that calibrated `probabilities` by [`Key::index`] allow, after the key that was `named` until
    /// now, if any. A NaN counts as 0.
    #[must_use]
    pub fn new(probabilities: &[f32; Key::COUNT], shown: &Shown, named: Option<Key>) -> Self {
        let number = |p: f32| if p.is_nan() { 0.0 } else { p };
        let mut ranked: Vec<(Key, f32)> = Key::all()
            .zip(probabilities.iter().map(|p| number(*p)))
            .collect();
        ranked.sort_by(|a, b| b.1.total_cmp(&a.1));
        let (best, runner_up) = (ranked[0], ranked[1]);
        let least = if named == Some(best.0) {
            shown.kept.min(shown.named)
        } else {
            shown.named
        };
        let standing = if best.1 >= least {
            Standing::Named
        } else if best.1 + runner_up.1 >= shown.pair {
            Standing::Pair
        } else {
            Standing::Unclear
        };
        Self {
            best,
            runner_up,
            standing,
        }
    }

    /// The key, when it is named.
    #[must_use]
    pub fn named(&self) -> Option<Key> {
        (self.standing == Standing::Named).then_some(self.best.0)
    }

    /// The two keys of a tentative pair, the more probable one first.
    #[must_use]
    pub fn pair(&self) -> Option<[Key; 2]> {
        (self.standing == Standing::Pair).then_some([self.best.0, self.runner_up.0])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(best: f32, second: f32) -> [f32; 24] {
        let mut shown = [(1.0 - best - second) / 22.0; 24];
        (shown[3], shown[17]) = (second, best);
        shown
    }

    #[test]
    fn one_key_two_keys_or_none_by_their_probabilities() {
        let limits = Shown {
            scale: 1.0,
            named: 0.7,
            kept: 0.5,
            pair: 0.6,
        };
        for (best, second, standing) in [
            (0.7, 0.2, Standing::Named),
            (0.69, 0.05, Standing::Pair),
            (0.35, 0.26, Standing::Pair),
            (0.35, 0.2, Standing::Unclear),
        ] {
            let answer = KeyAnswer::new(&shown(best, second), &limits, None);
            assert_eq!(answer.standing, standing, "{best} {second}");
            assert_eq!(answer.best, (Key::from_index(17).unwrap(), best));
            assert_eq!(answer.runner_up, (Key::from_index(3).unwrap(), second));
            assert_eq!(answer.named().is_some(), standing == Standing::Named);
            assert_eq!(answer.pair().is_some(), standing == Standing::Pair);
        }
        // A key that was named stays while it is the most probable one, and no other takes its place below the limit.
        let key = Key::from_index(17);
        let after = |best, named| KeyAnswer::new(&shown(best, 0.3), &limits, named).named();
        assert_eq!((after(0.5, key), after(0.49, key)), (key, None));
        assert_eq!(after(0.5, Key::from_index(3)), None);
    }

    #[test]
    fn nan_is_no_answer() {
        let answer = KeyAnswer::new(&[f32::NAN; 24], &Confidence::unfitted(None).live, None);
        assert_eq!(answer.standing, Standing::Unclear);
        assert_eq!(answer.best.1, 0.0);
    }
}
