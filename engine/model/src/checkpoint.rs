//! Published checkpoints: weights from PyTorch, read as data.
//!
//! A checkpoint is a folder with `config.json`, `preprocessor_config.json` and the weights; MusicFM's has
//! statistics instead of the former. Nothing in it is ever run, and every name, shape, type and length is checked before use.

mod network;
mod pickle;
mod safe;
pub(crate) mod shards;
mod tensor;
mod torch;
mod weights;

use std::collections::HashMap;
use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use mertscope_audio::Notice;
use serde::Deserialize;

use crate::stand_in::{self, StandIn};

pub use network::Network;
pub(crate) use network::{mert2, musicfm, wav2vec};
pub use shards::shard_names;
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
    /// One of its files has invalid content.
    #[error("{} can't be used: {reason}. Fetch or copy the checkpoint again, or choose another one.", path.display())]
    Invalid {
        /// The file.
        path: PathBuf,
        /// The fault, a phrase.
        reason: String,
    },
    /// Something else is there under the file's name.
    #[error("{} is {stand_in} instead of the file of that name: {}.", path.display(), stand_in.remedy())]
    StandIn {
        /// The file.
        path: PathBuf,
        /// What it is.
        stand_in: StandIn,
    },
    /// Its configuration describes another kind of network.
    #[error(
        "{} can't be used: {reason}. Choose a checkpoint of MERT, HuBERT or data2vec-audio; `mertscope \
         models list` shows those that are known.", path.display()
    )]
    Unsupported {
        /// The configuration.
        path: PathBuf,
        /// What is not supported, a phrase.
        reason: String,
    },
    /// Its weights and its configuration do not belong together.
    #[error(
        "{} does not fit the configuration beside it: {reason}. Take all files of a checkpoint from the same \
         place.", path.display()
    )]
    Mismatch {
        /// The weights.
        path: PathBuf,
        /// The difference, a phrase.
        reason: String,
    },
}

impl CheckpointError {
    fn unreadable(path: &Path, source: io::Error) -> Self {
        let path = path.to_owned();
        Self::Unreadable { path, source }
    }

    /// The error for a file that could be read and not be understood.
    fn invalid(path: &Path, reason: String) -> Self {
        let mut start = Vec::new();
        // Without an answer the reason stands as it is.
        let _ = File::open(path).and_then(|file| file.take(512).read_to_end(&mut start));
        let path = path.to_owned();
        match stand_in::of(&start) {
            Some(stand_in) => Self::StandIn { path, stand_in },
            None => Self::Invalid { path, reason },
        }
    }
}

/// The names that a checkpoint's weights file may have, the preferred one first. An index names the files
/// over which the weights are spread.
pub const WEIGHTS: [&str; 6] = [
    "model.safetensors",
    "pytorch_model.bin",
    "model.safetensors.index.json",
    "pytorch_model.bin.index.json",
    "pretrained_msd.pt",
    "pretrained_fma.pt",
];
/// The file that describes the network.
pub(crate) const CONFIG: &str = "config.json";

/// The name of the file that describes the network of the weights with this name.
pub(crate) fn config_of(weights: &str) -> &'static str {
    match weights {
        "pretrained_msd.pt" => "msd_stats.json",
        "pretrained_fma.pt" => "fma_stats.json",
        _ => CONFIG,
    }
}

/// Whether a folder holds a checkpoint, complete or not: its configuration is there.
pub(crate) fn is_in(folder: &Path) -> bool {
    WEIGHTS
        .iter()
        .any(|weights| folder.join(config_of(weights)).is_file())
}
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
    /// The names of the tensors in the file that are no part of the network.
    unused: Vec<String>,
}

impl Checkpoint {
    /// Opens the weights of a network, and checks that they hold every tensor that it needs, in the
    /// right shape, and no other tensor in its parts. Other parts, such as the head of a classifier, stay
    /// unused. No numbers are read yet.
    ///
    /// # Errors
    /// [`CheckpointError`], with the name of the first tensor that is missing, invalid or superfluous.
    pub fn open(network: Network, weights: &Path) -> Result<Self, CheckpointError> {
        let weights = Weights::open(weights)?;
        let (names, unused) =
            names(&network, &weights).map_err(|reason| CheckpointError::Mismatch {
                path: weights.path().to_owned(),
                reason,
            })?;
        Ok(Self {
            network,
            weights,
            names,
            unused,
        })
    }

    /// What the user should know about its content: the parts that are not used.
    #[must_use]
    pub fn notice(&self) -> Option<Notice> {
        const SHOWN: usize = 3;
        let first = self.unused.iter().take(SHOWN);
        let shown: Vec<_> = first.map(|name| name.escape_debug().to_string()).collect();
        let more = match self.unused.len().saturating_sub(SHOWN) {
            0 => String::new(),
            more => format!(" and {more} more"),
        };
        (!shown.is_empty()).then(|| {
            Notice::info(format!(
                "{} also holds {}{more}, which are no part of the network and are not used.",
                self.weights.path().display(),
                shown.join(", ")
            ))
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
    json(config, &bytes)?;
    Network::parse(&bytes).map_err(|reason| CheckpointError::Unsupported {
        path: config.to_owned(),
        reason,
    })
}

/// Checks that a file is JSON at all: otherwise it is damaged, whatever it should say.
fn json(path: &Path, bytes: &[u8]) -> Result<(), CheckpointError> {
    let parsed = serde_json::from_slice::<serde::de::IgnoredAny>(bytes);
    parsed
        .map(|_| ())
        .map_err(|error| CheckpointError::invalid(path, format!("it is no JSON ({error})")))
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
const PREFIXES: [&str; 7] = [
    "mert2.",
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
/// The name in the file of each tensor that the network needs, and the names of those that are no part
/// of it; the error is a phrase.
fn names(
    network: &Network,
    weights: &Weights,
) -> Result<(HashMap<String, String>, Vec<String>), String> {
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
    let others = tensors.keys().filter(|name| {
        let own = name.strip_prefix(prefix).unwrap_or(name);
        !needed.contains(name.as_str()) && !network.is_of_training(own)
    });
    let is_part = |name: &String| {
        let own = name.strip_prefix(prefix).unwrap_or_default();
        network.parts().iter().any(|part| own.starts_with(part))
    };
    let mut unused = Vec::new();
    for name in others {
        if is_part(name) {
            return Err(format!(
                "its tensor “{}” is none of the network's that its configuration describes",
                name.escape_debug()
            ));
        }
        unused.push(name.clone());
    }
    Ok((names, unused))
}

#[cfg(test)]
mod tests;
