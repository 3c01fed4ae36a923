//! Few-shot heads: windows that the user marks as examples of a label, and the head fitted on them.
//!
//! Examples are hidden states of one layer in half precision, never audio; [`saved`] stores them.

pub mod saved;

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::compact::{self, rounded};
use crate::head::Head;
use crate::head::fit::{FitError, QuickExample, fit_quick};
use mertscope_model::Manifest;

/// The most examples: as many as can be fitted in about a second.
pub(crate) const MAX_EXAMPLES: usize = 4_000;
/// Longest label, in bytes.
const MAX_LABEL_BYTES: usize = 64;
/// The most labels.
const MAX_LABELS: usize = 64;

/// The windows that the user has marked, with their labels.
///
/// ```
/// use mertscope_heads::few_shot::LabeledExamples;
/// use mertscope_model::Model;
///
/// let manifest = Model::embedded_manifest()?;
/// let mut examples = LabeledExamples::default();
/// for n in 0..8 {
///     let sign = if n % 2 == 0 { 1.0 } else { -1.0 };
///     // A window's pooled hidden state of layer 4, `[width]`.
///     let values: Vec<f32> = (0..manifest.width)
///         .map(|k| sign + ((n * 7 + k) as f32).sin())
///         .collect();
///     examples.mark(["drop", "break"][n % 2], 4, &values, manifest.sha256())?;
/// }
/// let (head, _bytes) = examples.fit("part", &manifest)?;
/// assert_eq!(head.labels, ["drop", "break"]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, Default, PartialEq)]
pub struct LabeledExamples {
    /// [`Model::sha256`](mertscope_model::Model::sha256) of the examples' model; empty before the
    /// first example.
    pub encoder_sha256: String,
    /// Index of the examples' hidden state.
    pub layer: usize,
    /// The labels, in the order of their first example.
    pub labels: Vec<String>,
    examples: Vec<MarkedWindow>,
    /// Files with further examples that could not be read: their positions among all files, and their
    /// names.
    missing: Vec<(usize, String)>,
}

/// A window marked as an example.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct MarkedWindow {
    label: usize,
    #[serde(with = "compact")]
    values: Arc<[f32]>,
}

/// Why a window can't be marked.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FewShotError {
    /// The label is empty or too long.
    #[error("A label has 1 to {MAX_LABEL_BYTES} letters; give it a name.")]
    Label,
    /// There are too many examples or labels.
    #[error(
        "There are {MAX_EXAMPLES} examples or {MAX_LABELS} labels already, as many as there can \
         be. Save the head, or take some back."
    )]
    Full,
    /// The earlier examples belong to another model.
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
    /// [`FewShotError`]; then nothing changes.
    pub fn mark(
        &mut self,
        label: &str,
        layer: usize,
        values: &[f32],
        encoder_sha256: &str,
    ) -> Result<(), FewShotError> {
        let label = label.trim();
        if label.is_empty() || label.len() > MAX_LABEL_BYTES {
            return Err(FewShotError::Label);
        }
        let is_other = self.encoder_sha256 != encoder_sha256 || self.layer != layer;
        if !(self.examples.is_empty() && self.missing.is_empty()) && is_other {
            return Err(FewShotError::OtherModel);
        }
        let known = self.labels.iter().position(|other| other == label);
        if self.examples.len() >= MAX_EXAMPLES
            || (known.is_none() && self.labels.len() >= MAX_LABELS)
        {
            return Err(FewShotError::Full);
        }
        encoder_sha256.clone_into(&mut self.encoder_sha256);
        self.layer = layer;
        let number = known.unwrap_or_else(|| {
            self.labels.push(label.to_owned());
            self.labels.len() - 1
        });
        self.examples.push(MarkedWindow {
            label: number,
            values: values.iter().map(|value| rounded(*value)).collect(),
        });
        Ok(())
    }

    /// Removes the last example, and its label when no other example has it; `false` without examples.
    pub fn undo(&mut self) -> bool {
        let Some(last) = self.examples.pop() else {
            return false;
        };
        let is_last = last.label + 1 == self.labels.len() && self.count(last.label) == 0;
        // Missing examples may have that label.
        if is_last && self.missing.is_empty() {
            self.labels.pop();
        }
        true
    }

    /// The number of examples.
    #[must_use]
    pub fn examples(&self) -> usize {
        self.examples.len()
    }

    /// The files of the data folder whose examples are missing: they were absent or damaged when the
    /// project was loaded. Each load looks for them again.
    pub fn missing(&self) -> impl Iterator<Item = &str> {
        self.missing.iter().map(|(_, sha256)| sha256.as_str())
    }

    /// The number of examples of a label, by its index.
    #[must_use]
    pub fn count(&self, label: usize) -> usize {
        self.examples
            .iter()
            .filter(|example| example.label == label)
            .count()
    }

    /// Whether a head can be fitted: two labels have examples.
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
    /// [`FitError`], also when the examples belong to another model.
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
    fn marked_windows_are_counted_learned_and_removed() {
        let model = Model::embedded().unwrap();
        let mut examples = LabeledExamples::default();
        for n in 0..20 {
            let label = n % 2;
            let name = ["drop", "break"][label];
            examples
                .mark(name, 4, &window(label, n), model.sha256())
                .unwrap();
            assert_eq!(examples.can_fit(), n > 0);
        }
        assert_eq!((examples.count(0), examples.count(1)), (10, 10));
        let (head, bytes) = examples.fit("part", &model.manifest).unwrap();
        assert_eq!(bytes, examples.fit("part", &model.manifest).unwrap().1);
        for n in 100..120 {
            let p = head.predict(&states(window(n % 2, n)));
            assert!(p[n % 2] > 0.5, "{n}: {p:?}");
        }
        for left in (0..20).rev() {
            assert!(examples.undo());
            assert_eq!(examples.count(0) + examples.count(1), left);
        }
        assert!(!examples.undo() && examples.labels.is_empty());
    }

    #[test]
    fn examples_that_do_not_belong_are_refused() {
        let mut examples = LabeledExamples::default();
        assert_eq!(examples.mark(" ", 4, &[1.0], "a"), Err(FewShotError::Label));
        examples.mark("x", 4, &[1.0], "a").unwrap();
        assert_eq!(
            examples.mark("x", 4, &[1.0], "b"),
            Err(FewShotError::OtherModel)
        );
        assert_eq!(
            examples.mark("x", 5, &[1.0], "a"),
            Err(FewShotError::OtherModel)
        );
        let manifest = Model::embedded_manifest().unwrap();
        assert!(examples.fit("x", &manifest).is_err());
        while examples.mark("x", 4, &[1.0], "a").is_ok() {}
        assert_eq!(examples.count(0), MAX_EXAMPLES);
    }
}
