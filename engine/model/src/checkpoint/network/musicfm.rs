//! MuQ and MusicFM: a mel front end, a stem of two residual blocks, and conformer layers of wav2vec 2.0 whose
//! rotation comes before the projections of query and key.
//!
//! Field names are those of MuQ's `config.json` (`MuQConfig` of the package `muq`). MusicFM has no
//! configuration, only a file of statistics beside its weights; it has the sizes of MuQ, and its weights hold
//! the window and the mel filters too. Names of tensors are those of both, without the prefix `model.`.

use serde::Deserialize;

use super::TensorList;
use crate::catalogue::CatalogueEntry;

/// The beginnings of its tensors' names.
pub(super) const PARTS: [&str; 3] = ["conv.", "conformer.", FRONT_END];

/// The beginning of the names of the front end's tensors, which only MusicFM has.
const FRONT_END: &str = "preprocessor_melspec_2048.";

/// The tensors with the window of a spectrum and with the mel filters, `[bins, bands]`.
pub(crate) const WINDOW: &str = "preprocessor_melspec_2048.mel_stft.spectrogram.window";
pub(crate) const FILTERS: &str = "preprocessor_melspec_2048.mel_stft.mel_scale.fb";

/// The beginnings of the names of tensors that only the training uses: quantizers and their targets, and the
/// positional convolution, which rotary positions replace.
const TRAINING: [&str; 5] = [
    "cls_token",
    "linear.",
    "rvq.",
    "quantizer_",
    "conformer.pos_conv_embed.",
];

/// Sample rate in hertz, for which the mel filters are made.
const SAMPLE_RATE_HZ: u32 = 24_000;

/// Length of a spectrum's window, in samples: the 2048 of `melspec_2048`.
pub(crate) const FFT_SAMPLES: usize = 2_048;

/// Residual blocks of the stem, each of which halves bands and frames.
pub(crate) const STEM_BLOCKS: usize = 2;

/// The architecture of a MuQ or MusicFM.
#[derive(Debug, Clone, PartialEq)]
pub struct MusicFm {
    /// Number of conformer layers; there is one hidden state more.
    pub layers: usize,
    /// Values per hidden state.
    pub width: usize,
    /// Number of attention heads.
    pub heads: usize,
    /// Values inside a feed-forward block.
    pub feed_forward_width: usize,
    /// Length of the kernel of a layer's depthwise convolution, in frames.
    pub(crate) depthwise_kernel: usize,
    /// The number that layer normalization adds to variances.
    pub(crate) epsilon: f32,
    /// Channels of the stem.
    pub(crate) channels: usize,
    /// Samples from one spectrum to the next.
    pub(crate) hop_samples: usize,
    /// Number of mel bands.
    pub(crate) bands: usize,
    /// Whether the weights hold the window and the mel filters.
    pub(crate) holds_front_end: bool,
    /// Mean and deviation of the mel spectrogram in decibels.
    pub(crate) mean_db: f64,
    pub(crate) deviation_db: f64,
}

/// The fields that are read from a `config.json`; all others describe the training.
#[derive(Debug, Deserialize)]
struct Config {
    encoder_depth: usize,
    encoder_dim: usize,
    conv_dim: usize,
    hop_length: usize,
    n_mels: usize,
    label_rate: usize,
    stat: Statistics,
    w2v2_config: Conformer,
}

#[derive(Debug, Deserialize)]
struct Statistics {
    melspec_2048_mean: f64,
    melspec_2048_std: f64,
}

/// The fields of transformers' `Wav2Vec2ConformerConfig` that shape the layers, with its defaults.
#[derive(Debug, Deserialize)]
struct Conformer {
    num_attention_heads: usize,
    intermediate_size: usize,
    hidden_act: String,
    position_embeddings_type: String,
    #[serde(default = "kernel")]
    conv_depthwise_kernel_size: usize,
    #[serde(default = "epsilon")]
    layer_norm_eps: f64,
}

fn kernel() -> usize {
    31
}

fn epsilon() -> f64 {
    1e-5
}

impl MusicFm {
    /// Reads a `config.json`; the error is a phrase.
    pub(super) fn parse(bytes: &[u8]) -> Result<Self, String> {
        let config: Config = super::parsed(bytes)?;
        let conformer = &config.w2v2_config;
        let network = Self {
            layers: config.encoder_depth,
            width: config.encoder_dim,
            heads: conformer.num_attention_heads,
            feed_forward_width: conformer.intermediate_size,
            depthwise_kernel: conformer.conv_depthwise_kernel_size,
            epsilon: conformer.layer_norm_eps as f32,
            channels: config.conv_dim,
            hop_samples: config.hop_length,
            bands: config.n_mels,
            holds_front_end: false,
            mean_db: config.stat.melspec_2048_mean,
            deviation_db: config.stat.melspec_2048_std,
        };
        network.check()?;
        for (name, found, supported) in [
            ("hidden_act", &conformer.hidden_act, "swish"),
            (
                "position_embeddings_type",
                &conformer.position_embeddings_type,
                "rotary",
            ),
        ] {
            if found != supported {
                let found = found.escape_debug();
                return Err(format!("its {name} “{found}” is not {supported}"));
            }
        }
        let label_rate = SAMPLE_RATE_HZ as usize / network.frame_samples();
        if config.label_rate != label_rate {
            let found = config.label_rate;
            return Err(format!(
                "its label_rate is {found}, but its other fields make it {label_rate}"
            ));
        }
        Ok(network)
    }

    /// Reads the statistics of a MusicFM, all of which have the same sizes; the error is a phrase.
    pub(super) fn parse_statistics(bytes: &[u8]) -> Result<Self, String> {
        let statistics: Statistics = super::parsed(bytes)?;
        let network = Self {
            layers: 12,
            width: 1_024,
            heads: 16,
            feed_forward_width: 4_096,
            depthwise_kernel: kernel(),
            epsilon: epsilon() as f32,
            channels: 512,
            hop_samples: 240,
            bands: 128,
            holds_front_end: true,
            mean_db: statistics.melspec_2048_mean,
            deviation_db: statistics.melspec_2048_std,
        };
        network.check()?;
        Ok(network)
    }

    /// Refuses impossible sizes before anything is computed or allocated from them.
    fn check(&self) -> Result<(), String> {
        super::check_sizes([
            ("encoder_depth", self.layers, 128),
            ("encoder_dim", self.width, 8_192),
            ("num_attention_heads", self.heads, 256),
            ("intermediate_size", self.feed_forward_width, 65_536),
            ("conv_depthwise_kernel_size", self.depthwise_kernel, 1_023),
            ("conv_dim", self.channels, 8_192),
            ("hop_length", self.hop_samples, FFT_SAMPLES / 2),
            ("n_mels", self.bands, 4_096),
        ])?;
        for (holds, reason) in [
            (
                self.width.is_multiple_of(2 * self.heads),
                "its encoder_dim can't be divided into pairs by its num_attention_heads",
            ),
            (
                self.depthwise_kernel % 2 == 1,
                "its conv_depthwise_kernel_size is even",
            ),
            (
                self.bands.is_multiple_of(1 << STEM_BLOCKS),
                "its n_mels can't be halved twice",
            ),
            (
                self.epsilon > 0.0 && self.epsilon < 1.0,
                "its layer_norm_eps is not a small positive number",
            ),
            (
                self.mean_db.is_finite()
                    && self.deviation_db.is_normal()
                    && self.deviation_db > 0.0,
                "its melspec_2048_mean and melspec_2048_std are not numbers to normalize with",
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
            hop_samples,
            mean_db,
            deviation_db,
            layers: _,
            width: _,
            feed_forward_width: _,
            depthwise_kernel: _,
            channels: _,
            bands: _,
            holds_front_end: _,
        } = self;
        // The statistics that are published with both MuQ and MusicFM.
        (*heads, *epsilon, *hop_samples) == (entry.attention_heads, 1e-5, 240)
            && (*mean_db, *deviation_db) == (6.768_444_971_712_967, 18.417_922_652_295_623)
    }

    /// The sample rate in hertz.
    pub(crate) fn sample_rate_hz(&self) -> u32 {
        SAMPLE_RATE_HZ
    }

    /// Samples from one frame to the next.
    pub(super) fn frame_samples(&self) -> usize {
        self.hop_samples << STEM_BLOCKS
    }

    /// The fewest samples that give a frame: more than half a spectrum's window, whose half is mirrored at both
    /// ends.
    pub(super) fn min_samples(&self) -> usize {
        FFT_SAMPLES / 2 + 1
    }

    /// Values of the stem's first block: its two convolutions and its shortcut.
    pub(super) fn least_run_values(&self, samples: usize) -> usize {
        let (spectra, bands) = (samples / self.hop_samples / 2, self.bands / 2);
        spectra.saturating_mul(3 * self.channels * bands)
    }

    /// Values of a frame of the stem, before its linear layer.
    pub(crate) fn stem_width(&self) -> usize {
        self.channels * (self.bands >> STEM_BLOCKS)
    }

    /// Whether a tensor is used only in training, by its name without the prefix.
    pub(super) fn is_of_training(name: &str) -> bool {
        name.ends_with(".num_batches_tracked")
            || TRAINING.iter().any(|start| name.starts_with(start))
    }

    /// Every tensor that the network needs, with its shape.
    pub(super) fn tensors(&self) -> Vec<(String, Vec<usize>)> {
        let mut all = TensorList::default();
        if self.holds_front_end {
            all.add(WINDOW, &[FFT_SAMPLES]);
            all.add(FILTERS, &[FFT_SAMPLES / 2 + 1, self.bands]);
        }
        let channels = self.channels;
        for block in 0..STEM_BLOCKS {
            let inputs = if block == 0 { 1 } else { channels };
            for (n, inputs) in [(1, inputs), (2, channels), (3, inputs)] {
                let name = format!("conv.conv.{block}.conv{n}");
                all.add(&format!("{name}.weight"), &[channels, inputs, 3, 3]);
                all.add(&format!("{name}.bias"), &[channels]);
                batch_norm(&mut all, &format!("conv.conv.{block}.bn{n}"), channels);
            }
        }
        all.linear("conv.linear", self.width, self.stem_width());
        let half = self.width / self.heads / 2;
        all.add("conformer.embed_positions.inv_freq", &[half]);
        all.norm("conformer.layer_norm", self.width);
        for n in 0..self.layers {
            self.layer_tensors(&mut all, &format!("conformer.layers.{n}"));
        }
        all.0
    }

    fn layer_tensors(&self, all: &mut TensorList, layer: &str) {
        let (width, inner) = (self.width, self.feed_forward_width);
        for norm in ["ffn1", "self_attn", "ffn2", "final"] {
            all.norm(&format!("{layer}.{norm}_layer_norm"), width);
        }
        for part in ["ffn1", "ffn2"] {
            all.linear(&format!("{layer}.{part}.intermediate_dense"), inner, width);
            all.linear(&format!("{layer}.{part}.output_dense"), width, inner);
        }
        for part in ["q", "k", "v", "out"] {
            all.linear(&format!("{layer}.self_attn.linear_{part}"), width, width);
        }
        let convolution = format!("{layer}.conv_module");
        all.norm(&format!("{convolution}.layer_norm"), width);
        for (name, shape) in [
            ("pointwise_conv1", [2 * width, width, 1]),
            ("depthwise_conv", [width, 1, self.depthwise_kernel]),
            ("pointwise_conv2", [width, width, 1]),
        ] {
            all.add(&format!("{convolution}.{name}.weight"), &shape);
        }
        batch_norm(all, &format!("{convolution}.batch_norm"), width);
    }
}

fn batch_norm(all: &mut TensorList, name: &str, width: usize) {
    all.norm(name, width);
    all.add(&format!("{name}.running_mean"), &[width]);
    all.add(&format!("{name}.running_var"), &[width]);
}

#[cfg(test)]
mod tests {
    use super::super::fixture;
    use super::*;

    #[test]
    fn the_published_sizes_give_the_published_tensors() {
        let network =
            MusicFm::parse_statistics(fixture("musicfm/msd_stats.json").as_bytes()).unwrap();
        assert_eq!(
            (network.frame_samples(), network.min_samples()),
            (960, 1_025)
        );
        // MuQ's 455 tensors of the network less its 18 counters, and the two of MusicFM's front end.
        let counters = 3 * STEM_BLOCKS + 12;
        assert_eq!(network.tensors().len(), 455 - counters + 2);
        assert!(MusicFm::parse_statistics(b"{\"melspec_2048_mean\": 1}").is_err());
    }

    #[test]
    fn fields_that_are_not_supported_are_refused_by_name() {
        let muq = fixture("muq/config.json");
        MusicFm::parse(muq.as_bytes()).unwrap();
        for (from, to, expected) in [
            ("\"swish\"", "\"gelu\"", "hidden_act “gelu” is not swish"),
            (
                "\"rotary\"",
                "\"relative\"",
                "position_embeddings_type “relative”",
            ),
            (
                "\"label_rate\": 25",
                "\"label_rate\": 50",
                "label_rate is 50",
            ),
            ("\"n_mels\": 16", "\"n_mels\": 18", "n_mels"),
            ("\"encoder_dim\": 16", "\"encoder_dim\": 18", "encoder_dim"),
            ("_std\": 18.4", "_std\": -18.4", "melspec_2048_std"),
            ("\"encoder_depth\": 2,", "", "encoder_depth"),
        ] {
            assert!(muq.contains(from), "{from}");
            let error = MusicFm::parse(muq.replacen(from, to, 1).as_bytes()).unwrap_err();
            assert!(error.contains(expected), "{to}: {error}");
        }
    }
}
