//! From one window's hidden states to its result: heads and map, then smoothing over audio time.

use std::sync::Arc;

use crate::head::{Head, Reads, mean_of_rows};
use crate::map::Map;
use crate::package::{HeadChoice, ModelPackage};
use crate::timeline::{KeyProbabilities, Ribbon, WindowResult};
use mertscope_model::HiddenStates;
use mertscope_music::{
    Confidence, Key, KeyAnswer, Shown, Smoother, Tuning, TuningSmoother, information,
};

/// Approximate length of a ribbon's step, in seconds: as fine as a display shows. Longer frames are steps
/// of their own.
const STEP_S: f64 = 0.1;

/// Applies the heads and the map of a model to one stream, window by window.
///
/// ```
/// use mertscope_heads::interpreter::Interpreter;
/// use mertscope_heads::package::ModelPackage;
/// use mertscope_model::{HiddenStates, LayerSet};
///
/// let package = ModelPackage::embedded()?;
/// let manifest = &package.model.manifest;
/// let hidden = HiddenStates {
///     layers: manifest.layers.len(),
///     which: LayerSet::All,
///     frames: None,
///     window: None,
///     width: manifest.width,
///     data: vec![0.1; manifest.layers.len() * manifest.width],
/// };
/// let mut interpreter = Interpreter::new(&package, true);
/// let first = interpreter.interpret(&hidden, 5.0);
/// let second = interpreter.interpret(&hidden, 6.0);
/// assert_eq!(first.genre, second.genre);
/// assert!(second.key.is_some() && second.point.is_some());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Interpreter {
    genre: Option<Head>,
    key: Option<Head>,
    tuning: Option<Head>,
    others: Vec<(Arc<str>, Head)>,
    map: Option<Arc<Map>>,
    smoothing: bool,
    genre_smoother: Smoother,
    key_smoother: Smoother,
    /// The limits of the key's answer.
    key_shown: Shown,
    tuning_smoother: TuningSmoother,
    /// The key that was named last.
    named: Option<Key>,
    last_end_s: Option<f64>,
    /// Seconds of audio per frame.
    frame_s: f64,
}

impl Interpreter {
    /// An interpreter at the start of a stream; without `smoothing`, windows don't affect each other.
    #[must_use]
    pub fn new(package: &ModelPackage, smoothing: bool) -> Self {
        Self::with_heads(package, &HeadChoice::new(), smoothing)
    }

    /// The same, with the heads that `chosen` names instead of the model's own.
    #[must_use]
    pub fn with_heads(package: &ModelPackage, chosen: &HeadChoice, smoothing: bool) -> Self {
        let others = package.further_heads(chosen).into_iter();
        let others = others.map(|head| (Arc::from(head.sha256.as_str()), head.clone()));
        let key = package.head_in_use("key", chosen).cloned();
        let genre = package.head_in_use("genre", chosen).cloned();
        Self {
            genre_smoother: smoother(genre.as_ref()),
            key_smoother: smoother(key.as_ref()),
            key_shown: confidence(key.as_ref()).live,
            named: None,
            genre,
            key,
            tuning: package.head_in_use("tuning", chosen).cloned(),
            others: others.collect(),
            map: package.map.clone(),
            smoothing,
            tuning_smoother: TuningSmoother::default(),
            last_end_s: None,
            frame_s: package.model.manifest.frame_s(),
        }
    }

    /// Forgets the windows so far, as at the start of a stream.
    pub fn restart(&mut self) {
        self.genre_smoother = smoother(self.genre.as_ref());
        self.key_smoother = smoother(self.key.as_ref());
        self.tuning_smoother = TuningSmoother::default();
        self.named = None;
        self.last_end_s = None;
    }

    /// The result of a window from its hidden states `[layers, (frames,) width]`; it ends at `end_s`, in
    /// seconds of audio. Windows come in order; skipped audio between two of them (silence, gaps) lets old
    /// evidence fade.
    pub fn interpret(&mut self, hidden: &HiddenStates, end_s: f64) -> WindowResult {
        let elapsed_s = end_s - self.last_end_s.unwrap_or(end_s);
        self.last_end_s = Some(end_s);
        let genre = self.genre.as_ref().map(|head| head.predict(hidden));
        let key = self
            .key
            .as_ref()
            .and_then(|head| KeyProbabilities::try_from(head.predict(hidden).as_slice()).ok());
        let tuning = self.tuning.as_ref();
        let tuning =
            tuning.and_then(|head| Tuning::from_vector(head.predict(hidden).try_into().ok()?));
        let tuning = tuning.map(|tuning| match &key {
            Some(key) => tuning.among_harmony(information(key)),
            None => tuning,
        });
        let others = self.others.iter();
        let others = others
            .map(|(sha256, head)| (Arc::clone(sha256), head.predict(hidden)))
            .collect();
        let ribbons = self.ribbons(hidden, elapsed_s);
        let point = self.map.as_ref().and_then(|map| map.place(hidden));
        let tuning_smoothed = match self.smoothing {
            true => tuning.map(|tuning| self.tuning_smoother.push(tuning, elapsed_s)),
            false => tuning,
        };
        let (genre_smoothed, key_smoothed) = if self.smoothing {
            let genre = genre.as_ref();
            let key = key
                .as_ref()
                .map(|key| self.key_smoother.push(key, elapsed_s));
            (
                genre.map(|genre| self.genre_smoother.push(genre, elapsed_s)),
                key.and_then(|key| key.try_into().ok()),
            )
        } else {
            (genre.clone(), key)
        };
        let key_answer = key_smoothed
            .as_ref()
            .map(|key| KeyAnswer::new(key, &self.key_shown, self.named.filter(|_| self.smoothing)));
        self.named = key_answer.as_ref().and_then(KeyAnswer::named);
        let key_answer = key_answer
            .map(|answer| tuning_smoothed.map_or(answer, |tuning| tuning.between_keys(answer)));
        WindowResult {
            genre,
            key,
            genre_smoothed,
            key_smoothed,
            key_answer,
            tuning,
            tuning_smoothed,
            point,
            others,
            ribbons,
            distances: Vec::new(),
        }
    }
}

impl Interpreter {
    /// The outputs of heads that read frames over the last `elapsed_s` seconds of a window; over all of
    /// it for the first window.
    fn ribbons(&self, hidden: &HiddenStates, elapsed_s: f64) -> Vec<Ribbon> {
        let Some(frames) = hidden.frames else {
            return Vec::new();
        };
        let heads = self.others.iter();
        let heads = heads.filter(|(_, head)| head.reads == Reads::Frames);
        let per_step = ((STEP_S / self.frame_s).round() as usize).clamp(1, frames.max(1));
        let new = if elapsed_s > 0.0 {
            ((elapsed_s / self.frame_s).round() as usize).min(frames)
        } else {
            frames
        };
        let steps = (new / per_step).max(1);
        heads
            .map(|(sha256, head)| {
                let labels = head.labels.len();
                let all = head.predict_frames(hidden);
                let from = all.len().saturating_sub(steps * per_step * labels);
                let answers = all[from..].chunks_exact(per_step * labels);
                Ribbon {
                    head_sha256: Arc::clone(sha256),
                    step_s: per_step as f64 * self.frame_s,
                    answers: answers
                        .flat_map(|step| mean_of_rows(step, labels))
                        .collect(),
                }
            })
            .collect()
    }
}

fn confidence(head: Option<&Head>) -> Confidence {
    head.map_or(Confidence::unfitted(None), Head::confidence)
}

fn smoother(head: Option<&Head>) -> Smoother {
    Smoother::new(&confidence(head))
}
