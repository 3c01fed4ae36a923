//! Prediction: a head applied to hidden states.

use std::borrow::Cow;

use super::dense::{add, mean_of_rows, sigmoid, softmax};
use super::{Head, LayerInput, Outputs, Reads};
use mertscope_model::HiddenStates;

impl Head {
    /// The head's outputs, `[labels]`, for hidden states `[layers, (frames,) width]`: calibrated
    /// probabilities or quantities, see [`Outputs`]. A head that reads frames gives the mean of its
    /// outputs over them.
    #[must_use]
    pub fn predict(&self, hidden: &HiddenStates) -> Vec<f32> {
        if self.reads == Reads::Frames && hidden.frames.is_some() {
            return mean_of_rows(&self.predict_frames(hidden), self.labels.len());
        }
        self.apply(match &self.input {
            LayerInput::One(layer) => hidden.pooled_layer(*layer).into_owned(),
            LayerInput::Weighted(layers) => {
                let mut sum = vec![0.0; hidden.width];
                for (layer, weight) in layers {
                    add(&mut sum, &hidden.pooled_layer(*layer), *weight);
                }
                sum
            }
        })
    }

    /// The outputs for each frame, `[frames, labels]`; one row for pooled hidden states.
    #[must_use]
    pub(crate) fn predict_frames(&self, hidden: &HiddenStates) -> Vec<f32> {
        let features = match &self.input {
            LayerInput::One(layer) => Cow::Borrowed(hidden.layer(*layer)),
            LayerInput::Weighted(layers) => Cow::Owned(weighted(hidden, layers)),
        };
        let frames = features.chunks_exact(hidden.width);
        frames.flat_map(|x| self.apply(x.to_vec())).collect()
    }

    /// The outputs for one vector, `[width]`.
    fn apply(&self, mut x: Vec<f32>) -> Vec<f32> {
        for ((x, mean), std) in x.iter_mut().zip(&self.mean).zip(&self.std) {
            *x = (*x - mean) / std;
        }
        if let Some(dense) = &self.hidden {
            x = dense.apply(&x).into_iter().map(|x| x.max(0.0)).collect();
        }
        let logits: Vec<f32> = self
            .output
            .apply(&x)
            .into_iter()
            .map(|logit| logit / self.temperature)
            .collect();
        match self.outputs {
            Outputs::Multiclass => softmax(&logits),
            Outputs::Multilabel => logits.into_iter().map(sigmoid).collect(),
            Outputs::Regression => logits,
        }
    }
}

/// The weighted sum of some hidden states, `[(frames,) width]`; `layers` are indices with their
/// weights.
#[must_use]
pub fn weighted(hidden: &HiddenStates, layers: &[(usize, f32)]) -> Vec<f32> {
    let mut sum = vec![0.0; hidden.frames.unwrap_or(1) * hidden.width];
    for (layer, weight) in layers {
        add(&mut sum, hidden.layer(*layer), *weight);
    }
    sum
}
