//! The arithmetic of a head: dense layers, softmax and sigmoid, sums and means of vectors.

/// `weight · x + bias`, weight `[outputs, inputs]`.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Dense {
    pub(super) weight: Vec<f32>,
    pub(super) bias: Vec<f32>,
}

impl Dense {
    pub(super) fn inputs(&self) -> usize {
        self.weight.len() / self.bias.len()
    }

    pub(super) fn apply(&self, x: &[f32]) -> Vec<f32> {
        self.weight
            .chunks_exact(x.len())
            .zip(&self.bias)
            .map(|(row, bias)| bias + row.iter().zip(x).map(|(w, x)| w * x).sum::<f32>())
            .collect()
    }
}

/// Adds `weight` times `values` to `sum`.
pub(super) fn add(sum: &mut [f32], values: &[f32], weight: f32) {
    for (sum, value) in sum.iter_mut().zip(values) {
        *sum += weight * value;
    }
}

/// The mean over rows of `width` values, `[width]`.
pub(crate) fn mean_of_rows(values: &[f32], width: usize) -> Vec<f32> {
    let mut mean = vec![0.0; width];
    let rows = values.chunks_exact(width);
    let share = 1.0 / rows.len().max(1) as f32;
    rows.for_each(|row| add(&mut mean, row, share));
    mean
}

/// Softmax that stays finite for large logits.
pub(super) fn softmax(logits: &[f32]) -> Vec<f32> {
    let top = logits.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let exp: Vec<f32> = logits.iter().map(|logit| (logit - top).exp()).collect();
    let sum: f32 = exp.iter().sum();
    exp.into_iter().map(|exp| exp / sum).collect()
}

/// The probability of a logit.
pub(super) fn sigmoid(logit: f32) -> f32 {
    1.0 / (1.0 + (-logit).exp())
}
