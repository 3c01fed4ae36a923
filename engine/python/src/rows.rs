//! Results of files as rows of Arrow, those that the command writes into parts: for engines that spread files over many
//! workers.

use std::path::PathBuf;

use mertscope_engine::model::hash_of_file;
use mertscope_parts::embedding::Precision;
use mertscope_parts::work::{AnalysisWork, EmbeddingWork, NamedFile, Watch as WorkWatch};
use mertscope_parts::{
    FileOutcome, PartRun, PartsError, RecordBatch, SchemaRef, analysis, ipc_stream,
};
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::PyBytes;

use crate::analyzer::{Analyzer, Wanted};
use crate::errors::{self, HeadError, MertscopeError};
use crate::watch::Watch;

/// A file of a batch.
#[derive(FromPyObject)]
#[pyo3(from_item_all)]
pub(crate) struct BatchFile {
    /// Its path inside the root.
    path: String,
    /// Where its bytes are.
    file: PathBuf,
    /// What messages call it.
    name: String,
    /// Why its bytes can't be had, when that is known.
    error: Option<String>,
}

/// The rows of an analysis of `files`, as a stream of Arrow whose schema carries the description of the run; without
/// files it has the schema alone.
#[pyfunction]
pub(crate) fn analysis_rows(
    py: Python<'_>,
    analyzer: &Analyzer,
    files: Vec<BatchFile>,
) -> PyResult<Py<PyBytes>> {
    let bytes = py.detach(|| {
        let open = analyzer.open()?;
        let work = AnalysisWork {
            analyzer: &open.analyzer,
            run: &open.run,
        };
        let run = PartRun::analysis(&open.run, analyzer.settings().smoothing());
        stream(
            &run,
            analysis::schema(&open.run),
            &files,
            |file, outcome, watch| work.rows(file, outcome, watch),
        )
    })?;
    Ok(PyBytes::new(py, &bytes).unbind())
}

/// The vectors of `files`, likewise.
#[pyfunction]
pub(crate) fn embedding_rows(
    py: Python<'_>,
    analyzer: &Analyzer,
    files: Vec<BatchFile>,
    wanted: Wanted,
    float16: bool,
) -> PyResult<Py<PyBytes>> {
    let pool = analyzer.pool(&wanted)?;
    let bytes = py.detach(|| {
        let embedder = analyzer.embedder(wanted.layers.clone(), pool.clone())?;
        let package = analyzer.package();
        let chosen = (wanted.layers.as_deref(), &pool);
        let precision = if float16 {
            Precision::Float16
        } else {
            Precision::Float32
        };
        let work = EmbeddingWork::new(&embedder, package, chosen, wanted.whole_s, precision);
        let head_sha256 = wanted
            .head
            .as_deref()
            .map(|head| hash_of_head(analyzer, head));
        let manifest = &package.model.manifest;
        let run = work.describe(analyzer.runtime(), manifest, head_sha256.transpose()?);
        stream(
            &run,
            work.row_maker().schema(),
            &files,
            |file, outcome, watch| work.rows(file, outcome, watch),
        )
    })?;
    Ok(PyBytes::new(py, &bytes).unbind())
}

/// The SHA-256 of the head of this name, or in this file.
fn hash_of_head(analyzer: &Analyzer, name: &str) -> PyResult<String> {
    let mut heads = analyzer.package().heads.iter();
    match heads.find(|head| head.id() == name) {
        Some(head) => Ok(head.sha256.clone()),
        None => hash_of_file(name.as_ref()).map_err(errors::raised::<HeadError>),
    }
}

/// The rows that `work` makes of each file, as a stream of Arrow.
fn stream(
    run: &PartRun,
    schema: SchemaRef,
    files: &[BatchFile],
    work: impl Fn(
        &NamedFile<'_>,
        FileOutcome,
        &mut WorkWatch<'_>,
    ) -> Result<Option<RecordBatch>, PartsError>,
) -> PyResult<Vec<u8>> {
    let watch = Watch::new(None);
    let mut rows = Vec::with_capacity(files.len());
    for file in files {
        watch.go_on_or_raise()?;
        let named = NamedFile {
            path: &file.path,
            file: &file.file,
            name: &file.name,
        };
        let outcome = match &file.error {
            Some(reason) => named.unreadable(reason),
            None => named.look(),
        };
        let mut work_watch = WorkWatch {
            progress: &mut |done_s, promised_s| watch.step(done_s, promised_s),
            stopped: watch.stopped(),
        };
        let done = work(&named, outcome, &mut work_watch);
        match done.map_err(errors::raised::<MertscopeError>)? {
            Some(batch) => rows.push(batch),
            // It was stopped, and the reason is raised.
            None => watch.go_on_or_raise()?,
        }
    }
    ipc_stream(run, &schema, &rows).map_err(errors::raised::<MertscopeError>)
}

/// What keeps rows of the two runs, each described by the metadata of its rows, from standing in one table, as `is of
/// the model …, not of …`; `None` when nothing does.
#[pyfunction]
pub(crate) fn run_difference(run: &str, other: &str) -> PyResult<Option<String>> {
    let read = |text: &str| PartRun::from_json(text).map_err(PyValueError::new_err::<String>);
    Ok(read(run)?.difference(&read(other)?))
}
