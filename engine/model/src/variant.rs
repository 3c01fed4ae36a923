//! The variants of a model's graph: the same weights, in other operators, precisions and layers.

use mertscope_audio::Notice;
use std::borrow::Cow;
use std::collections::BTreeSet;
use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

/// The set of operators of a graph.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Operators {
    /// The ONNX standard and the fused operators of the domain `com.microsoft`, which ONNX Runtime's
    /// own CPU and CUDA providers have.
    Fused,
    /// Only the ONNX standard, which every provider supports.
    Plain,
}

/// The precision of a graph's arithmetic.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Precision {
    /// Single precision throughout.
    Fp32,
    /// Half precision, with normalizations in single precision.
    Fp16,
    /// Matrix products in 8-bit integers, the rest in single precision.
    Int8,
    /// Like 8 bits, with less work for about the same pooled hidden states: weights of 7 bits on processors that
    /// multiply these faster, and in networks of the wav2vec 2.0 line only every fourth frame from layer 7 on.
    /// Hidden states with frames have all of them.
    #[serde(rename = "int8-fast")]
    Int8Fast,
}

impl Precision {
    /// Whether matrix products are in integers.
    #[must_use]
    pub fn is_quantized(self) -> bool {
        matches!(self, Self::Int8 | Self::Int8Fast)
    }

    /// Short name, such as `fp32`.
    #[must_use]
    pub fn id(self) -> &'static str {
        match self {
            Self::Fp32 => "fp32",
            Self::Fp16 => "fp16",
            Self::Int8 => "int8",
            Self::Int8Fast => "int8-fast",
        }
    }
}

/// A graph in ONNX format.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum GraphSource<'a> {
    /// In memory.
    Memory {
        /// Its bytes.
        bytes: Cow<'a, [u8]>,
        /// Why it is not kept in a file, when it was to be.
        notice: Option<Notice>,
    },
    /// Its file.
    File {
        /// Its path.
        path: PathBuf,
        /// Why it was made again, when it had existed before.
        notice: Option<Notice>,
    },
}

/// A selection of a model's hidden states.
///
/// # Examples
/// ```
/// use mertscope_model::LayerSet;
///
/// let layers = LayerSet::of([7, 0], 13);
/// assert_eq!(layers.indices(13), [0, 7]);
/// assert_eq!(layers.position(7), Some(1));
/// assert_eq!(layers.to_string(), "0.7");
/// assert_eq!(LayerSet::of(0..13, 13), LayerSet::All);
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub enum LayerSet {
    /// All of them.
    #[default]
    All,
    /// These indices: sorted, each once, at least one.
    Some(Arc<[usize]>),
}

impl LayerSet {
    /// These hidden states of `count`; [`LayerSet::All`] when they are all, or none.
    #[must_use]
    pub fn of(layers: impl IntoIterator<Item = usize>, count: usize) -> Self {
        let layers: BTreeSet<usize> = layers.into_iter().filter(|layer| *layer < count).collect();
        if layers.is_empty() || layers.len() == count {
            Self::All
        } else {
            Self::Some(layers.into_iter().collect())
        }
    }

    /// The selected indices, of `count` hidden states.
    #[must_use]
    pub fn indices(&self, count: usize) -> Vec<usize> {
        match self {
            Self::All => (0..count).collect(),
            Self::Some(layers) => layers.to_vec(),
        }
    }

    /// The position of a hidden state among the selected ones.
    #[must_use]
    pub fn position(&self, layer: usize) -> Option<usize> {
        match self {
            Self::All => Some(layer),
            Self::Some(layers) => layers.binary_search(&layer).ok(),
        }
    }
}

/// `all`, or indices such as `0.7.8`.
impl fmt::Display for LayerSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::All => f.write_str("all"),
            Self::Some(layers) => {
                let layers: Vec<String> = layers.iter().map(ToString::to_string).collect();
                f.write_str(&layers.join("."))
            }
        }
    }
}
