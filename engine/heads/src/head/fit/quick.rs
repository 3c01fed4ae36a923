//! Fitting a head on a few marked windows, at once: one layer, one penalty by the number of examples, no
//! cross-validation.

use std::collections::BTreeMap;
use std::path::Path;

use super::candidate::Candidate;
use super::metadata::provenance;
use super::objective::{Rows, Shape};
use super::solve::{Scale, Solution, solve, start};
use super::{FitError, FitOptions, write};
use crate::head::{Head, Reads};
use mertscope_model::{HiddenStates, LayerSet, Manifest};

/// A window that the user labeled.
#[derive(Debug, Clone, PartialEq)]
pub struct QuickExample {
    /// Index of its label.
    pub label: usize,
    /// Its pooled hidden state of the layer, `[width]`.
    pub values: Vec<f32>,
}

/// Total strength of the penalty; all examples share it, so that it weighs more on few examples.
const STRENGTH: f64 = 10.0;

/// Fits a head on one layer of a few windows, and returns it with its file's bytes. Its probabilities are
/// not calibrated, since there is nothing held out to calibrate them on; its file says so.
///
/// # Errors
/// [`FitError::OneLabel`], [`FitError::Damaged`], and the errors of [`Head::parse`] and [`Head::check`].
pub fn fit_quick(
    task: &str,
    labels: &[String],
    layer: usize,
    examples: &[QuickExample],
    manifest: &Manifest,
) -> Result<(Head, Vec<u8>), FitError> {
    check(labels, layer, examples, manifest)?;
    let penalty = STRENGTH / examples.len() as f64;
    let solution = solution(labels.len(), examples, manifest.width, penalty);
    let options = options(task, labels, layer, examples.len());
    let mut metadata: BTreeMap<String, String> = provenance(&options, manifest, penalty);
    metadata.insert("fitted".to_owned(), format!("logistic regression, penalty {penalty}, on windows marked by hand; not tested on others, not calibrated"));
    let candidate = Candidate {
        layers: vec![layer],
        hidden: None,
    };
    let bytes = write::bytes(&solution, &candidate, 1.0, &options, metadata);
    let head = Head::parse(&bytes, Path::new("(taught)"))?;
    head.check(manifest)?;
    Ok((head, bytes))
}

fn check(
    labels: &[String],
    layer: usize,
    examples: &[QuickExample],
    manifest: &Manifest,
) -> Result<(), FitError> {
    let first = examples.first().map(|example| example.label);
    if examples.iter().all(|example| Some(example.label) == first) {
        let only = first.and_then(|label| labels.get(label)).cloned();
        return Err(FitError::OneLabel(
            only.unwrap_or_else(|| "none".to_owned()),
        ));
    }
    let fits = |example: &QuickExample| {
        example.label < labels.len()
            && example.values.len() == manifest.width
            && example.values.iter().all(|value| value.is_finite())
    };
    if !examples.iter().all(fits) || layer >= manifest.layers.len() {
        return Err(FitError::Damaged(manifest.id.clone()));
    }
    Ok(())
}

fn solution(labels: usize, examples: &[QuickExample], width: usize, penalty: f64) -> Solution {
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
        labels,
    };
    let scale = Scale::of(states.iter(), &[0], width);
    let rows = Rows {
        layers: scale.apply(states.iter(), &[0]),
        labels: examples.iter().map(|example| example.label).collect(),
    };
    let packed = solve(&rows, shape, penalty, start(shape, 0));
    Solution {
        shape,
        scale,
        packed,
    }
}

fn options(task: &str, labels: &[String], layer: usize, examples: usize) -> FitOptions {
    FitOptions {
        task: task.to_owned(),
        labels: labels.to_vec(),
        layers: vec![layer],
        mix: false,
        hidden: None,
        reads: Reads::Window,
        seed: 0,
        threads: 1,
        training_data: format!("{examples} windows marked by hand"),
        license: String::new(),
    }
}
