//! The networks of the wav2vec 2.0 line: HuBERT (`HubertModel` of transformers, and MERT's `MERTModel`,
//! which computes the same) and data2vec-audio (`Data2VecAudioModel`).
//!
//! Field names and defaults are those of transformers' `HubertConfig` and `Data2VecAudioConfig`. MERT's
//! `attention_relax` is accepted and ignored, because it changes no result: the published code divides by
//! it before the softmax, subtracts the maximum, and multiplies by it again.

use serde::Deserialize;

use super::TensorList;
use crate::catalogue::CatalogueEntry;

/// The architecture of a network of this line.
///
/// Its name stays `Network`: the text of the whole (`Debug`) is a part of the identity of checkpoints that
/// are not in the catalogue, for which users have heads.
#[derive(Debug, Clone, PartialEq)]
pub struct Network {
    /// The family.
    pub family: Family,
    /// Number of transformer layers; there is one hidden state more.
    pub layers: usize,
    /// Values per hidden state.
    pub width: usize,
    /// Number of attention heads.
    pub heads: usize,
    /// Values inside a feed-forward block.
    pub feed_forward_width: usize,
    /// The convolutions over time, first to last.
    pub(crate) convolutions: Vec<Convolution>,
    /// Whether the convolutions over time have a bias.
    pub(crate) convolution_bias: bool,
    /// The normalization of their outputs.
    pub(crate) feature_norm: FeatureNorm,
    /// Whether features are normalized before they are projected.
    pub(crate) projection_norm: bool,
    /// Whether layers normalize their input (true) or their output (false).
    pub(crate) pre_norm: bool,
    /// Number of positional convolutions in a row; HuBERT has one, with weight normalization.
    pub(crate) positional: usize,
    /// Length of a positional convolution's kernel, in frames.
    pub(crate) positional_kernel: usize,
    /// Number of groups of a positional convolution.
    pub(crate) positional_groups: usize,
    /// The number that layer normalization adds to variances.
    pub(crate) epsilon: f32,
}

/// The families of networks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Family {
    /// HuBERT, including MERT.
    Hubert,
    /// data2vec-audio, including music2vec.
    Data2Vec,
}

/// A convolution over time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Convolution {
    /// Number of output channels.
    pub channels: usize,
    /// Length of the kernel, in input frames.
    pub kernel: usize,
    /// Stride, in input frames.
    pub stride: usize,
}

/// The normalization of the convolutions' outputs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum FeatureNorm {
    /// Only after the first convolution, each channel over the whole window.
    Group,
    /// After every convolution, each frame over its channels.
    Layer,
}

/// The fields that are read from a `config.json`; all others describe the training.
#[derive(Debug, Deserialize)]
struct Config {
    model_type: String,
    num_hidden_layers: usize,
    hidden_size: usize,
    num_attention_heads: usize,
    intermediate_size: usize,
    conv_dim: Vec<usize>,
    conv_kernel: Vec<usize>,
    conv_stride: Vec<usize>,
    #[serde(default)]
    conv_bias: bool,
    #[serde(default = "group")]
    feat_extract_norm: String,
    #[serde(default = "yes")]
    feat_proj_layer_norm: bool,
    #[serde(default)]
    do_stable_layer_norm: bool,
    num_conv_pos_embeddings: usize,
    num_conv_pos_embedding_groups: usize,
    conv_pos_kernel_size: Option<usize>,
    #[serde(default = "epsilon")]
    layer_norm_eps: f64,
    #[serde(default = "gelu")]
    hidden_act: String,
    #[serde(default = "gelu")]
    feat_extract_activation: String,
    #[serde(default)]
    feature_extractor_cqt: bool,
    #[serde(default)]
    deepnorm: bool,
    #[serde(default)]
    conv_pos_batch_norm: bool,
    #[serde(default)]
    add_adapter: bool,
}

/// The beginnings of the names of the tensors in its parts.
pub(super) const PARTS: [&str; 3] = ["feature_extractor.", "feature_projection.", "encoder."];

/// A tensor that is used only in training.
pub(super) const OF_TRAINING: &str = "masked_spec_embed";

/// The default of `layer_norm_eps`, which all published models use.
const EPSILON: f64 = 1e-5;

/// The `conv_stride` of all published models.
const STRIDES: [usize; 7] = [5, 2, 2, 2, 2, 2, 2];

fn group() -> String {
    "group".to_owned()
}

fn gelu() -> String {
    "gelu".to_owned()
}

fn yes() -> bool {
    true
}

fn epsilon() -> f64 {
    EPSILON
}

impl Network {
    /// Reads a `config.json`; the error is a phrase.
    pub(super) fn parse(bytes: &[u8]) -> Result<Self, String> {
        let config: Config = super::parsed(bytes)?;
        let family = config.family()?;
        config.refuse_unsupported()?;
        let feature_norm = config.feature_norm(family)?;
        let convolutions = config.convolutions()?;
        let is_data2vec = family == Family::Data2Vec;
        let (positional, positional_kernel) = if is_data2vec {
            let kernel = config.conv_pos_kernel_size.unwrap_or(19);
            (config.num_conv_pos_embeddings, kernel)
        } else {
            (1, config.num_conv_pos_embeddings)
        };
        let network = Self {
            family,
            layers: config.num_hidden_layers,
            width: config.hidden_size,
            heads: config.num_attention_heads,
            feed_forward_width: config.intermediate_size,
            convolutions,
            convolution_bias: config.conv_bias,
            feature_norm,
            projection_norm: is_data2vec || config.feat_proj_layer_norm,
            pre_norm: config.do_stable_layer_norm,
            positional,
            positional_kernel,
            positional_groups: config.num_conv_pos_embedding_groups,
            epsilon: config.layer_norm_eps as f32,
        };
        network.check()?;
        Ok(network)
    }

    /// Refuses impossible sizes before anything is computed or allocated from them.
    fn check(&self) -> Result<(), String> {
        let sizes = [
            ("num_hidden_layers", self.layers, 128),
            ("hidden_size", self.width, 8_192),
            ("num_attention_heads", self.heads, 256),
            ("intermediate_size", self.feed_forward_width, 65_536),
            ("number of positional convolutions", self.positional, 16),
            ("positional kernel", self.positional_kernel, 1_024),
            (
                "num_conv_pos_embedding_groups",
                self.positional_groups,
                1_024,
            ),
        ];
        let convolutions = self.convolutions.iter().flat_map(|convolution| {
            [
                ("conv_dim", convolution.channels, 8_192),
                ("conv_kernel", convolution.kernel, 1_024),
                ("conv_stride", convolution.stride, 1_024),
            ]
        });
        super::check_sizes(sizes.into_iter().chain(convolutions))?;
        for (name, parts) in [
            ("num_attention_heads", self.heads),
            ("num_conv_pos_embedding_groups", self.positional_groups),
        ] {
            if !self.width.is_multiple_of(parts) {
                let width = self.width;
                return Err(format!(
                    "its hidden_size {width} can't be divided by its {name}, {parts}"
                ));
            }
        }
        if !(self.epsilon > 0.0 && self.epsilon < 1.0) {
            return Err("its layer_norm_eps is not a small positive number".to_owned());
        }
        if self.min_samples() > 1 << 20 || self.frame_samples() > 1 << 16 {
            return Err("one of its frames is longer than a million samples".to_owned());
        }
        Ok(())
    }

    /// Whether it is the published network of `entry`, as far as the weights don't show it by the shapes of
    /// their tensors.
    pub(super) fn is_published(&self, entry: &CatalogueEntry) -> bool {
        // Without `..`, so that a new field is assigned to one of the two sides.
        let Self {
            heads,
            convolutions,
            pre_norm,
            epsilon,
            family: _,
            layers: _,
            width: _,
            feed_forward_width: _,
            convolution_bias: _,
            feature_norm: _,
            projection_norm: _,
            positional: _,
            positional_kernel: _,
            positional_groups: _,
        } = self;
        let strides = convolutions.iter().map(|convolution| convolution.stride);
        (*heads, *pre_norm) == (entry.attention_heads, entry.pre_norm)
            && *epsilon == EPSILON as f32
            && strides.eq(STRIDES)
    }

    /// The meaning of the hidden state with this index, a phrase.
    pub(super) fn meaning(&self, index: usize) -> String {
        if index == 0 {
            "features with positions, the input of the first layer".to_owned()
        } else if index == self.layers && self.pre_norm {
            format!("output of transformer layer {index}, normalized")
        } else {
            format!("output of transformer layer {index}")
        }
    }

    /// Samples from one frame to the next: the product of the strides.
    pub(in crate::checkpoint) fn frame_samples(&self) -> usize {
        let strides = self.convolutions.iter().map(|c| c.stride);
        strides.fold(1, usize::saturating_mul)
    }

    /// Values of the first convolution, before and after its normalization.
    pub(super) fn least_run_values(&self, samples: usize) -> usize {
        let first = self.convolutions.first();
        first.map_or(0, |it| {
            (samples / it.stride).saturating_mul(2 * it.channels)
        })
    }

    /// The fewest samples that give a frame.
    pub(in crate::checkpoint) fn min_samples(&self) -> usize {
        let convolutions = self.convolutions.iter().rev();
        convolutions.fold(1usize, |frames, convolution| {
            (frames - 1)
                .saturating_mul(convolution.stride)
                .saturating_add(convolution.kernel)
        })
    }

    /// Every tensor that the network needs, with its shape. The names are those of transformers since
    /// 4.30 with PyTorch before 2.1.
    pub(in crate::checkpoint) fn tensors(&self) -> Vec<(String, Vec<usize>)> {
        let mut all = TensorList::default();
        let features = self.feature_extractor_tensors(&mut all);
        if self.projection_norm {
            all.norm("feature_projection.layer_norm", features);
        }
        all.norm("encoder.layer_norm", self.width);
        for layer in 0..self.layers {
            let name = format!("encoder.layers.{layer}");
            all.norm(&format!("{name}.layer_norm"), self.width);
            all.norm(&format!("{name}.final_layer_norm"), self.width);
        }
        all.linear("feature_projection.projection", self.width, features);
        for layer in 0..self.layers {
            self.layer_tensors(layer, &mut all);
        }
        self.positional_tensors(&mut all);
        all.0
    }

    /// The tensors of the convolutions over time; returns the channels of the last one.
    fn feature_extractor_tensors(&self, all: &mut TensorList) -> usize {
        let mut inputs = 1;
        for (n, convolution) in self.convolutions.iter().enumerate() {
            let name = format!("feature_extractor.conv_layers.{n}");
            let channels = convolution.channels;
            let shape = [channels, inputs, convolution.kernel];
            all.add(&format!("{name}.conv.weight"), &shape);
            if self.convolution_bias {
                all.add(&format!("{name}.conv.bias"), &[channels]);
            }
            if n == 0 || self.feature_norm == FeatureNorm::Layer {
                all.norm(&format!("{name}.layer_norm"), channels);
            }
            inputs = channels;
        }
        inputs
    }

    /// The tensors of a transformer layer's attention and feed-forward block.
    fn layer_tensors(&self, layer: usize, all: &mut TensorList) {
        let (width, inner) = (self.width, self.feed_forward_width);
        let name = format!("encoder.layers.{layer}");
        for part in ["q", "k", "v", "out"] {
            all.linear(&format!("{name}.attention.{part}_proj"), width, width);
        }
        let feed_forward = format!("{name}.feed_forward");
        all.linear(&format!("{feed_forward}.intermediate_dense"), inner, width);
        all.linear(&format!("{feed_forward}.output_dense"), width, inner);
    }

    /// The tensors of the positional convolutions.
    fn positional_tensors(&self, all: &mut TensorList) {
        let (width, kernel) = (self.width, self.positional_kernel);
        let shape = [width, width / self.positional_groups, kernel];
        if self.family == Family::Hubert {
            all.add("encoder.pos_conv_embed.conv.weight_g", &[1, 1, kernel]);
            all.add("encoder.pos_conv_embed.conv.weight_v", &shape);
            all.add("encoder.pos_conv_embed.conv.bias", &[width]);
        } else {
            for n in 0..self.positional {
                let name = format!("encoder.pos_conv_embed.layers.{n}.conv");
                all.add(&format!("{name}.weight"), &shape);
                all.add(&format!("{name}.bias"), &[width]);
            }
        }
    }
}

impl Config {
    fn family(&self) -> Result<Family, String> {
        match self.model_type.as_str() {
            "mert_model" | "music_hubert" | "hubert" => Ok(Family::Hubert),
            "data2vec-audio" => Ok(Family::Data2Vec),
            other => Err(format!(
                "its model_type is “{}”, and only mert_model, mert2, hubert and data2vec-audio are \
                 supported",
                other.escape_debug()
            )),
        }
    }

    fn feature_norm(&self, family: Family) -> Result<FeatureNorm, String> {
        match (family, self.feat_extract_norm.as_str()) {
            (Family::Data2Vec, _) | (_, "layer") => Ok(FeatureNorm::Layer),
            (_, "group") => Ok(FeatureNorm::Group),
            (_, other) => {
                let other = other.escape_debug();
                Err(format!("its feat_extract_norm “{other}” is not supported"))
            }
        }
    }

    fn convolutions(&self) -> Result<Vec<Convolution>, String> {
        let lengths = [
            self.conv_dim.len(),
            self.conv_kernel.len(),
            self.conv_stride.len(),
        ];
        if lengths[0] == 0 || lengths[0] > 16 || lengths.iter().any(|n| *n != lengths[0]) {
            return Err(format!(
                "it has {lengths:?} convolution sizes, kernels and strides"
            ));
        }
        let sizes = self.conv_dim.iter().zip(&self.conv_kernel);
        let convolutions = sizes.zip(&self.conv_stride);
        Ok(convolutions
            .map(|((channels, kernel), stride)| Convolution {
                channels: *channels,
                kernel: *kernel,
                stride: *stride,
            })
            .collect())
    }

    /// Refuses settings that would be computed differently from the graph that is built.
    fn refuse_unsupported(&self) -> Result<(), String> {
        for (is_set, reason) in [
            (
                self.feature_extractor_cqt,
                "it adds a constant-Q transform to the features (feature_extractor_cqt), which no \
                 published MERT does",
            ),
            (
                self.deepnorm,
                "it scales its residuals (deepnorm), which no published MERT does",
            ),
            (
                self.conv_pos_batch_norm,
                "it normalizes positions over batches (conv_pos_batch_norm), which no published \
                 MERT does",
            ),
            (
                self.add_adapter,
                "it has an adapter (add_adapter), which is not supported",
            ),
            (
                self.model_type == "data2vec-audio" && self.do_stable_layer_norm,
                "it asks for do_stable_layer_norm, which data2vec-audio does not have",
            ),
        ] {
            if is_set {
                return Err(reason.to_owned());
            }
        }
        for activation in [&self.hidden_act, &self.feat_extract_activation] {
            if activation != "gelu" {
                let name = activation.escape_debug();
                return Err(format!("its activation “{name}” is not gelu"));
            }
        }
        Ok(())
    }
}
