//! Published checkpoints: weights from PyTorch, read as data.
//!
//! A checkpoint is a folder with `config.json`, `preprocessor_config.json` and the weights. Nothing
//! in it is ever run, and every name, shape, type and length is checked before use.

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
pub use tensor::{ElementType, Tensor};
pub use weights::Weights;

/// Why a checkpoint can't be used.
#[derive(Debug, thiserror::Error)]
pub enum CheckpointError {
    /// One of its files is missing or can't be read.
    #[error("The checkpoint's file {} can't be read ({source}); fetch or copy it again.", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// The system's error.
        source: io::Error,
    },
    /// One of its files has invalid or unsupported content.
    #[error("{} can't be used: {reason}. Fetch or copy the checkpoint again, or choose another one.", path.display())]
    Invalid {
        /// The file.
        path: PathBuf,
        /// The fault, a phrase.
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

/// The names that a checkpoint's weights file may have, the preferred one first.
pub const WEIGHTS: [&str; 2] = ["model.safetensors", "pytorch_model.bin"];
/// The file that describes the network.
pub(crate) const CONFIG: &str = "config.json";
/// The file that describes its input.
pub(crate) const PREPROCESSOR: &str = "preprocessor_config.json";

/// Bytes of the largest configuration file that is read; usual ones have a few kilobytes.
const MAX_CONFIG_BYTES: u64 = 1 << 20;

/// The network's input format, from `preprocessor_config.json`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
pub struct Preprocessor {
    /// Sample rate in hertz.
    pub sampling_rate: u32,
    /// Whether the input is normalized to zero mean and unit variance.
    #[serde(default = "normalized")]
    pub do_normalize: bool,
}

/// The default of `Wav2Vec2FeatureExtractor`.
fn normalized() -> bool {
    true
}

/// A checkpoint: a network and its tensors in a file.
#[derive(Debug)]
pub struct Checkpoint {
    /// The network.
    pub network: Network,
    weights: Weights,
    /// The name in the file of each of the network's tensors.
    names: HashMap<String, String>,
}

impl Checkpoint {
    /// Opens the weights of a network, and checks that they hold every tensor that it needs, in the
    /// right shape, and no other tensor. No numbers are read yet.
    ///
    /// # Errors
    /// [`CheckpointError`], with the name of the first tensor that is missing, invalid or superfluous.
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

    /// A tensor's numbers in single precision, by its name in [`Network::tensors`].
    ///
    /// # Errors
    /// Those of [`Weights::floats`].
    pub fn floats(&self, name: &str) -> Result<Vec<f32>, CheckpointError> {
        let in_file = self.names.get(name).map_or(name, String::as_str);
        self.weights.floats(in_file)
    }
}

/// The network of a `config.json`.
///
/// # Errors
/// [`CheckpointError`], when it can't be read or describes a network that is not supported.
pub fn network(config: &Path) -> Result<Network, CheckpointError> {
    let bytes = small_file(config)?;
    Network::parse(&bytes).map_err(|reason| CheckpointError::invalid(config, reason))
}

/// The input format of a `preprocessor_config.json`.
///
/// # Errors
/// [`CheckpointError`], when it can't be read or has no sample rate.
pub fn preprocessor(path: &Path) -> Result<Preprocessor, CheckpointError> {
    let bytes = small_file(path)?;
    serde_json::from_slice(&bytes).map_err(|error| {
        CheckpointError::invalid(
            path,
            format!("it does not describe the network's input ({error})"),
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

/// Prefixes of all names when the network was saved as a part of another.
const PREFIXES: [&str; 6] = [
    "mert_model.",
    "hubert.",
    "data2vec_audio.",
    "music_hubert.",
    "model.",
    "encoder_model.",
];
/// The two parts of a weight with weight normalization, before and since PyTorch 2.1.
const WEIGHT_NORM_PARTS: [(&str, &str); 2] = [
    ("conv.weight_g", "conv.parametrizations.weight.original0"),
    ("conv.weight_v", "conv.parametrizations.weight.original1"),
];
/// A tensor that is used only in training.
const UNUSED: &str = "masked_spec_embed";

/// The name in the file of each tensor that the network needs; the error is a phrase.
fn names(network: &Network, weights: &Weights) -> Result<HashMap<String, String>, String> {
    let tensors = weights.tensors();
    let prefix = PREFIXES
        .into_iter()
        .find(|prefix| tensors.keys().any(|name| name.starts_with(prefix)))
        .unwrap_or("");
    let mut names = HashMap::new();
    for (name, shape) in network.tensors() {
        let mut in_file = format!("{prefix}{name}");
        for (old, new) in WEIGHT_NORM_PARTS {
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
        if tensor.element == ElementType::I64 {
            return Err(format!("its tensor “{in_file}” holds integers"));
        }
        names.insert(name, in_file);
    }
    let needed: std::collections::HashSet<&str> = names.values().map(String::as_str).collect();
    let is_extra = |name: &&String| {
        !needed.contains(name.as_str()) && name.strip_prefix(prefix) != Some(UNUSED)
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
