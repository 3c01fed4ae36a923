//! The comparison of candidates: which layers, and whether their weighted sum, make the best head.

use std::sync::atomic::AtomicBool;

use ndarray::Array2;

use super::candidate::Candidate;
use super::cross::{self, FitData, Outcome, rows_f32};
use super::{CandidateScore, FitError, FitOptions};
use crate::head::metrics::scores;

/// The candidates and their cross-validation.
pub(super) struct Comparison {
    candidates: Vec<Candidate>,
    outcomes: Vec<Outcome>,
    /// Index of the candidate of the fitted head.
    chosen: usize,
    /// Held-out logits `[windows, labels]` of the whole procedure: in each fold those of the candidate
    /// that its own inner fold prefers.
    pub(super) nested_logits: Array2<f64>,
}

impl Comparison {
    /// Compares the layers, then fits the best with a hidden layer when `options` ask for one.
    pub(super) fn run(
        data: &FitData<'_>,
        options: &FitOptions,
        progress: &(dyn Fn(usize, usize) + Sync),
        cancelled: &AtomicBool,
    ) -> Result<Self, FitError> {
        let mut candidates = linear_candidates(options);
        let stages = candidates.len() + usize::from(options.hidden.is_some());
        let total = stages * data.folds;
        let mut outcomes = cross::validate(
            data,
            &candidates,
            options,
            &|done| progress(done, total),
            cancelled,
        )?;
        let mut chosen = lowest(data, &outcomes);
        let mut nested_logits = cross::nested(data, &outcomes);
        if options.hidden.is_some() {
            let candidate = Candidate {
                hidden: options.hidden,
                ..candidates[chosen].clone()
            };
            let done = candidates.len() * data.folds;
            let more = |n| progress(done + n, total);
            let only = std::slice::from_ref(&candidate);
            let outcome = cross::validate(data, only, options, &more, cancelled)?;
            nested_logits = cross::nested(data, &outcome);
            chosen = candidates.len();
            candidates.push(candidate);
            outcomes.extend(outcome);
        }
        Ok(Self {
            candidates,
            outcomes,
            chosen,
            nested_logits,
        })
    }

    /// The candidate of the fitted head and its outcome.
    pub(super) fn chosen(&self) -> (&Candidate, &Outcome) {
        (&self.candidates[self.chosen], &self.outcomes[self.chosen])
    }

    /// The candidates' scores, in their order.
    pub(super) fn scores(&self, data: &FitData<'_>) -> Vec<CandidateScore> {
        let pairs = self.candidates.iter().zip(&self.outcomes);
        pairs
            .map(|(candidate, outcome)| candidate_score(data, candidate, outcome))
            .collect()
    }
}

/// Linear heads on each layer, and on their weighted sum when `options` ask for it.
fn linear_candidates(options: &FitOptions) -> Vec<Candidate> {
    let linear = |layers| Candidate {
        layers,
        hidden: None,
    };
    let single = options.layers.iter().map(|layer| linear(vec![*layer]));
    let mixed = options.mix.then(|| linear(options.layers.clone()));
    single.chain(mixed).collect()
}

/// The index of the candidate with the lowest loss on held-out windows.
fn lowest(data: &FitData<'_>, outcomes: &[Outcome]) -> usize {
    let losses: Vec<f64> = outcomes.iter().map(|outcome| outcome.loss(data)).collect();
    let order = (0..losses.len()).min_by(|a, b| losses[*a].total_cmp(&losses[*b]));
    order.unwrap_or(0)
}

fn candidate_score(data: &FitData<'_>, candidate: &Candidate, outcome: &Outcome) -> CandidateScore {
    let calibrated = data.cross_calibrated(&outcome.logits(data));
    let files = data.file_means(&rows_f32(&calibrated));
    let files = scores(&files, &data.file_truth(), calibrated.ncols());
    CandidateScore {
        layer: match candidate.layers[..] {
            [layer] => Some(layer),
            _ => None,
        },
        hidden: candidate.hidden,
        accuracy: files.accuracy,
        log_loss: files.log_loss,
    }
}
