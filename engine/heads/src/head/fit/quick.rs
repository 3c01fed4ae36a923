//! Fitting a head from a few marked moments, at once: one layer, one penalty by the number of
//! examples, no cross-validation.

use std::collections::BTreeMap;
use std::path::Path;

use super::candidate::Candidate;
use super::objective::{Rows, Shape};
use super::solve::{Scale, Solution, solve, start};
use super::{FitError, FitOptions, write};
use crate::head::{Head, Reads};
use mertscope_model::{HiddenStates, LayerSet, Manifest};

/// A window that someone labeled.
#[derive(Debug, Clone, PartialEq)]
pub struct QuickExample {
    /// Index of its label.
    pub label: usize,
    /// Its pooled hidden state of the layer, `[width]`.
    pub values: Vec<f32>,
}

/// Total strength of the penalty: shared by all examples, so that few are believed less.
const STRENGTH: f64 = 10.0;

/// Fits a head on one layer of a few windows. Its probabilities are not calibrated: there is
/// nothing held out to calibrate them on, and its file says so.
///
/// # Errors
/// [`FitError::OneLabel`], [`FitError::Damaged`], and what the head itself says.
pub fn fit_quick(
    task: &str,
    labels: &[String],
    layer: usize,
    examples: &[QuickExample],
    manifest: &Manifest,
) -> Result<(Head, Vec<u8>), FitError> {
    let width = manifest.width;
    let first = examples.first().map(|example| example.label);
    if examples.iter().all(|example| Some(example.label) == first) {
        let only = first.and_then(|label| labels.get(label)).cloned();
        return Err(FitError::OneLabel(
            only.unwrap_or_else(|| "none".to_owned()),
        ));
    }
    let whole = |example: &QuickExample| {
        example.label < labels.len()
            && example.values.len() == width
            && example.values.iter().all(|value| value.is_finite())
    };
    if !examples.iter().all(whole) || layer >= manifest.layers.len() {
        return Err(FitError::Damaged(manifest.id.clone()));
    }
    let states: Vec<HiddenStates> = examples
        .iter()
        .map(|example| HiddenStates {
            layers: 1,
            which: LayerSet::All,
            frames: None,
            window: None,
            width,
            data: example.values.clone(),
        })
        .collect();
    let shape = Shape {
        layers: 1,
        width,
        hidden: None,
        labels: labels.len(),
    };
    let scale = Scale::of(states.iter(), &[0], width);
    let rows = Rows {
        layers: scale.apply(states.iter(), &[0]),
        labels: examples.iter().map(|example| example.label).collect(),
    };
    let penalty = STRENGTH / examples.len() as f64;
    let packed = solve(&rows, shape, penalty, start(shape, 0));
    let options = FitOptions {
        task: task.to_owned(),
        labels: labels.to_vec(),
        layers: vec![layer],
        mix: false,
        hidden: None,
        reads: Reads::Window,
        seed: 0,
        threads: 1,
        training_data: format!("{} windows marked by hand", examples.len()),
        license: String::new(),
    };
    let mut metadata: BTreeMap<String, String> = super::provenance(&options, manifest, penalty);
    metadata.insert("fitted".to_owned(), format!("logistic regression, penalty {penalty}, on windows marked by hand; not tested on others, not calibrated"));
    let candidate = Candidate {
        layers: vec![layer],
        hidden: None,
    };
    let solution = Solution {
        shape,
        scale,
        packed,
    };
    let bytes = write::bytes(&solution, &candidate, 1.0, &options, metadata);
    let head = Head::parse(&bytes, Path::new("(taught)"))?;
    head.check(manifest)?;
    Ok((head, bytes))
}
