//! What an encoder says about a stretch of audio.

use std::borrow::Cow;

use super::LayerSet;

/// Hidden states of every layer, or of those asked for: `[layers, frames, width]`, or `[layers,
/// width]` when pooled.
#[derive(Debug, Clone, PartialEq)]
pub struct HiddenStates {
    /// How many layers there are.
    pub layers: usize,
    /// Which of the model's layers these are.
    pub which: LayerSet,
    /// Frames per layer; `None` when they were averaged over time inside the graph.
    pub frames: Option<usize>,
    /// What the graph says of the window as a whole beside its frames, `[layers, width]`; `None` where
    /// there are no frames, or where their mean is all there is to say.
    pub window: Option<Vec<f32>>,
    /// Values per frame.
    pub width: usize,
    /// The values, layer by layer, frame by frame.
    pub data: Vec<f32>,
}

impl HiddenStates {
    /// One layer's values, by the model's own number of it, `[frames, width]` or `[width]`; empty
    /// for a layer that isn't there.
    #[must_use]
    pub fn layer(&self, layer: usize) -> &[f32] {
        let position = self.which.position(layer);
        position.map_or(&[], |position| self.at(position))
    }

    /// What one layer says of the whole window, `[width]`, by the model's own number of it: its mean
    /// over time, unless the graph says it itself. Empty for a layer that isn't there.
    #[must_use]
    pub fn pooled_layer(&self, layer: usize) -> Cow<'_, [f32]> {
        let Some(window) = &self.window else {
            return self.mean(self.layer(layer));
        };
        let position = self.which.position(layer);
        let range = position.map(|position| position * self.width..(position + 1) * self.width);
        Cow::Borrowed(
            range
                .and_then(|range| window.get(range))
                .unwrap_or_default(),
        )
    }

    fn mean<'a>(&self, values: &'a [f32]) -> Cow<'a, [f32]> {
        let Some(frames) = self.frames.filter(|_| !values.is_empty()) else {
            return Cow::Borrowed(values);
        };
        let mut sum = vec![0.0f64; self.width];
        for frame in values.chunks_exact(self.width) {
            for (sum, value) in sum.iter_mut().zip(frame) {
                *sum += f64::from(*value);
            }
        }
        let mean = sum.iter().map(|sum| (sum / frames.max(1) as f64) as f32);
        Cow::Owned(mean.collect())
    }

    /// The values of the layer in this place among those that are there.
    fn at(&self, position: usize) -> &[f32] {
        let size = self.frames.unwrap_or(1) * self.width;
        self.data
            .get(position * size..(position + 1) * size)
            .unwrap_or_default()
    }

    /// What every layer says of the whole window, `[layers, width]`, see
    /// [`HiddenStates::pooled_layer`].
    #[must_use]
    pub fn pooled(mut self) -> Self {
        if self.frames.is_none() {
            return self;
        }
        if let Some(data) = self.window.take() {
            return Self {
                frames: None,
                data,
                ..self
            };
        }
        let mut data = Vec::with_capacity(self.layers * self.width);
        for layer in 0..self.layers {
            data.extend_from_slice(&self.mean(self.at(layer)));
        }
        Self {
            frames: None,
            data,
            ..self
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pooling_is_the_mean_over_frames_of_each_layer() {
        let states = HiddenStates {
            layers: 2,
            which: LayerSet::All,
            frames: Some(2),
            window: None,
            width: 3,
            data: vec![0., 1., 2., 4., 5., 6., 1., 1., 1., 3., 3., 3.],
        };
        assert_eq!(states.layer(1), [1., 1., 1., 3., 3., 3.]);
        assert!(states.layer(2).is_empty() && states.pooled_layer(2).is_empty());
        assert_eq!(*states.pooled_layer(0), [2., 3., 4.]);
        let pooled = states.pooled();
        assert_eq!(pooled.frames, None);
        assert_eq!(pooled.layer(0), [2., 3., 4.]);
        assert_eq!(pooled.layer(1), [2., 2., 2.]);
        assert_eq!(pooled.clone().pooled(), pooled);
    }

    #[test]
    fn what_the_graph_says_of_the_window_goes_before_the_mean_of_its_frames() {
        let states = HiddenStates {
            layers: 2,
            which: LayerSet::of([1, 4], 5),
            frames: Some(2),
            window: Some(vec![7., 8.]),
            width: 1,
            data: vec![1., 2., 3., 4.],
        };
        assert_eq!(states.layer(4), [3., 4.]);
        assert_eq!(*states.pooled_layer(4), [8.]);
        assert!(states.pooled_layer(0).is_empty());
        let pooled = states.pooled();
        assert_eq!((pooled.frames, pooled.window.as_ref()), (None, None));
        assert_eq!(pooled.data, [7., 8.]);
    }

    #[test]
    fn layers_keep_the_models_numbers_when_only_some_are_there() {
        let states = HiddenStates {
            layers: 2,
            which: LayerSet::of([7, 2], 13),
            frames: None,
            window: None,
            width: 1,
            data: vec![0.2, 0.7],
        };
        assert_eq!(states.layer(2), [0.2]);
        assert_eq!(states.layer(7), [0.7]);
        assert!(states.layer(0).is_empty() && states.layer(1).is_empty());
        assert_eq!(states.clone().pooled(), states);
        assert_eq!(LayerSet::of(0..13, 13), LayerSet::All);
    }
}
