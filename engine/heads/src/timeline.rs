//! Results on audio time: one [`TimedResult`] per window, and a [`Summary`] of them all.
//!
//! Data and averages alone: no audio, no model, no formatting.

use std::sync::Arc;

use crate::mean::RunningMean;
use mertscope_audio::Status;
use mertscope_music::{Key, Tuning, TuningMean, is_clear};

/// Probabilities of the genres, in the order of the head's labels; they sum to 1.
pub(crate) type GenreProbabilities = Vec<f32>;
/// Probabilities of the 24 keys, by [`Key::index`]. A window's own sum to 1, smoothed ones to at
/// most 1: the rest is the probability that no key is clear.
pub(crate) type KeyProbabilities = [f32; Key::COUNT];

/// The result of one window.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct WindowResult {
    /// The window's own calibrated genre probabilities; `None` when the model has no genre head.
    pub genre: Option<GenreProbabilities>,
    /// The window's own calibrated key probabilities; `None` when the model has no key head.
    pub key: Option<KeyProbabilities>,
    /// Genre smoothed over audio time up to this window's end.
    pub genre_smoothed: Option<GenreProbabilities>,
    /// Key smoothed over audio time up to this window's end.
    pub key_smoothed: Option<KeyProbabilities>,
    /// The key, when the smoothed evidence is clear enough to name one: its smoothed probability is
    /// at least one half. Without smoothing a quarter is enough.
    pub key_label: Option<Key>,
    /// The window's own deviation from A = 440 Hz; `None` when the model has no tuning head.
    pub tuning: Option<Tuning>,
    /// The deviation over audio time up to this window's end.
    pub tuning_smoothed: Option<Tuning>,
    /// The window's point `[x, y]` on the model's map; `None` when the model has no map.
    pub point: Option<[f32; 2]>,
    /// The window's own outputs of further heads, by the SHA-256 of each head's file, in the order of its
    /// labels. A head that is fitted again has another SHA-256.
    pub others: Vec<(Arc<str>, Vec<f32>)>,
    /// The outputs of heads that read frames, over the new part of the window.
    pub ribbons: Vec<Ribbon>,
    /// Distances to the stream's references, by their ids; see
    /// [`Reference::distance`](crate::reference::Reference::distance).
    pub distances: Vec<(Arc<str>, f32)>,
}

impl WindowResult {
    /// A further head's outputs, by the SHA-256 of its file; `None` if the head was not in use.
    #[must_use]
    pub fn prediction_of(&self, head_sha256: &str) -> Option<&[f32]> {
        let is_it = |(sha256, _): &&(Arc<str>, Vec<f32>)| **sha256 == *head_sha256;
        let found = self.others.iter().find(is_it);
        found.map(|(_, outputs)| outputs.as_slice())
    }
}

/// The outputs of a head that reads frames over a stretch of audio that ends with its window.
#[derive(Debug, Clone, PartialEq)]
pub struct Ribbon {
    /// SHA-256 of the head's file.
    pub head_sha256: Arc<str>,
    /// Seconds of audio from one row to the next.
    pub step_s: f64,
    /// Mean outputs over each step, `[steps, labels]`.
    pub answers: Vec<f32>,
}

/// One window's position on audio time and its result.
#[derive(Debug, Clone, PartialEq)]
pub struct TimedResult {
    /// Start of the window, in seconds of audio.
    pub start_s: f64,
    /// End of the window, in seconds of audio.
    pub end_s: f64,
    /// Whether it was analyzed.
    pub status: Status,
    /// Its result; present exactly when `status` is [`Status::Ok`].
    pub result: Option<WindowResult>,
}

/// All results of one file, in order.
///
/// ```
/// use mertscope_audio::Status;
/// use mertscope_heads::timeline::{TimedResult, Timeline, WindowResult};
///
/// let window = |start_s: f64, jazz: f32| TimedResult {
///     start_s,
///     end_s: start_s + 5.0,
///     status: Status::Ok,
///     result: Some(WindowResult {
///         genre: Some(vec![jazz, 1.0 - jazz]),
///         ..WindowResult::default()
///     }),
/// };
/// let timeline = Timeline {
///     genre_labels: vec!["jazz".to_owned(), "rock".to_owned()],
///     key_threshold: None,
///     results: vec![window(0.0, 0.25), window(5.0, 0.5)],
/// };
/// let summary = timeline.summary().ok_or("no window was analyzed")?;
/// assert_eq!(summary.genre[0], ("rock".to_owned(), 0.625));
/// # Ok::<(), &str>(())
/// ```
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Timeline {
    /// The genre head's labels; empty without one.
    pub genre_labels: Vec<String>,
    /// The key head's threshold: the least mean probability at which the whole file's key is named.
    pub key_threshold: Option<f32>,
    /// The windows, by start.
    pub results: Vec<TimedResult>,
}

/// A summary of the whole file: the mean over its analyzed windows.
#[derive(Debug, Clone, PartialEq)]
pub struct Summary {
    /// Genres with their mean probability, most probable first.
    pub genre: Vec<(String, f32)>,
    /// The key; `None` when the model has no key head.
    pub key: Option<KeySummary>,
    /// The deviation from A = 440 Hz, of which certain windows say more; `None` when the model has no tuning head.
    pub tuning: Option<Tuning>,
}

/// The whole file's key.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct KeySummary {
    /// The most probable key, however weak the evidence.
    pub best: Key,
    /// The same, when the evidence is clear enough to name it.
    pub label: Option<Key>,
    /// Mean probability of `best`.
    pub probability: f32,
    /// The second most probable key and its mean probability.
    pub runner_up: (Key, f32),
}

impl Timeline {
    /// The mean over all analyzed windows; `None` when there are none.
    #[must_use]
    pub fn summary(&self) -> Option<Summary> {
        let mut summary = RunningSummary::new(self.genre_labels.clone(), self.key_threshold);
        self.results.iter().for_each(|timed| summary.add(timed));
        summary.finish()
    }
}

/// A summary of windows that come one by one: it keeps sums, so memory does not grow with them.
///
/// ```
/// use mertscope_heads::timeline::{RunningSummary, Timeline};
///
/// let timeline = Timeline::default();
/// let mut running = RunningSummary::new(timeline.genre_labels.clone(), timeline.key_threshold);
/// timeline.results.iter().for_each(|timed| running.add(timed));
/// assert_eq!(running.finish(), timeline.summary());
/// ```
#[derive(Debug, Clone, Default, PartialEq)]
pub struct RunningSummary {
    genre_labels: Vec<String>,
    key_threshold: Option<f32>,
    analyzed: u64,
    genre: RunningMean,
    key: RunningMean,
    tuning: TuningMean,
}

impl RunningSummary {
    /// The summary of no window, for the genre head's labels and the key head's threshold.
    #[must_use]
    pub fn new(genre_labels: Vec<String>, key_threshold: Option<f32>) -> Self {
        Self {
            genre_labels,
            key_threshold,
            ..Self::default()
        }
    }

    /// Adds the next window.
    pub fn add(&mut self, timed: &TimedResult) {
        let Some(result) = &timed.result else {
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
            self.tuning.add(tuning);
        }
    }

    /// The mean over the analyzed windows; `None` when there are none.
    #[must_use]
    pub fn finish(self) -> Option<Summary> {
        if self.analyzed == 0 {
            return None;
        }
        let mut genre: Vec<(String, f32)> = self
            .genre_labels
            .into_iter()
            .zip(self.genre.mean())
            .collect();
        genre.sort_by(|a, b| b.1.total_cmp(&a.1));
        Some(Summary {
            genre,
            key: key_summary(&self.key.mean(), self.key_threshold),
            tuning: self.tuning.tuning(),
        })
    }
}

fn key_summary(mean: &[f32], threshold: Option<f32>) -> Option<KeySummary> {
    let mut ranked: Vec<(Key, f32)> = Key::all().zip(mean.iter().copied()).collect();
    ranked.sort_by(|a, b| b.1.total_cmp(&a.1));
    let [(best, probability), runner_up, ..] = ranked[..] else {
        return None;
    };
    Some(KeySummary {
        best,
        label: is_clear(probability, threshold).then_some(best),
        probability,
        runner_up,
    })
}
