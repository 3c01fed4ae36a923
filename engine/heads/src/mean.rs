//! The mean of vectors, summed in double precision.

/// The mean of equally long vectors that come one by one, element by element.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct RunningMean {
    sum: Vec<f64>,
    count: u64,
}

impl RunningMean {
    /// Adds a vector.
    pub(crate) fn add(&mut self, vector: &[f32]) {
        if self.count == 0 {
            self.sum = vec![0.0; vector.len()];
        }
        for (sum, value) in self.sum.iter_mut().zip(vector) {
            *sum += f64::from(*value);
        }
        self.count += 1;
    }

    /// The mean so far; empty without vectors.
    pub(crate) fn mean(&self) -> Vec<f32> {
        let count = self.count as f64;
        self.sum.iter().map(|sum| (sum / count) as f32).collect()
    }
}

/// The mean of equally long vectors, element by element; empty without any.
#[must_use]
pub fn mean_of_vectors<'a>(vectors: impl Iterator<Item = &'a [f32]>) -> Vec<f32> {
    let mut running = RunningMean::default();
    vectors.for_each(|vector| running.add(vector));
    running.mean()
}
