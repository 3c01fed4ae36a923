//! A model's manifest: its identity and its graph's contract. It is read from TOML, checked, and from
//! then on the only source of rates, lengths and shapes: no caller passes a sample rate.

mod check;
mod checkpoint;

use serde::Deserialize;

/// Name of the manifest in a model's folder.
pub(crate) const MANIFEST: &str = "manifest.toml";

/// The format that this version reads.
const FORMAT: u32 = 1;

/// Samples per frame of MERT (the product of `conv_stride` in its configuration): the grid of hops.
const FRAME_SAMPLES: usize = 320;

/// The longest window in seconds.
const LONGEST_WINDOW_S: u32 = 120;

/// The longest audio in one pass unless more is asked for, in seconds.
const WHOLE_S: f64 = 60.0;

/// A model, as its `manifest.toml` describes it.
///
/// # Examples
/// ```
/// use mertscope_model::Model;
///
/// let manifest = Model::embedded_manifest()?;
/// println!("{}: windows of {} s at {} Hz", manifest.id, manifest.window_s(), manifest.sample_rate_hz);
/// // Hops are whole frames of MERT.
/// assert_eq!(manifest.hop_samples(1.0) % 320, 0);
/// # Ok::<(), mertscope_model::ModelError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    format: u32,
    /// Short unique name, as in `--model`.
    pub id: String,
    /// The publisher's version.
    pub version: String,
    /// A one-line title for users.
    pub title: String,
    /// The weights' license; the code's is another.
    #[serde(rename = "licence")]
    pub license: String,
    /// Sample rate of the input in Hz.
    pub sample_rate_hz: u32,
    /// Length of a window, in samples at that rate.
    pub window_samples: usize,
    /// Other useful lengths of a window, in seconds; only for graphs of free length.
    #[serde(default)]
    pub(crate) other_windows_s: Vec<f64>,
    /// The stretch of audio for which a published network was made, in seconds, when its configuration says so.
    #[serde(skip)]
    pub(crate) context_s: Option<f64>,
    /// Values per hidden state.
    pub width: usize,
    /// Whether the input is first normalized to zero mean and unit variance
    /// (`do_normalize` of `Wav2Vec2FeatureExtractor`, variance + 1e-7).
    #[serde(rename = "normalise")]
    pub normalize: bool,
    /// The graph and its contract.
    pub graph: GraphContract,
    /// The hidden states, first to last.
    pub layers: Vec<LayerInfo>,
    /// The heads that come with the model.
    #[serde(default)]
    pub heads: Vec<PartFile>,
    /// The map that comes with the model.
    #[serde(default)]
    pub map: Option<PartFile>,
}

/// The contract of the ONNX graph.
///
/// The input is float32 `[1, samples]`. Outputs are float32: either one tensor whose first axis is the
/// layer (`[layers, width]` pooled, `[layers, frames, width]` with frames) or one tensor per layer
/// (`[1, width]`, `[1, frames, width]`).
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GraphContract {
    /// The ONNX file, beside the manifest; for a published checkpoint its weights file, from which
    /// graphs are made.
    pub file: String,
    /// Its SHA-256, hexadecimal: the model's identity. For a published checkpoint see
    /// [`Manifest::sha256`].
    pub sha256: String,
    /// Name of the input.
    pub input: String,
    /// Names of the outputs averaged over time; empty when the graph has none.
    #[serde(default)]
    pub pooled: Vec<String>,
    /// Names of the outputs with frames; empty when the graph has none.
    #[serde(default)]
    pub frames: Vec<String>,
    /// Samples from one frame to the next; MERT's 320 when omitted.
    #[serde(default = "frame_samples")]
    pub frame_samples: usize,
    /// An ONNX file with only the part of the graph that frames need in addition. Appended to the
    /// graph's bytes it makes one graph with both kinds of outputs, because concatenation merges
    /// serialized protobuf messages. So windows without frames cost nothing extra.
    #[serde(default)]
    pub fragment: Option<PartFile>,
    /// Whether the input's length is free.
    pub length: InputLength,
    /// The treatment of audio shorter than a window.
    pub short_input: ShortInput,
    /// The fewest samples that give one frame; for [`ShortInput::TrueLength`].
    #[serde(default)]
    pub min_samples: usize,
    /// Whether its layers share one space, so that a weighted sum of them is meaningful.
    pub layers_mixable: bool,
}

/// Whether a graph's input may have any length.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum InputLength {
    /// Exactly one window.
    Fixed,
    /// Any length from `min_samples` on.
    Dynamic,
}

/// The treatment of audio shorter than a window.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ShortInput {
    /// It is repeated until it fills the window.
    Loop,
    /// It is analyzed at its own length.
    TrueLength,
    /// It is not analyzed.
    Refuse,
}

/// One hidden state.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LayerInfo {
    /// Short name.
    pub name: String,
    /// The meaning of its values.
    pub meaning: String,
}

/// A file that comes with the model: a head, the map, or the part of the graph for frames.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PartFile {
    /// The file, beside the manifest.
    pub file: String,
    /// Its SHA-256, hexadecimal.
    pub sha256: String,
}

impl Manifest {
    /// Reads and checks a manifest; the error is a phrase that names the fault.
    pub(super) fn parse(bytes: &[u8]) -> Result<Self, String> {
        let text = std::str::from_utf8(bytes).map_err(|_| "it is not UTF-8 text".to_owned())?;
        let manifest: Self =
            toml::from_str(text).map_err(|error| error.message().trim().to_owned())?;
        manifest.check()?;
        Ok(manifest)
    }

    /// The SHA-256 that names the model for heads, maps, references and projects: the graph's for a
    /// model that comes as ONNX.
    ///
    /// For a checkpoint it is that of the weights, if the checkpoint is a model of the catalogue in its
    /// published configuration. Any other configuration (`config.json`, and the sample rate and
    /// normalization of `preprocessor_config.json`) makes another model of the same weights: their hash
    /// and the configuration are hashed together.
    #[must_use]
    pub fn sha256(&self) -> &str {
        &self.graph.sha256
    }

    /// The fields that shape the hidden states of a window.
    pub(super) fn computation(&self) -> impl std::fmt::Debug {
        // Without `..`, so that a new field is assigned to one of the two sides.
        let Self {
            sample_rate_hz,
            window_samples,
            width,
            normalize,
            graph,
            layers,
            format: _,
            id: _,
            version: _,
            title: _,
            license: _,
            other_windows_s: _,
            context_s: _,
            heads: _,
            map: _,
        } = self;
        (
            sample_rate_hz,
            window_samples,
            width,
            normalize,
            graph,
            layers,
        )
    }

    /// The SHA-256 of the fragment for frames, when there is one.
    #[must_use]
    pub fn frames_sha256(&self) -> Option<&str> {
        let fragment = self.graph.fragment.as_ref();
        fragment.map(|file| file.sha256.as_str())
    }

    /// Length of the window in seconds.
    #[must_use]
    pub fn window_s(&self) -> f64 {
        self.window_samples as f64 / f64::from(self.sample_rate_hz)
    }

    /// Length of a frame in seconds.
    #[must_use]
    pub fn frame_s(&self) -> f64 {
        self.graph.frame_samples as f64 / f64::from(self.sample_rate_hz)
    }

    /// The useful lengths of its windows, in seconds, shortest first.
    #[must_use]
    pub fn windows_s(&self) -> Vec<f64> {
        let mut all = self.other_windows_s.clone();
        all.push(self.window_s());
        all.sort_by(f64::total_cmp);
        all
    }

    /// The longest audio that it takes in one pass unless more is asked for, in seconds: a minute, or the context
    /// of a network that was made for more.
    #[must_use]
    pub fn whole_s(&self) -> f64 {
        self.context_s.unwrap_or(0.0).max(WHOLE_S)
    }

    /// Whether its graph takes windows of this length: when the length is free, any up to two minutes, or up to
    /// the context of a network that was made for more.
    pub(super) fn takes_window_s(&self, window_s: f64) -> bool {
        let samples = (window_s * f64::from(self.sample_rate_hz)).round();
        let longest_s = self
            .context_s
            .unwrap_or(0.0)
            .max(f64::from(LONGEST_WINDOW_S));
        let longest = longest_s * f64::from(self.sample_rate_hz);
        let range = self.graph.min_samples.max(1) as f64..=longest;
        self.graph.length == InputLength::Dynamic && range.contains(&samples)
    }

    /// The hop for a requested one of `asked_s` seconds, in samples: a multiple of MERT's frame, at
    /// least one frame, so that the frames of successive windows line up. Longer frames of other models
    /// line up when the hop is a multiple of them.
    #[must_use]
    pub fn hop_samples(&self, asked_s: f64) -> usize {
        let frames = asked_s * f64::from(self.sample_rate_hz) / FRAME_SAMPLES as f64;
        (frames.round().max(1.0) as usize).saturating_mul(FRAME_SAMPLES)
    }
}

const fn frame_samples() -> usize {
    FRAME_SAMPLES
}

#[cfg(test)]
mod tests {
    use mertscope_assets::EMBEDDED_MANIFEST as EMBEDDED;

    use super::*;

    fn reason(from: &str, to: &str) -> String {
        assert!(EMBEDDED.contains(from), "{from}");
        Manifest::parse(EMBEDDED.replacen(from, to, 1).as_bytes()).unwrap_err()
    }

    #[test]
    fn hops_are_whole_frames_and_never_empty() {
        let manifest = Manifest::parse(EMBEDDED.as_bytes()).unwrap();
        for (asked_s, samples) in [(1.0, 16_000), (0.25, 4_160), (0.24, 3_840), (0.0001, 320)] {
            assert_eq!(manifest.hop_samples(asked_s), samples, "{asked_s} s");
        }
        for asked_s in [f64::NAN, f64::NEG_INFINITY, f64::INFINITY, 1e300] {
            assert!(manifest.hop_samples(asked_s) >= 320, "{asked_s} s");
        }
        assert!((manifest.window_s() - 5.0).abs() < 1e-12);
    }

    #[test]
    fn an_invalid_manifest_is_refused_with_a_reason() {
        for (from, to, expected) in [
            ("format = 1", "format = 2", "format"),
            (
                "sample_rate_hz = 16000",
                "sample_rate_hz = 0",
                "sample rate",
            ),
            ("window_samples = 80000", "window_samples = 0", "window"),
            ("width = 256", "width = 0", "width"),
            ("pooled = [\"hidden\"]", "pooled = []", "both kinds"),
            ("frames = [\"frames\"]", "frames = []", "both kinds"),
            ("frames = [\"frames\"]", "frames = [\"hidden\"]", "twice"),
            ("frame_samples = 4000", "frame_samples = 0", "a frame"),
            ("frame_samples = 4000", "frame_samples = 80001", "a frame"),
            ("frame_samples = 4000", "frame_samples = -1", "integer"),
            (
                "pooled = [\"hidden\"]",
                "pooled = [\"a\", \"b\"]",
                "one per layer",
            ),
            ("pooled = [\"hidden\"]", "pooled = [\"a\", \"a\"]", "twice"),
            (
                "short_input = \"loop\"",
                "short_input = \"true-length\"",
                "true length",
            ),
            (
                "file = \"encoder.onnx\"",
                "file = \"../encoder.onnx\"",
                "folder",
            ),
            (
                "file = \"key.safetensors\"",
                "file = \"/etc/passwd\"",
                "folder",
            ),
            (
                "file = \"frames.onnx\"",
                "file = \"a/frames.onnx\"",
                "folder",
            ),
            ("sha256 = \"", "sha256 = \"XY", "SHA-256"),
            (
                "\"frames.onnx\"\nsha256 = \"",
                "\"frames.onnx\"\nsha256 = \"XY",
                "SHA-256",
            ),
            ("file = \"frames.onnx\"\n", "", "file"),
            ("id = ", "surprise = 1\nid = ", "surprise"),
            ("id = ", "other_windows_s = [30]\nid = ", "other windows"),
        ] {
            let reason = reason(from, to);
            assert!(reason.contains(expected), "{to}: {reason}");
        }
        assert!(Manifest::parse(&[0xff]).is_err());
        // The longest window at the highest rate is more samples than 32 bits hold.
        let fast = EMBEDDED.replacen("16000", &u32::MAX.to_string(), 1);
        let reason = Manifest::parse(fast.as_bytes()).expect_err("no sound is that fast");
        assert!(reason.contains("sample rate"), "{reason}");
    }

    #[test]
    fn frames_have_the_manifests_length_or_merts() {
        let manifest = Manifest::parse(EMBEDDED.as_bytes()).unwrap();
        assert!((manifest.frame_s() - 0.25).abs() < 1e-12);
        // A whole number of frames fills a window, so that those of successive windows line up.
        assert_eq!(manifest.window_samples % manifest.graph.frame_samples, 0);
        assert!(manifest.frames_sha256().is_some());
        let merts = EMBEDDED.replace("frame_samples = 4000\n", "");
        let merts = Manifest::parse(merts.as_bytes()).unwrap();
        assert!((merts.frame_s() - 0.02).abs() < 1e-12);
        // A graph without frames names no fragment.
        let without = EMBEDDED.replace("frames = [\"frames\"]\n", "");
        let (before, rest) = without.split_once("[graph.fragment]").unwrap();
        let (_, after) = rest.split_once("\n\n").unwrap();
        let without = Manifest::parse(format!("{before}{after}").as_bytes()).unwrap();
        assert!(without.graph.frames.is_empty() && without.frames_sha256().is_none());
        let neither = before.replace("[\"hidden\"]", "[]");
        let reason = Manifest::parse(format!("{neither}{after}").as_bytes()).unwrap_err();
        assert!(reason.contains("no outputs"), "{reason}");
    }
}
