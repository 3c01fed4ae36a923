//! Heads: small matrices that turn pooled hidden states into probabilities of labels.
//!
//! A head is a safetensors file; its metadata says what it is:
//!
//! | metadata | meaning |
//! |---|---|
//! | `task` | what it tells: `genre`, `key`, … |
//! | `labels` | JSON list of the labels, in the order of the outputs |
//! | `layers` | JSON list: the hidden state it reads; several for a weighted sum of layers |
//! | `reads` | `window`, the mean over time, also where it is left out; `frames` for a head that speaks of each |
//! | `outputs` | what they mean, see [`Outputs`]; `multiclass` where it is left out |
//! | `temperature` | logits are divided by it, so that probabilities are calibrated |
//! | `threshold` | probability of the most probable label below which it is better taken for unsure; optional |
//! | `encoder_sha256` | the model whose hidden states it was fitted on, [`Model::sha256`](mertscope_model::Model::sha256) |
//! | `frames_sha256` | for a head of frames: the file that the model's frames come from, where that is one of its own |
//! | `training_data`, `metrics`, `licence` | shown to people |
//!
//! | tensor | shape | meaning |
//! |---|---|---|
//! | `weight`, `bias` | `[labels, inputs]`, `[labels]` | the output layer |
//! | `mean`, `std` | `[width]` each, optional | standardization of the hidden state |
//! | `hidden.weight`, `hidden.bias` | `[units, width]`, `[units]`, optional | one ReLU layer before the output |
//! | `layer_weights` | `[layers]`, with several layers | softmax weights of the layers (MARBLE's `all`) |
//!
//! A file is data: nothing in it is run, and every shape and number is checked before it is used.

mod file;
pub mod fit;
mod info;
mod kind;
pub mod marble;
pub mod metrics;

use std::borrow::Cow;
use std::collections::HashMap;
use std::path::{Path, PathBuf};

use mertscope_model::{HiddenStates, Manifest};
use mertscope_music::Key;

pub use info::HeadInfo;
pub use kind::{Outputs, Reads};

/// A head, ready to be applied.
#[derive(Debug, Clone, PartialEq)]
pub struct Head {
    /// What it tells: `genre`, `key`, …
    pub task: String,
    /// The labels, in the order of the outputs.
    pub labels: Vec<String>,
    /// SHA-256 of the head's file.
    pub sha256: String,
    /// Size of that file.
    pub bytes: u64,
    /// [`Model::sha256`](mertscope_model::Model::sha256) of the model it was fitted on.
    pub encoder_sha256: String,
    /// Which hidden states it reads.
    pub input: LayerInput,
    /// What of a window it reads.
    pub reads: Reads,
    /// What its outputs mean.
    pub outputs: Outputs,
    /// The probability of the most probable label from which the head is sure enough to name it, if
    /// its file has one: chosen on answers that were held out, so that below it a label is more often
    /// wrong than right.
    pub threshold: Option<f32>,
    /// The file's metadata, for people: `training_data`, `metrics`, `licence`.
    pub metadata: HashMap<String, String>,
    path: PathBuf,
    temperature: f32,
    mean: Vec<f32>,
    std: Vec<f32>,
    hidden: Option<Dense>,
    output: Dense,
}

/// Which hidden states a head reads.
#[derive(Debug, Clone, PartialEq)]
pub enum LayerInput {
    /// One hidden state, by index.
    One(usize),
    /// The sum of several, each with its weight; the weights sum to 1.
    Weighted(Vec<(usize, f32)>),
}

impl LayerInput {
    /// The hidden states that are read, by index.
    #[must_use]
    pub fn indices(&self) -> Vec<usize> {
        match self {
            Self::One(layer) => vec![*layer],
            Self::Weighted(layers) => layers.iter().map(|(layer, _)| *layer).collect(),
        }
    }
}

/// Why a head can't be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum HeadError {
    /// The file is no head.
    #[error("{} is not a usable head: {reason}. Train or import it again.", path.display())]
    Invalid {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        reason: String,
    },
    /// It was made for another model.
    #[error(
        "The head {} does not fit the model {model}: {reason}. Use a head that was trained on \
         this model.", path.display()
    )]
    OtherModel {
        /// The file.
        path: PathBuf,
        /// The model's id.
        model: String,
        /// What differs.
        reason: String,
    },
}

/// `weight · x + bias`, weight `[outputs, inputs]`.
#[derive(Debug, Clone, PartialEq)]
struct Dense {
    weight: Vec<f32>,
    bias: Vec<f32>,
}

impl Dense {
    fn inputs(&self) -> usize {
        self.weight.len() / self.bias.len()
    }

    fn apply(&self, x: &[f32]) -> Vec<f32> {
        self.weight
            .chunks_exact(x.len())
            .zip(&self.bias)
            .map(|(row, bias)| bias + row.iter().zip(x).map(|(w, x)| w * x).sum::<f32>())
            .collect()
    }
}

impl Head {
    /// Reads a head from the bytes of a safetensors file; `path` is for messages.
    ///
    /// # Errors
    /// [`HeadError::Invalid`] with the reason.
    pub fn parse(bytes: &[u8], path: &Path) -> Result<Self, HeadError> {
        file::parse(bytes, path).map_err(|reason| HeadError::Invalid {
            path: path.to_owned(),
            reason,
        })
    }

    /// Checks that the head fits a model.
    ///
    /// # Errors
    /// [`HeadError::OtherModel`] for other weights, another width or number of layers, and for a weighted
    /// sum of layers that may not be mixed; [`HeadError::Invalid`] for a key head that does not
    /// name the 24 keys in order, and for one of genre or key that is not multiclass.
    pub fn check(&self, manifest: &Manifest) -> Result<(), HeadError> {
        let other = |reason: String| {
            Err(HeadError::OtherModel {
                path: self.path.clone(),
                model: manifest.id.clone(),
                reason,
            })
        };
        if self.encoder_sha256 != manifest.sha256() {
            return other("it was fitted on other weights".to_owned());
        }
        let width = self.hidden.as_ref().unwrap_or(&self.output).inputs();
        if width != manifest.width {
            return other(format!(
                "it reads {width} values, the model gives {}",
                manifest.width
            ));
        }
        let layers = self.input.indices();
        if let Some(layer) = layers.iter().find(|layer| **layer >= manifest.layers.len()) {
            return other(format!("there is no layer {layer}"));
        }
        if layers.len() > 1 && !manifest.graph.layers_mixable {
            return other("it mixes layers that are not alike in this model".to_owned());
        }
        if self.reads == Reads::Frames && manifest.graph.frames.is_empty() {
            return other("it reads frames, and the model gives none".to_owned());
        }
        let frames = (
            self.metadata.get("frames_sha256").map(String::as_str),
            manifest.frames_sha256(),
        );
        if self.reads == Reads::Frames && matches!(frames, (Some(own), Some(other)) if own != other)
        {
            return other("it was fitted on other frames".to_owned());
        }
        let invalid = |reason: String| {
            Err(HeadError::Invalid {
                path: self.path.clone(),
                reason,
            })
        };
        if self.task == "key" && !is_key_labels(&self.labels) {
            return invalid(
                "a key head names the 24 keys, C to B major and then C to B minor".to_owned(),
            );
        }
        if ["genre", "key"].contains(&self.task.as_str()) && self.outputs != Outputs::Multiclass {
            return invalid(format!(
                "a head of the task “{}” chooses one label, and this one is {}; give its task \
                 another name",
                self.task,
                self.outputs.name()
            ));
        }
        Ok(())
    }

    /// Its name among the heads of its model: its file's name up to the first dot.
    #[must_use]
    pub fn id(&self) -> &str {
        let name = self.path.file_name().and_then(|name| name.to_str());
        let name = name.unwrap_or_default();
        name.split_once('.').map_or(name, |(id, _)| id)
    }

    /// The file it was read from.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// What the head says, `[labels]`, of hidden states `[layers, (frames,) width]`: calibrated
    /// probabilities or quantities, see [`Outputs`]. A head that reads frames says the mean over
    /// them.
    #[must_use]
    pub fn predict(&self, hidden: &HiddenStates) -> Vec<f32> {
        if self.reads == Reads::Frames && hidden.frames.is_some() {
            return mean_of_rows(&self.predict_frames(hidden), self.labels.len());
        }
        self.apply(match &self.input {
            LayerInput::One(layer) => hidden.pooled_layer(*layer).into_owned(),
            LayerInput::Weighted(layers) => {
                let mut sum = vec![0.0; hidden.width];
                for (layer, weight) in layers {
                    add(&mut sum, &hidden.pooled_layer(*layer), *weight);
                }
                sum
            }
        })
    }

    /// What the head says of each frame, `[frames, labels]`; one row for pooled hidden states.
    #[must_use]
    pub(crate) fn predict_frames(&self, hidden: &HiddenStates) -> Vec<f32> {
        let features = match &self.input {
            LayerInput::One(layer) => Cow::Borrowed(hidden.layer(*layer)),
            LayerInput::Weighted(layers) => Cow::Owned(weighted(hidden, layers)),
        };
        let frames = features.chunks_exact(hidden.width);
        frames.flat_map(|x| self.apply(x.to_vec())).collect()
    }

    /// The answers to one vector, `[width]`.
    fn apply(&self, mut x: Vec<f32>) -> Vec<f32> {
        for ((x, mean), std) in x.iter_mut().zip(&self.mean).zip(&self.std) {
            *x = (*x - mean) / std;
        }
        if let Some(dense) = &self.hidden {
            x = dense.apply(&x).into_iter().map(|x| x.max(0.0)).collect();
        }
        let logits: Vec<f32> = self
            .output
            .apply(&x)
            .into_iter()
            .map(|logit| logit / self.temperature)
            .collect();
        match self.outputs {
            Outputs::Multiclass => softmax(&logits),
            Outputs::Multilabel => logits.into_iter().map(sigmoid).collect(),
            Outputs::Regression => logits,
        }
    }
}

/// The weighted sum of some hidden states, `[(frames,) width]`.
#[must_use]
pub fn weighted(hidden: &HiddenStates, layers: &[(usize, f32)]) -> Vec<f32> {
    let mut sum = vec![0.0; hidden.frames.unwrap_or(1) * hidden.width];
    for (layer, weight) in layers {
        add(&mut sum, hidden.layer(*layer), *weight);
    }
    sum
}

fn add(sum: &mut [f32], values: &[f32], weight: f32) {
    for (sum, value) in sum.iter_mut().zip(values) {
        *sum += weight * value;
    }
}

/// The mean over rows of `width` values.
pub(crate) fn mean_of_rows(values: &[f32], width: usize) -> Vec<f32> {
    let mut mean = vec![0.0; width];
    let rows = values.chunks_exact(width);
    let share = 1.0 / rows.len().max(1) as f32;
    rows.for_each(|row| add(&mut mean, row, share));
    mean
}

/// Softmax that survives large logits.
fn softmax(logits: &[f32]) -> Vec<f32> {
    let top = logits.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let exp: Vec<f32> = logits.iter().map(|logit| (logit - top).exp()).collect();
    let sum: f32 = exp.iter().sum();
    exp.into_iter().map(|exp| exp / sum).collect()
}

/// The probability that belongs to a logit.
fn sigmoid(logit: f32) -> f32 {
    1.0 / (1.0 + (-logit).exp())
}

fn is_key_labels(labels: &[String]) -> bool {
    labels.len() == Key::COUNT
        && labels
            .iter()
            .zip(Key::all())
            .all(|(label, key)| label.parse() == Ok(key))
}

#[cfg(test)]
mod tests {
    use super::*;
    use safetensors::Dtype;
    use safetensors::tensor::TensorView;

    type Tensors<'a> = Vec<(&'a str, Vec<usize>, Vec<f32>)>;

    fn file(tensors: &Tensors, changed: &[(&str, &str)]) -> Vec<u8> {
        let mut metadata: HashMap<String, String> = [
            ("task", "mood"),
            ("labels", r#"["calm", "tense"]"#),
            ("layers", "[1]"),
            ("temperature", "2"),
            ("encoder_sha256", "abc"),
        ]
        .map(|(k, v)| (k.to_owned(), v.to_owned()))
        .into();
        for (name, value) in changed {
            metadata.insert((*name).to_owned(), (*value).to_owned());
        }
        let data: Vec<Vec<u8>> = tensors
            .iter()
            .map(|(_, _, values)| values.iter().flat_map(|v| v.to_le_bytes()).collect())
            .collect();
        let views = tensors.iter().zip(&data).map(|((name, shape, _), data)| {
            (
                *name,
                TensorView::new(Dtype::F32, shape.clone(), data).unwrap(),
            )
        });
        safetensors::serialize(views, Some(metadata)).unwrap()
    }

    fn linear() -> Tensors<'static> {
        vec![
            ("weight", vec![2, 2], vec![1., 0., 0., 1.]),
            ("bias", vec![2], vec![0., 0.5]),
            ("mean", vec![2], vec![1., 1.]),
            ("std", vec![2], vec![2., 0.5]),
        ]
    }

    fn states() -> HiddenStates {
        HiddenStates {
            layers: 2,
            which: mertscope_model::LayerSet::All,
            frames: None,
            window: None,
            width: 2,
            data: vec![9., 9., 3., 2.],
        }
    }

    fn parse(tensors: &Tensors, changed: &[(&str, &str)]) -> Result<Head, HeadError> {
        Head::parse(&file(tensors, changed), Path::new("mood.safetensors"))
    }

    #[test]
    fn a_linear_head_standardizes_multiplies_and_calibrates() {
        let p = parse(&linear(), &[]).unwrap().predict(&states());
        // x = ((3−1)/2, (2−1)/0.5) = (1, 2); logits (1, 2.5), divided by the temperature 2.
        let expected = 1.0 / (1.0 + (0.75f32).exp());
        assert!(
            (p[0] - expected).abs() < 1e-6 && (p[0] + p[1] - 1.0).abs() < 1e-6,
            "{p:?}"
        );
    }

    #[test]
    fn a_hidden_layer_is_rectified() {
        let mut tensors = linear();
        tensors[0] = ("weight", vec![2, 3], vec![1., 0., 0., 0., 1., 1.]);
        tensors.push(("hidden.weight", vec![3, 2], vec![-1., 0., 0., 1., 1., 1.]));
        tensors.push(("hidden.bias", vec![3], vec![0., -1., 0.]));
        let p = parse(&tensors, &[]).unwrap().predict(&states());
        // ReLU(−1, 1, 3) = (0, 1, 3); logits (0, 4.5) / 2.
        assert!(
            (p[1] - 1.0 / (1.0 + (-2.25f32).exp())).abs() < 1e-6,
            "{p:?}"
        );
    }

    #[test]
    fn outputs_are_what_the_file_says() {
        let of = |outputs| {
            parse(&linear(), &[("outputs", outputs)])
                .unwrap()
                .predict(&states())
        };
        // Logits (1, 2.5), divided by the temperature 2.
        assert_eq!(of("regression"), [0.5, 1.25]);
        for (p, logit) in of("multilabel").iter().zip([0.5f32, 1.25]) {
            assert!((p - 1.0 / (1.0 + (-logit).exp())).abs() < 1e-6, "{p}");
        }
        assert!((of("multiclass").iter().sum::<f32>() - 1.0).abs() < 1e-6);
    }

    #[test]
    fn frames_are_read_one_by_one_or_averaged() {
        let frames = HiddenStates {
            layers: 1,
            which: mertscope_model::LayerSet::of([1], 2),
            frames: Some(2),
            window: None,
            width: 2,
            data: vec![1., 2., 5., 2.],
        };
        // The mean of the frames is (3, 2), what `states` holds.
        let window = parse(&linear(), &[]).unwrap();
        assert_eq!(window.predict(&frames), window.predict(&states()));
        let each = parse(&linear(), &[("reads", "frames"), ("outputs", "regression")]).unwrap();
        // x = (0, 2) and (2, 2); logits (0, 2.5) and (2, 2.5), divided by the temperature 2.
        assert_eq!(each.predict_frames(&frames), [0.0, 1.25, 1.0, 1.25]);
        assert_eq!(each.predict(&frames), [0.5, 1.25]);
        assert_eq!(each.predict(&states()), [0.5, 1.25]);
    }

    #[test]
    fn layers_are_mixed_by_softmax_weights() {
        let mut tensors = linear();
        tensors.push(("layer_weights", vec![2], vec![0.0, 3.0f32.ln()]));
        let head = parse(&tensors, &[("layers", "[0, 1]")]).unwrap();
        let LayerInput::Weighted(layers) = &head.input else {
            panic!("not weighted")
        };
        let mixed = weighted(&states(), layers);
        assert!(
            (mixed[0] - (0.25 * 9.0 + 0.75 * 3.0)).abs() < 1e-5,
            "{mixed:?}"
        );
    }

    #[test]
    fn what_makes_no_sense_is_refused_with_a_reason() {
        let with = |name: &'static str, shape: Vec<usize>, values: Vec<f32>| {
            let mut tensors = linear();
            tensors.retain(|(other, ..)| *other != name);
            tensors.push((name, shape, values));
            tensors
        };
        for (tensors, changed, expected) in [
            (linear(), ("labels", "[\"calm\"]"), "fewer than two"),
            (linear(), ("labels", "[\"a\", \"a\"]"), "twice"),
            (
                linear(),
                ("labels", "[\"a\", \"b\", \"c\"]"),
                "3 labels but 2 outputs",
            ),
            (linear(), ("labels", "calm"), "JSON"),
            (linear(), ("temperature", "0"), "temperature"),
            (linear(), ("temperature", "NaN"), "temperature"),
            (linear(), ("threshold", "1.5"), "threshold"),
            (linear(), ("threshold", "NaN"), "threshold"),
            (linear(), ("outputs", "softmax"), "“softmax”"),
            (linear(), ("reads", "beats"), "“beats”"),
            (linear(), ("layers", "[]"), "no layer"),
            (linear(), ("layers", "[0, 1]"), "layer_weights"),
            (
                with("std", vec![2], vec![1., 0.]),
                ("task", "x"),
                "positive",
            ),
            (with("mean", vec![1], vec![1.]), ("task", "x"), "mean"),
            (
                with("bias", vec![2], vec![f32::NAN, 0.]),
                ("task", "x"),
                "finite",
            ),
            (
                with("weight", vec![4], vec![0.; 4]),
                ("task", "x"),
                "don't fit",
            ),
            (
                with("hidden.bias", vec![1], vec![0.]),
                ("task", "x"),
                "only one",
            ),
        ] {
            let error = parse(&tensors, &[changed]).unwrap_err().to_string();
            assert!(
                error.contains(expected) && error.contains("mood.safetensors"),
                "{error}"
            );
        }
        for bytes in [
            &b""[..],
            b"RIFF",
            &u64::MAX.to_le_bytes(),
            &file(&linear(), &[])[..100],
        ] {
            assert!(Head::parse(bytes, Path::new("x")).is_err());
        }
    }

    #[test]
    fn a_head_of_another_model_or_with_unmixable_layers_is_refused() {
        let manifest = mertscope_model::Model::embedded().unwrap().manifest;
        let sha = manifest.sha256();
        let wide = |extra: Option<(&'static str, Vec<usize>, Vec<f32>)>| {
            let mut tensors = vec![
                ("weight", vec![2, 256], vec![0.0; 512]),
                ("bias", vec![2], vec![0.0; 2]),
            ];
            tensors.extend(extra);
            tensors
        };
        let weights = Some(("layer_weights", vec![2], vec![0.0; 2]));
        for (tensors, changed, expected) in [
            (wide(None), vec![("encoder_sha256", "abc")], "other weights"),
            (linear(), vec![("encoder_sha256", sha)], "2 values"),
            (
                wide(None),
                vec![("encoder_sha256", sha), ("layers", "[7]")],
                "no layer 7",
            ),
            (
                wide(weights),
                vec![("encoder_sha256", sha), ("layers", "[0, 1]")],
                "not alike",
            ),
            (
                wide(None),
                vec![("encoder_sha256", sha), ("task", "key")],
                "24 keys",
            ),
            (
                wide(None),
                vec![
                    ("encoder_sha256", sha),
                    ("reads", "frames"),
                    ("frames_sha256", "abc"),
                ],
                "other frames",
            ),
            (
                wide(None),
                vec![
                    ("encoder_sha256", sha),
                    ("task", "genre"),
                    ("outputs", "multilabel"),
                ],
                "chooses one label",
            ),
        ] {
            let error = parse(&tensors, &changed)
                .unwrap()
                .check(&manifest)
                .unwrap_err();
            assert!(error.to_string().contains(expected), "{error}");
        }
        let of_frames = [("encoder_sha256", sha), ("reads", "frames")];
        for good in [&of_frames[..1], &of_frames] {
            let head = parse(&wide(None), good).unwrap();
            head.check(&manifest).unwrap();
        }
        let mut without = manifest.clone();
        without.graph.frames.clear();
        let head = parse(&wide(None), &of_frames).unwrap();
        let error = head.check(&without).unwrap_err().to_string();
        assert!(error.contains("gives none"), "{error}");
    }
}
