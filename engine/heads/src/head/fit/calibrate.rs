//! Calibration on held-out answers: the temperature that makes probabilities true, and the threshold
//! at which an answer is worth giving.

use super::objective::softmax;
use ndarray::Array2;

/// The temperature, 0.05 to 20, under which held-out `logits` `[rows, labels]` explain `labels`
/// best (Guo et al. 2017, section 4.2): golden-section search over its logarithm.
pub(super) fn temperature(logits: &Array2<f64>, labels: &[usize]) -> f64 {
    let loss = |log_t: f64| log_loss(&softmax(&(logits / log_t.exp())), labels);
    let (mut low, mut high) = (0.05f64.ln(), 20f64.ln());
    let golden = (5f64.sqrt() - 1.0) / 2.0;
    for _ in 0..60 {
        let (a, b) = (high - golden * (high - low), low + golden * (high - low));
        if loss(a) < loss(b) {
            high = b;
        } else {
            low = a;
        }
    }
    f64::midpoint(low, high).exp()
}

/// Mean negative logarithm of the true label's probability.
pub(super) fn log_loss(probabilities: &Array2<f64>, labels: &[usize]) -> f64 {
    let rows = probabilities.rows().into_iter().zip(labels);
    let sum: f64 = rows.map(|(row, label)| -row[*label].max(1e-12).ln()).sum();
    sum / labels.len().max(1) as f64
}

/// The least top probability at which an answer is given: when a right answer counts 1, a wrong one
/// −1 and none 0, the threshold with the highest sum over held-out answers `(probability, right)`.
/// In other words, below it the head is wrong more often than right.
pub(super) fn threshold(mut answers: Vec<(f64, bool)>) -> f64 {
    answers.sort_by(|a, b| b.0.total_cmp(&a.0));
    let mut sum = 0;
    let (mut best, mut threshold) = (0, 1.0);
    for (n, (probability, right)) in answers.iter().enumerate() {
        sum += if *right { 1 } else { -1 };
        // Answers with equal probabilities are all given or all withheld.
        let last = answers.get(n + 1).is_none_or(|next| next.0 < *probability);
        if last && sum > best {
            (best, threshold) = (sum, *probability);
        }
    }
    threshold
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn overconfident_logits_are_cooled_to_the_truth() {
        // Right three times in four, at logits that claim nearly always.
        let logits =
            Array2::from_shape_fn((400, 2), |(_, label)| if label == 0 { 8.0 } else { 0.0 });
        let labels: Vec<usize> = (0..400).map(|n| usize::from(n % 4 == 0)).collect();
        let t = temperature(&logits, &labels);
        // p = 3/4 means a logit of ln 3.
        assert!((t - 8.0 / 3f64.ln()).abs() < 1e-3, "{t}");
    }

    #[test]
    fn the_threshold_separates_right_from_wrong() {
        let answers = (0..100).map(|n| (f64::from(n) / 100.0, n >= 40)).collect();
        assert!((threshold(answers) - 0.4).abs() < 1e-9);
        // A head that is always wrong never answers.
        assert!((threshold(vec![(0.9, false), (0.8, false)]) - 1.0).abs() < 1e-9);
    }
}
