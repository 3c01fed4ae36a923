//! Heads as MARBLE and Music-Descriptor publish them: a training checkpoint with one ReLU layer
//! and an output layer, on one hidden state or on a learned mixture of all but the first.
//!
//! MARBLE numbers hidden states from 0, the embedding, as we do. The demonstration program that
//! goes with the published heads drops that one first and so reads one layer higher than the heads
//! were fitted on; its numbers are not followed.

mod labels;

use std::collections::BTreeMap;
use std::path::Path;

use serde_json::json;

use super::Outputs;
use mertscope_model::Manifest;
use mertscope_model::checkpoint::{CheckpointError, Weights};
use mertscope_model::tensors::serialize;

pub use labels::Labels;

/// What the checkpoint itself does not say.
#[derive(Debug, Clone)]
pub struct Described<'a> {
    /// What the head tells.
    pub task: &'a str,
    /// Its labels.
    pub labels: &'a Labels,
    /// What its outputs mean.
    pub outputs: Outputs,
    /// The hidden state that it is said to be fitted on, by MARBLE's numbers.
    pub layer: Option<usize>,
    /// The hidden state that MARBLE's configurations use for the task, where they are known.
    pub usual_layer: Option<usize>,
}

/// Why a checkpoint is no head that can be taken in.
#[derive(Debug, thiserror::Error)]
pub enum MarbleError {
    /// It can't be read.
    #[error(transparent)]
    Checkpoint(#[from] CheckpointError),
    /// Nobody knows which hidden state it reads.
    #[error("Which hidden state {file} reads is not known; name it with --layer.")]
    Layer {
        /// The file.
        file: String,
    },
    /// It is something else.
    #[error("{file} is no head of MARBLE's that can be taken in: {reason}.")]
    Shape {
        /// The file.
        file: String,
        /// What is wrong.
        reason: String,
    },
}

/// The bytes of a head's file, made of a training checkpoint. Nothing in the checkpoint is run.
///
/// # Errors
/// [`MarbleError`].
pub fn import(
    checkpoint: &Path,
    described: &Described<'_>,
    manifest: &Manifest,
) -> Result<Vec<u8>, MarbleError> {
    let weights = Weights::open_training(checkpoint)?;
    let shape = |reason: String| MarbleError::Shape {
        file: checkpoint.display().to_string(),
        reason,
    };
    // Whatever the training program called the module that the layers are in.
    let find = |ending: &str| {
        let is_it = |name: &&String| *name == ending || name.ends_with(&format!(".{ending}"));
        let mut found = weights.tensors().iter().filter(|(name, _)| is_it(name));
        match (found.next(), found.next()) {
            (Some((name, tensor)), None) => Ok((name.clone(), tensor.shape.clone())),
            (None, _) => Err(shape(format!("it has no “{ending}”"))),
            (Some(_), Some(_)) => Err(shape(format!("it has several “{ending}”"))),
        }
    };
    let parts = [
        "hidden_0.weight",
        "hidden_0.bias",
        "output.weight",
        "output.bias",
    ];
    let [hidden, hidden_bias, output, output_bias] = parts.map(find);
    let (hidden, hidden_bias) = (hidden?, hidden_bias?);
    let (output, output_bias) = (output?, output_bias?);
    if weights
        .tensors()
        .keys()
        .any(|name| name.contains("hidden_1."))
    {
        return Err(shape("it has more than one hidden layer".to_owned()));
    }
    let labels = described.labels.names.len();
    let units = hidden.1.first().copied().unwrap_or_default();
    for (part, expected) in [
        (&hidden, vec![units, manifest.width]),
        (&hidden_bias, vec![units]),
        (&output, vec![labels, units]),
        (&output_bias, vec![labels]),
    ] {
        if part.1 != expected {
            let (name, found) = part;
            return Err(shape(format!(
                "“{name}” has the shape {found:?} instead of {expected:?}, which {labels} labels and \
                 the model {} ask for",
                manifest.id
            )));
        }
    }
    let mixture = find("aggregator").ok();
    let layers: Vec<usize> = match (&mixture, described.layer) {
        (None, layer) => {
            let file = || checkpoint.display().to_string();
            let layer = layer.or(described.usual_layer);
            vec![layer.ok_or_else(|| MarbleError::Layer { file: file() })?]
        }
        (Some(_), Some(_)) => {
            let reason = "it mixes hidden states by itself; leave --layer out".to_owned();
            return Err(shape(reason));
        }
        // All but the embedding.
        (Some((_, found)), None) if *found == [1, manifest.layers.len() - 1, 1] => {
            (1..manifest.layers.len()).collect()
        }
        (Some((name, found)), None) => {
            return Err(shape(format!(
                "“{name}” has the shape {found:?}, which does not fit the {} hidden states of the \
                 model {}",
                manifest.layers.len(),
                manifest.id
            )));
        }
    };
    let metadata: BTreeMap<String, String> = [
        ("task", described.task.to_owned()),
        ("labels", json!(described.labels.names).to_string()),
        ("outputs", described.outputs.name().to_owned()),
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
    .map(|(name, value)| (name.to_owned(), value))
    .into();
    let mut parts = vec![
        ("hidden.weight", hidden),
        ("hidden.bias", hidden_bias),
        ("weight", output),
        ("bias", output_bias),
    ];
    parts.extend(mixture.map(|(name, _)| ("layer_weights", (name, vec![layers.len()]))));
    let values = parts.iter().map(|(_, (name, _))| weights.floats(name));
    let values = values.collect::<Result<Vec<_>, _>>()?;
    let tensors = parts.iter().zip(&values);
    let tensors: Vec<(&str, &[usize], &[f32])> = tensors
        .map(|((name, (_, shape)), values)| (*name, &**shape, &**values))
        .collect();
    Ok(serialize(&metadata, &tensors))
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

    /// A model with hidden states of six values, as the small heads read them.
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
        let described = Described {
            task: "mood",
            labels: &labels,
            layer,
            outputs: labels.outputs,
            usual_layer: None,
        };
        import(&fixture(name), &described, manifest)
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
    fn what_does_not_fit_is_told() {
        let wide = Model::embedded_manifest().unwrap();
        let mut tall = manifest();
        tall.layers.truncate(3);
        for (name, labels, layer, manifest, told) in [
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
            assert!(error.contains(told) && error.contains(file), "{error}");
        }
    }
}
