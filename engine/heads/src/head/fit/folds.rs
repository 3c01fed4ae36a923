//! Folds for cross-validation: groups are never split, labels are spread evenly.

use std::collections::BTreeMap;

/// The fold of each example, 0 to `folds` − 1. Examples of one group share a fold; large groups
/// go first, each into the fold in which its labels are rarest. Equal seeds give equal folds.
pub(super) fn folds(labels: &[usize], groups: &[usize], folds: usize, seed: u64) -> Vec<usize> {
    let mut members: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
    for (example, group) in groups.iter().enumerate() {
        members.entry(*group).or_default().push(example);
    }
    let mut order: Vec<Vec<usize>> = members.into_values().collect();
    fastrand::Rng::with_seed(seed).shuffle(&mut order);
    order.sort_by_key(|group| std::cmp::Reverse(group.len()));
    let label_count = labels.iter().max().map_or(0, |label| label + 1);
    let mut counts = vec![vec![0usize; label_count]; folds];
    let mut sizes = vec![0usize; folds];
    let mut fold_of = vec![0; labels.len()];
    for group in order {
        let crowd = |fold: usize| {
            let alike: usize = group
                .iter()
                .map(|example| counts[fold][labels[*example]])
                .sum();
            (alike, sizes[fold])
        };
        let best = (0..folds).min_by_key(|fold| crowd(*fold)).unwrap_or(0);
        for example in group {
            counts[best][labels[example]] += 1;
            sizes[best] += 1;
            fold_of[example] = best;
        }
    }
    fold_of
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn groups_stay_together_and_labels_are_spread() {
        let labels: Vec<usize> = (0..120).map(|n| n % 4).collect();
        let groups: Vec<usize> = (0..120).map(|n| n / 8).collect();
        let fold_of = folds(&labels, &groups, 5, 1);
        for n in 0..120 {
            assert_eq!(fold_of[n], fold_of[groups[n] * 8], "group {}", groups[n]);
        }
        for fold in 0..5 {
            for label in 0..4 {
                let count = (0..120)
                    .filter(|n| fold_of[*n] == fold && labels[*n] == label)
                    .count();
                assert_eq!(count, 6, "fold {fold}, label {label}");
            }
        }
        assert_eq!(fold_of, folds(&labels, &groups, 5, 1));
        assert_ne!(fold_of, folds(&labels, &groups, 5, 2));
    }
}
