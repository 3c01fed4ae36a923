//! Fitting a head on labeled files, with the same steps as `mertscope heads train`.

use std::path::PathBuf;
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::Duration;

use mertscope_engine::embedding_dataset::{DatasetError, EmbeddingDataset};
use mertscope_engine::heads::head::fit::FitError;
use mertscope_engine::heads::head::metrics::Scores;
use mertscope_engine::heads::user_store::{StoredKind, UserStore};
use mertscope_engine::labeled::{EmbeddedFile, LabeledFile, examples, once_each};
use mertscope_engine::{Example, FitOptions, Fitted, Manifest, Reads, fit, runtime};
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::PyBytes;
use serde_json::{Value, json};

use crate::analyzer::Analyzer;
use crate::errors::{self, AudioError, HeadError, InferenceError, MertscopeError, ModelError};
use crate::watch::Watch;

/// The time after which a waiting thread looks for Ctrl-C.
const PATIENCE: Duration = Duration::from_millis(100);

/// The head to fit.
#[derive(FromPyObject)]
#[pyo3(from_item_all)]
pub(crate) struct Training {
    task: String,
    /// Hidden states to compare; all when `None`.
    layers: Option<Vec<usize>>,
    /// Whether to compare their weighted sum too, where the model allows it.
    mix: bool,
    hidden: Option<usize>,
    /// Whether the head reads single frames.
    frames: bool,
    seed: u64,
    /// Windows per file.
    windows: usize,
    training_data: Option<String>,
    data_name: String,
    license: String,
}

/// Fits a head on files with their labels and groups. Returns its file's bytes, its scores as JSON, and a sentence per
/// file that was left out.
#[pyfunction]
pub(crate) fn train(
    py: Python<'_>,
    analyzer: &Analyzer,
    files: Vec<(PathBuf, String, String)>,
    training: Training,
    progress: Option<Py<PyAny>>,
) -> PyResult<(Py<PyBytes>, String, Vec<String>)> {
    let watch = Watch::new(progress);
    let (fitted, report, notices) = py.detach(|| run(analyzer, files, &training, watch))?;
    let bytes = PyBytes::new(py, &fitted.bytes).unbind();
    Ok((bytes, report.to_string(), notices))
}

/// Puts a head into the user's data folder under `name`, where every program of Mertscope finds it; returns its path.
#[pyfunction]
pub(crate) fn store_head(analyzer: &Analyzer, name: &str, bytes: &[u8]) -> PyResult<PathBuf> {
    let manifest = &analyzer.package().model.manifest;
    if manifest
        .heads
        .iter()
        .any(|part| part.file == format!("{name}.safetensors"))
    {
        return Err(errors::raised::<HeadError>(format!(
            "The model {} came with a head named “{name}”; choose another name.",
            manifest.id
        )));
    }
    let stored = UserStore::of(StoredKind::Heads, manifest)
        .and_then(|store| store.put(name, bytes))
        .map_err(errors::raised::<HeadError>)?;
    Ok(stored.path)
}

fn run(
    analyzer: &Analyzer,
    files: Vec<(PathBuf, String, String)>,
    training: &Training,
    watch: Watch,
) -> PyResult<(Fitted, Value, Vec<String>)> {
    let manifest = &analyzer.package().model.manifest;
    let options = |labels, count| options(training, manifest, labels, count);
    // What can be wrong with the options shows before the work.
    options(Vec::new(), 0)?;
    let files = files
        .into_iter()
        .map(|(path, label, group)| LabeledFile { path, label, group });
    let (music, mut notices) = embed(analyzer, files.collect(), training, &watch)?;
    let (labels, examples) = examples(&training.task, music, &mut notices);
    let options = options(labels, examples.len())?;
    let fitted = watched_fit(&examples, &options, manifest, &watch);
    let fitted = watch.outcome(fitted, errors::raised::<HeadError>)?;
    let report = json!({
        "task": options.task,
        "labels": options.labels,
        "layers": fitted.head.metadata.get("layers"),
        "files": scores(&fitted.files),
        "windows": scores(&fitted.windows),
        "compared": fitted.compared.iter().map(|row| json!({
            "layer": row.layer, "hidden": row.hidden,
            "accuracy": row.accuracy, "log_loss": row.log_loss,
        })).collect::<Vec<_>>(),
    });
    Ok((fitted, report, notices))
}

fn options(
    training: &Training,
    manifest: &Manifest,
    labels: Vec<String>,
    files: usize,
) -> PyResult<FitOptions> {
    let count = manifest.layers.len();
    let layers: Vec<usize> = training
        .layers
        .clone()
        .unwrap_or_else(|| (0..count).collect());
    if let Some(layer) = layers.iter().find(|layer| **layer >= count) {
        return Err(errors::raised::<ModelError>(format!(
            "The model {} has no layer {layer}: its layers are 0 to {}.",
            manifest.id,
            count - 1
        )));
    }
    if training.task.trim().is_empty() {
        return Err(PyValueError::new_err(
            "A head needs a task; name it with task.",
        ));
    }
    let described = || format!("{} ({files} files)", training.data_name);
    Ok(FitOptions {
        task: training.task.clone(),
        labels,
        mix: manifest.graph.layers_mixable && layers.len() > 1 && training.mix,
        layers,
        hidden: training.hidden,
        reads: reads(training),
        seed: training.seed,
        threads: thread::available_parallelism().map_or(1, usize::from),
        training_data: training.training_data.clone().unwrap_or_else(described),
        license: training.license.clone(),
    })
}

const fn reads(training: &Training) -> Reads {
    if training.frames {
        Reads::Frames
    } else {
        Reads::Window
    }
}

/// The files' windows; files that fail, and equal files with two labels, are left out with a sentence.
fn embed(
    analyzer: &Analyzer,
    files: Vec<LabeledFile>,
    training: &Training,
    watch: &Watch,
) -> PyResult<(Vec<EmbeddedFile>, Vec<String>)> {
    let manifest = &analyzer.package().model.manifest;
    if training.frames && manifest.graph.frames.is_empty() {
        return Err(errors::raised::<ModelError>(format!(
            "The model {} gives one vector per window and no frames; choose a model with frames, such as MERT-v1-95M.",
            manifest.id
        )));
    }
    let data = runtime::data_folder().ok_or_else(|| {
        errors::raised::<MertscopeError>(
            "There is no folder for embeddings, because the user has no home folder. Set HOME.",
        )
    })?;
    let dataset = dataset(analyzer, training, &data.join("embeddings"))?;
    let (mut music, mut notices, count) = (Vec::new(), Vec::new(), files.len());
    for (number, file) in files.into_iter().enumerate() {
        watch.step(number as f64, Some(count as f64));
        watch.go_on_or_raise()?;
        match dataset.of(&file.path) {
            Ok(embeddings) => music.push(EmbeddedFile { file, embeddings }),
            Err(error @ DatasetError::Start(_)) => {
                return Err(errors::raised::<InferenceError>(error));
            }
            Err(error @ DatasetError::Cache { .. }) => {
                return Err(errors::raised::<MertscopeError>(error));
            }
            Err(error) => notices.push(error.to_string()),
        }
    }
    watch.step(count as f64, Some(count as f64));
    if music.is_empty() {
        return Err(errors::raised::<AudioError>(match notices.first() {
            Some(_) => notices.join(" "),
            None => "There are no labeled files to fit a head on.".to_owned(),
        }));
    }
    let music = once_each(music, &mut notices);
    Ok((music, notices))
}

fn dataset(
    analyzer: &Analyzer,
    training: &Training,
    cache: &std::path::Path,
) -> PyResult<EmbeddingDataset> {
    let session = analyzer.settings().session()?;
    let model = std::sync::Arc::clone(&analyzer.package().model);
    let (windows, threads) = (training.windows, session.threads);
    let runtime = analyzer.runtime();
    let dataset = EmbeddingDataset::new(runtime, model, reads(training), cache, windows, threads);
    Ok(dataset.on(session.device))
}

/// Fits on a thread of its own, while this one looks for Ctrl-C: only Python's main thread may.
fn watched_fit(
    examples: &[Example],
    options: &FitOptions,
    manifest: &Manifest,
    watch: &Watch,
) -> Result<Fitted, FitError> {
    let (ended, end) = mpsc::channel::<()>();
    thread::scope(|scope| {
        let cancelled = watch.stopped();
        let fitting = scope.spawn(move || {
            // Dropped at the end of the fit, also of one that panics.
            let _ended = ended;
            fit(examples, options, manifest, &|_, _| {}, cancelled)
        });
        while end.recv_timeout(PATIENCE) == Err(RecvTimeoutError::Timeout) {
            // The reason is in the watch.
            let _ = watch.go_on();
        }
        fitting.join().unwrap_or(Err(FitError::Cancelled))
    })
}

fn scores(scores: &Scores) -> Value {
    json!({
        "count": scores.count,
        "accuracy": scores.accuracy,
        "macro_f1": scores.macro_f1,
        "log_loss": scores.log_loss,
        "calibration_error": scores.ece,
        "confusion": scores.confusion,
    })
}
