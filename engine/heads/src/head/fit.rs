//! Fitting heads: multinomial logistic regression on pooled hidden states, optionally with one hidden
//! layer. Every choice is made and judged on files that the head was not fitted on.
//!
//! Each candidate (a hidden state, or the weighted sum of all) goes through cross-validation that never
//! splits a group of files. Inside each fold a further fold chooses the penalty. The reported scores
//! judge the whole procedure, including the choice of the candidate: in each fold the candidate is
//! chosen without the fold's own files. The temperature and the threshold come from held-out answers.
//! Equal data and seed give an equal head.

mod calibrate;
mod candidate;
mod compare;
mod cross;
mod folds;
mod lbfgs;
mod metadata;
mod objective;
mod quick;
mod solve;
mod write;

use std::path::Path;
use std::sync::atomic::AtomicBool;

use ndarray::Array2;

use super::metrics::{Scores, scores};
use super::{Head, HeadError, Reads};
use compare::Comparison;
use cross::{FitData, rows_f32};
use mertscope_model::{HiddenStates, Manifest};
use metadata::{describe, provenance};

pub use quick::{QuickExample, fit_quick};

/// Folds of the cross-validation, if there are that many groups.
const FOLDS: usize = 5;
/// The fewest folds: one to judge, one to choose the penalty, one to fit on.
const MIN_FOLDS: usize = 3;

/// One file to fit on.
#[derive(Debug, Clone)]
pub struct Example {
    /// Index of its label.
    pub label: usize,
    /// Its group; files of one group are never on both sides of a test.
    pub group: usize,
    /// Hidden states `[layers, width]` of its windows or of single frames; at least one.
    pub windows: Vec<HiddenStates>,
}

/// The head to fit, and the way to fit it.
#[derive(Debug, Clone)]
pub struct FitOptions {
    /// The question that the head answers.
    pub task: String,
    /// The labels, in the order of the outputs.
    pub labels: Vec<String>,
    /// Hidden states to compare.
    pub layers: Vec<usize>,
    /// Whether to compare the weighted sum of these layers too; only for models whose layers may be
    /// mixed.
    pub mix: bool,
    /// Units of a ReLU layer before the output; `None` for a linear head.
    pub hidden: Option<usize>,
    /// Whether the examples hold windows or single frames; the head reads the same.
    pub reads: Reads,
    /// Seed of the folds and of a hidden layer's start.
    pub seed: u64,
    /// Threads that share the work.
    pub threads: usize,
    /// A description of the training data, for the user.
    pub training_data: String,
    /// The head's license, for the user; empty when unknown.
    pub license: String,
}

/// Why a head can't be fitted.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FitError {
    /// There are fewer than two labels.
    #[error(
        "A head needs at least two labels with audio, and there is only {0}. Add files of another \
         label."
    )]
    OneLabel(String),
    /// There are too few files.
    #[error(
        "A head needs at least {MIN_FOLDS} groups of files, so that it can be tested on files that it \
         was not fitted on, and there are {0}. Add files, or leave the group column out."
    )]
    TooFew(usize),
    /// The model's layers can't be mixed.
    #[error(
        "The layers of the model {0} are not alike, so a weighted sum of them makes no sense. Fit \
         a head on single layers."
    )]
    NotMixable(String),
    /// The hidden states have another shape, or hold NaN or infinite values.
    #[error("The embeddings don't belong to the model {0}, or are damaged. Make them again.")]
    Damaged(String),
    /// The fit was cancelled.
    #[error("The fit was cancelled; nothing was written.")]
    Cancelled,
    /// The fitted head is not usable.
    #[error(transparent)]
    Head(#[from] HeadError),
}

/// One candidate's scores in the cross-validation.
#[derive(Debug, Clone, PartialEq)]
pub struct CandidateScore {
    /// Index of the hidden state; `None` for the weighted sum of all.
    pub layer: Option<usize>,
    /// Units of its hidden layer; `None` for a linear head.
    pub hidden: Option<usize>,
    /// Share of held-out files with a right answer, 0 to 1.
    pub accuracy: f64,
    /// Mean negative logarithm of the held-out files' true labels' probabilities.
    pub log_loss: f64,
}

/// A fitted head with its scores.
#[derive(Debug, Clone)]
pub struct Fitted {
    /// The head.
    pub head: Head,
    /// Its file's bytes.
    pub bytes: Vec<u8>,
    /// Scores of the whole procedure on held-out files, with probabilities averaged over windows. The
    /// calibration error is that of this head's layer and penalty in the same folds.
    pub files: Scores,
    /// The same for single windows.
    pub windows: Scores,
    /// Held-out probabilities of each file, `[labels]`.
    pub held_out: Vec<Vec<f32>>,
    /// The candidates, in the order of the layers.
    pub compared: Vec<CandidateScore>,
}

/// Fits a head. `progress` is called with the number of finished steps and of all steps, from several
/// threads; `cancelled` is read between steps.
///
/// ```
/// use std::sync::atomic::AtomicBool;
///
/// use mertscope_heads::head::Reads;
/// use mertscope_heads::head::fit::{Example, FitOptions, fit};
/// use mertscope_model::{HiddenStates, LayerSet, Model};
///
/// let manifest = Model::embedded_manifest()?;
/// // Twelve files of two labels, one window each; the sign of their values distinguishes the labels.
/// let examples: Vec<Example> = (0..12)
///     .map(|file| Example {
///         label: file % 2,
///         group: file,
///         windows: vec![HiddenStates {
///             layers: manifest.layers.len(),
///             which: LayerSet::All,
///             frames: None,
///             window: None,
///             width: manifest.width,
///             data: (0..manifest.layers.len() * manifest.width)
///                 .map(|n| if file % 2 == 0 { 1.0 } else { -1.0 } + ((file * 7 + n) as f32).sin())
///                 .collect(),
///         }],
///     })
///     .collect();
/// let options = FitOptions {
///     task: "mood".to_owned(),
///     labels: vec!["calm".to_owned(), "tense".to_owned()],
///     layers: vec![3, 4],
///     mix: false,
///     hidden: None,
///     reads: Reads::Window,
///     seed: 0,
///     threads: 2,
///     training_data: "made up".to_owned(),
///     license: String::new(),
/// };
/// let fitted = fit(&examples, &options, &manifest, &|_, _| {}, &AtomicBool::new(false))?;
/// assert_eq!(fitted.files.accuracy, 1.0);
/// assert!(!fitted.bytes.is_empty());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
/// [`FitError`].
pub fn fit(
    examples: &[Example],
    options: &FitOptions,
    manifest: &Manifest,
    progress: &(dyn Fn(usize, usize) + Sync),
    cancelled: &AtomicBool,
) -> Result<Fitted, FitError> {
    check(examples, options, manifest)?;
    let data = FitData::new(examples, options, fold_count(examples)?);
    let comparison = Comparison::run(&data, options, progress, cancelled)?;
    let nested = judge(&data, &comparison.nested_logits, options.labels.len());
    let (mut files, mut windows) = (nested.files, nested.windows);

    let (candidate, outcome) = comparison.chosen();
    let penalty = outcome.penalty(candidate);
    let solution = data.solve_all(candidate, penalty, options);
    let settled_logits = data.held_out_under(candidate, penalty, &solution, options.seed);
    let settled = judge(&data, &settled_logits, options.labels.len());
    for (scores, settled) in [
        (&mut files, &settled.files),
        (&mut windows, &settled.windows),
    ] {
        (scores.ece, scores.ece_by_chance) = (settled.ece, settled.ece_by_chance);
    }
    let truth = data.window_truth();
    let threshold = threshold(&settled.window_probabilities, &truth);
    let temperature = calibrate::temperature(&settled_logits, &truth);
    let compared = comparison.scores(&data);
    let mut metadata = describe(examples.len(), &files, &windows, &compared, threshold);
    metadata.extend(provenance(options, manifest, penalty));
    let bytes = write::bytes(&solution, candidate, temperature, options, metadata);
    let head = Head::parse(&bytes, Path::new("(fitted)"))?;
    head.check(manifest)?;
    Ok(Fitted {
        head,
        bytes,
        files,
        windows,
        held_out: nested.file_probabilities,
        compared,
    })
}

/// Calibrated held-out probabilities and their scores.
struct Judged {
    files: Scores,
    windows: Scores,
    file_probabilities: Vec<Vec<f32>>,
    window_probabilities: Vec<Vec<f32>>,
}

/// Judges held-out `logits` `[windows, labels]`.
fn judge(data: &FitData<'_>, logits: &Array2<f64>, labels: usize) -> Judged {
    let window_probabilities = rows_f32(&data.cross_calibrated(logits));
    let file_probabilities = data.file_means(&window_probabilities);
    Judged {
        files: scores(&file_probabilities, &data.file_truth(), labels),
        windows: scores(&window_probabilities, &data.window_truth(), labels),
        file_probabilities,
        window_probabilities,
    }
}

fn threshold(probabilities: &[Vec<f32>], truth: &[usize]) -> f64 {
    let answers = probabilities.iter().zip(truth).map(|(row, truth)| {
        let (best, top) = super::metrics::best(row);
        (f64::from(top), best == *truth)
    });
    calibrate::threshold(answers.collect())
}

fn check(examples: &[Example], options: &FitOptions, manifest: &Manifest) -> Result<(), FitError> {
    let id = || manifest.id.clone();
    let first = examples.first().map(|example| example.label);
    if examples.iter().all(|example| Some(example.label) == first) {
        let only = first.and_then(|label| options.labels.get(label));
        return Err(FitError::OneLabel(
            only.map_or_else(|| "none".to_owned(), |label| format!("“{label}”")),
        ));
    }
    if options.mix && !manifest.graph.layers_mixable {
        return Err(FitError::NotMixable(id()));
    }
    let layers = manifest.layers.len();
    let fits = |window: &HiddenStates| {
        (window.layers, window.width, window.frames) == (layers, manifest.width, None)
            && window.data.iter().all(|value| value.is_finite())
    };
    let whole = examples.iter().all(|example| {
        example.label < options.labels.len()
            && !example.windows.is_empty()
            && example.windows.iter().all(fits)
    });
    if !whole || options.layers.is_empty() || options.layers.iter().any(|layer| *layer >= layers) {
        return Err(FitError::Damaged(id()));
    }
    Ok(())
}

fn fold_count(examples: &[Example]) -> Result<usize, FitError> {
    let mut groups: Vec<usize> = examples.iter().map(|example| example.group).collect();
    groups.sort_unstable();
    groups.dedup();
    if groups.len() < MIN_FOLDS {
        return Err(FitError::TooFew(groups.len()));
    }
    Ok(groups.len().min(FOLDS))
}
