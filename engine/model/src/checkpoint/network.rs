//! The network that a `config.json` describes, and the tensors that it needs.
//!
//! Two families are known: HuBERT (`HubertModel` of transformers, and MERT's `MERTModel`, which
//! computes the same) and data2vec-audio (`Data2VecAudioModel`). Field names and defaults are those
//! of transformers' `HubertConfig` and `Data2VecAudioConfig`. `attention_relax` of MERT is accepted
//! and ignored, as the published code does: dividing by it before the softmax and multiplying
//! after the maximum was taken away changes nothing.

use serde::Deserialize;

/// A network.
#[derive(Debug, Clone, PartialEq)]
pub struct Network {
    /// The family.
    pub family: Family,
    /// Transformer layers; hidden states are one more.
    pub layers: usize,
    /// Values per hidden state.
    pub width: usize,
    /// Attention heads.
    pub heads: usize,
    /// Values inside a feed-forward block.
    pub inner: usize,
    /// The convolutions over time, first to last.
    pub(crate) convolutions: Vec<Convolution>,
    /// Whether the convolutions over time have a bias.
    pub(crate) convolution_bias: bool,
    /// How their outputs are normalized.
    pub(crate) feature_norm: FeatureNorm,
    /// Whether features are normalized before they are projected.
    pub(crate) projection_norm: bool,
    /// Whether layers normalize their input (true) or their output (false).
    pub(crate) pre_norm: bool,
    /// Positional convolutions in a row; HuBERT has one, with weight normalization.
    pub(crate) positional: usize,
    /// Frames that a positional convolution sees.
    pub(crate) positional_kernel: usize,
    /// Groups of a positional convolution.
    pub(crate) positional_groups: usize,
    /// Added to variances.
    pub(crate) epsilon: f32,
}

/// The families of networks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Family {
    /// HuBERT, and MERT.
    Hubert,
    /// data2vec-audio, and music2vec.
    Data2Vec,
}

/// A convolution over time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Convolution {
    /// Channels that it makes.
    pub channels: usize,
    /// Frames that it sees.
    pub kernel: usize,
    /// Frames that it moves on.
    pub stride: usize,
}

/// How the outputs of the convolutions are normalized.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FeatureNorm {
    /// Only those of the first, each channel over the whole window.
    Group,
    /// Those of all, each frame over its channels.
    Layer,
}

/// What is read of a `config.json`; all else in it describes the training.
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
    1e-5
}

impl Network {
    /// Reads a `config.json`; the error is a phrase.
    pub(super) fn parse(bytes: &[u8]) -> Result<Self, String> {
        let config: Config = serde_json::from_slice(bytes)
            .map_err(|error| format!("it does not describe a network of the family ({error})"))?;
        let family = match config.model_type.as_str() {
            "mert_model" | "music_hubert" | "hubert" => Family::Hubert,
            "data2vec-audio" => Family::Data2Vec,
            other => {
                return Err(format!(
                    "its model_type is “{}”, and only mert_model, hubert and data2vec-audio are known",
                    other.escape_debug()
                ));
            }
        };
        config.refuse_unknown()?;
        let feature_norm = match (family, config.feat_extract_norm.as_str()) {
            (Family::Data2Vec, _) | (_, "layer") => FeatureNorm::Layer,
            (_, "group") => FeatureNorm::Group,
            (_, other) => {
                let other = other.escape_debug();
                return Err(format!("its feat_extract_norm “{other}” is not known"));
            }
        };
        let lengths = [
            config.conv_dim.len(),
            config.conv_kernel.len(),
            config.conv_stride.len(),
        ];
        if lengths[0] == 0 || lengths[0] > 16 || lengths.iter().any(|n| *n != lengths[0]) {
            return Err(format!(
                "it has {lengths:?} convolution sizes, kernels and strides"
            ));
        }
        let of_stack = family == Family::Data2Vec;
        let convolutions = config.conv_dim.iter().zip(&config.conv_kernel);
        let network = Self {
            family,
            layers: config.num_hidden_layers,
            width: config.hidden_size,
            heads: config.num_attention_heads,
            inner: config.intermediate_size,
            convolutions: convolutions
                .zip(&config.conv_stride)
                .map(|((channels, kernel), stride)| Convolution {
                    channels: *channels,
                    kernel: *kernel,
                    stride: *stride,
                })
                .collect(),
            convolution_bias: config.conv_bias,
            feature_norm,
            projection_norm: of_stack || config.feat_proj_layer_norm,
            pre_norm: config.do_stable_layer_norm,
            positional: if of_stack {
                config.num_conv_pos_embeddings
            } else {
                1
            },
            positional_kernel: if of_stack {
                config.conv_pos_kernel_size.unwrap_or(19)
            } else {
                config.num_conv_pos_embeddings
            },
            positional_groups: config.num_conv_pos_embedding_groups,
            epsilon: config.layer_norm_eps as f32,
        };
        network.check()?;
        Ok(network)
    }

    /// Sizes that make no sense, before anything is computed or kept in memory because of them.
    fn check(&self) -> Result<(), String> {
        let sizes = [
            ("num_hidden_layers", self.layers, 128),
            ("hidden_size", self.width, 8_192),
            ("num_attention_heads", self.heads, 256),
            ("intermediate_size", self.inner, 65_536),
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
        for (name, size, limit) in sizes.into_iter().chain(convolutions) {
            if size == 0 || size > limit {
                return Err(format!(
                    "its {name} is {size}, which is not between 1 and {limit}"
                ));
            }
        }
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
        if self.min_samples() > 1 << 20
            || self
                .convolutions
                .iter()
                .map(|c| c.stride)
                .product::<usize>()
                > 1 << 16
        {
            return Err("a frame of it is longer than a million samples".to_owned());
        }
        Ok(())
    }

    /// The fewest samples that give a frame.
    #[must_use]
    pub fn min_samples(&self) -> usize {
        let convolutions = self.convolutions.iter().rev();
        convolutions.fold(1usize, |frames, convolution| {
            (frames - 1)
                .saturating_mul(convolution.stride)
                .saturating_add(convolution.kernel)
        })
    }

    /// Every tensor that the network needs, with its shape, by the names of transformers since 4.30
    /// and PyTorch before 2.1.
    #[must_use]
    pub fn tensors(&self) -> Vec<(String, Vec<usize>)> {
        let mut all = Vec::new();
        let mut add = |name: &str, shape: &[usize]| all.push((name.to_owned(), shape.to_vec()));
        let mut inputs = 1;
        for (n, convolution) in self.convolutions.iter().enumerate() {
            let name = format!("feature_extractor.conv_layers.{n}");
            let channels = convolution.channels;
            add(
                &format!("{name}.conv.weight"),
                &[channels, inputs, convolution.kernel],
            );
            if self.convolution_bias {
                add(&format!("{name}.conv.bias"), &[channels]);
            }
            if n == 0 || self.feature_norm == FeatureNorm::Layer {
                add(&format!("{name}.layer_norm.weight"), &[channels]);
                add(&format!("{name}.layer_norm.bias"), &[channels]);
            }
            inputs = channels;
        }
        let width = self.width;
        let mut norm = |name: &str, width: usize| {
            add(&format!("{name}.weight"), &[width]);
            add(&format!("{name}.bias"), &[width]);
        };
        if self.projection_norm {
            norm("feature_projection.layer_norm", inputs);
        }
        norm("encoder.layer_norm", width);
        for layer in 0..self.layers {
            norm(&format!("encoder.layers.{layer}.layer_norm"), width);
            norm(&format!("encoder.layers.{layer}.final_layer_norm"), width);
        }
        let mut linear = |name: &str, outputs: usize, inputs: usize| {
            add(&format!("{name}.weight"), &[outputs, inputs]);
            add(&format!("{name}.bias"), &[outputs]);
        };
        linear("feature_projection.projection", width, inputs);
        for layer in 0..self.layers {
            let name = format!("encoder.layers.{layer}");
            for part in ["q", "k", "v", "out"] {
                linear(&format!("{name}.attention.{part}_proj"), width, width);
            }
            let inner = self.inner;
            linear(
                &format!("{name}.feed_forward.intermediate_dense"),
                inner,
                width,
            );
            linear(&format!("{name}.feed_forward.output_dense"), width, inner);
        }
        let kernel = self.positional_kernel;
        let shape = [width, width / self.positional_groups, kernel];
        if self.family == Family::Hubert {
            add("encoder.pos_conv_embed.conv.weight_g", &[1, 1, kernel]);
            add("encoder.pos_conv_embed.conv.weight_v", &shape);
            add("encoder.pos_conv_embed.conv.bias", &[width]);
        } else {
            for n in 0..self.positional {
                let name = format!("encoder.pos_conv_embed.layers.{n}.conv");
                add(&format!("{name}.weight"), &shape);
                add(&format!("{name}.bias"), &[width]);
            }
        }
        all
    }
}

impl Config {
    /// Refuses what would be computed differently from what is built.
    fn refuse_unknown(&self) -> Result<(), String> {
        for (is_set, what) in [
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
                "it has an adapter (add_adapter), which is not known",
            ),
            (
                self.model_type == "data2vec-audio" && self.do_stable_layer_norm,
                "it asks for do_stable_layer_norm, which data2vec-audio does not have",
            ),
        ] {
            if is_set {
                return Err(what.to_owned());
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
