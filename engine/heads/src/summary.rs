//! The summary of a file from windows that come one by one: sums and the changes of the named key, so memory grows
//! with modulations alone.

use crate::mean::RunningMean;
use crate::timeline::{
    HeadConfidence, KeySummary, KeyTime, Modulation, Summary, TimedResult, Timeline, tuning_of,
};
use mertscope_music::{Key, KeyAnswer, Shown, Standing, log_probability, softmax};

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
    named: NamedTime,
    tuning: RunningMean,
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
        }
        if let Some(tuning) = result.tuning {
            self.tuning.add(&tuning.to_vector());
        }
    }

    /// The summary of the analyzed windows; `None` when there are none.
    #[must_use]
    pub fn finish(self) -> Option<Summary> {
        if self.analyzed == 0 {
            return None;
        }
        let shown = self.genre.shown(&self.confidence.genre.file);
        let mut genre: Vec<(String, f32)> = self.genre_labels.into_iter().zip(shown).collect();
        genre.sort_by(|a, b| b.1.total_cmp(&a.1));
        let least = self.confidence.genre.file.named;
        let tuning = tuning_of(&self.tuning.mean());
        let mut key = key_summary(&self.key, &self.named, &self.confidence.key.file);
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

/// Log probabilities of windows, summed by what each window says.
#[derive(Debug, Clone, Default, PartialEq)]
struct Evidence {
    sums: Vec<f64>,
    weight: f64,
}

impl Evidence {
    fn add(&mut self, window: &[f32]) {
        if window.iter().any(|p| !p.is_finite()) {
            return;
        }
        let weight = information(window);
        self.sums.resize(window.len(), 0.0);
        for (sum, p) in self.sums.iter_mut().zip(window) {
            *sum += weight * log_probability(*p);
        }
        self.weight += weight;
    }

    /// The calibrated probabilities `[labels]` of the whole file.
    fn shown(&self, shown: &Shown) -> Vec<f32> {
        let weight = self.weight.max(f64::MIN_POSITIVE);
        let mean: Vec<f64> = self.sums.iter().map(|sum| sum / weight).collect();
        softmax(&mean, shown.scale)
    }
}

/// What a window says, 0 to 1: how far its probabilities are from all being equal.
fn information(window: &[f32]) -> f64 {
    let entropy: f64 = window
        .iter()
        .map(|p| f64::from(*p))
        .filter(|p| *p > 0.0)
        .map(|p| -p * p.ln())
        .sum();
    let most = (window.len().max(2) as f64).ln();
    (1.0 - entropy / most).clamp(1e-6, 1.0)
}

fn key_summary(evidence: &Evidence, named: &NamedTime, shown: &Shown) -> Option<KeySummary> {
    let probabilities = evidence.shown(shown);
    let probabilities: [f32; Key::COUNT] = probabilities.try_into().ok()?;
    let mut answer = KeyAnswer::new(&probabilities, shown);
    let keys = named.keys();
    let holds_most = keys.first().is_none_or(|held| held.key == answer.best.0);
    if answer.standing == Standing::Named && !holds_most {
        answer.standing = Standing::Pair;
    }
    Some(KeySummary {
        answer,
        keys,
        modulations: named.modulations(),
    })
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
