//! Teaching: windows marked as examples of a label, and the head that is fitted on them.
//!
//! Examples are kept as hidden states of one layer in half precision, never as audio; [`saved`]
//! says where.

pub mod saved;

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::compact::{self, rounded};
use crate::head::Head;
use crate::head::fit::{FitError, QuickExample, fit_quick};
use mertscope_model::Manifest;

/// Examples that there may be: as many as are fitted in about a second.
pub(crate) const MOST_EXAMPLES: usize = 4_000;
/// Longest label, in bytes.
const LONGEST_LABEL: usize = 64;
/// Labels that there may be.
const MOST_LABELS: usize = 64;

/// What has been taught so far.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct LabeledExamples {
    /// SHA-256 that names the model whose hidden states the examples are; empty before the first.
    pub encoder_sha256: String,
    /// The hidden state that is kept.
    pub layer: usize,
    /// The labels, in the order in which they came.
    pub labels: Vec<String>,
    examples: Vec<Marked>,
    /// Files with further examples that are not there, and their places among all files.
    missing: Vec<(usize, String)>,
}

/// A window marked as an example.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Marked {
    label: usize,
    #[serde(with = "compact")]
    values: Arc<[f32]>,
}

/// Why a window can't be marked.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FewShotError {
    /// The label is no name.
    #[error("A label has 1 to {LONGEST_LABEL} letters; give it a name.")]
    Label,
    /// There are as many as can be kept.
    #[error(
        "There are {MOST_EXAMPLES} examples or {MOST_LABELS} labels already, as many as there can \
         be. Save the head, or take some back."
    )]
    Full,
    /// The examples before are of another model.
    #[error(
        "The examples so far were marked with another model, so they can't be mixed with this one. \
         Save or forget them first, or choose that model again."
    )]
    OtherModel,
}

impl LabeledExamples {
    /// Marks a window, the pooled hidden state `[width]` of `layer`, as an example of `label`.
    ///
    /// # Errors
    /// [`FewShotError`]; nothing is changed then.
    pub fn mark(
        &mut self,
        label: &str,
        layer: usize,
        values: &[f32],
        encoder_sha256: &str,
    ) -> Result<(), FewShotError> {
        let label = label.trim();
        if label.is_empty() || label.len() > LONGEST_LABEL {
            return Err(FewShotError::Label);
        }
        let is_other = self.encoder_sha256 != encoder_sha256 || self.layer != layer;
        if !(self.examples.is_empty() && self.missing.is_empty()) && is_other {
            return Err(FewShotError::OtherModel);
        }
        let known = self.labels.iter().position(|other| other == label);
        if self.examples.len() >= MOST_EXAMPLES
            || (known.is_none() && self.labels.len() >= MOST_LABELS)
        {
            return Err(FewShotError::Full);
        }
        encoder_sha256.clone_into(&mut self.encoder_sha256);
        self.layer = layer;
        let number = known.unwrap_or_else(|| {
            self.labels.push(label.to_owned());
            self.labels.len() - 1
        });
        self.examples.push(Marked {
            label: number,
            values: values.iter().map(|value| rounded(*value)).collect(),
        });
        Ok(())
    }

    /// Takes the last example back, and its label with it if it was the only one; `false` when
    /// there is none.
    pub fn undo(&mut self) -> bool {
        let Some(last) = self.examples.pop() else {
            return false;
        };
        let is_last = last.label + 1 == self.labels.len() && self.count(last.label) == 0;
        // What is missing may be of that label.
        if is_last && self.missing.is_empty() {
            self.labels.pop();
        }
        true
    }

    /// How many examples there are.
    #[must_use]
    pub fn examples(&self) -> usize {
        self.examples.len()
    }

    /// Files of the data folder with further examples that were not there when the project was
    /// loaded, or were not what was written. They are looked for again each time.
    pub fn missing(&self) -> impl Iterator<Item = &str> {
        self.missing.iter().map(|(_, sha256)| sha256.as_str())
    }

    /// Examples of a label, by its index.
    #[must_use]
    pub fn count(&self, label: usize) -> usize {
        self.examples
            .iter()
            .filter(|example| example.label == label)
            .count()
    }

    /// Whether there is something to fit: two labels with examples.
    #[must_use]
    pub fn can_fit(&self) -> bool {
        (0..self.labels.len())
            .filter(|label| self.count(*label) > 0)
            .count()
            >= 2
    }

    /// Fits a head on the examples and returns it with its file's bytes.
    ///
    /// # Errors
    /// [`FitError`], among them examples of another model.
    pub fn fit(&self, task: &str, manifest: &Manifest) -> Result<(Head, Vec<u8>), FitError> {
        if self.encoder_sha256 != manifest.sha256() {
            return Err(FitError::Damaged(manifest.id.clone()));
        }
        let examples: Vec<QuickExample> = self
            .examples
            .iter()
            .map(|example| QuickExample {
                label: example.label,
                values: example.values.to_vec(),
            })
            .collect();
        fit_quick(task, &self.labels, self.layer, &examples, manifest)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use mertscope_model::{HiddenStates, LayerSet, Model};

    fn window(label: usize, n: usize) -> Vec<f32> {
        let side = if label == 0 { 1.0 } else { -1.0 };
        (0..256)
            .map(|k| side * (k % 5) as f32 * 0.2 + ((n * 61 + k * 17) as f32).sin())
            .collect()
    }

    fn states(values: Vec<f32>) -> HiddenStates {
        HiddenStates {
            layers: 7,
            which: LayerSet::All,
            frames: None,
            window: None,
            width: 256,
            data: (0..7).flat_map(|_| values.clone()).collect(),
        }
    }

    #[test]
    fn what_is_marked_is_counted_learned_and_taken_back() {
        let model = Model::embedded().unwrap();
        let mut labeled_examples = LabeledExamples::default();
        for n in 0..20 {
            let label = n % 2;
            labeled_examples
                .mark(
                    ["drop", "break"][label],
                    4,
                    &window(label, n),
                    model.sha256(),
                )
                .unwrap();
            assert_eq!(labeled_examples.can_fit(), n > 0);
        }
        assert_eq!(
            (labeled_examples.count(0), labeled_examples.count(1)),
            (10, 10)
        );
        let (head, bytes) = labeled_examples.fit("part", &model.manifest).unwrap();
        assert_eq!(
            bytes,
            labeled_examples.fit("part", &model.manifest).unwrap().1
        );
        for n in 100..120 {
            let p = head.predict(&states(window(n % 2, n)));
            assert!(p[n % 2] > 0.5, "{n}: {p:?}");
        }
        for left in (0..20).rev() {
            assert!(labeled_examples.undo());
            assert_eq!(labeled_examples.count(0) + labeled_examples.count(1), left);
        }
        assert!(!labeled_examples.undo() && labeled_examples.labels.is_empty());
    }

    #[test]
    fn what_does_not_belong_is_refused() {
        let mut labeled_examples = LabeledExamples::default();
        assert_eq!(
            labeled_examples.mark(" ", 4, &[1.0], "a"),
            Err(FewShotError::Label)
        );
        labeled_examples.mark("x", 4, &[1.0], "a").unwrap();
        assert_eq!(
            labeled_examples.mark("x", 4, &[1.0], "b"),
            Err(FewShotError::OtherModel)
        );
        assert_eq!(
            labeled_examples.mark("x", 5, &[1.0], "a"),
            Err(FewShotError::OtherModel)
        );
        let manifest = Model::embedded_manifest().unwrap();
        assert!(labeled_examples.fit("x", &manifest).is_err());
        while labeled_examples.mark("x", 4, &[1.0], "a").is_ok() {}
        assert_eq!(labeled_examples.count(0), MOST_EXAMPLES);
    }
}
