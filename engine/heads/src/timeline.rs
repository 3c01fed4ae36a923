//! What was heard, on audio time: one [`TimedResult`] a window, and a [`Summary`] of them all.
//!
//! Pure data and averages: no audio, no model, no formatting.

use std::sync::Arc;

use mertscope_audio::Status;
use mertscope_music::{Key, is_clear};

/// Probabilities of the genres, in the order of the head's labels; they sum to 1.
pub(crate) type GenreProbabilities = Vec<f32>;
/// Probabilities of the 24 keys, by [`Key::index`]. A window's own sum to 1, smoothed ones to at
/// most 1: what is missing is the probability that no key is clear.
pub(crate) type KeyProbabilities = [f32; Key::COUNT];

/// What one window said.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct WindowResult {
    /// The window's own calibrated genre probabilities; `None` where the model has no genre head.
    pub genre: Option<GenreProbabilities>,
    /// The window's own calibrated key probabilities; `None` where the model has no key head.
    pub key: Option<KeyProbabilities>,
    /// Genre smoothed over audio time up to this window's end.
    pub genre_smoothed: Option<GenreProbabilities>,
    /// Key smoothed over audio time up to this window's end.
    pub key_smoothed: Option<KeyProbabilities>,
    /// The key, when the smoothed evidence is clear enough to name one: its smoothed probability is
    /// at least one half. Without smoothing a quarter is enough.
    pub key_label: Option<Key>,
    /// The window's place on the model's map; `None` where it has none.
    pub point: Option<[f32; 2]>,
    /// The window's own probabilities of further heads, by the SHA-256 of each head's file, in the
    /// order of its labels. A head that is fitted anew is another one.
    pub others: Vec<(Arc<str>, Vec<f32>)>,
    /// What heads that read frames say of the part of the window that is new.
    pub ribbons: Vec<Ribbon>,
    /// Distances to the stream's references, by their ids; see
    /// [`Reference::distance`](crate::reference::Reference::distance).
    pub distances: Vec<(Arc<str>, f32)>,
}

impl WindowResult {
    /// What a further head said, by the SHA-256 of its file; `None` if it was not in use.
    #[must_use]
    pub fn prediction_of(&self, head_sha256: &str) -> Option<&[f32]> {
        let own = |(sha256, _): &&(Arc<str>, Vec<f32>)| **sha256 == *head_sha256;
        let found = self.others.iter().find(own);
        found.map(|(_, probabilities)| probabilities.as_slice())
    }
}

/// What a head that reads frames says over a stretch of audio, which ends with its window.
#[derive(Debug, Clone, PartialEq)]
pub struct Ribbon {
    /// SHA-256 of the head's file.
    pub head_sha256: Arc<str>,
    /// Seconds of audio from one row to the next.
    pub step_s: f64,
    /// Mean answers over a step, `[steps, labels]`.
    pub answers: Vec<f32>,
}

/// One window's place on audio time and its result.
#[derive(Debug, Clone, PartialEq)]
pub struct TimedResult {
    /// Where the window begins, in seconds of audio.
    pub start_s: f64,
    /// Where it ends, in seconds of audio.
    pub end_s: f64,
    /// Whether it was analyzed.
    pub status: Status,
    /// What was heard; present exactly when `status` is [`Status::Ok`].
    pub result: Option<WindowResult>,
}

/// Everything that was heard in one file, in order.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Timeline {
    /// The genre head's labels; empty without one.
    pub genre_labels: Vec<String>,
    /// The key head's threshold, from which mean probability on the whole file's key is named.
    pub key_threshold: Option<f32>,
    /// The windows, by start.
    pub results: Vec<TimedResult>,
}

/// The whole file in a few values: the mean over its analyzed windows.
#[derive(Debug, Clone, PartialEq)]
pub struct Summary {
    /// Genres with their mean probability, most probable first.
    pub genre: Vec<(String, f32)>,
    /// The key; `None` where the model has no key head.
    pub key: Option<KeySummary>,
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
        let result = || self.results.iter().filter_map(|r| r.result.as_ref());
        result().next()?;
        let genre = mean(result().filter_map(|h| h.genre.as_deref()));
        let mut genre: Vec<(String, f32)> = self.genre_labels.iter().cloned().zip(genre).collect();
        genre.sort_by(|a, b| b.1.total_cmp(&a.1));
        let key = mean(result().filter_map(|h| h.key.as_ref().map(<[f32; 24]>::as_slice)));
        Some(Summary {
            genre,
            key: key_summary(&key, self.key_threshold),
        })
    }
}

/// Mean of equally long vectors, element by element; empty without any.
fn mean<'a>(rows: impl Iterator<Item = &'a [f32]>) -> Vec<f32> {
    let mut sum: Vec<f64> = Vec::new();
    let mut count = 0.0;
    for row in rows {
        sum.resize(row.len(), 0.0);
        for (sum, value) in sum.iter_mut().zip(row) {
            *sum += f64::from(*value);
        }
        count += 1.0;
    }
    sum.into_iter().map(|sum| (sum / count) as f32).collect()
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
