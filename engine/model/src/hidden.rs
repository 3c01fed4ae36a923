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

/// How far hidden states are from exact ones, as a part of what tells windows of music from each other: the rms of the
/// error divided by the rms distance of the exact vectors from their mean, over the windows of each layer; the largest of
/// the layers. Infinite without two windows that differ, and where an error is not finite.
#[must_use]
pub fn err(exact: &[HiddenStates], found: &[HiddenStates]) -> f64 {
    let Some(first) = exact.first() else {
        return f64::INFINITY;
    };
    let layers = first.which.indices(first.layers);
    let of_layer = |layer: usize| {
        let vectors = |all: &[HiddenStates]| -> Vec<Vec<f32>> {
            all.iter()
                .map(|one| one.pooled_layer(layer).into_owned())
                .collect()
        };
        let (exact, found) = (vectors(exact), vectors(found));
        let center = mean_of_rows(exact.iter().map(Vec::as_slice), first.width);
        let spread: f64 = exact.iter().map(|vector| squares(vector, &center)).sum();
        let pairs = exact.iter().zip(&found);
        let error: f64 = pairs.map(|(a, b)| squares(a, b)).sum();
        (error / spread).sqrt()
    };
    // NaN counts as the largest.
    let or_all = |err: f64| if err.is_nan() { f64::INFINITY } else { err };
    layers
        .into_iter()
        .map(|layer| or_all(of_layer(layer)))
        .fold(0.0, f64::max)
}

/// The squared distance of two vectors; infinite when their lengths differ.
fn squares(a: &[f32], b: &[f32]) -> f64 {
    if a.len() != b.len() {
        return f64::INFINITY;
    }
    let pairs = a.iter().zip(b);
    pairs
        .map(|(a, b)| (f64::from(*a) - f64::from(*b)).powi(2))
        .sum()
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
    fn an_error_counts_by_what_tells_windows_apart() {
        let window = |values: [f32; 4]| HiddenStates {
            layers: 2,
            which: LayerSet::of([1, 3], 5),
            frames: None,
            window: None,
            width: 2,
            data: values.to_vec(),
        };
        // Layer 1 lies at 100, with a distance of 1 from the mean; layer 3 at 0, with one of 2.
        let exact = [
            window([101.0, 0.0, 2.0, 0.0]),
            window([99.0, 0.0, -2.0, 0.0]),
        ];
        assert_eq!(err(&exact, &exact), 0.0);
        let near = [
            window([101.0, 0.1, 2.0, 0.0]),
            window([99.0, 0.1, -2.0, 0.4]),
        ];
        // Layer 3: the root of the half of 0.16, by 2.
        assert!((err(&exact, &near) - 0.08f64.sqrt() / 2.0).abs() < 1e-6);
        let broken = [window([f32::NAN, 0.0, 2.0, 0.0]), exact[1].clone()];
        assert_eq!(err(&exact, &broken), f64::INFINITY);
        assert_eq!(err(&exact[..1], &near[..1]), f64::INFINITY);
        assert_eq!(err(&[], &[]), f64::INFINITY);
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
