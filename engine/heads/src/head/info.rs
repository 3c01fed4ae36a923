//! A head's description, as views and commands show it.

use std::sync::Arc;

use super::{Head, LayerInput, Outputs, Reads};
use mertscope_music::Confidence;

/// A head's description.
#[derive(Debug, Clone, PartialEq)]
pub struct HeadInfo {
    /// Its name among the heads of its model.
    pub id: String,
    /// SHA-256 of its file, hexadecimal.
    pub sha256: String,
    /// The question it answers.
    pub task: String,
    /// Its labels, in the order of the outputs.
    pub labels: Arc<[String]>,
    /// The meaning of its outputs.
    pub outputs: Outputs,
    /// The least probability at which a label is named, [`Head::threshold`].
    pub threshold: Option<f32>,
    /// Its constants of confidence, [`Head::confidence`].
    pub confidence: Confidence,
    /// Whether these were fitted for it. If not, a figure beside its labels is shown with the words “not calibrated”.
    pub is_calibrated: bool,
    /// Whether it reads the mean of a window or each frame.
    pub reads: Reads,
    /// The layers that it reads, in words.
    pub layers_text: String,
    /// Its metrics, in words; empty when its file has none.
    pub metrics_text: String,
    /// Its training data, in words; empty when its file names none.
    pub source_text: String,
    /// Its license; empty when its file names none.
    pub license_text: String,
    /// Size of its file, in bytes.
    pub bytes: u64,
}

impl From<&Head> for HeadInfo {
    fn from(head: &Head) -> Self {
        let text = |name: &str| head.metadata.get(name).cloned().unwrap_or_default();
        Self {
            id: head.id().to_owned(),
            sha256: head.sha256.clone(),
            task: head.task.clone(),
            labels: head.labels.clone().into(),
            outputs: head.outputs,
            threshold: head.threshold,
            confidence: head.confidence(),
            is_calibrated: head.fitted_confidence.is_some(),
            reads: head.reads,
            layers_text: layers(head),
            metrics_text: metrics(&text("metrics")),
            source_text: text("training_data"),
            license_text: text("licence"),
            bytes: head.bytes,
        }
    }
}

impl HeadInfo {
    /// Whether a most probable label with this probability is sure enough to be named.
    #[must_use]
    pub fn is_sure(&self, probability: f32) -> bool {
        let least = if self.is_calibrated {
            Some(self.confidence.live.named)
        } else {
            self.threshold
        };
        least.is_none_or(|least| probability >= least)
    }

    /// The outputs to show first, of `answers` `[labels]`: the most probable label when labels exclude
    /// each other; otherwise at most three, each at least half as probable as the first; all
    /// quantities. NaN and infinite values count as 0.
    #[must_use]
    pub fn foremost(&self, answers: &[f32]) -> Vec<(&str, f32)> {
        let number = |answer: &f32| if answer.is_finite() { *answer } else { 0.0 };
        let labels = self.labels.iter().map(String::as_str);
        let mut all: Vec<(&str, f32)> = labels.zip(answers.iter().map(number)).collect();
        if self.outputs == Outputs::Regression {
            return all;
        }
        all.sort_by(|a, b| b.1.total_cmp(&a.1));
        let likely = match self.outputs {
            Outputs::Multilabel => {
                let least = all.first().map_or(0.0, |(_, p)| p / 2.0);
                all.iter().take(3).filter(|(_, p)| *p >= least).count()
            }
            _ => 1,
        };
        all.truncate(likely);
        all
    }
}

fn layers(head: &Head) -> String {
    let layers = layers_of(&head.input);
    match head.reads {
        Reads::Window => layers,
        Reads::Frames => format!("{layers}, frame by frame"),
    }
}

fn layers_of(input: &LayerInput) -> String {
    match input {
        LayerInput::One(layer) => format!("layer {layer}"),
        LayerInput::Weighted(layers) => {
            let weights: Vec<String> = layers
                .iter()
                .map(|(layer, weight)| format!("{layer} ({:.0} %)", weight * 100.0))
                .collect();
            format!("weighted sum of layers {}", weights.join(", "))
        }
    }
}

/// The figures of a JSON object, in its order; any other text unchanged.
fn metrics(text: &str) -> String {
    let Ok(figures) = serde_json::from_str::<serde_json::Map<String, serde_json::Value>>(text)
    else {
        return text.to_owned();
    };
    let figures: Vec<String> = figures
        .iter()
        .filter_map(|(name, value)| {
            let value = value.as_f64()?;
            // Counts are whole, shares are not.
            let value = if value.fract() == 0.0 && value.abs() >= 2.0 {
                format!("{value:.0}")
            } else {
                format!("{value:.3}")
            };
            Some(format!("{} {value}", name.replace('_', " ")))
        })
        .collect();
    figures.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_embedded_heads_describe_themselves() {
        let package = crate::package::ModelPackage::embedded().unwrap();
        let package = package.with_head("genre").unwrap();
        let info = HeadInfo::from(package.head("genre").unwrap());
        assert_eq!((info.id.as_str(), info.task.as_str()), ("genre", "genre"));
        assert_eq!(info.layers_text, "layer 6");
        assert!(info.metrics_text.starts_with("accuracy 0.7"), "{info:?}");
        assert!(!info.source_text.is_empty());
        assert!(info.bytes > 1_000, "{info:?}");
    }

    #[test]
    fn the_foremost_answers_depend_on_the_kind_of_outputs() {
        let package = crate::package::ModelPackage::embedded().unwrap();
        let info = |outputs| HeadInfo {
            labels: ["calm", "tense", "dark", "warm"].map(str::to_owned).into(),
            outputs,
            ..HeadInfo::from(package.head("genre").unwrap())
        };
        let likely = [0.2, 0.9, f32::NAN, 0.6];
        let one = info(Outputs::Multiclass);
        assert_eq!(one.foremost(&likely), [("tense", 0.9)]);
        let several = info(Outputs::Multilabel);
        assert_eq!(several.foremost(&likely), [("tense", 0.9), ("warm", 0.6)]);
        assert_eq!(several.foremost(&[0.09, 0.2, 0.0, 0.0]), [("tense", 0.2)]);
        assert_eq!(several.foremost(&[0.9; 4]).len(), 3);
        assert!(several.foremost(&[]).is_empty());
        let all = info(Outputs::Regression);
        assert_eq!(all.foremost(&[1.5, -0.5]), [("calm", 1.5), ("tense", -0.5)]);
    }

    #[test]
    fn a_head_without_a_threshold_is_always_sure() {
        let package = crate::package::ModelPackage::embedded().unwrap();
        let info = |threshold| HeadInfo {
            threshold,
            is_calibrated: false,
            ..HeadInfo::from(package.head("genre").unwrap())
        };
        assert!(info(None).is_sure(0.0));
        assert!(info(Some(0.4)).is_sure(0.4));
        assert!(!info(Some(0.4)).is_sure(0.39));
    }

    #[test]
    fn figures_are_written_out_and_other_text_is_kept() {
        assert_eq!(
            metrics(r#"{"accuracy": 0.5, "files": 409, "table": [1], "ece": 0.0312}"#),
            "accuracy 0.500, files 409, ece 0.031"
        );
        assert_eq!(metrics("as good as it gets"), "as good as it gets");
        let mixed = LayerInput::Weighted(vec![(1, 0.25), (2, 0.75)]);
        assert_eq!(
            layers_of(&mixed),
            "weighted sum of layers 1 (25 %), 2 (75 %)"
        );
    }
}
