//! One fit: standardized rows, a sequence of penalties from strong to weak, the parameters.

use ndarray::{Array2, ArrayView1};

use super::candidate::Candidate;
use super::lbfgs::minimize;
use super::objective::{Parts, Rows, Shape, parts};
use mertscope_model::HiddenStates;

/// Penalties to try, strong to weak, for the mean loss over standardized inputs.
const PENALTIES: [f64; 8] = [10.0, 3.0, 1.0, 0.3, 0.1, 0.03, 0.01, 0.003];
/// The same for a hidden layer, which takes longer to fit.
const HIDDEN_PENALTIES: [f64; 4] = [0.1, 0.03, 0.01, 0.003];
/// Steps of the optimizer.
const STEPS: usize = 150;
/// A spread below this share of the largest counts as none: that input is not divided.
const NO_SPREAD: f64 = 1e-6;

pub(super) fn penalties(candidate: &Candidate) -> &'static [f64] {
    if candidate.hidden.is_some() {
        &HIDDEN_PENALTIES
    } else {
        &PENALTIES
    }
}

/// Standardization of hidden states before the head: their mean is subtracted, and they are divided
/// by their spread, which mixed layers share.
#[derive(Debug, Clone)]
pub(super) struct Scale {
    /// `[layers][width]`.
    pub(super) means: Vec<Vec<f64>>,
    /// `[width]`.
    pub(super) std: Vec<f64>,
}

impl Scale {
    /// The scale of some rows' hidden states.
    pub(super) fn of<'a>(
        rows: impl Iterator<Item = &'a HiddenStates> + Clone,
        layers: &[usize],
        width: usize,
    ) -> Self {
        let count = rows.clone().count().max(1) as f64;
        let mut means = vec![vec![0.0; width]; layers.len()];
        let mut variance = vec![0.0; width];
        for (mean, layer) in means.iter_mut().zip(layers) {
            for row in rows.clone() {
                for (mean, value) in mean.iter_mut().zip(row.layer(*layer)) {
                    *mean += f64::from(*value) / count;
                }
            }
            for row in rows.clone() {
                let values = row.layer(*layer).iter().zip(mean.iter());
                for (variance, (value, mean)) in variance.iter_mut().zip(values) {
                    *variance += (f64::from(*value) - mean).powi(2) / (count * layers.len() as f64);
                }
            }
        }
        let largest = variance.iter().copied().fold(0.0, f64::max).sqrt();
        let spread = |variance: &f64| {
            let std = variance.sqrt();
            if std > NO_SPREAD * largest { std } else { 1.0 }
        };
        Self {
            means,
            std: variance.iter().map(spread).collect(),
        }
    }

    /// Standardized rows of hidden states, one array `[rows, width]` per layer.
    pub(super) fn apply<'a>(
        &self,
        rows: impl Iterator<Item = &'a HiddenStates> + Clone,
        layers: &[usize],
    ) -> Vec<Array2<f64>> {
        let (count, width) = (rows.clone().count(), self.std.len());
        let scaled = |(layer, mean): (&usize, &Vec<f64>)| {
            let mut array = Array2::zeros((count, width));
            for (mut to, row) in array.rows_mut().into_iter().zip(rows.clone()) {
                let from = ArrayView1::from(row.layer(*layer));
                for (((to, value), mean), std) in to.iter_mut().zip(from).zip(mean).zip(&self.std) {
                    *to = (f64::from(*value) - mean) / std;
                }
            }
            array
        };
        layers.iter().zip(&self.means).map(scaled).collect()
    }
}

/// A head's parameters, with the standardization and the shape that they need.
#[derive(Debug, Clone)]
pub(super) struct Solution {
    pub(super) shape: Shape,
    pub(super) scale: Scale,
    pub(super) packed: Vec<f64>,
}

impl Solution {
    /// Start parameters for a fit on other rows, from which nothing of these rows can leak: a linear
    /// head has one optimum wherever the search starts; a hidden layer or mixed layers do not, so they
    /// start afresh.
    pub(super) fn restart(&self, seed: u64) -> Vec<f64> {
        if self.shape.hidden.is_some() || self.shape.layers > 1 {
            start(self.shape, seed)
        } else {
            self.packed.clone()
        }
    }

    pub(super) fn parts(&self) -> Option<Parts<'_>> {
        parts(self.shape, &self.packed)
    }
}

/// The start of the search: all zeros, but small random weights of a hidden layer (He et al. 2015)
/// that break the tie between its units.
pub(super) fn start(shape: Shape, seed: u64) -> Vec<f64> {
    let mut packed = vec![0.0; shape.len()];
    if let Some(units) = shape.hidden {
        let mut random = fastrand::Rng::with_seed(seed);
        let bound = (6.0 / shape.width as f64).sqrt();
        let from = if shape.layers > 1 { shape.layers } else { 0 };
        for weight in &mut packed[from..from + units * shape.width] {
            *weight = bound * (2.0 * random.f64() - 1.0);
        }
    }
    packed
}

/// The parameters that fit `rows` best under a penalty, searched from `from`.
pub(super) fn solve(rows: &Rows, shape: Shape, penalty: f64, from: Vec<f64>) -> Vec<f64> {
    minimize(&|packed| rows.loss(shape, penalty, packed), from, STEPS)
}
