//! Running means of every hidden state over a stretch of windows.

use mertscope_model::HiddenStates;

/// The most values of a reference's further layers together, so that eight references stay a small part
/// of a project.
const MAX_VALUES: usize = 8_192;

/// Sums by layer.
#[derive(Debug, Clone, Default)]
pub(super) struct LayerMeans {
    sums: Vec<(usize, Vec<f64>)>,
    windows: f64,
}

impl LayerMeans {
    /// Adds a window of a model with this number of layers.
    pub(super) fn add(&mut self, hidden: &HiddenStates, layers: usize) {
        if self.sums.is_empty() {
            let present = (0..layers).filter(|layer| !hidden.layer(*layer).is_empty());
            let empty = |layer| (layer, vec![0.0; hidden.width]);
            self.sums = present.map(empty).collect();
        }
        for (layer, sum) in &mut self.sums {
            for (sum, value) in sum.iter_mut().zip(&*hidden.pooled_layer(*layer)) {
                *sum += f64::from(*value);
            }
        }
        self.windows += 1.0;
    }

    /// The means of all layers but `compared`, whose windows are stored separately; of too many layers,
    /// an even selection.
    pub(super) fn further(&self, compared: usize) -> Vec<(usize, Vec<f32>)> {
        let others: Vec<_> = self
            .sums
            .iter()
            .filter(|(layer, _)| *layer != compared)
            .collect();
        let width = others.first().map_or(1, |(_, sum)| sum.len().max(1));
        let stored = others.len().min(MAX_VALUES / width);
        let mean = |sum: &Vec<f64>| sum.iter().map(|sum| (sum / self.windows) as f32).collect();
        (0..stored)
            .map(|n| others[n * others.len() / stored])
            .map(|(layer, sum)| (*layer, mean(sum)))
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use mertscope_model::LayerSet;

    #[test]
    fn each_layer_has_its_mean_and_too_many_layers_are_thinned_out() {
        let states = |value: f32, width: usize| HiddenStates {
            layers: 25,
            which: LayerSet::All,
            frames: None,
            window: None,
            width,
            data: vec![value; 25 * width],
        };
        let mut mean = LayerMeans::default();
        mean.add(&states(1.0, 4), 25);
        mean.add(&states(3.0, 4), 25);
        let further = mean.further(4);
        assert_eq!(further.len(), 24);
        assert!(
            further
                .iter()
                .all(|(layer, values)| *layer != 4 && values == &[2.0; 4])
        );
        let mut wide = LayerMeans::default();
        wide.add(&states(1.0, 1024), 25);
        let layers: Vec<usize> = wide
            .further(0)
            .into_iter()
            .map(|(layer, _)| layer)
            .collect();
        assert_eq!(layers, [1, 4, 7, 10, 13, 16, 19, 22]);
    }
}
