//! Heads: small matrices that turn pooled hidden states into probabilities of labels.
//!
//! A head is a safetensors file. Its metadata describes it:
//!
//! | metadata | meaning |
//! |---|---|
//! | `task` | the question it answers: `genre`, `key`, … |
//! | `labels` | JSON list of the labels, in the order of the outputs |
//! | `layers` | JSON list: index of the hidden state it reads; several for a weighted sum of layers |
//! | `reads` | `window`, the mean over time (default), or `frames`, each frame |
//! | `outputs` | their meaning, see [`Outputs`]; `multiclass` by default |
//! | `temperature` | logits are divided by it, so that probabilities are calibrated |
//! | `threshold` | below this probability the most probable label counts as unsure; optional |
//! | `confidence` | JSON object: the constants that make shown figures true, [`Confidence`]; optional |
//! | `encoder_sha256` | the model whose hidden states it was fitted on, [`Model::sha256`](mertscope_model::Model::sha256) |
//! | `frames_sha256` | for a head that reads frames: the graph file that gives the frames, when it is separate from the model's |
//! | `training_data`, `metrics`, `licence` | shown to the user |
//!
//! | tensor | shape | meaning |
//! |---|---|---|
//! | `weight`, `bias` | `[labels, inputs]`, `[labels]` | the output layer |
//! | `mean`, `std` | `[width]` each, optional | standardization of the hidden state |
//! | `hidden.weight`, `hidden.bias` | `[units, width]`, `[units]`, optional | one ReLU layer before the output |
//! | `layer_weights` | `[layers]`, with several layers | softmax weights of the layers (MARBLE's `all`) |
//!
//! A file is data: nothing in it is run, and every shape and number is checked before it is used.

mod check;
mod confidence;
mod dense;
mod file;
pub mod fit;
mod info;
mod kind;
pub mod marble;
pub mod metrics;
mod predict;
pub mod reliability;
#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use dense::Dense;
use mertscope_music::Confidence;

pub(crate) use dense::mean_of_rows;
pub use info::HeadInfo;
pub use kind::{Outputs, Reads};
pub use predict::weighted;

/// A head, ready to be applied.
///
/// ```
/// use mertscope_heads::head::HeadInfo;
/// use mertscope_heads::package::ModelPackage;
/// use mertscope_model::{HiddenStates, LayerSet};
///
/// let package = ModelPackage::embedded()?;
/// let manifest = &package.model.manifest;
/// // One window's hidden states `[layers, width]`, as a session gives them.
/// let hidden = HiddenStates {
///     layers: manifest.layers.len(),
///     which: LayerSet::All,
///     frames: None,
///     window: None,
///     width: manifest.width,
///     data: vec![0.1; manifest.layers.len() * manifest.width],
/// };
/// let genre = package.head("genre").ok_or("the model has no genre head")?;
/// let probabilities = genre.predict(&hidden);
/// assert_eq!(probabilities.len(), genre.labels.len());
/// let top = HeadInfo::from(genre).foremost(&probabilities)[0].0.to_owned();
/// assert!(genre.labels.contains(&top));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Head {
    /// The question it answers: `genre`, `key`, …
    pub task: String,
    /// The labels, in the order of the outputs.
    pub labels: Vec<String>,
    /// SHA-256 of the head's file.
    pub sha256: String,
    /// Size of that file, in bytes.
    pub bytes: u64,
    /// [`Model::sha256`](mertscope_model::Model::sha256) of the model it was fitted on.
    pub encoder_sha256: String,
    /// The hidden states that it reads.
    pub input: LayerInput,
    /// Whether it reads the mean of a window or each frame.
    pub reads: Reads,
    /// The meaning of its outputs.
    pub outputs: Outputs,
    /// The least probability, 0 to 1, at which the most probable label is named, if the file has one.
    /// It is chosen on held-out files: below it a label is more often wrong than right.
    pub threshold: Option<f32>,
    /// The constants that make the figures shown beside its labels true, if the file has them.
    pub fitted_confidence: Option<Confidence>,
    /// The file's metadata, shown to the user: `training_data`, `metrics`, `licence`.
    pub metadata: HashMap<String, String>,
    path: PathBuf,
    temperature: f32,
    mean: Vec<f32>,
    std: Vec<f32>,
    hidden: Option<Dense>,
    output: Dense,
}

/// The hidden states that a head reads.
#[derive(Debug, Clone, PartialEq)]
pub enum LayerInput {
    /// One hidden state, by index.
    One(usize),
    /// The sum of several, each with its weight; the weights sum to 1.
    Weighted(Vec<(usize, f32)>),
}

impl LayerInput {
    /// The indices of the hidden states.
    #[must_use]
    pub fn indices(&self) -> Vec<usize> {
        match self {
            Self::One(layer) => vec![*layer],
            Self::Weighted(layers) => layers.iter().map(|(layer, _)| *layer).collect(),
        }
    }
}

/// Why a head can't be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum HeadError {
    /// The file is not a usable head.
    #[error("{} is not a usable head: {reason}. Train or import it again.", path.display())]
    Invalid {
        /// The file.
        path: PathBuf,
        /// The reason, a phrase.
        reason: String,
    },
    /// It was fitted on another model.
    #[error(
        "The head {} does not fit the model {model}: {reason}. Use a head that was trained on \
         this model.", path.display()
    )]
    OtherModel {
        /// The file.
        path: PathBuf,
        /// The model's id.
        model: String,
        /// The difference, a phrase.
        reason: String,
    },
}

impl Head {
    /// Reads a head from the bytes of a safetensors file; `path` is for messages.
    ///
    /// # Errors
    /// [`HeadError::Invalid`] with the reason.
    pub fn parse(bytes: &[u8], path: &Path) -> Result<Self, HeadError> {
        file::parse(bytes, path).map_err(|reason| HeadError::Invalid {
            path: path.to_owned(),
            reason,
        })
    }

    /// Its own constants of confidence, or those of a head that has none.
    #[must_use]
    pub fn confidence(&self) -> Confidence {
        let unfitted = || Confidence::unfitted(self.threshold);
        self.fitted_confidence.unwrap_or_else(unfitted)
    }

    /// Its name among the heads of its model: its file's name up to the first dot.
    #[must_use]
    pub fn id(&self) -> &str {
        let name = self.path.file_name().and_then(|name| name.to_str());
        let name = name.unwrap_or_default();
        name.split_once('.').map_or(name, |(id, _)| id)
    }

    /// The file it was read from.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }
}
