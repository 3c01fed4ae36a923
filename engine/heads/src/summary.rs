//! The summary of a file from windows that come one by one: sums and the changes of the named key, so memory grows
//! with modulations alone.

use crate::timeline::{
    HeadConfidence, KeySummary, KeyTime, Modulation, Summary, TimedResult, Timeline,
};
use mertscope_music::{
    Context, Key, KeyAnswer, Shown, Standing, TuningMean, distance, information, log_probability,
    scale, softmax,
};

/// A key that is named for a shorter time is no modulation, in seconds.
const LEAST_MODULATION_S: f64 = 8.0;

impl Timeline {
    /// The summary of all analyzed windows; `None` when there are none.
    #[must_use]
    pub fn summary(&self) -> Option<Summary> {
        let mut summary = RunningSummary::new(self.genre_labels.clone(), self.confidence);
        self.results.iter().for_each(|timed| summary.add(timed));
        summary.finish()
    }
}

/// A summary of windows that come one by one.
///
/// ```
/// use mertscope_heads::timeline::Timeline;
/// use mertscope_heads::summary::RunningSummary;
///
/// let timeline = Timeline::default();
/// let mut running = RunningSummary::new(timeline.genre_labels.clone(), timeline.confidence);
/// timeline.results.iter().for_each(|timed| running.add(timed));
/// assert_eq!(running.finish(), timeline.summary());
/// ```
#[derive(Debug, Clone, Default, PartialEq)]
pub struct RunningSummary {
    genre_labels: Vec<String>,
    confidence: HeadConfidence,
    analyzed: u64,
    genre: Evidence,
    key: Evidence,
    /// The evidence of the windows in which each key is named, by [`Key::index`]; empty before the first one.
    key_named: Vec<Evidence>,
    named: NamedTime,
    tuning: TuningMean,
}

impl RunningSummary {
    /// The summary of no window, for the genre head's labels and the heads' constants.
    #[must_use]
    pub fn new(genre_labels: Vec<String>, confidence: HeadConfidence) -> Self {
        Self {
            genre_labels,
            confidence,
            ..Self::default()
        }
    }

    /// Adds the next window.
    pub fn add(&mut self, timed: &TimedResult) {
        let result = timed.result.as_ref();
        let named = result.and_then(|result| result.key_label());
        self.named.add(timed.start_s, timed.end_s, named);
        let Some(result) = result else {
            return;
        };
        self.analyzed += 1;
        if let Some(genre) = &result.genre {
            self.genre.add(genre);
        }
        if let Some(key) = &result.key {
            self.key.add(key);
            if let Some(named) = named {
                self.key_named.resize(Key::COUNT, Evidence::default());
                self.key_named[named.index()].add(key);
            }
        }
        if let Some(tuning) = result.tuning {
            self.tuning.add(tuning);
        }
    }

    /// The summary of the analyzed windows; `None` when there are none.
    #[must_use]
    pub fn finish(self) -> Option<Summary> {
        if self.analyzed == 0 {
            return None;
        }
        let tuning = self.tuning.tuning();
        let mut key = self.key_summary();
        let shown = self.genre.shown(&self.confidence.genre.file, None);
        let mut genre: Vec<(String, f32)> = self.genre_labels.into_iter().zip(shown).collect();
        genre.sort_by(|a, b| b.1.total_cmp(&a.1));
        let least = self.confidence.genre.file.named;
        if let (Some(key), Some(tuning)) = (&mut key, tuning) {
            key.answer = tuning.between_keys(key.answer);
        }
        Some(Summary {
            genre_is_named: genre.first().is_some_and(|(_, p)| *p >= least),
            genre,
            key,
            tuning,
        })
    }
}

impl RunningSummary {
    /// The key of the file; in a file with modulations, that of the stretches in which the key that holds longest is
    /// named.
    fn key_summary(&self) -> Option<KeySummary> {
        let shown = &self.confidence.key.file;
        let keys = self.named.keys();
        let modulations = self.named.modulations();
        let longest = keys.first().map(|held| held.key);
        let evidence = longest
            .filter(|_| !modulations.is_empty())
            .and_then(|key| self.key_named.get(key.index()))
            .unwrap_or(&self.key);
        let probabilities: [f32; Key::COUNT] = evidence
            .shown(shown, self.confidence.key.context.as_ref())
            .try_into()
            .ok()?;
        let mut answer = KeyAnswer::new(&probabilities, shown, None);
        // Never one key here and another one in the timeline.
        if answer.standing == Standing::Named && longest.is_some_and(|key| key != answer.best.0) {
            answer.standing = Standing::Pair;
        }
        Some(KeySummary {
            answer,
            keys,
            modulations,
        })
    }
}

/// Log probabilities of windows, summed by what each window says.
#[derive(Debug, Clone, Default, PartialEq)]
struct Evidence {
    sums: Vec<f64>,
    weight: f64,
    /// The distance of each window from the mean of those before, likewise.
    distance: f64,
}

impl Evidence {
    fn add(&mut self, window: &[f32]) {
        if window.iter().any(|p| !p.is_finite()) {
            return;
        }
        // Squared, so that many windows that say little do not outweigh a few that say much.
        let weight = information(window).powi(2);
        self.sums.resize(window.len(), 0.0);
        if self.weight > 0.0 {
            self.distance += weight * distance(window, &softmax(&self.mean(), 1.0));
        }
        for (sum, p) in self.sums.iter_mut().zip(window) {
            *sum += weight * log_probability(*p);
        }
        self.weight += weight;
    }

    /// The calibrated probabilities `[labels]` of the whole file.
    fn shown(&self, shown: &Shown, context: Option<&Context>) -> Vec<f32> {
        let distance = self.distance / self.weight.max(f64::MIN_POSITIVE);
        let mean = self.mean();
        let logs = match context {
            Some(context) => context.applied(&mean, &mean),
            None => mean,
        };
        softmax(&logs, scale(shown.scale, 1.0, distance))
    }

    fn mean(&self) -> Vec<f64> {
        let weight = self.weight.max(f64::MIN_POSITIVE);
        self.sums.iter().map(|sum| sum / weight).collect()
    }
}

/// The stretches over which keys are named; each moment belongs to the window whose center is nearest.
#[derive(Debug, Clone, Default, PartialEq)]
struct NamedTime {
    spans: Vec<Span>,
    /// Center and key of the last window, and the beginning of the stretch that it stands for.
    last: Option<(f64, Option<Key>, f64)>,
    end_s: f64,
}

/// A stretch in which one key and no other is named.
#[derive(Debug, Clone, PartialEq)]
struct Span {
    key: Key,
    start_s: f64,
    named_s: f64,
}

impl NamedTime {
    fn add(&mut self, start_s: f64, end_s: f64, key: Option<Key>) {
        let center_s = 0.5 * (start_s + end_s);
        let from_s = match self.last {
            Some((last_s, last_key, from_s)) => {
                let until_s = 0.5 * (last_s + center_s);
                Self::hold(&mut self.spans, last_key, from_s, until_s);
                until_s
            }
            None => start_s,
        };
        self.last = Some((center_s, key, from_s));
        self.end_s = end_s;
    }

    fn hold(spans: &mut Vec<Span>, key: Option<Key>, from_s: f64, until_s: f64) {
        let Some(key) = key else {
            return;
        };
        let seconds = until_s - from_s;
        match spans.last_mut() {
            Some(span) if span.key == key => span.named_s += seconds,
            _ => spans.push(Span {
                key,
                start_s: from_s,
                named_s: seconds,
            }),
        }
    }

    /// All stretches, with that of the last window.
    fn all(&self) -> Vec<Span> {
        let mut spans = self.spans.clone();
        if let Some((_, key, from_s)) = self.last {
            Self::hold(&mut spans, key, from_s, self.end_s);
        }
        spans
    }

    fn keys(&self) -> Vec<KeyTime> {
        let mut seconds = [0.0; Key::COUNT];
        for span in self.all() {
            seconds[span.key.index()] += span.named_s;
        }
        let total: f64 = seconds.iter().sum();
        let mut keys: Vec<KeyTime> = Key::all()
            .zip(seconds)
            .filter(|(_, seconds)| *seconds > 0.0)
            .map(|(key, seconds)| KeyTime {
                key,
                seconds,
                share: seconds / total,
            })
            .collect();
        keys.sort_by(|a, b| b.seconds.total_cmp(&a.seconds));
        keys
    }

    fn modulations(&self) -> Vec<Modulation> {
        let mut spans = self.all();
        spans.retain(|span| span.named_s >= LEAST_MODULATION_S);
        spans.dedup_by_key(|span| span.key);
        spans
            .windows(2)
            .map(|pair| Modulation {
                at_s: pair[1].start_s,
                from: pair[0].key,
                to: pair[1].key,
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::timeline::WindowResult;
    use mertscope_audio::Status;
    use mertscope_music::Confidence;

    const C: usize = 0;
    const A_MINOR: usize = 21;

    /// Probabilities with `p` on one key, the rest spread evenly.
    fn toward(key: usize, p: f32) -> [f32; 24] {
        let mut all = [(1.0 - p) / 23.0; 24];
        all[key] = p;
        all
    }

    /// A window per second; `what` gives its own probabilities and the named key.
    fn timeline(what: &[([f32; 24], Option<usize>)]) -> Timeline {
        let window = |(second, (key, named)): (usize, &([f32; 24], Option<usize>))| {
            let shown = &Confidence::unfitted(Some(0.5)).live;
            let answer = KeyAnswer::new(
                &named.map_or([1.0 / 24.0; 24], |n| toward(n, 0.9)),
                shown,
                None,
            );
            TimedResult {
                start_s: second as f64,
                end_s: second as f64 + 5.0,
                status: Status::Ok,
                result: Some(WindowResult {
                    key: Some(*key),
                    key_answer: Some(answer),
                    ..WindowResult::default()
                }),
            }
        };
        Timeline {
            results: what.iter().enumerate().map(window).collect(),
            ..Timeline::default()
        }
    }

    fn repeated<T: Copy>(parts: &[(usize, T)]) -> Vec<T> {
        parts
            .iter()
            .flat_map(|(count, part)| vec![*part; *count])
            .collect()
    }

    #[test]
    fn windows_that_say_nothing_do_not_hide_those_that_do() {
        let drums = (toward(5, 0.08), None);
        let music = (toward(C, 0.8), Some(C));
        let found = timeline(&repeated(&[(55, drums), (20, music), (35, drums)]));
        let key = found.summary().unwrap().key.unwrap();
        assert_eq!(key.answer.named().map(Key::index), Some(C), "{key:?}");
        assert!(key.modulations.is_empty());
        assert_eq!(key.keys.len(), 1);
    }

    #[test]
    fn the_key_that_holds_longest_is_named_and_modulations_have_their_times() {
        let (first, second) = (
            (toward(A_MINOR, 0.8), Some(A_MINOR)),
            (toward(C, 0.8), Some(C)),
        );
        let found = timeline(&repeated(&[(30, first), (20, second)]));
        let key = found.summary().unwrap().key.unwrap();
        assert_eq!(key.answer.named().map(Key::index), Some(A_MINOR));
        let [a_minor, c] = &key.keys[..] else {
            panic!("{key:?}");
        };
        assert_eq!((a_minor.key.index(), c.key.index()), (A_MINOR, C));
        // The first window begins at 0, the last one ends at 54 s.
        assert!(
            (a_minor.seconds - 32.0).abs() < 1e-9 && (c.seconds - 22.0).abs() < 1e-9,
            "{key:?}"
        );
        assert!((a_minor.share + c.share - 1.0).abs() < 1e-9);
        let [change] = &key.modulations[..] else {
            panic!("{key:?}");
        };
        assert_eq!((change.at_s, change.to.index()), (32.0, C));
    }

    #[test]
    fn a_short_slip_is_no_modulation() {
        let (home, slip) = (
            (toward(C, 0.8), Some(C)),
            (toward(A_MINOR, 0.8), Some(A_MINOR)),
        );
        let found = timeline(&repeated(&[(30, home), (4, slip), (30, home)]));
        let key = found.summary().unwrap().key.unwrap();
        assert!(key.modulations.is_empty(), "{key:?}");
        assert_eq!(key.answer.named().map(Key::index), Some(C));
    }

    #[test]
    fn memory_grows_with_changes_alone() {
        let long = timeline(&repeated(&[(5000, (toward(C, 0.8), Some(C)))]));
        let mut summary = RunningSummary::new(Vec::new(), HeadConfidence::default());
        long.results.iter().for_each(|timed| summary.add(timed));
        assert_eq!(summary.named.spans.len(), 1);
    }

    #[test]
    fn nothing_analyzed_is_no_summary_and_nan_is_left_out() {
        assert_eq!(Timeline::default().summary(), None);
        let key = timeline(&[([f32::NAN; 24], None), (toward(C, 0.9), Some(C))]);
        let answer = key.summary().unwrap().key.unwrap().answer;
        assert_eq!(answer.named().map(Key::index), Some(C));
    }
}
