//! MERT-v2: a mel front end, a ConvNeXt subsampler and conformer blocks with rotary attention.
//!
//! Field names are those of the published `config.json` (`MERT2Config`). Its hidden states are the outputs
//! of the blocks; unlike with MERT v1, the input of the first block is none of them.

use serde::Deserialize;

use super::TensorList;
use crate::catalogue::CatalogueEntry;

/// The `model_type` of its configuration.
pub(super) const MODEL_TYPE: &str = "mert2";

/// The beginnings of its tensors' names.
pub(super) const PARTS: [&str; 3] = ["feature_extractor.", "subsampling_module.", "layers."];

/// Length of the kernel of a ConvNeXt layer's depthwise convolution, in frames.
pub(crate) const CONVNEXT_KERNEL: usize = 7;

/// The width inside a ConvNeXt layer, as a multiple of its channels.
pub(crate) const CONVNEXT_EXPANSION: usize = 4;

/// The architecture of a MERT-v2.
#[derive(Debug, Clone, PartialEq)]
pub struct Mert2 {
    /// Number of conformer blocks, each of which gives a hidden state.
    pub layers: usize,
    /// Values per hidden state.
    pub width: usize,
    /// Number of attention heads.
    pub heads: usize,
    /// Values inside a feed-forward block.
    pub feed_forward_width: usize,
    /// Length of the kernel of a block's depthwise convolution, in frames.
    pub(crate) depthwise_kernel: usize,
    /// The number that layer normalization adds to variances.
    pub(crate) epsilon: f32,
    /// The base of the rotation's frequencies.
    pub(crate) rotary_base: f32,
    /// Sample rate in hertz, for which its mel filters are made.
    pub(crate) sample_rate_hz: u32,
    /// The stretch of audio for which it was made, in seconds. It changes no result, only the memory of a run.
    pub(crate) context_s: f64,
    /// Length of a spectrum's window, in samples.
    pub(crate) fft_samples: usize,
    /// Samples from one spectrum to the next.
    pub(crate) hop_samples: usize,
    /// Number of mel bands.
    pub(crate) bands: usize,
    /// The stages of the subsampler, each but the first of which halves the frames.
    pub(crate) stages: Vec<Stage>,
    /// The number that the subsampler's layer normalization adds to variances.
    pub(crate) subsampling_epsilon: f32,
}

/// A stage of the subsampler.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Stage {
    /// Number of channels.
    pub(crate) channels: usize,
    /// Number of ConvNeXt layers.
    pub(crate) depth: usize,
}

/// The fields that are read from a `config.json`; all others describe the training.
#[derive(Debug, Deserialize)]
struct Config {
    num_hidden_layers: usize,
    hidden_size: usize,
    num_attention_heads: usize,
    intermediate_size: usize,
    conv_depthwise_kernel_size: usize,
    layer_norm_eps: f64,
    rotary_embedding_base: f64,
    sampling_rate: u32,
    context_seconds: f64,
    n_fft: usize,
    win_length: usize,
    hop_length: usize,
    num_mel_bins: usize,
    subsampling_channels: Vec<usize>,
    subsampling_depths: Vec<usize>,
    subsampling_layer_norm_eps: f64,
    inputs_to_logits_ratio: usize,
    minimum_input_samples: usize,
}

/// What all published models have, as far as their tensors do not show it.
const EPSILON: f32 = 1e-5;
const SUBSAMPLING_EPSILON: f32 = 1e-6;
const ROTARY_BASE: f32 = 10_000.0;
const HOP_SAMPLES: usize = 240;

impl Mert2 {
    /// Reads a `config.json`; the error is a phrase.
    pub(super) fn parse(bytes: &[u8]) -> Result<Self, String> {
        let config: Config = super::parsed(bytes)?;
        if config.subsampling_channels.len() != config.subsampling_depths.len() {
            return Err("its subsampling_channels and subsampling_depths differ in number".into());
        }
        let stages = config.subsampling_channels.iter();
        let stages = stages.zip(&config.subsampling_depths);
        let network = Self {
            layers: config.num_hidden_layers,
            width: config.hidden_size,
            heads: config.num_attention_heads,
            feed_forward_width: config.intermediate_size,
            depthwise_kernel: config.conv_depthwise_kernel_size,
            epsilon: config.layer_norm_eps as f32,
            rotary_base: config.rotary_embedding_base as f32,
            sample_rate_hz: config.sampling_rate,
            context_s: config.context_seconds,
            fft_samples: config.n_fft,
            hop_samples: config.hop_length,
            bands: config.num_mel_bins,
            stages: stages
                .map(|(channels, depth)| Stage {
                    channels: *channels,
                    depth: *depth,
                })
                .collect(),
            subsampling_epsilon: config.subsampling_layer_norm_eps as f32,
        };
        network.check()?;
        for (name, found, computed) in [
            ("win_length", config.win_length, network.fft_samples),
            (
                "inputs_to_logits_ratio",
                config.inputs_to_logits_ratio,
                network.frame_samples(),
            ),
            (
                "minimum_input_samples",
                config.minimum_input_samples,
                network.min_samples(),
            ),
        ] {
            if found != computed {
                return Err(format!(
                    "its {name} is {found}, but its other fields make it {computed}"
                ));
            }
        }
        Ok(network)
    }

    /// Refuses impossible sizes before anything is computed or allocated from them.
    fn check(&self) -> Result<(), String> {
        super::check_sizes([
            ("num_hidden_layers", self.layers, 128),
            ("hidden_size", self.width, 8_192),
            ("num_attention_heads", self.heads, 256),
            ("intermediate_size", self.feed_forward_width, 65_536),
            ("conv_depthwise_kernel_size", self.depthwise_kernel, 1_023),
            ("n_fft", self.fft_samples, 1 << 16),
            ("hop_length", self.hop_samples, self.fft_samples / 2),
            ("num_mel_bins", self.bands, 4_096),
            ("number of subsampling_channels", self.stages.len(), 8),
        ])?;
        super::check_sizes(self.stages.iter().flat_map(|stage| {
            [
                ("subsampling_channels", stage.channels, 8_192),
                ("subsampling_depths", stage.depth, 64),
            ]
        }))?;
        let (first, last) = (self.stages.first(), self.stages.last());
        let channels = |stage: Option<&Stage>| stage.map(|stage| stage.channels);
        for (holds, reason) in [
            (
                self.width.is_multiple_of(2 * self.heads),
                "its hidden_size can't be divided into pairs by its num_attention_heads",
            ),
            (
                self.depthwise_kernel % 2 == 1,
                "its conv_depthwise_kernel_size is even",
            ),
            (self.fft_samples.is_multiple_of(2), "its n_fft is odd"),
            (
                channels(first) == Some(self.bands),
                "its first subsampling_channels are not its num_mel_bins",
            ),
            (
                channels(last) == Some(self.width),
                "its last subsampling_channels are not its hidden_size",
            ),
            (
                self.context_s > 0.0 && self.context_s <= 3600.0,
                "its context_seconds is not a number above 0 and up to 3600",
            ),
            (
                self.rotary_base.is_finite() && self.rotary_base > 1.0,
                "its rotary_embedding_base is not a number above 1",
            ),
            (
                [self.epsilon, self.subsampling_epsilon]
                    .iter()
                    .all(|epsilon| *epsilon > 0.0 && *epsilon < 1.0),
                "the epsilon of one of its layer normalizations is not a small positive number",
            ),
        ] {
            if !holds {
                return Err(reason.to_owned());
            }
        }
        Ok(())
    }

    /// Whether it is the published network of `entry`, as far as the weights don't show it by the shapes of
    /// their tensors.
    pub(super) fn is_published(&self, entry: &CatalogueEntry) -> bool {
        // Without `..`, so that a new field is assigned to one of the two sides.
        let Self {
            heads,
            epsilon,
            rotary_base,
            sample_rate_hz,
            hop_samples,
            subsampling_epsilon,
            layers: _,
            width: _,
            feed_forward_width: _,
            depthwise_kernel: _,
            context_s: _,
            fft_samples: _,
            bands: _,
            stages: _,
        } = self;
        (*heads, *sample_rate_hz, *hop_samples)
            == (entry.attention_heads, entry.sample_rate_hz, HOP_SAMPLES)
            && (*epsilon, *subsampling_epsilon, *rotary_base)
                == (EPSILON, SUBSAMPLING_EPSILON, ROTARY_BASE)
    }

    /// Samples from one frame to the next: each stage but the first halves the frames.
    pub(super) fn frame_samples(&self) -> usize {
        self.hop_samples << (self.stages.len() - 1)
    }

    /// Values of the spectra, before and after they are squared.
    pub(super) fn least_run_values(&self, samples: usize) -> usize {
        let spectra = samples / self.hop_samples;
        spectra.saturating_mul(2 * 2 * self.bins())
    }

    /// Frames of the stretch of audio for which it was made, at least 1.
    pub(crate) fn context_frames(&self) -> usize {
        let samples = self.context_s * f64::from(self.sample_rate_hz);
        (samples / self.frame_samples() as f64).ceil() as usize
    }

    /// The fewest samples that give a frame: as many as a frame has, and more than half a spectrum's window,
    /// whose half is mirrored at both ends.
    pub(super) fn min_samples(&self) -> usize {
        self.frame_samples().max(self.bins())
    }

    /// Number of a spectrum's bins.
    pub(crate) fn bins(&self) -> usize {
        self.fft_samples / 2 + 1
    }

    /// Every tensor that the network needs, with its shape.
    pub(super) fn tensors(&self) -> Vec<(String, Vec<usize>)> {
        let mut all = TensorList::default();
        let front = "feature_extractor";
        all.add(&format!("{front}.mel_mean"), &[self.bands]);
        all.add(&format!("{front}.mel_std"), &[self.bands]);
        all.add(&format!("{front}.spectrogram.window"), &[self.fft_samples]);
        let filters = [self.bins(), self.bands];
        all.add(&format!("{front}.mel_scale.fb"), &filters);
        let mut inputs = self.bands;
        for (n, stage) in self.stages.iter().enumerate() {
            stage_tensors(&mut all, n, stage, inputs);
            inputs = stage.channels;
        }
        for n in 0..self.layers {
            self.block_tensors(&mut all, &format!("layers.{n}"));
        }
        all.0
    }

    fn block_tensors(&self, all: &mut TensorList, block: &str) {
        let (width, inner) = (self.width, self.feed_forward_width);
        for norm in ["ffn1", "attn", "ffn2"] {
            all.norm(&format!("{block}.{norm}_layer_norm"), width);
        }
        all.norm(&format!("{block}.final_layer_norm"), width);
        for feed_forward in ["ffn1", "ffn2"] {
            all.linear(&format!("{block}.{feed_forward}.w_1"), inner, width);
            all.linear(&format!("{block}.{feed_forward}.w_2"), width, inner);
        }
        for part in ["query", "key", "value", "out"] {
            all.linear(&format!("{block}.attn.{part}_proj"), width, width);
        }
        let convolution = format!("{block}.conv_module");
        all.norm(&format!("{convolution}.layer_norm"), width);
        all.norm(&format!("{convolution}.conv_block.4.1"), width);
        for (n, shape) in [
            (1, [2 * width, width, 1]),
            (3, [width, 1, self.depthwise_kernel]),
            (6, [width, width, 1]),
        ] {
            all.add(&format!("{convolution}.conv_block.{n}.weight"), &shape);
        }
    }
}

fn stage_tensors(all: &mut TensorList, n: usize, stage: &Stage, inputs: usize) {
    let channels = stage.channels;
    let name = format!("subsampling_module.{n}");
    if n > 0 {
        all.norm(&format!("{name}.resampling_layer.0"), inputs);
        let halving = format!("{name}.resampling_layer.2");
        all.add(&format!("{halving}.weight"), &[channels, inputs, 2]);
        all.add(&format!("{halving}.bias"), &[channels]);
    }
    let inner = CONVNEXT_EXPANSION * channels;
    for layer in 0..stage.depth {
        let name = format!("{name}.convnext_layers.{layer}");
        let depthwise = format!("{name}.depthwise_block.1");
        all.add(
            &format!("{depthwise}.weight"),
            &[channels, 1, CONVNEXT_KERNEL],
        );
        all.add(&format!("{depthwise}.bias"), &[channels]);
        let pointwise = format!("{name}.pointwise_block");
        all.norm(&format!("{pointwise}.0"), channels);
        all.linear(&format!("{pointwise}.1"), inner, channels);
        all.add(&format!("{pointwise}.3.weight"), &[1, 1, inner]);
        all.add(&format!("{pointwise}.3.bias"), &[1, 1, inner]);
        all.linear(&format!("{pointwise}.4"), channels, inner);
    }
}

#[cfg(test)]
mod tests {
    use super::super::fixture;
    use super::*;

    #[test]
    fn the_published_configuration_gives_the_published_tensors() {
        let tiny = fixture("mert2/config.json");
        let mut network = Mert2::parse(tiny.as_bytes()).unwrap();
        assert_eq!(
            (network.frame_samples(), network.min_samples()),
            (960, 1_025)
        );
        network.layers = 24;
        network.width = 1_024;
        network.feed_forward_width = 4_096;
        network.bands = 128;
        let sizes = [(128, 3), (512, 4), (1_024, 5)];
        network.stages = sizes
            .map(|(channels, depth)| Stage { channels, depth })
            .to_vec();
        let tensors = network.tensors();
        let floats = |(_, shape): &(String, Vec<usize>)| shape.iter().product::<usize>();
        assert_eq!(tensors.len(), 876);
        assert_eq!(tensors.iter().map(floats).sum::<usize>(), 632_429_312);
    }

    #[test]
    fn fields_that_contradict_each_other_are_refused_by_name() {
        let tiny = fixture("mert2/config.json");
        for (from, to, expected) in [
            (
                "\"win_length\": 2048",
                "\"win_length\": 1024",
                "win_length is 1024",
            ),
            (
                "_ratio\": 960",
                "_ratio\": 320",
                "inputs_to_logits_ratio is 320",
            ),
            (
                "_samples\": 1025",
                "_samples\": 400",
                "minimum_input_samples is 400",
            ),
            (
                "\"num_mel_bins\": 16",
                "\"num_mel_bins\": 8",
                "num_mel_bins",
            ),
            ("\"hidden_size\": 16", "\"hidden_size\": 24", "hidden_size"),
            ("_heads\": 2", "_heads\": 16", "into pairs"),
            ("_kernel_size\": 31", "_kernel_size\": 30", "is even"),
            (
                "\"hop_length\": 240",
                "\"hop_length\": 0",
                "hop_length is 0",
            ),
            (
                "\"rotary_embedding_base\": 10000",
                "\"rotary_embedding_base\": 1",
                "base",
            ),
            ("\"context_seconds\": 30.0,", "", "context_seconds"),
            ("_seconds\": 30.0", "_seconds\": 1e300", "context_seconds"),
        ] {
            assert!(tiny.contains(from), "{from}");
            let error = Mert2::parse(tiny.replacen(from, to, 1).as_bytes()).unwrap_err();
            assert!(error.contains(expected), "{to}: {error}");
        }
    }
}
