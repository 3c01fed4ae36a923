//! Bias correction of 8-bit linear layers (Nagel et al. 2019, "Data-Free Quantization Through Weight
//! Equalization and Bias Correction", section 4.2): rounded weights shift a layer's output by the mean of its
//! input times their rounding error. The mean is measured on music when a graph is made, and the shift is
//! subtracted as a bias, which costs nothing when the graph runs.
//!
//! A graph is made twice for that: first as it is, with the means of the inputs as outputs; then corrected.
//! The means come from 8-bit arithmetic themselves, whose error is of second order here, so that no more memory
//! is needed than to run the graph.

use std::fmt;
use std::path::Path;
use std::sync::Arc;

/// The means over frames of the inputs of quantized layers, in the order in which a builder meets these
/// inputs; `[inputs]` each.
pub(in crate::graph) type Means = Arc<[Vec<f32>]>;

/// The same for callers that measure them.
pub(crate) type InputMeans = Vec<Vec<f32>>;

/// What a graph does about the shift.
#[derive(Debug, Clone, PartialEq, Default)]
pub(in crate::graph) enum Correction {
    /// Nothing.
    #[default]
    None,
    /// It also gives the means as outputs, see [`mean_name`].
    Measure,
    /// It subtracts the shift that these means cause.
    Apply(Means),
}

/// Name of the output with the mean of the `n`th input of a quantized layer, `[inputs]`.
pub(crate) fn mean_name(n: usize) -> String {
    format!("input_mean_{n}")
}

/// Measures the means of a graph that has them as outputs.
pub(crate) struct Calibrator<'a> {
    /// Names the music on which it measures: another name for other samples.
    pub(crate) key: &'a str,
    /// The means of the graph in this file; the error is a phrase.
    pub(crate) measure: &'a dyn Fn(&Path) -> Result<InputMeans, String>,
}

impl fmt::Debug for Calibrator<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Calibrator")
            .field("key", &self.key)
            .finish_non_exhaustive()
    }
}

/// The negative of the shift of each output that rounding causes, `[outputs]`: `mean · (W − rounded W)` for
/// matrices `[inputs, outputs]`.
pub(in crate::graph) fn bias(mean: &[f32], matrix: &[f32], rounded: &[f32]) -> Vec<f32> {
    let outputs = matrix.len() / mean.len().max(1);
    let mut sums = vec![0.0f64; outputs];
    let rows = matrix
        .chunks_exact(outputs)
        .zip(rounded.chunks_exact(outputs));
    for (mean, (exact, rounded)) in mean.iter().zip(rows) {
        for (sum, (exact, rounded)) in sums.iter_mut().zip(exact.iter().zip(rounded)) {
            *sum += f64::from(*mean) * f64::from(exact - rounded);
        }
    }
    sums.into_iter().map(|sum| sum as f32).collect()
}

#[cfg(test)]
mod tests;
