//! Fitting heads: multinomial logistic regression on pooled hidden states, if wanted with one
//! hidden layer, with everything about it chosen and judged on data that it was not fitted on.
//!
//! Each candidate (a hidden state, or the weighted sum of all) goes through cross-validation in
//! which groups of files are never split. Inside each fold a further fold chooses the penalty; the
//! figures that are reported are those of the whole procedure, the choice of the candidate
//! included: in each fold the candidate is chosen without the fold's own files. The temperature
//! and the threshold come from held-out answers. Equal data and seed give an equal head.

mod calibrate;
mod candidate;
mod cross;
mod folds;
mod lbfgs;
mod objective;
mod quick;
mod solve;
mod write;

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::atomic::AtomicBool;

use ndarray::Array2;
use serde_json::json;

use super::metrics::{Scores, scores};
use super::{Head, HeadError, Reads};
use candidate::Candidate;
use cross::Outcome;
use mertscope_model::{HiddenStates, Manifest};

pub use quick::{QuickExample, fit_quick};

/// Folds of the cross-validation, if there are as many groups.
const FOLDS: usize = 5;
/// The fewest folds: one to judge, one to choose the penalty by, one to fit on.
const FEWEST_FOLDS: usize = 3;

/// One file to fit on.
#[derive(Debug, Clone)]
pub struct Example {
    /// Index of its label.
    pub label: usize,
    /// Its group; files of one group are never on both sides of a test.
    pub group: usize,
    /// Hidden states `[layers, width]` of its windows, or of single frames; at least one.
    pub windows: Vec<HiddenStates>,
}

/// What to fit, and how.
#[derive(Debug, Clone)]
pub struct FitOptions {
    /// What the head tells.
    pub task: String,
    /// The labels, in the order of the outputs.
    pub labels: Vec<String>,
    /// Hidden states to compare.
    pub layers: Vec<usize>,
    /// Whether the weighted sum of these layers is compared too; only for models whose layers may
    /// be mixed.
    pub mix: bool,
    /// Units of a ReLU layer before the output; none for a linear head.
    pub hidden: Option<usize>,
    /// What the examples' windows are, and so what the head reads: windows, or single frames.
    pub reads: Reads,
    /// Decides the folds and the start of a hidden layer.
    pub seed: u64,
    /// Threads to work with.
    pub threads: usize,
    /// What the data are, for people.
    pub training_data: String,
    /// The license of the head, for people; empty where it is not known.
    pub license: String,
}

/// Why a head can't be fitted.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FitError {
    /// There is nothing to tell apart.
    #[error(
        "A head needs at least two labels with audio, and there is only {0}. Add files of another \
         label."
    )]
    OneLabel(String),
    /// There are too few files.
    #[error(
        "A head needs at least {FEWEST_FOLDS} groups of files to be tested on what it was not fitted \
         on, and there are {0}. Add files, or leave the group column out."
    )]
    TooFew(usize),
    /// The model's layers can't be mixed.
    #[error(
        "The layers of the model {0} are not alike, so a weighted sum of them makes no sense. Fit \
         a head on single layers."
    )]
    NotMixable(String),
    /// The hidden states are of another shape or hold numbers that are not finite.
    #[error("The embeddings don't belong to the model {0}, or are damaged. Have them made again.")]
    Damaged(String),
    /// It was asked to stop.
    #[error("The fit was cancelled; nothing was written.")]
    Cancelled,
    /// What came out is no head.
    #[error(transparent)]
    Head(#[from] HeadError),
}

/// How one candidate did in the cross-validation.
#[derive(Debug, Clone, PartialEq)]
pub struct Compared {
    /// The hidden state; `None` for the weighted sum of all.
    pub layer: Option<usize>,
    /// Units of its hidden layer.
    pub hidden: Option<usize>,
    /// Share of files that were answered right when held out.
    pub accuracy: f64,
    /// Mean negative logarithm of the held-out files' true labels' probabilities.
    pub log_loss: f64,
}

/// A fitted head and how good it is.
#[derive(Debug, Clone)]
pub struct Fitted {
    /// The head.
    pub head: Head,
    /// Its file's bytes.
    pub bytes: Vec<u8>,
    /// Scores of the whole procedure on held-out files, probabilities averaged over windows. The
    /// calibration error is that of this head's layer and penalty in the same folds.
    pub files: Scores,
    /// The same for single windows.
    pub windows: Scores,
    /// Held-out probabilities of each file, `[labels]`.
    pub held_out: Vec<Vec<f32>>,
    /// The candidates, in the order of the layers.
    pub compared: Vec<Compared>,
}

/// Fits a head. `progress` hears how many of how many steps are done; `cancelled` is looked at
/// between them.
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
    let data = cross::Data::new(examples, options, fold_count(examples)?);
    let mut candidates: Vec<Candidate> = options
        .layers
        .iter()
        .map(|layer| Candidate {
            layers: vec![*layer],
            hidden: None,
        })
        .collect();
    if options.mix {
        candidates.push(Candidate {
            layers: options.layers.clone(),
            hidden: None,
        });
    }
    let stages = if options.hidden.is_some() {
        candidates.len() + 1
    } else {
        candidates.len()
    };
    let total = stages * data.folds;
    let mut outcomes = cross::run(
        &data,
        &candidates,
        options,
        &|done| progress(done, total),
        cancelled,
    )?;
    let mut chosen = lowest(&data, &outcomes);
    // In each fold the candidate that its own inner fold prefers: an honest view of the choice.
    let mut logits = cross::nested(&data, &outcomes);
    if options.hidden.is_some() {
        let candidate = Candidate {
            hidden: options.hidden,
            ..candidates[chosen].clone()
        };
        let done = candidates.len() * data.folds;
        let more = |n| progress(done + n, total);
        let outcome = cross::run(
            &data,
            std::slice::from_ref(&candidate),
            options,
            &more,
            cancelled,
        )?;
        logits = cross::nested(&data, &outcome);
        chosen = candidates.len();
        candidates.push(candidate);
        outcomes.extend(outcome);
    }
    let truth = data.window_truth();
    let file_truth: Vec<usize> = examples.iter().map(|example| example.label).collect();
    let judged = |logits: &Array2<f64>| {
        let windows = rows_f32(&data.cross_calibrated(logits));
        let files = data.file_means(&windows);
        let labels = options.labels.len();
        let of_files = scores(&files, &file_truth, labels);
        (of_files, scores(&windows, &truth, labels), files, windows)
    };
    let (mut files, mut windows, held_out, _) = judged(&logits);

    let candidate = &candidates[chosen];
    let penalty = outcomes[chosen].penalty(candidate);
    let solution = data.solve_all(candidate, penalty, options);
    let settled = data.settled(candidate, penalty, &solution, options.seed);
    let (settled_files, settled_windows, _, probabilities) = judged(&settled);
    for (scores, settled) in [(&mut files, settled_files), (&mut windows, settled_windows)] {
        (scores.ece, scores.ece_by_chance) = (settled.ece, settled.ece_by_chance);
    }
    let answers = probabilities.iter().zip(&truth).map(|(row, truth)| {
        let (best, top) = super::metrics::best(row);
        (f64::from(top), best == *truth)
    });
    let threshold = calibrate::threshold(answers.collect());
    let temperature = calibrate::temperature(&settled, &truth);
    let compared: Vec<Compared> = candidates
        .iter()
        .zip(&outcomes)
        .map(|(candidate, outcome)| compared(&data, candidate, outcome, &file_truth))
        .collect();
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
        held_out,
        compared,
    })
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
    if groups.len() < FEWEST_FOLDS {
        return Err(FitError::TooFew(groups.len()));
    }
    Ok(groups.len().min(FOLDS))
}

/// The candidate that explains held-out windows best.
fn lowest(data: &cross::Data<'_>, outcomes: &[Outcome]) -> usize {
    let losses: Vec<f64> = outcomes.iter().map(|outcome| outcome.loss(data)).collect();
    let order = (0..losses.len()).min_by(|a, b| losses[*a].total_cmp(&losses[*b]));
    order.unwrap_or(0)
}

fn compared(
    data: &cross::Data<'_>,
    candidate: &Candidate,
    outcome: &Outcome,
    truth: &[usize],
) -> Compared {
    let calibrated = data.cross_calibrated(&outcome.logits(data));
    let files = data.file_means(&rows_f32(&calibrated));
    let files = scores(&files, truth, calibrated.ncols());
    Compared {
        layer: match candidate.layers[..] {
            [layer] => Some(layer),
            _ => None,
        },
        hidden: candidate.hidden,
        accuracy: files.accuracy,
        log_loss: files.log_loss,
    }
}

fn rows_f32(rows: &Array2<f64>) -> Vec<Vec<f32>> {
    let row = |row: ndarray::ArrayView1<'_, f64>| row.iter().map(|p| *p as f32).collect();
    rows.rows().into_iter().map(row).collect()
}

/// What a head's file says of its quality.
fn describe(
    count: usize,
    files: &Scores,
    windows: &Scores,
    compared: &[Compared],
    threshold: f64,
) -> BTreeMap<String, String> {
    let round = |value: f64| (value * 1e4).round() / 1e4;
    let table: Vec<_> = compared
        .iter()
        .map(|row| {
            json!({"layer": row.layer, "hidden": row.hidden,
                   "accuracy": round(row.accuracy), "log_loss": round(row.log_loss)})
        })
        .collect();
    let metrics = json!({
        "accuracy": round(files.accuracy),
        "macro_f1": round(files.macro_f1),
        "calibration_error": round(files.ece),
        "calibration_error_by_chance": round(files.ece_by_chance),
        "window_accuracy": round(windows.accuracy),
        "window_calibration_error": round(windows.ece),
        "files": count,
        "windows": windows.count,
        "compared": table,
    });
    [
        ("metrics", metrics.to_string()),
        ("threshold", round(threshold).to_string()),
    ]
    .map(|(name, value)| (name.to_owned(), value))
    .into()
}

/// What a head's file says of where it comes from.
fn provenance(options: &FitOptions, manifest: &Manifest, penalty: f64) -> BTreeMap<String, String> {
    let how = format!(
        "multinomial logistic regression{}, penalty {penalty}, seed {}; judged by cross-validation \
         in groups, the layer and the penalty chosen inside",
        match options.hidden {
            Some(units) => format!(" with a hidden layer of {units}"),
            None => String::new(),
        },
        options.seed
    );
    let mut fields = vec![
        ("model", manifest.id.clone()),
        ("encoder_sha256", manifest.sha256().to_owned()),
        ("training_data", options.training_data.clone()),
        ("fitted", how),
    ];
    if let (Reads::Frames, Some(frames)) = (options.reads, manifest.frames_sha256()) {
        fields.push(("frames_sha256", frames.to_owned()));
    }
    if !options.license.is_empty() {
        fields.push(("licence", options.license.clone()));
    }
    let fields = fields.into_iter();
    fields
        .map(|(name, value)| (name.to_owned(), value))
        .collect()
}
