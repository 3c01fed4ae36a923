//! The context of a key: from the mean log probabilities of what was heard and those of the newest window to the log
//! probabilities that are shown.
//!
//! A circular convolution over the pitch classes is added to the mean, so that transposed music gives transposed figures.

use super::Key;

const PITCH_CLASSES: usize = 12;

/// The weights of the convolution, fitted by the pipeline of a model (`xtask/train/confidence/context.py`).
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Context {
    /// `[2, 4, 12]`: to major and minor keys; from the mean of the major keys and of the minor keys, and from by how much
    /// the newest window differs from these; from the tonic this many semitones above.
    pub kernel: [[[f32; PITCH_CLASSES]; 4]; 2],
    /// `[2]`: added to all major and to all minor keys.
    pub bias: [f32; 2],
}

impl Context {
    /// Log probabilities by [`Key::index`], not normalized, from the mean ones and those of the newest window, `[24]` each.
    /// Of a whole file the newest is the mean. Other numbers of labels come back as they are.
    #[must_use]
    pub fn applied(&self, means: &[f64], newest: &[f64]) -> Vec<f64> {
        if means.len() != Key::COUNT || newest.len() != Key::COUNT {
            return means.to_vec();
        }
        let differences: Vec<f64> = newest.iter().zip(means).map(|(n, m)| n - m).collect();
        let rows: Vec<&[f64]> = means
            .chunks_exact(PITCH_CLASSES)
            .chain(differences.chunks_exact(PITCH_CLASSES))
            .collect();
        let added = |mode: usize, tonic: usize| {
            let mut sum = f64::from(self.bias[mode]);
            for (row, weights) in rows.iter().zip(&self.kernel[mode]) {
                for (above, weight) in weights.iter().enumerate() {
                    sum += f64::from(*weight) * row[(tonic + above) % PITCH_CLASSES];
                }
            }
            sum
        };
        let keys = means.iter().enumerate();
        keys.map(|(key, mean)| mean + added(key / PITCH_CLASSES, key % PITCH_CLASSES))
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Values without any symmetry.
    fn values(from: usize) -> Vec<f64> {
        (0..24)
            .map(|n| -(((from + n * 7 + n * n * 3) % 23) as f64) / 5.0)
            .collect()
    }

    fn context() -> Context {
        let mut kernel = [[[0.0; 12]; 4]; 2];
        for (n, weight) in kernel
            .as_flattened_mut()
            .as_flattened_mut()
            .iter_mut()
            .enumerate()
        {
            *weight = ((n * 5) % 11) as f32 / 20.0 - 0.2;
        }
        Context {
            kernel,
            bias: [0.25, -0.5],
        }
    }

    fn transposed(values: &[f64], semitones: usize) -> Vec<f64> {
        let mut found = values.to_vec();
        for half in found.chunks_exact_mut(12) {
            half.rotate_right(semitones);
        }
        found
    }

    #[test]
    fn transposed_music_gives_transposed_figures() {
        let plain = context().applied(&values(1), &values(5));
        let moved = context().applied(&transposed(&values(1), 5), &transposed(&values(5), 5));
        for (a, b) in transposed(&plain, 5).iter().zip(&moved) {
            assert!((a - b).abs() < 1e-12, "{plain:?} {moved:?}");
        }
    }

    #[test]
    fn each_weight_is_from_a_tonic_above() {
        let mut context = Context {
            kernel: [[[0.0; 12]; 4]; 2],
            bias: [0.5, 0.0],
        };
        // To minor, from the major key three semitones above: its relative key.
        context.kernel[1][0][3] = 2.0;
        let (means, newest) = (values(1), values(5));
        let found = context.applied(&means, &newest);
        let (c_major, a_minor) = (0, 21);
        assert!((found[c_major] - means[c_major] - 0.5).abs() < 1e-12);
        assert!((found[a_minor] - means[a_minor] - 2.0 * means[c_major]).abs() < 1e-12);
        // And from how the newest window differs in that key.
        (context.kernel[1][0][3], context.kernel[1][2][3]) = (0.0, 2.0);
        let found = context.applied(&means, &newest);
        let apart = newest[c_major] - means[c_major];
        assert!((found[a_minor] - means[a_minor] - 2.0 * apart).abs() < 1e-12);
    }

    #[test]
    fn other_numbers_of_labels_stay_as_they_are() {
        assert_eq!(
            context().applied(&[-1.0, -2.0], &[-1.0, -3.0]),
            [-1.0, -2.0]
        );
    }
}
