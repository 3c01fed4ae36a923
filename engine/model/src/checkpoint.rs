//! Checkpoints as they are published: weights from PyTorch, read as data.
//!
//! A checkpoint is a folder with `config.json`, `preprocessor_config.json` and the weights. Nothing
//! in it is ever run; every name, shape, type and length is checked before it is used.

mod network;
mod pickle;
mod safe;
mod tensor;
mod torch;
mod weights;

use std::collections::HashMap;
use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use serde::Deserialize;

pub use network::{Convolution, Family, FeatureNorm, Network};
pub use tensor::{Element, Tensor};
pub use weights::Weights;

/// Why a checkpoint can't be used.
#[derive(Debug, thiserror::Error)]
pub enum CheckpointError {
    /// A file of it is missing or can't be read.
    #[error("The checkpoint's file {} can't be read ({source}); fetch or copy it again.", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// A file of it is not what it should be.
    #[error("{} can't be used: {reason}. Fetch or copy the checkpoint again, or choose another one.", path.display())]
    Invalid {
        /// The file.
        path: PathBuf,
        /// What is wrong with it, a phrase.
        reason: String,
    },
}

impl CheckpointError {
    fn unreadable(path: &Path, source: io::Error) -> Self {
        let path = path.to_owned();
        Self::Unreadable { path, source }
    }

    fn invalid(path: &Path, reason: String) -> Self {
        let path = path.to_owned();
        Self::Invalid { path, reason }
    }
}

/// The files that a checkpoint's weights may be in, the preferred one first.
pub const WEIGHTS: [&str; 2] = ["model.safetensors", "pytorch_model.bin"];
/// The file that describes the network.
pub(crate) const CONFIG: &str = "config.json";
/// The file that says what input it wants.
pub(crate) const PREPROCESSOR: &str = "preprocessor_config.json";

/// Configuration files are a few kilobytes long.
const MAX_CONFIG_BYTES: u64 = 1 << 20;

/// What the network takes its input as, from `preprocessor_config.json`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
pub struct Preprocessor {
    /// Sample rate in hertz.
    pub sampling_rate: u32,
    /// Whether the input is brought to zero mean and unit variance.
    #[serde(default = "normalized")]
    pub do_normalize: bool,
}

/// The default of `Wav2Vec2FeatureExtractor`.
fn normalized() -> bool {
    true
}

/// A checkpoint: a network, and where its tensors are.
#[derive(Debug)]
pub struct Checkpoint {
    /// The network.
    pub network: Network,
    weights: Weights,
    /// What each tensor is called in the file.
    names: HashMap<String, String>,
}

impl Checkpoint {
    /// Opens the weights of a network, and checks that they hold every tensor that it needs, in
    /// the right shape, and nothing else. No numbers are read yet.
    ///
    /// # Errors
    /// [`CheckpointError`], with the name of the first tensor that is missing, wrong or too much.
    pub fn open(network: Network, weights: &Path) -> Result<Self, CheckpointError> {
        let weights = Weights::open(weights)?;
        let names = names(&network, &weights)
            .map_err(|reason| CheckpointError::invalid(weights.path(), reason))?;
        Ok(Self {
            network,
            weights,
            names,
        })
    }

    /// A tensor's numbers, by its name in [`Network::tensors`].
    ///
    /// # Errors
    /// What [`Weights::floats`] says.
    pub fn floats(&self, name: &str) -> Result<Vec<f32>, CheckpointError> {
        let in_file = self.names.get(name).map_or(name, String::as_str);
        self.weights.floats(in_file)
    }
}

/// The network of a `config.json`.
///
/// # Errors
/// [`CheckpointError`], when it can't be read or describes something that is not known.
pub fn network(config: &Path) -> Result<Network, CheckpointError> {
    let bytes = small_file(config)?;
    Network::parse(&bytes).map_err(|reason| CheckpointError::invalid(config, reason))
}

/// What a `preprocessor_config.json` says.
///
/// # Errors
/// [`CheckpointError`], when it can't be read or says nothing of a sample rate.
pub fn preprocessor(path: &Path) -> Result<Preprocessor, CheckpointError> {
    let bytes = small_file(path)?;
    serde_json::from_slice(&bytes).map_err(|error| {
        CheckpointError::invalid(
            path,
            format!("it does not say what input is wanted ({error})"),
        )
    })
}

fn small_file(path: &Path) -> Result<Vec<u8>, CheckpointError> {
    let unreadable = |source| CheckpointError::unreadable(path, source);
    let mut bytes = Vec::new();
    File::open(path)
        .map_err(unreadable)?
        .take(MAX_CONFIG_BYTES + 1)
        .read_to_end(&mut bytes)
        .map_err(unreadable)?;
    if bytes.len() as u64 > MAX_CONFIG_BYTES {
        let reason = "it is longer than a megabyte".to_owned();
        return Err(CheckpointError::invalid(path, reason));
    }
    Ok(bytes)
}

/// What goes before all names when the network was saved as a part of another.
const PREFIXES: [&str; 6] = [
    "mert_model.",
    "hubert.",
    "data2vec_audio.",
    "music_hubert.",
    "model.",
    "encoder_model.",
];
/// The two halves of a normalized weight, before and since PyTorch 2.1.
const HALVES: [(&str, &str); 2] = [
    ("conv.weight_g", "conv.parametrizations.weight.original0"),
    ("conv.weight_v", "conv.parametrizations.weight.original1"),
];
/// Used in training only.
const UNUSED: &str = "masked_spec_embed";

/// What each tensor that the network needs is called in the file; the error is a phrase.
fn names(network: &Network, weights: &Weights) -> Result<HashMap<String, String>, String> {
    let tensors = weights.tensors();
    let prefix = PREFIXES
        .into_iter()
        .find(|prefix| tensors.keys().any(|name| name.starts_with(prefix)))
        .unwrap_or("");
    let mut names = HashMap::new();
    for (name, shape) in network.tensors() {
        let mut in_file = format!("{prefix}{name}");
        for (old, new) in HALVES {
            let other = in_file.replace(old, new);
            if !tensors.contains_key(&in_file) && tensors.contains_key(&other) {
                in_file = other;
            }
        }
        let tensor = tensors
            .get(&in_file)
            .ok_or_else(|| format!("it has no tensor “{in_file}”"))?;
        if tensor.shape != shape {
            return Err(format!(
                "its tensor “{in_file}” has the shape {:?} instead of {shape:?}",
                tensor.shape
            ));
        }
        if tensor.element == Element::I64 {
            return Err(format!("its tensor “{in_file}” holds integers"));
        }
        names.insert(name, in_file);
    }
    let known: std::collections::HashSet<&str> = names.values().map(String::as_str).collect();
    let is_extra = |name: &&String| {
        !known.contains(name.as_str()) && name.strip_prefix(prefix) != Some(UNUSED)
    };
    match tensors.keys().find(is_extra) {
        Some(extra) => Err(format!(
            "its tensor “{}” is none of the network's that {CONFIG} describes",
            extra.escape_debug()
        )),
        None => Ok(names),
    }
}

#[cfg(test)]
mod tests;
