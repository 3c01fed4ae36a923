//! Hidden states: the output of an encoder for a stretch of audio.

use std::borrow::Cow;

use super::LayerSet;

/// Hidden states of all layers or of the requested ones: `[layers, frames, width]`, or `[layers,
/// width]` when pooled.
#[derive(Debug, Clone, PartialEq)]
pub struct HiddenStates {
    /// Number of layers in `data`.
    pub layers: usize,
    /// The model's layers that these are.
    pub which: LayerSet,
    /// Frames per layer; `None` when they were averaged over time inside the graph.
    pub frames: Option<usize>,
    /// The graph's own vector for the whole window beside the frames, `[layers, width]`; `None` without
    /// frames, or when the graph gives only frames, whose mean is then the window's vector.
    pub window: Option<Vec<f32>>,
    /// Values per frame.
    pub width: usize,
    /// The values, layer by layer, frame by frame.
    pub data: Vec<f32>,
}

impl HiddenStates {
    /// One layer's values, by its number in the model, `[frames, width]` or `[width]`; empty for a layer
    /// that isn't there.
    #[must_use]
    pub fn layer(&self, layer: usize) -> &[f32] {
        let position = self.which.position(layer);
        position.map_or(&[], |position| self.at(position))
    }

    /// One layer's vector for the whole window, by its number in the model, `[width]`: the graph's own
    /// vector, or the mean over time. Empty for a layer that isn't there.
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
        if self.frames.is_none() || values.is_empty() {
            return Cow::Borrowed(values);
        }
        Cow::Owned(mean_of_rows(values.chunks_exact(self.width), self.width))
    }

    /// The values of the layer at this position in `data`.
    fn at(&self, position: usize) -> &[f32] {
        let size = self.frames.unwrap_or(1) * self.width;
        self.data
            .get(position * size..(position + 1) * size)
            .unwrap_or_default()
    }

    /// Every layer's vector for the whole window, `[layers, width]`: see
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

/// The mean of vectors of `width` values, summed in double precision; zeros without a vector.
#[must_use]
fn mean_of_rows<'a>(rows: impl IntoIterator<Item = &'a [f32]>, width: usize) -> Vec<f32> {
    let mut sums = vec![0.0f64; width];
    let mut count = 0u64;
    for row in rows {
        count += 1;
        for (sum, value) in sums.iter_mut().zip(row) {
            *sum += f64::from(*value);
        }
    }
    let count = count.max(1) as f64;
    sums.into_iter().map(|sum| (sum / count) as f32).collect()
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
    fn the_graphs_own_vector_for_the_window_precedes_the_mean_of_its_frames() {
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
