//! Inputs of 8-bit linear layers, centered and evened out before they are rounded.
//!
//! All channels of an input share one scale of 8 bits, so a few channels far from 0 leave the others no steps. Each
//! channel's mean is subtracted (Wei et al. 2023, "Outlier Suppression+"); what it contributes to the outputs is a
//! constant, which is added in single precision. What is left is divided by a number per channel that goes into
//! the weights (Xiao et al. 2023, "SmoothQuant"). Rounded weights then shift no output either, which is what bias
//! correction is for (Nagel et al. 2019, section 4.2).
//!
//! Means and ranges are measured on music when a graph is made, with graphs that have them as outputs: first of
//! plain 8-bit arithmetic, whose errors blur them, then of the graph that these already made better. That takes no
//! more memory than to run the graph.

use std::fmt;
use std::path::Path;
use std::sync::Arc;

/// Graphs that measure, one after another.
pub(in crate::graph) const ROUNDS: usize = 2;

/// How much of the difference in range between channels goes into the weights: 0 leaves it to the inputs, 1 takes
/// it away from them.
const STRENGTH: f32 = 0.5;

/// Of each channel of an input, over the frames of music: mean, smallest and largest value; `[inputs]` each.
#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) struct InputRange {
    pub(crate) mean: Vec<f32>,
    pub(crate) low: Vec<f32>,
    pub(crate) high: Vec<f32>,
}

/// The ranges of the inputs of quantized layers, in the order in which a builder meets these inputs.
pub(crate) type InputRanges = Vec<InputRange>;

/// What a graph does about its inputs' channels.
#[derive(Debug, Clone, PartialEq, Default)]
pub(in crate::graph) struct Smoothing {
    /// The ranges by which they are centered and evened out.
    pub(in crate::graph) ranges: Option<Arc<[InputRange]>>,
    /// Whether it also gives the ranges as outputs, see [`RangeOutput`].
    pub(in crate::graph) measures: bool,
}

/// An output of a graph that measures.
#[derive(Debug, Clone, Copy)]
pub(crate) enum RangeOutput {
    Mean,
    Low,
    High,
}

impl RangeOutput {
    pub(crate) const ALL: [Self; 3] = [Self::Mean, Self::Low, Self::High];

    /// The ONNX operator over frames.
    pub(in crate::graph) fn operator(self) -> &'static str {
        match self {
            Self::Mean => "ReduceMean",
            Self::Low => "ReduceMin",
            Self::High => "ReduceMax",
        }
    }

    /// The output's name for the `n`th input of a quantized layer, `[inputs]`; nodes without a name of their own are
    /// named by their operator and a number.
    pub(crate) fn name(self, n: usize) -> String {
        let part = match self {
            Self::Mean => "mean",
            Self::Low => "low",
            Self::High => "high",
        };
        format!("input_{part}_{n}")
    }
}

/// Measures the ranges of a graph that has them as outputs.
pub(crate) struct Calibrator<'a> {
    /// Names the music on which it measures: another name for other samples.
    pub(crate) key: &'a str,
    /// The ranges of the graph in this file; the error is a phrase.
    pub(crate) measure: &'a dyn Fn(&Path) -> Result<InputRanges, String>,
}

impl fmt::Debug for Calibrator<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Calibrator")
            .field("key", &self.key)
            .finish_non_exhaustive()
    }
}

impl InputRange {
    /// The divisor of each channel, `[inputs]`. Their geometric mean is 1, so that weights keep their size.
    pub(in crate::graph) fn divisors(&self) -> Vec<f32> {
        let bounds = self.low.iter().zip(&self.high).zip(&self.mean);
        let away: Vec<f32> = bounds
            .map(|((low, high), mean)| (high - mean).max(mean - low))
            .collect();
        let largest = away.iter().copied().fold(0.0, f32::max);
        // A channel that hardly moves would get a weight of almost any size.
        let smallest = (largest * 1e-3).max(f32::MIN_POSITIVE);
        let logs = away.iter().map(|away| STRENGTH * away.max(smallest).ln());
        let logs: Vec<f32> = logs.collect();
        let middle = logs.iter().sum::<f32>() / logs.len().max(1) as f32;
        logs.iter().map(|log| (log - middle).exp()).collect()
    }

    /// What the mean contributes to each output, `[outputs]`, for a matrix `[inputs, outputs]`.
    pub(in crate::graph) fn constant(&self, matrix: &[f32]) -> Vec<f32> {
        let outputs = matrix.len() / self.mean.len().max(1);
        let mut sums = vec![0.0f64; outputs];
        for (mean, row) in self.mean.iter().zip(matrix.chunks_exact(outputs)) {
            for (sum, weight) in sums.iter_mut().zip(row) {
                *sum += f64::from(*mean) * f64::from(*weight);
            }
        }
        sums.into_iter().map(|sum| sum as f32).collect()
    }
}

/// A matrix `[inputs, outputs]` for inputs that were divided.
pub(in crate::graph) fn times(mut matrix: Vec<f32>, divisors: &[f32]) -> Vec<f32> {
    let outputs = matrix.len() / divisors.len().max(1);
    for (row, divisor) in matrix.chunks_exact_mut(outputs).zip(divisors) {
        row.iter_mut().for_each(|weight| *weight *= divisor);
    }
    matrix
}

#[cfg(test)]
mod tests;
