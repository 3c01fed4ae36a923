//! Metrics of a head's answers: accuracy, macro-F1, calibration, confusion, and for keys the weighted
//! score of MIREX with the kinds of error.

use std::f64::consts::PI;

use mertscope_music::Key;

/// Number of bins of [`Scores::ece`].
const BINS: usize = 10;

/// Scores of answers to one task.
#[derive(Debug, Clone, PartialEq)]
pub struct Scores {
    /// Number of judged answers.
    pub count: usize,
    /// Share of answers whose most probable label is the true one, 0 to 1.
    pub accuracy: f64,
    /// F1 of each true label that occurs, averaged: every label counts the same.
    pub macro_f1: f64,
    /// Mean negative logarithm of the true label's probability.
    pub log_loss: f64,
    /// Expected calibration error: the difference between confidence and accuracy, over ten bins with
    /// an equal number of answers each.
    pub ece: f64,
    /// The mean of [`ece`](Self::ece) if every probability were true: with few answers, confidence and
    /// accuracy differ by chance alone.
    pub ece_by_chance: f64,
    /// Counts of answers, `[labels][labels]`: a row per true label, a column per answered label.
    pub confusion: Vec<Vec<usize>>,
}

impl Scores {
    /// The indices of the labels that are true or answered at least once.
    #[must_use]
    pub fn occurring(&self) -> Vec<usize> {
        let occurs = |n: &usize| {
            self.confusion[*n].iter().any(|count| *count > 0)
                || self.confusion.iter().any(|row| row[*n] > 0)
        };
        (0..self.confusion.len()).filter(occurs).collect()
    }
}

/// Shares of key answers by their relation to the true key, 0 to 1 each.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct KeyScores {
    /// The weighted score of MIREX as `mir_eval.key` counts it: 1 for the right key, 0.5 for a key a
    /// fifth above, 0.3 for the relative and 0.2 for the parallel key.
    pub weighted: f64,
    /// The same with 0.5 for a key a fifth below too, as MIREX itself and many papers count it.
    pub weighted_both: f64,
    /// Keys that mix with the true one: the right key, a fifth above or below, the relative key.
    pub compatible: f64,
    /// The right key.
    pub exact: f64,
    /// The same mode a fifth above.
    pub fifth: f64,
    /// The same mode a fifth below; adds to [`weighted_both`](Self::weighted_both) alone.
    pub fifth_below: f64,
    /// The relative key.
    pub relative: f64,
    /// The parallel key.
    pub parallel: f64,
    /// Any other key.
    pub other: f64,
}

/// Scores `probabilities`, `[labels]` each, against the indices of the true labels.
#[must_use]
pub fn scores(probabilities: &[Vec<f32>], truth: &[usize], labels: usize) -> Scores {
    let mut confusion = vec![vec![0; labels]; labels];
    let mut answers = Vec::with_capacity(truth.len());
    let mut log_loss = 0.0;
    for (row, truth) in probabilities.iter().zip(truth) {
        let (best, top) = best(row);
        confusion[*truth][best] += 1;
        answers.push((f64::from(top), best == *truth));
        log_loss -= f64::from(row[*truth]).max(1e-12).ln();
    }
    let count = answers.len();
    let share = |n: usize| n as f64 / count.max(1) as f64;
    let (ece, ece_by_chance) = calibration_error(answers.clone());
    Scores {
        count,
        accuracy: share(answers.iter().filter(|(_, right)| *right).count()),
        macro_f1: macro_f1(&confusion),
        log_loss: log_loss / count.max(1) as f64,
        ece,
        ece_by_chance,
        confusion,
    }
}

/// Index and value of the most probable label; the first of equals.
#[must_use]
pub fn best(probabilities: &[f32]) -> (usize, f32) {
    let mut best = (0, f32::NEG_INFINITY);
    for (n, p) in probabilities.iter().enumerate() {
        if *p > best.1 {
            best = (n, *p);
        }
    }
    best
}

fn macro_f1(confusion: &[Vec<usize>]) -> f64 {
    let occurs = |n: &usize| confusion[*n].iter().any(|count| *count > 0);
    let present: Vec<usize> = (0..confusion.len()).filter(occurs).collect();
    let f1 = |n: &usize| {
        let hits = confusion[*n][*n] as f64;
        let true_count: usize = confusion[*n].iter().sum();
        let answered: usize = confusion.iter().map(|row| row[*n]).sum();
        2.0 * hits / (true_count + answered) as f64
    };
    present.iter().map(f1).sum::<f64>() / present.len().max(1) as f64
}

/// The contribution of a bin's answers, `(confidence, right)`.
type BinSum = fn(&[(f64, bool)]) -> f64;

/// The calibration error of answers `(confidence, right)`, and the part of it that chance explains.
/// Bins hold equal counts: of bins of equal width, most would be empty for a head with many labels.
pub(super) fn calibration_error(mut answers: Vec<(f64, bool)>) -> (f64, f64) {
    answers.sort_by(|a, b| a.0.total_cmp(&b.0));
    let count = answers.len();
    if count == 0 {
        return (0.0, 0.0);
    }
    let bin = |n: usize| &answers[n * count / BINS..(n + 1) * count / BINS];
    let apart: BinSum = |bin| {
        let confidence: f64 = bin.iter().map(|(p, _)| p).sum();
        let right = bin.iter().filter(|(_, right)| *right).count() as f64;
        (confidence - right).abs()
    };
    // The number of right answers in a bin is a sum of coin flips, nearly normal: its mean distance
    // from its mean is √(2/π) times its standard deviation.
    let by_chance: BinSum = |bin| {
        let variance: f64 = bin.iter().map(|(p, _)| p * (1.0 - p)).sum();
        (variance * 2.0 / PI).sqrt()
    };
    let sum = |of: BinSum| (0..BINS).map(|n| of(bin(n))).sum::<f64>();
    let share = 1.0 / count as f64;
    (share * sum(apart), share * sum(by_chance))
}

/// Scores key answers: pairs of the true key and the answered key.
#[must_use]
pub fn key_scores(answers: &[(Key, Key)]) -> KeyScores {
    let share = |is: &dyn Fn(Key, Key) -> bool| {
        let hits = answers.iter().filter(|(truth, answer)| is(*truth, *answer));
        hits.count() as f64 / answers.len().max(1) as f64
    };
    let exact = share(&|truth, answer| truth == answer);
    let fifth = share(&|truth, answer| answer == truth.transposed(7));
    let fifth_below = share(&|truth, answer| answer == truth.transposed(-7));
    let relative = share(&|truth, answer| answer == truth.relative());
    let parallel = share(&|truth, answer| answer == truth.parallel());
    let weighted = exact + 0.5 * fifth + 0.3 * relative + 0.2 * parallel;
    KeyScores {
        weighted,
        weighted_both: weighted + 0.5 * fifth_below,
        compatible: exact + fifth + fifth_below + relative,
        exact,
        fifth,
        fifth_below,
        relative,
        parallel,
        other: 1.0 - exact - fifth - fifth_below - relative - parallel,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scores_of_a_small_table_match_those_computed_by_hand() {
        let p = |a: f32, b: f32, c: f32| vec![a, b, c];
        let answers = [
            p(0.8, 0.1, 0.1),
            p(0.6, 0.3, 0.1),
            p(0.2, 0.7, 0.1),
            p(0.5, 0.4, 0.1),
        ];
        let scores = scores(&answers, &[0, 0, 1, 1], 3);
        assert_eq!(
            scores.confusion,
            [vec![2, 0, 0], vec![1, 1, 0], vec![0, 0, 0]]
        );
        assert!((scores.accuracy - 0.75).abs() < 1e-9);
        // F1 of label 0: 4/5; of label 1: 2/3; label 2 does not occur.
        assert!((scores.macro_f1 - (0.8 + 2.0 / 3.0) / 2.0).abs() < 1e-9);
    }

    #[test]
    fn calibration_error_is_the_gap_between_confidence_and_accuracy() {
        let answers = |confidence: f64| (0..1000).map(move |n| (confidence, n % 10 < 7)).collect();
        assert!(calibration_error(answers(0.7)).0 < 1e-9);
        assert!((calibration_error(answers(0.9)).0 - 0.2).abs() < 1e-9);
        assert_eq!(calibration_error(Vec::new()), (0.0, 0.0));
    }

    #[test]
    fn chance_explains_the_calibration_error_of_true_probabilities() {
        // Numerical Recipes' generator.
        let mut state = 7u32;
        let mut uniform = move || {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            f64::from(state) / f64::from(u32::MAX)
        };
        for count in [60, 300, 3000] {
            let rounds = 200;
            let (mut measured, mut explained) = (0.0, 0.0);
            for _ in 0..rounds {
                let answer = |_| {
                    let p = uniform();
                    (p, uniform() < p)
                };
                let (ece, by_chance) = calibration_error((0..count).map(answer).collect());
                measured += ece / f64::from(rounds);
                explained += by_chance / f64::from(rounds);
            }
            let apart = (measured - explained).abs();
            assert!(apart < 0.06 * explained, "{count}: {measured}, {explained}");
        }
    }

    /// The scores of all 24 × 24 pairs as `mir_eval` gives them; the file says how it was made.
    #[test]
    fn every_pair_of_keys_scores_as_in_mir_eval() {
        let path = concat!(
            env!("CARGO_MANIFEST_DIR"),
            "/../../tests/fixtures/keys/mir_eval.csv"
        );
        let table = std::fs::read_to_string(path).unwrap();
        let mut rows = table.lines().filter(|line| !line.starts_with('#'));
        assert_eq!(rows.next(), Some("reference,estimated,ascending,both"));
        let mut count = 0;
        for row in rows {
            let fields: Vec<&str> = row.split(',').collect();
            let key = |n: usize| fields[n].parse::<Key>().unwrap();
            let score = |n: usize| fields[n].parse::<f64>().unwrap();
            let scores = key_scores(&[(key(0), key(1))]);
            assert!((scores.weighted - score(2)).abs() < 1e-12, "{row}");
            assert!((scores.weighted_both - score(3)).abs() < 1e-12, "{row}");
            count += 1;
        }
        assert_eq!(count, Key::COUNT * Key::COUNT);
    }

    #[test]
    fn key_errors_are_counted_by_kind() {
        let key = |text: &str| text.parse::<Key>().unwrap();
        let c = key("C major");
        let answers = [
            "C major", "G major", "F major", "A minor", "C minor", "D major",
        ];
        let scores = key_scores(&answers.map(|answer| (c, key(answer))));
        let sixth = 1.0 / 6.0;
        assert!((scores.weighted - (1.0 + 0.5 + 0.3 + 0.2) * sixth).abs() < 1e-9);
        assert!((scores.weighted_both - scores.weighted - 0.5 * sixth).abs() < 1e-9);
        assert!((scores.compatible - 4.0 * sixth).abs() < 1e-9);
        assert!((scores.fifth - scores.fifth_below).abs() < 1e-9);
        assert!((scores.fifth - sixth).abs() < 1e-9 && (scores.other - sixth).abs() < 1e-9);
        let minor = key_scores(&[(key("A minor"), key("C major"))]);
        assert!((minor.relative - 1.0).abs() < 1e-9);
    }
}
