//! Cross-validation of candidates, fold by fold, on the number of threads in the options.

use std::sync::Mutex;
use std::sync::PoisonError;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;

use ndarray::{Array2, s};

use super::calibrate::{log_loss, temperature};
use super::candidate::Candidate;
use super::folds::folds;
use super::objective::{Rows, Shape, parts, softmax};
use super::solve::{Scale, Solution, penalties, solve, start};
use super::{Example, FitError, FitOptions};
use crate::mean::mean_of_vectors;
use mertscope_model::{HiddenStates, lock};

/// The examples, ready for cross-validation.
pub(super) struct FitData<'a> {
    examples: &'a [Example],
    /// The mean over each example's windows.
    means: Vec<HiddenStates>,
    fold_of: Vec<usize>,
    pub(super) folds: usize,
    labels: usize,
    width: usize,
}

/// The result of one fold of one candidate.
#[derive(Debug, Clone)]
struct FoldOutcome {
    /// Loss of the inner fold by penalty; infinite for penalties that were not tried.
    inner: Vec<f64>,
    /// Logits `[windows, labels]` of the fold's own windows.
    logits: Array2<f64>,
}

/// The results of all folds of one candidate.
#[derive(Debug, Clone)]
pub(super) struct Outcome {
    folds: Vec<FoldOutcome>,
}

impl Outcome {
    /// Held-out logits of all windows, in the order of the examples.
    pub(super) fn logits(&self, data: &FitData<'_>) -> Array2<f64> {
        data.gather(|fold| &self.folds[fold].logits)
    }

    /// Calibrated loss of held-out windows.
    pub(super) fn loss(&self, data: &FitData<'_>) -> f64 {
        log_loss(
            &data.cross_calibrated(&self.logits(data)),
            &data.window_truth(),
        )
    }

    /// The penalty with the lowest loss over all inner folds.
    pub(super) fn penalty(&self, candidate: &Candidate) -> f64 {
        let penalties = penalties(candidate);
        let mean = |n: usize| self.folds.iter().map(|fold| fold.inner[n]).sum::<f64>();
        let best = (0..penalties.len()).min_by(|a, b| mean(*a).total_cmp(&mean(*b)));
        penalties[best.unwrap_or(0)]
    }
}

impl<'a> FitData<'a> {
    pub(super) fn new(examples: &'a [Example], options: &FitOptions, count: usize) -> Self {
        let labels: Vec<usize> = examples.iter().map(|example| example.label).collect();
        let groups: Vec<usize> = examples.iter().map(|example| example.group).collect();
        Self {
            means: examples
                .iter()
                .map(|example| mean(&example.windows))
                .collect(),
            fold_of: folds(&labels, &groups, count, options.seed),
            folds: count,
            labels: options.labels.len(),
            width: examples
                .first()
                .map_or(0, |example| example.windows[0].width),
            examples,
        }
    }

    fn shape(&self, candidate: &Candidate) -> Shape {
        Shape {
            layers: candidate.layers.len(),
            width: self.width,
            hidden: candidate.hidden,
            labels: self.labels,
        }
    }

    /// The file means of the examples whose fold `is_in`, and their labels.
    fn rows(&self, scale: &Scale, candidate: &Candidate, is_in: &dyn Fn(usize) -> bool) -> Rows {
        let members = self.members(is_in);
        let rows = members.iter().map(|n| &self.means[*n]);
        Rows {
            layers: scale.apply(rows, &candidate.layers),
            labels: members.iter().map(|n| self.examples[*n].label).collect(),
        }
    }

    fn members(&self, is_in: &dyn Fn(usize) -> bool) -> Vec<usize> {
        let all = 0..self.examples.len();
        all.filter(|n| is_in(self.fold_of[*n])).collect()
    }

    fn scale(&self, candidate: &Candidate, is_in: &dyn Fn(usize) -> bool) -> Scale {
        let members = self.members(is_in);
        let rows = members.iter().map(|n| &self.means[*n]);
        Scale::of(rows, &candidate.layers, self.width)
    }

    /// One fold of one candidate.
    fn fold(&self, candidate: &Candidate, fold: usize, seed: u64) -> FoldOutcome {
        let shape = self.shape(candidate);
        let inner_fold = (fold + 1) % self.folds;
        let is_inner = |f: usize| f != fold && f != inner_fold;
        let scale = self.scale(candidate, &is_inner);
        let rows = self.rows(&scale, candidate, &is_inner);
        let judge = self.rows(&scale, candidate, &|f| f == inner_fold);
        let penalties = penalties(candidate);
        let mut inner = vec![f64::INFINITY; penalties.len()];
        let mut packed = start(shape, seed);
        let mut best = (f64::INFINITY, 0, packed.clone());
        for (n, penalty) in penalties.iter().enumerate() {
            packed = solve(&rows, shape, *penalty, packed);
            let Some(parts) = parts(shape, &packed) else {
                break;
            };
            inner[n] = log_loss(&softmax(&judge.logits(&parts)), &judge.labels);
            if inner[n] < best.0 {
                best = (inner[n], n, packed.clone());
            }
            // Two steps past the best there is only overfitting.
            if n >= best.1 + 2 {
                break;
            }
        }
        let logits = self.held_out(candidate, fold, penalties[best.1], best.2);
        FoldOutcome { inner, logits }
    }

    /// Logits `[windows, labels]` of a fold's own windows, by a head fitted on all other folds from
    /// the start `packed`.
    fn held_out(
        &self,
        candidate: &Candidate,
        fold: usize,
        penalty: f64,
        packed: Vec<f64>,
    ) -> Array2<f64> {
        let shape = self.shape(candidate);
        let is_other = |f: usize| f != fold;
        let scale = self.scale(candidate, &is_other);
        let rows = self.rows(&scale, candidate, &is_other);
        let packed = solve(&rows, shape, penalty, packed);
        let members = self.members(&|f| f == fold);
        let windows = members.iter().flat_map(|n| &self.examples[*n].windows);
        let judged = Rows {
            layers: scale.apply(windows, &candidate.layers),
            labels: Vec::new(),
        };
        let logits = parts(shape, &packed).map(|parts| judged.logits(&parts));
        logits.unwrap_or_default()
    }

    /// Held-out logits `[windows, labels]` of all windows under one penalty. Calibration uses these,
    /// since folds that chose different penalties differ in scale. The search starts from the head of
    /// all examples when that makes no difference.
    pub(super) fn held_out_under(
        &self,
        candidate: &Candidate,
        penalty: f64,
        from: &Solution,
        seed: u64,
    ) -> Array2<f64> {
        let folds: Vec<Array2<f64>> = (0..self.folds)
            .map(|fold| self.held_out(candidate, fold, penalty, from.restart(seed)))
            .collect();
        self.gather(|fold| &folds[fold])
    }

    /// The head fitted on all examples.
    pub(super) fn solve_all(
        &self,
        candidate: &Candidate,
        penalty: f64,
        options: &FitOptions,
    ) -> Solution {
        let shape = self.shape(candidate);
        let scale = self.scale(candidate, &|_| true);
        let rows = self.rows(&scale, candidate, &|_| true);
        let mut packed = start(shape, options.seed);
        for step in penalties(candidate).iter().filter(|step| **step >= penalty) {
            packed = solve(&rows, shape, *step, packed);
        }
        Solution {
            shape,
            scale,
            packed,
        }
    }

    /// The label of each example.
    pub(super) fn file_truth(&self) -> Vec<usize> {
        self.examples.iter().map(|example| example.label).collect()
    }

    /// The label of each window, in the order of the examples.
    pub(super) fn window_truth(&self) -> Vec<usize> {
        let labels = |example: &Example| vec![example.label; example.windows.len()];
        self.examples.iter().flat_map(labels).collect()
    }

    fn window_folds(&self) -> Vec<usize> {
        let folds = self.examples.iter().zip(&self.fold_of);
        folds
            .flat_map(|(example, fold)| vec![*fold; example.windows.len()])
            .collect()
    }

    /// Rows of all windows in the order of the examples; `of` gives the rows of a fold's windows.
    fn gather<'b>(&self, of: impl Fn(usize) -> &'b Array2<f64>) -> Array2<f64> {
        let window_folds = self.window_folds();
        let mut all = Array2::zeros((window_folds.len(), self.labels));
        let mut next = vec![0; self.folds];
        for (mut row, fold) in all.rows_mut().into_iter().zip(window_folds) {
            row.assign(&of(fold).slice(s![next[fold], ..]));
            next[fold] += 1;
        }
        all
    }

    /// Probabilities `[windows, labels]` of held-out windows; each fold's temperature comes from the
    /// other folds.
    pub(super) fn cross_calibrated(&self, logits: &Array2<f64>) -> Array2<f64> {
        let (truth, window_folds) = (self.window_truth(), self.window_folds());
        let mut cooled = logits.clone();
        for fold in 0..self.folds {
            let others: Vec<usize> = (0..truth.len())
                .filter(|n| window_folds[*n] != fold)
                .collect();
            let labels: Vec<usize> = others.iter().map(|n| truth[*n]).collect();
            let t = temperature(&logits.select(ndarray::Axis(0), &others), &labels);
            for (mut row, f) in cooled.rows_mut().into_iter().zip(&window_folds) {
                if *f == fold {
                    row /= t;
                }
            }
        }
        softmax(&cooled)
    }

    /// The mean of each example's windows, `[labels]` each.
    pub(super) fn file_means(&self, windows: &[Vec<f32>]) -> Vec<Vec<f32>> {
        let mut rest = windows;
        let mean = |example: &Example| {
            let (own, others) = rest.split_at(example.windows.len());
            rest = others;
            (0..self.labels)
                .map(|n| own.iter().map(|row| row[n]).sum::<f32>() / own.len() as f32)
                .collect()
        };
        self.examples.iter().map(mean).collect()
    }
}

/// Rows in single precision.
pub(super) fn rows_f32(rows: &Array2<f64>) -> Vec<Vec<f32>> {
    let row = |row: ndarray::ArrayView1<'_, f64>| row.iter().map(|p| *p as f32).collect();
    rows.rows().into_iter().map(row).collect()
}

/// Held-out logits of all windows: in each fold those of the candidate that its inner fold prefers.
pub(super) fn nested(data: &FitData<'_>, outcomes: &[Outcome]) -> Array2<f64> {
    let best = |fold: usize| {
        let loss = |outcome: &&Outcome| {
            let inner = outcome.folds[fold].inner.iter().copied();
            inner.fold(f64::INFINITY, f64::min)
        };
        let lowest = outcomes.iter().min_by(|a, b| loss(a).total_cmp(&loss(b)));
        &lowest.unwrap_or(&outcomes[0]).folds[fold].logits
    };
    data.gather(best)
}

/// Runs all folds of all candidates; `progress` is called with the number of finished folds.
pub(super) fn validate(
    data: &FitData<'_>,
    candidates: &[Candidate],
    options: &FitOptions,
    progress: &(dyn Fn(usize) + Sync),
    cancelled: &AtomicBool,
) -> Result<Vec<Outcome>, FitError> {
    let tasks = candidates.len() * data.folds;
    let (next, done) = (AtomicUsize::new(0), AtomicUsize::new(0));
    let results = Mutex::new(vec![None; tasks]);
    let work = || {
        loop {
            let task = next.fetch_add(1, Ordering::Relaxed);
            if task >= tasks || cancelled.load(Ordering::Relaxed) {
                break;
            }
            let candidate = &candidates[task / data.folds];
            let fold = data.fold(candidate, task % data.folds, options.seed);
            let mut results = lock(&results);
            results[task] = Some(fold);
            drop(results);
            progress(done.fetch_add(1, Ordering::Relaxed) + 1);
        }
    };
    thread::scope(|scope| {
        for _ in 1..options.threads.clamp(1, tasks) {
            scope.spawn(work);
        }
        work();
    });
    let results = results.into_inner().unwrap_or_else(PoisonError::into_inner);
    let folds: Option<Vec<FoldOutcome>> = results.into_iter().collect();
    let folds = folds.ok_or(FitError::Cancelled)?;
    let outcomes = folds.chunks(data.folds);
    Ok(outcomes
        .map(|folds| Outcome {
            folds: folds.to_vec(),
        })
        .collect())
}

/// The mean over windows.
fn mean(windows: &[HiddenStates]) -> HiddenStates {
    HiddenStates {
        data: mean_of_vectors(windows.iter().map(|window| window.data.as_slice())),
        ..windows[0].clone()
    }
}
