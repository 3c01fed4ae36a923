//! Results on audio time: one [`TimedResult`] per window, and a [`Summary`] of them all.
//!
//! Data alone: no audio, no model, no formatting. `summary.rs` makes the summary.

use std::sync::Arc;

use mertscope_audio::Status;
use mertscope_music::{Confidence, Key, KeyAnswer, Tuning};

/// Probabilities of the genres, in the order of the head's labels; they sum to 1.
pub(crate) type GenreProbabilities = Vec<f32>;
/// Probabilities of the 24 keys, by [`Key::index`]; they sum to 1.
pub(crate) type KeyProbabilities = [f32; Key::COUNT];

/// The result of one window.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct WindowResult {
    /// The window's own calibrated genre probabilities; `None` when the model has no genre head.
    pub genre: Option<GenreProbabilities>,
    /// The window's own calibrated key probabilities; `None` when the model has no key head.
    pub key: Option<KeyProbabilities>,
    /// Genre over the audio up to this window's end, as calibrated as its head's constants allow: the figures
    /// to show.
    pub genre_smoothed: Option<GenreProbabilities>,
    /// Key over the audio up to this window's end, likewise.
    pub key_smoothed: Option<KeyProbabilities>,
    /// The answer that `key_smoothed` allows: one key, a tentative pair, or none.
    pub key_answer: Option<KeyAnswer>,
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
    /// The key, when it is named.
    #[must_use]
    pub fn key_label(&self) -> Option<Key> {
        self.key_answer.as_ref().and_then(KeyAnswer::named)
    }

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
///     confidence: Default::default(),
///     results: vec![window(0.0, 0.25), window(5.0, 0.5)],
/// };
/// let summary = timeline.summary().ok_or("no window was analyzed")?;
/// assert_eq!(summary.genre[0].0, "rock");
/// # Ok::<(), &str>(())
/// ```
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Timeline {
    /// The genre head's labels; empty without one.
    pub genre_labels: Vec<String>,
    /// The constants of the genre and the key head.
    pub confidence: HeadConfidence,
    /// The windows, by start.
    pub results: Vec<TimedResult>,
}

/// The constants of the heads that a timeline's figures rest on.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct HeadConfidence {
    /// The genre head's.
    pub genre: Confidence,
    /// The key head's.
    pub key: Confidence,
}

impl Default for HeadConfidence {
    fn default() -> Self {
        Self {
            genre: Confidence::unfitted(None),
            key: Confidence::unfitted(None),
        }
    }
}

/// A summary of the whole file.
#[derive(Debug, Clone, PartialEq)]
pub struct Summary {
    /// Genres with their probability, most probable first.
    pub genre: Vec<(String, f32)>,
    /// Whether the first genre is sure enough to be named.
    pub genre_is_named: bool,
    /// The key; `None` when the model has no key head.
    pub key: Option<KeySummary>,
    /// The deviation from A = 440 Hz, of which certain windows say more; `None` when the model has no tuning head.
    pub tuning: Option<Tuning>,
}

/// The whole file's key.
#[derive(Debug, Clone, PartialEq)]
pub struct KeySummary {
    /// The answer for the whole file, with calibrated probabilities.
    pub answer: KeyAnswer,
    /// The keys that are named in the course of the file, by the time they hold, longest first.
    pub keys: Vec<KeyTime>,
    /// The changes from one named key to another, in order.
    pub modulations: Vec<Modulation>,
}

/// The time that a key is named.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct KeyTime {
    /// The key.
    pub key: Key,
    /// Seconds of audio over which it is named.
    pub seconds: f64,
    /// Their share in the time over which any key is named, 0 to 1.
    pub share: f64,
}

/// A change of the named key.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Modulation {
    /// When the new key is named, in seconds of audio.
    pub at_s: f64,
    /// The key before.
    pub from: Key,
    /// The new key.
    pub to: Key,
}
