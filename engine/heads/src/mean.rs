//! The mean of vectors, summed in double precision.

/// The mean of equally long vectors, element by element; empty without any.
#[must_use]
pub fn mean_of_vectors<'a>(vectors: impl Iterator<Item = &'a [f32]>) -> Vec<f32> {
    let mut sum: Vec<f64> = Vec::new();
    let mut count = 0.0;
    for vector in vectors {
        if sum.is_empty() {
            sum = vec![0.0; vector.len()];
        }
        for (sum, value) in sum.iter_mut().zip(vector) {
            *sum += f64::from(*value);
        }
        count += 1.0;
    }
    sum.iter().map(|sum| (sum / count) as f32).collect()
}
