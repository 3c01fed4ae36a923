//! The network that a `config.json` describes, and the tensors that it needs.
//!
//! Each family has a file of its own: `wav2vec.rs` (HuBERT, MERT v0 and v1, data2vec-audio), `mert2.rs`
//! (MERT-v2) and `musicfm.rs` (MuQ and MusicFM). Here is what the rest of the program asks of all of them.

pub(crate) mod mert2;
pub(crate) mod musicfm;
pub(crate) mod wav2vec;

use std::fmt;

use serde::Deserialize;

use crate::catalogue::{Architecture, CatalogueEntry};

pub(crate) use mert2::Mert2;
pub(crate) use musicfm::MusicFm;

/// A network: its family, with all that shapes its graph.
///
/// Caches are keyed by the text of the whole (`Debug`), to which a new field belongs by itself.
#[derive(Clone, PartialEq)]
pub enum Network {
    /// HuBERT, MERT v0 and v1, and data2vec-audio.
    Wav2Vec(wav2vec::Network),
    /// MERT-v2.
    Mert2(Mert2),
    /// MuQ and MusicFM.
    MusicFm(MusicFm),
}

/// The text of the family's own network, which names it already.
impl fmt::Debug for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Wav2Vec(network) => network.fmt(f),
            Self::Mert2(network) => network.fmt(f),
            Self::MusicFm(network) => network.fmt(f),
        }
    }
}

/// The fields that tell the families apart.
#[derive(Deserialize)]
struct Kind {
    #[serde(default)]
    model_type: String,
    /// Only MuQ has it, which has no `model_type`.
    w2v2_config: Option<serde::de::IgnoredAny>,
    /// A statistic of MusicFM, which has no configuration.
    melspec_2048_mean: Option<serde::de::IgnoredAny>,
}

impl Network {
    /// Reads a `config.json`; the error is a phrase.
    pub(super) fn parse(bytes: &[u8]) -> Result<Self, String> {
        let kind: Kind = parsed(bytes)?;
        match kind.model_type.as_str() {
            mert2::MODEL_TYPE => Mert2::parse(bytes).map(Self::Mert2),
            "" if kind.w2v2_config.is_some() => MusicFm::parse(bytes).map(Self::MusicFm),
            "" if kind.melspec_2048_mean.is_some() => {
                MusicFm::parse_statistics(bytes).map(Self::MusicFm)
            }
            _ => wav2vec::Network::parse(bytes).map(Self::Wav2Vec),
        }
    }

    /// The family, as the catalogue names it.
    #[must_use]
    pub fn architecture(&self) -> Architecture {
        match self {
            Self::Wav2Vec(network) => match network.family {
                wav2vec::Family::Hubert => Architecture::Hubert,
                wav2vec::Family::Data2Vec => Architecture::Data2vecAudio,
            },
            Self::Mert2(_) => Architecture::Mert2,
            Self::MusicFm(_) => Architecture::Musicfm,
        }
    }

    /// Number of transformer layers.
    #[must_use]
    pub fn layers(&self) -> usize {
        match self {
            Self::Wav2Vec(network) => network.layers,
            Self::Mert2(network) => network.layers,
            Self::MusicFm(network) => network.layers,
        }
    }

    /// Values per hidden state.
    #[must_use]
    pub fn width(&self) -> usize {
        match self {
            Self::Wav2Vec(network) => network.width,
            Self::Mert2(network) => network.width,
            Self::MusicFm(network) => network.width,
        }
    }

    /// Number of hidden states.
    #[must_use]
    pub fn hidden_states(&self) -> usize {
        self.architecture().hidden_states(self.layers())
    }

    /// The meaning of the hidden state with this index, a phrase.
    pub(crate) fn meaning(&self, index: usize) -> String {
        match self {
            Self::Wav2Vec(network) => network.meaning(index),
            Self::Mert2(_) => format!("output of block {}", index + 1),
            Self::MusicFm(_) if index == 0 => {
                "the stem's output, the input of the first layer".into()
            }
            Self::MusicFm(network) if index == network.layers => {
                format!("output of layer {index}, normalized")
            }
            Self::MusicFm(_) => format!("output of layer {index}"),
        }
    }

    /// Samples from one frame to the next.
    #[must_use]
    pub fn frame_samples(&self) -> usize {
        match self {
            Self::Wav2Vec(network) => network.frame_samples(),
            Self::Mert2(network) => network.frame_samples(),
            Self::MusicFm(network) => network.frame_samples(),
        }
    }

    /// The fewest samples that give a frame.
    #[must_use]
    pub fn min_samples(&self) -> usize {
        match self {
            Self::Wav2Vec(network) => network.min_samples(),
            Self::Mert2(network) => network.min_samples(),
            Self::MusicFm(network) => network.min_samples(),
        }
    }

    /// The sample rate in hertz, when the network itself depends on it.
    pub(crate) fn sample_rate_hz(&self) -> Option<u32> {
        match self {
            Self::Wav2Vec(_) => None,
            Self::Mert2(network) => Some(network.sample_rate_hz),
            Self::MusicFm(network) => Some(network.sample_rate_hz()),
        }
    }

    /// The stretch of audio for which it was made, in seconds, when its configuration says so.
    pub(crate) fn context_s(&self) -> Option<f64> {
        match self {
            Self::Mert2(network) => Some(network.context_s),
            Self::Wav2Vec(_) | Self::MusicFm(_) => None,
        }
    }

    /// Bytes that a run on so many samples takes at least, beside the weights: its largest values that exist at the
    /// same time.
    pub(crate) fn least_run_bytes(&self, samples: usize) -> u64 {
        let values = match self {
            Self::Wav2Vec(network) => network.least_run_values(samples),
            Self::Mert2(network) => network.least_run_values(samples),
            Self::MusicFm(network) => network.least_run_values(samples),
        };
        (values as u64).saturating_mul(size_of::<f32>() as u64)
    }

    /// Every tensor that the network needs, with its shape, under its published name.
    #[must_use]
    pub fn tensors(&self) -> Vec<(String, Vec<usize>)> {
        match self {
            Self::Wav2Vec(network) => network.tensors(),
            Self::Mert2(network) => network.tensors(),
            Self::MusicFm(network) => network.tensors(),
        }
    }

    /// The parts of the network, by the beginning of their tensors' names. A tensor in them that the
    /// configuration does not describe means that the network computes something else.
    pub(super) fn parts(&self) -> &'static [&'static str] {
        match self {
            Self::Wav2Vec(_) => &wav2vec::PARTS,
            Self::Mert2(_) => &mert2::PARTS,
            Self::MusicFm(_) => &musicfm::PARTS,
        }
    }

    /// Whether a tensor is used only in training, by its name without a prefix.
    pub(super) fn is_of_training(&self, name: &str) -> bool {
        match self {
            Self::Wav2Vec(_) => name == wav2vec::OF_TRAINING,
            Self::Mert2(_) => false,
            Self::MusicFm(_) => MusicFm::is_of_training(name),
        }
    }

    /// Whether it is the published network of `entry`, as far as the weights don't show it by the shapes of
    /// their tensors.
    pub(crate) fn is_published(&self, entry: &CatalogueEntry) -> bool {
        match self {
            Self::Wav2Vec(network) => network.is_published(entry),
            Self::Mert2(network) => network.is_published(entry),
            Self::MusicFm(network) => network.is_published(entry),
        }
    }
}

/// The fields of a configuration; the error is a phrase.
fn parsed<'a, T: Deserialize<'a>>(bytes: &'a [u8]) -> Result<T, String> {
    serde_json::from_slice(bytes)
        .map_err(|error| format!("it does not describe a supported network ({error})"))
}

/// Refuses impossible sizes before anything is computed or allocated from them: the field, its value and
/// its largest value. The error is a phrase.
fn check_sizes(
    sizes: impl IntoIterator<Item = (&'static str, usize, usize)>,
) -> Result<(), String> {
    for (name, size, limit) in sizes {
        if size == 0 || size > limit {
            return Err(format!(
                "its {name} is {size}, which is not between 1 and {limit}"
            ));
        }
    }
    Ok(())
}

/// Names and shapes of tensors.
#[derive(Default)]
struct TensorList(Vec<(String, Vec<usize>)>);

impl TensorList {
    fn add(&mut self, name: &str, shape: &[usize]) {
        self.0.push((name.to_owned(), shape.to_vec()));
    }

    fn norm(&mut self, name: &str, width: usize) {
        self.add(&format!("{name}.weight"), &[width]);
        self.add(&format!("{name}.bias"), &[width]);
    }

    fn linear(&mut self, name: &str, outputs: usize, inputs: usize) {
        self.add(&format!("{name}.weight"), &[outputs, inputs]);
        self.add(&format!("{name}.bias"), &[outputs]);
    }
}

/// A file of the tests' fixtures, which no package holds.
#[cfg(test)]
fn fixture(name: &str) -> String {
    let folder = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../../tests/fixtures/checkpoints"
    );
    std::fs::read_to_string(format!("{folder}/{name}")).unwrap()
}
