//! The mean of vectors, summed in double precision.

/// The mean of equally long vectors, element by element; empty without any.
#[must_use]
pub fn mean_of_vectors<'a>(mut vectors: impl Iterator<Item = &'a [f32]>) -> Vec<f32> {
    let Some(first) = vectors.next() else {
        return Vec::new();
    };
    let mut sum: Vec<f64> = first.iter().copied().map(f64::from).collect();
    let mut count = 1.0;
    for vector in vectors {
        for (sum, value) in sum.iter_mut().zip(vector) {
            *sum += f64::from(*value);
        }
        count += 1.0;
    }
    sum.into_iter().map(|sum| (sum / count) as f32).collect()
}
