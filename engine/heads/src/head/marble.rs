//! Heads as MARBLE and Music-Descriptor publish them: a training checkpoint with one ReLU layer
//! and an output layer, on one hidden state or on a learned mixture of all but the first.
//!
//! MARBLE numbers hidden states from 0, the embedding, as we do. The demonstration program that
//! comes with the published heads drops the embedding first and so reads one layer higher than the
//! heads were fitted on; we don't follow it.

mod labels;

use std::collections::BTreeMap;
use std::path::Path;

use serde_json::json;

use super::Outputs;
use mertscope_model::Manifest;
use mertscope_model::checkpoint::{CheckpointError, Weights};
use mertscope_model::tensors::serialize;

pub use labels::Labels;

/// The description of a head that its checkpoint lacks.
#[derive(Debug, Clone)]
pub struct HeadDescription<'a> {
    /// The question that the head answers.
    pub task: &'a str,
    /// Its labels.
    pub labels: &'a Labels,
    /// The meaning of its outputs.
    pub outputs: Outputs,
    /// The hidden state that it reads, by MARBLE's numbers, when the user names one.
    pub layer: Option<usize>,
    /// The hidden state that MARBLE's configurations use for the task, when known.
    pub usual_layer: Option<usize>,
    /// Its license, for people; empty when it is not known.
    pub license: &'a str,
}

/// Why a checkpoint can't be imported as a head.
#[derive(Debug, thiserror::Error)]
pub enum MarbleError {
    /// The checkpoint can't be read.
    #[error(transparent)]
    Checkpoint(#[from] CheckpointError),
    /// Its hidden state is unknown.
    #[error("It is not known which hidden state {file} reads; name it with --layer.")]
    Layer {
        /// The file.
        file: String,
    },
    /// Its tensors are not those of a head.
    #[error("{file} is not a MARBLE head that can be imported: {reason}.")]
    Shape {
        /// The file.
        file: String,
        /// The reason, a phrase.
        reason: String,
    },
}

/// A tensor of the checkpoint: its name there and its shape.
type Tensor = (String, Vec<usize>);

/// The tensors of a published head.
struct Tensors {
    hidden_weight: Tensor,
    hidden_bias: Tensor,
    output_weight: Tensor,
    output_bias: Tensor,
    /// Logits of the layers' weights, for a head on a mixture of hidden states.
    mixture: Option<Tensor>,
}

/// Makes the bytes of a head's file from a training checkpoint. Nothing in the checkpoint is run.
///
/// # Errors
/// [`MarbleError`].
pub fn import(
    checkpoint: &Path,
    description: &HeadDescription<'_>,
    manifest: &Manifest,
) -> Result<Vec<u8>, MarbleError> {
    let weights = Weights::open_training(checkpoint)?;
    let file = || checkpoint.display().to_string();
    let shape_error = |reason: String| MarbleError::Shape {
        file: file(),
        reason,
    };
    let tensors = Tensors::find(&weights).map_err(shape_error)?;
    let labels = description.labels.names.len();
    tensors.check(labels, manifest).map_err(shape_error)?;
    let layers = match (&tensors.mixture, description.layer) {
        (None, layer) => {
            let layer = layer.or(description.usual_layer);
            vec![layer.ok_or_else(|| MarbleError::Layer { file: file() })?]
        }
        (Some(_), Some(_)) => {
            let reason = "it mixes hidden states by itself; leave --layer out".to_owned();
            return Err(shape_error(reason));
        }
        (Some(mixture), None) => mixed_layers(mixture, manifest).map_err(shape_error)?,
    };
    let metadata = metadata(description, &layers, manifest);
    let named = tensors.named(layers.len());
    let values = named.iter().map(|(_, (name, _))| weights.floats(name));
    let values = values.collect::<Result<Vec<_>, _>>()?;
    let tensors = named.iter().zip(&values);
    let tensors: Vec<(&str, &[usize], &[f32])> = tensors
        .map(|((name, (_, shape)), values)| (*name, &**shape, &**values))
        .collect();
    Ok(serialize(&metadata, &tensors))
}

impl Tensors {
    /// Finds them by the ends of their names, whatever the training program called the module that
    /// holds the layers.
    fn find(weights: &Weights) -> Result<Self, String> {
        let find = |ending: &str| find(weights, ending);
        let tensors = Self {
            hidden_weight: find("hidden_0.weight")?,
            hidden_bias: find("hidden_0.bias")?,
            output_weight: find("output.weight")?,
            output_bias: find("output.bias")?,
            mixture: find("aggregator").ok(),
        };
        let mut names = weights.tensors().keys();
        if names.any(|name| name.contains("hidden_1.")) {
            return Err("it has more than one hidden layer".to_owned());
        }
        Ok(tensors)
    }

    /// Checks the shapes of the two layers against the labels and the model.
    fn check(&self, labels: usize, manifest: &Manifest) -> Result<(), String> {
        let units = self.hidden_weight.1.first().copied().unwrap_or_default();
        for ((name, found), expected) in [
            (&self.hidden_weight, vec![units, manifest.width]),
            (&self.hidden_bias, vec![units]),
            (&self.output_weight, vec![labels, units]),
            (&self.output_bias, vec![labels]),
        ] {
            if *found != expected {
                return Err(format!(
                    "“{name}” has the shape {found:?} instead of {expected:?}, which {labels} labels \
                     and the model {} need",
                    manifest.id
                ));
            }
        }
        Ok(())
    }

    /// The tensors by their names in a head's file; a mixture gets the shape `[layers]`.
    fn named(self, layers: usize) -> Vec<(&'static str, Tensor)> {
        let mut named = vec![
            ("hidden.weight", self.hidden_weight),
            ("hidden.bias", self.hidden_bias),
            ("weight", self.output_weight),
            ("bias", self.output_bias),
        ];
        let mixture = self.mixture;
        named.extend(mixture.map(|(name, _)| ("layer_weights", (name, vec![layers]))));
        named
    }
}

/// The one tensor whose name is `ending`, or ends with it after a dot.
fn find(weights: &Weights, ending: &str) -> Result<Tensor, String> {
    let is_it = |name: &String| *name == ending || name.ends_with(&format!(".{ending}"));
    let mut found = weights.tensors().iter().filter(|(name, _)| is_it(name));
    match (found.next(), found.next()) {
        (Some((name, tensor)), None) => Ok((name.clone(), tensor.shape.clone())),
        (None, _) => Err(format!("it has no “{ending}”")),
        (Some(_), Some(_)) => Err(format!("it has several “{ending}”")),
    }
}

/// The layers of a mixture: all but the embedding.
fn mixed_layers((name, shape): &Tensor, manifest: &Manifest) -> Result<Vec<usize>, String> {
    let layers = manifest.layers.len();
    if *shape != [1, layers - 1, 1] {
        return Err(format!(
            "“{name}” has the shape {shape:?}, which does not fit the {layers} hidden states of the \
             model {}",
            manifest.id
        ));
    }
    Ok((1..layers).collect())
}

fn metadata(
    description: &HeadDescription<'_>,
    layers: &[usize],
    manifest: &Manifest,
) -> BTreeMap<String, String> {
    let license = (!description.license.is_empty()).then(|| description.license.to_owned());
    let license = license.map(|license| ("licence", license));
    [
        ("task", description.task.to_owned()),
        ("labels", json!(description.labels.names).to_string()),
        ("outputs", description.outputs.name().to_owned()),
        ("layers", json!(layers).to_string()),
        ("temperature", "1".to_owned()),
        ("encoder_sha256", manifest.sha256().to_owned()),
        ("model", manifest.id.clone()),
        (
            "training_data",
            "published head of MARBLE, fitted on whole clips of 30 s or so and not on windows; not \
             calibrated"
                .to_owned(),
        ),
    ]
    .into_iter()
    .chain(license)
    .map(|(name, value)| (name.to_owned(), value))
    .collect()
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::*;
    use crate::head::{Head, LayerInput};
    use mertscope_model::{HiddenStates, LayerSet, Model};

    fn fixture(name: &str) -> PathBuf {
        let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/fixtures");
        fixtures.join("marble").join(name)
    }

    /// A model with hidden states of six values, as the small heads read.
    fn manifest() -> Manifest {
        let mut manifest = Model::embedded_manifest().unwrap();
        manifest.width = 6;
        manifest.layers.truncate(4);
        manifest.graph.layers_mixable = true;
        manifest
    }

    fn import_with(
        name: &str,
        labels: &str,
        layer: Option<usize>,
        manifest: &Manifest,
    ) -> Result<Vec<u8>, MarbleError> {
        let labels = Labels::parse(labels, "mood").unwrap();
        let description = HeadDescription {
            task: "mood",
            labels: &labels,
            layer,
            outputs: labels.outputs,
            usual_layer: None,
            license: "",
        };
        import(&fixture(name), &description, manifest)
    }

    /// Hidden state L holds `n (L + 1) / 24`.
    fn states() -> HiddenStates {
        let value = |n: usize| (n % 6) as f32 * (n / 6 + 1) as f32 / 24.0;
        HiddenStates {
            layers: 4,
            which: LayerSet::All,
            frames: None,
            window: None,
            width: 6,
            data: (0..24).map(value).collect(),
        }
    }

    fn answers(bytes: &[u8], expected: [f32; 3]) -> Head {
        let head = Head::parse(bytes, Path::new("head.safetensors")).unwrap();
        head.check(&manifest()).unwrap();
        for (p, expected) in head.predict(&states()).iter().zip(expected) {
            assert!((p - expected).abs() < 1e-6, "{p} {expected}");
        }
        assert!(head.metadata["training_data"].contains("whole clips"));
        head
    }

    // The probabilities were printed by the fixture's script.
    #[test]
    fn a_published_head_answers_as_pytorch_does() {
        let bytes = import_with("one.ckpt", "a\nb\nc", Some(3), &manifest()).unwrap();
        let head = answers(&bytes, ONE);
        assert_eq!(head.input, LayerInput::One(3));
        let tags = "x---a\nx---b\nx---c";
        answers(
            &import_with("one.ckpt", tags, Some(3), &manifest()).unwrap(),
            TAGS,
        );
        let bytes = import_with("mixed.ckpt", "a\nb\nc", None, &manifest()).unwrap();
        let head = answers(&bytes, MIXED);
        assert_eq!(head.input.indices(), [1, 2, 3]);
    }

    const ONE: [f32; 3] = [0.5948491, 0.2985638, 0.1065871];
    const TAGS: [f32; 3] = [0.24387375, 0.13932806, 0.05463466];
    const MIXED: [f32; 3] = [0.5950503, 0.3001657, 0.104784];

    #[test]
    fn a_head_that_does_not_fit_is_refused_with_the_reason() {
        let wide = Model::embedded_manifest().unwrap();
        let mut tall = manifest();
        tall.layers.truncate(3);
        for (name, labels, layer, manifest, expected) in [
            ("one.ckpt", "a\nb", Some(3), manifest(), "2 labels"),
            ("one.ckpt", "a\nb\nc", Some(3), wide, "256"),
            ("one.ckpt", "a\nb\nc", None, manifest(), "--layer"),
            (
                "mixed.ckpt",
                "a\nb\nc",
                Some(3),
                manifest(),
                "leave --layer out",
            ),
            ("mixed.ckpt", "a\nb\nc", None, tall, "3 hidden states"),
            (
                "../checkpoints/training.ckpt",
                "a\nb",
                Some(3),
                manifest(),
                "hidden_0",
            ),
        ] {
            let refused = import_with(name, labels, layer, &manifest);
            let error = refused.unwrap_err().to_string();
            let file = Path::new(name).file_name().unwrap().to_str().unwrap();
            assert!(error.contains(expected) && error.contains(file), "{error}");
        }
    }
}
