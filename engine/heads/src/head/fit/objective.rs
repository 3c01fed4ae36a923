//! The loss of a head and its gradient: mean cross-entropy of a softmax over labels, with a
//! quadratic penalty on the weights.
//!
//! One shape covers all heads. The input is one hidden state or a softmax-weighted sum of several
//! (MARBLE's `all`), standardized; then an optional ReLU layer; then the output layer.
//! Parameters are packed as `[layer logits | hidden weight, hidden bias | weight, bias]`.

use ndarray::{Array1, Array2, ArrayView1, ArrayView2, Axis};

/// A faint penalty that keeps the layers' weights from growing without bound when the data don't
/// determine them, and the biases of labels that a fold lacks.
const FAINT: f64 = 1e-3;

/// Sizes of a head.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Shape {
    /// Number of mixed layers; 1 for a single one.
    pub(super) layers: usize,
    pub(super) width: usize,
    /// Units of the ReLU layer.
    pub(super) hidden: Option<usize>,
    pub(super) labels: usize,
}

impl Shape {
    fn mixing(self) -> usize {
        if self.layers > 1 { self.layers } else { 0 }
    }

    /// Inputs of the output layer.
    fn inputs(self) -> usize {
        self.hidden.unwrap_or(self.width)
    }

    fn hidden_len(self) -> usize {
        self.hidden.map_or(0, |units| units * (self.width + 1))
    }

    pub(super) fn len(self) -> usize {
        self.mixing() + self.hidden_len() + self.labels * (self.inputs() + 1)
    }
}

/// The parts of a packed vector.
pub(super) struct Parts<'a> {
    /// Weights of the layers; they sum to 1.
    pub(super) shares: Array1<f64>,
    pub(super) hidden: Option<(ArrayView2<'a, f64>, ArrayView1<'a, f64>)>,
    pub(super) weight: ArrayView2<'a, f64>,
    pub(super) bias: ArrayView1<'a, f64>,
}

/// Splits a packed vector into its parts; `None` if it has another length.
pub(super) fn parts(shape: Shape, packed: &[f64]) -> Option<Parts<'_>> {
    if packed.len() != shape.len() {
        return None;
    }
    let (mixing, rest) = packed.split_at(shape.mixing());
    let (hidden, output) = rest.split_at(shape.hidden_len());
    let dense = |values, outputs: usize, inputs: usize| {
        let values: &[f64] = values;
        let (weight, bias) = values.split_at(outputs * inputs);
        let weight = ArrayView2::from_shape((outputs, inputs), weight).ok()?;
        Some((weight, ArrayView1::from(bias)))
    };
    let hidden = match shape.hidden {
        Some(units) => Some(dense(hidden, units, shape.width)?),
        None => None,
    };
    let (weight, bias) = dense(output, shape.labels, shape.inputs())?;
    let shares = if mixing.is_empty() {
        Array1::ones(1)
    } else {
        softmax(&Array2::from_shape_vec((1, mixing.len()), mixing.to_vec()).ok()?)
            .remove_axis(Axis(0))
    };
    Some(Parts {
        shares,
        hidden,
        weight,
        bias,
    })
}

/// Rows of standardized hidden states, one array `[rows, width]` per layer, and their labels.
pub(super) struct Rows {
    pub(super) layers: Vec<Array2<f64>>,
    pub(super) labels: Vec<usize>,
}

impl Rows {
    fn mixed(&self, shares: &Array1<f64>) -> Array2<f64> {
        let mut sum = &self.layers[0] * shares[0];
        for (layer, share) in self.layers.iter().zip(shares).skip(1) {
            sum.scaled_add(*share, layer);
        }
        sum
    }

    /// Logits `[rows, labels]` under packed parameters.
    pub(super) fn logits(&self, parts: &Parts<'_>) -> Array2<f64> {
        let mut x = self.mixed(&parts.shares);
        if let Some(hidden) = &parts.hidden {
            x = rectified(&x, hidden);
        }
        x.dot(&parts.weight.t()) + parts.bias
    }

    /// The penalized loss and its gradient at packed parameters.
    pub(super) fn loss(&self, shape: Shape, penalty: f64, packed: &[f64]) -> (f64, Vec<f64>) {
        let Some(parts) = parts(shape, packed) else {
            return (f64::NAN, vec![f64::NAN; packed.len()]);
        };
        let is_mixed = parts.shares.len() > 1;
        let mixed = self.mixed(&parts.shares);
        let active = parts.hidden.as_ref().map(|dense| rectified(&mixed, dense));
        let inputs = active.as_ref().unwrap_or(&mixed);
        let (mut loss, mut error) =
            self.cross_entropy(&(inputs.dot(&parts.weight.t()) + parts.bias));
        loss += 0.5 * penalty * square(&parts.weight);
        loss += 0.5 * FAINT * parts.bias.dot(&parts.bias);
        let weight_gradient = error.t().dot(inputs) + &parts.weight * penalty;
        let bias_gradient = error.sum_axis(Axis(0)) + &parts.bias * FAINT;
        if active.is_some() || is_mixed {
            error = error.dot(&parts.weight);
        }
        let mut hidden_gradient = Vec::new();
        if let (Some(active), Some((weight, _))) = (&active, &parts.hidden) {
            error.zip_mut_with(active, |error, active| {
                if *active <= 0.0 {
                    *error = 0.0;
                }
            });
            loss += 0.5 * penalty * square(weight);
            hidden_gradient.extend(error.t().dot(&mixed) + weight * penalty);
            hidden_gradient.extend(error.sum_axis(Axis(0)));
            if is_mixed {
                error = error.dot(weight);
            }
        }
        let mut gradient = Vec::with_capacity(packed.len());
        if is_mixed {
            let logits = &packed[..parts.shares.len()];
            for logit in logits {
                loss += 0.5 * FAINT * logit * logit;
            }
            gradient.extend(self.mixing_gradient(&error, &parts.shares, logits));
        }
        gradient.extend(hidden_gradient);
        gradient.extend(weight_gradient);
        gradient.extend(bias_gradient);
        (loss, gradient)
    }

    /// Mean cross-entropy of `logits` `[rows, labels]`, and its gradient with respect to them.
    fn cross_entropy(&self, logits: &Array2<f64>) -> (f64, Array2<f64>) {
        let count = self.labels.len().max(1) as f64;
        let mut error = softmax(logits);
        let mut loss = 0.0;
        for (mut row, label) in error.rows_mut().into_iter().zip(&self.labels) {
            loss -= row[*label].max(f64::MIN_POSITIVE).ln();
            row[*label] -= 1.0;
        }
        error /= count;
        (loss / count, error)
    }

    /// The gradient with respect to the layers' logits; `error` is the one with respect to the mixed
    /// hidden states, `[rows, width]`.
    fn mixing_gradient(
        &self,
        error: &Array2<f64>,
        shares: &Array1<f64>,
        logits: &[f64],
    ) -> Vec<f64> {
        let slopes = self.layers.iter().map(|layer| (layer * error).sum());
        let slopes: Array1<f64> = slopes.collect();
        let mean = slopes.dot(shares);
        let all = slopes.iter().zip(shares).zip(logits);
        all.map(|((slope, share), logit)| share * (slope - mean) + FAINT * logit)
            .collect()
    }
}

/// The output of a ReLU layer `(weight, bias)`, `[rows, units]`.
fn rectified(
    x: &Array2<f64>,
    (weight, bias): &(ArrayView2<'_, f64>, ArrayView1<'_, f64>),
) -> Array2<f64> {
    let mut x = x.dot(&weight.t()) + bias;
    x.mapv_inplace(|x| x.max(0.0));
    x
}

/// The sum of squares.
fn square(weights: &ArrayView2<'_, f64>) -> f64 {
    weights.iter().map(|w| w * w).sum()
}

/// Softmax of each row.
pub(super) fn softmax(logits: &Array2<f64>) -> Array2<f64> {
    let mut result = logits.clone();
    for mut row in result.rows_mut() {
        let top = row.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        row.mapv_inplace(|logit| (logit - top).exp());
        let sum = row.sum();
        row /= sum;
    }
    result
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(layers: usize) -> Rows {
        let layer = |l: usize| {
            Array2::from_shape_fn((5, 3), |(n, d)| {
                ((n * 7 + d * 3 + l * 5) as f64 * 0.9).sin()
            })
        };
        Rows {
            layers: (0..layers).map(layer).collect(),
            labels: vec![0, 1, 1, 0, 1],
        }
    }

    /// The gradient is the slope of the loss, whatever the shape.
    #[test]
    fn gradients_are_slopes() {
        for (layers, hidden) in [(1, None), (3, None), (1, Some(4)), (3, Some(4))] {
            let shape = Shape {
                layers,
                width: 3,
                hidden,
                labels: 2,
            };
            let rows = rows(layers);
            let x: Vec<f64> = (0..shape.len())
                .map(|n| (n as f64 * 1.3).cos() * 0.7)
                .collect();
            let (_, gradient) = rows.loss(shape, 0.3, &x);
            assert_eq!(gradient.len(), x.len());
            for n in 0..x.len() {
                let at = |by: f64| {
                    let mut x = x.clone();
                    x[n] += by;
                    rows.loss(shape, 0.3, &x).0
                };
                let slope = (at(1e-6) - at(-1e-6)) / 2e-6;
                assert!(
                    (slope - gradient[n]).abs() < 1e-6,
                    "{shape:?} {n}: {slope} {}",
                    gradient[n]
                );
            }
        }
    }
}
