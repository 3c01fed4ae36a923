//! Heads as MARBLE and Music-Descriptor publish them: a training checkpoint with one ReLU layer
//! and an output layer on one hidden state.
//!
//! MARBLE numbers hidden states from 0, the embedding, as we do. The demonstration program that
//! goes with the published heads drops that one first and so reads one layer higher than the heads
//! were fitted on; its numbers are not followed.

use std::collections::BTreeMap;
use std::path::Path;

use serde_json::json;

use super::Outputs;
use crate::model::Manifest;
use crate::model::checkpoint::{CheckpointError, Weights};
use crate::tensors::serialize;

/// What the checkpoint itself does not say.
#[derive(Debug, Clone)]
pub struct Described<'a> {
    /// What the head tells.
    pub task: &'a str,
    /// Its labels, in the order of the outputs.
    pub labels: &'a [String],
    /// The hidden state it was fitted on, by MARBLE's numbers.
    pub layer: usize,
    /// What its outputs mean.
    pub outputs: Outputs,
}

/// What the outputs of MARBLE's head for `task` mean: its tags (MTG, MTT) don't exclude each other,
/// and emotions (EMO) are quantities.
#[must_use]
pub fn outputs_of(task: &str) -> Outputs {
    let starts = |name: &str| {
        let start = task.get(..name.len());
        start.is_some_and(|start| start.eq_ignore_ascii_case(name))
    };
    if starts("MTG") || starts("MTT") {
        Outputs::Multilabel
    } else if starts("EMO") {
        Outputs::Regression
    } else {
        Outputs::Multiclass
    }
}

/// Why a checkpoint is no head that can be taken in.
#[derive(Debug, thiserror::Error)]
pub enum MarbleError {
    /// It can't be read.
    #[error(transparent)]
    Checkpoint(#[from] CheckpointError),
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
    if let Some(name) = weights
        .tensors()
        .keys()
        .find(|name| name.contains("aggregator"))
    {
        return Err(shape(format!(
            "it mixes layers by “{name}”, and only heads on one hidden state can be taken in"
        )));
    }
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
    let labels = described.labels.len();
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
    let metadata: BTreeMap<String, String> = [
        ("task", described.task.to_owned()),
        ("labels", json!(described.labels).to_string()),
        ("layers", json!([described.layer]).to_string()),
        ("outputs", described.outputs.name().to_owned()),
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
    let values =
        [&hidden, &hidden_bias, &output, &output_bias].map(|(name, _)| weights.floats(name));
    let [
        hidden_values,
        hidden_bias_values,
        output_values,
        output_bias_values,
    ] = values;
    Ok(serialize(
        &metadata,
        &[
            ("hidden.weight", &hidden.1, &hidden_values?),
            ("hidden.bias", &hidden_bias.1, &hidden_bias_values?),
            ("weight", &output.1, &output_values?),
            ("bias", &output_bias.1, &output_bias_values?),
        ],
    ))
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::*;
    use crate::head::{Head, LayerInput};
    use crate::model::{HiddenStates, LayerSet, Model};

    fn fixture() -> PathBuf {
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/fixtures/marble/head.ckpt")
    }

    fn manifest() -> Manifest {
        let mut manifest = Model::embedded_manifest().unwrap();
        manifest.width = 6;
        manifest
    }

    fn import_with(labels: &[&str], manifest: &Manifest) -> Result<Vec<u8>, MarbleError> {
        let labels: Vec<String> = labels.iter().map(|label| (*label).to_owned()).collect();
        let described = Described {
            task: "mood",
            labels: &labels,
            layer: 3,
            outputs: outputs_of("mood"),
        };
        import(&fixture(), &described, manifest)
    }

    #[test]
    fn a_published_head_answers_as_its_layers_say() {
        let bytes = import_with(&["a", "b", "c"], &manifest()).unwrap();
        let head = Head::parse(&bytes, &fixture()).unwrap();
        head.check(&manifest()).unwrap();
        assert_eq!(head.input, LayerInput::One(3));
        let states = HiddenStates {
            layers: 7,
            which: LayerSet::All,
            frames: None,
            width: 6,
            data: (0..42).map(|n| (n % 6) as f32 / 6.0).collect(),
        };
        // Printed by the fixture's script.
        let expected = [0.5948491, 0.2985638, 0.1065871];
        for (p, expected) in head.answers(&states).iter().zip(expected) {
            assert!((p - expected).abs() < 1e-6, "{p} {expected}");
        }
        assert!(head.metadata["training_data"].contains("whole clips"));
    }

    #[test]
    fn tags_and_emotions_are_not_classes() {
        for (task, outputs) in [
            ("MTG-Mood", Outputs::Multilabel),
            ("mtgGenre", Outputs::Multilabel),
            ("MTT", Outputs::Multilabel),
            ("EMO", Outputs::Regression),
            ("key", Outputs::Multiclass),
            ("µ", Outputs::Multiclass),
        ] {
            assert_eq!(outputs_of(task), outputs, "{task}");
        }
        let labels = ["a", "b", "c"].map(str::to_owned);
        let described = Described {
            task: "MTG-Mood",
            labels: &labels,
            layer: 3,
            outputs: outputs_of("MTG-Mood"),
        };
        let bytes = import(&fixture(), &described, &manifest()).unwrap();
        let head = Head::parse(&bytes, &fixture()).unwrap();
        assert_eq!(head.outputs, Outputs::Multilabel);
    }

    #[test]
    fn what_does_not_fit_is_told() {
        let error = import_with(&["a", "b"], &manifest())
            .unwrap_err()
            .to_string();
        assert!(
            error.contains("2 labels") && error.contains("head.ckpt"),
            "{error}"
        );
        let wide = Model::embedded_manifest().unwrap();
        let error = import_with(&["a", "b", "c"], &wide)
            .unwrap_err()
            .to_string();
        assert!(error.contains("256"), "{error}");
        let labels = ["a".to_owned(), "b".to_owned()];
        let described = Described {
            task: "mood",
            labels: &labels,
            layer: 3,
            outputs: outputs_of("mood"),
        };
        let other = fixture().with_file_name("../checkpoints/training.ckpt");
        let error = import(&other, &described, &manifest())
            .unwrap_err()
            .to_string();
        assert!(error.contains("hidden_0"), "{error}");
    }
}
