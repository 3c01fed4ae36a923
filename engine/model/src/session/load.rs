//! The loading of a session: its device, the graph for that device, and the options that all sessions
//! share.

use mertscope_audio::Notice;
use std::path::Path;
use std::sync::Arc;

use ort::session::builder::{GraphOptimizationLevel, SessionBuilder};

use super::{EncodeError, SessionOptions};
use crate::device::{self, Candidate, Choice, Report, Share};
use crate::interrupt::Interrupt;
use crate::{GraphSource, Model, Runtime, memory};

/// Loads `model` on the first device of `choice` that can run it.
///
/// # Errors
/// [`EncodeError::Load`], when not even the CPU can run it; [`EncodeError::Graph`], when there is
/// no graph.
pub(super) fn on(
    choice: &Choice,
    runtime: &Runtime,
    model: &Model,
    options: &SessionOptions,
    interrupt: &Interrupt,
) -> Result<(ort::session::Session, Arc<Report>), EncodeError> {
    // Several candidates may load the same file: only the first of them finds it damaged.
    let mut notice = None;
    let (session, mut report) = device::open(runtime, choice, |candidate| {
        load(candidate, runtime, model, options, interrupt, &mut notice)
    })?;
    let report_mut = Arc::make_mut(&mut report);
    report_mut.precision = model.precision(options.precision, report_mut.precision);
    report_mut.notice = notice;
    Ok((session, report))
}

/// Loads `model` on one device; `notice` receives a notice about its graph.
fn load(
    candidate: &Candidate,
    runtime: &Runtime,
    model: &Model,
    options: &SessionOptions,
    interrupt: &Interrupt,
    notice: &mut Option<Notice>,
) -> Result<(ort::session::Session, Option<Share>), EncodeError> {
    let failed = |reason: String| EncodeError::Load {
        model: model.manifest.id.clone(),
        reason,
    };
    let builder = builder(runtime, options.threads).map_err(failed)?;
    // Before the search for the graph: most unavailable devices fail here.
    let mut builder = device::add(runtime, candidate, builder, options.threads).map_err(failed)?;
    let precision = model.precision(options.precision, candidate.precision);
    let frames = options.frames;
    let graph = model
        .graph(candidate.operators, precision, frames, &options.layers)
        .map_err(|error| EncodeError::Graph(Arc::new(error)))?;
    let loading = interrupt.load(builder.canceler()).map_err(failed)?;
    let session = match graph {
        GraphSource::Memory(bytes) => builder.commit_from_memory(&bytes),
        GraphSource::File {
            path,
            notice: graph_notice,
        } => {
            *notice = notice.take().or(graph_notice);
            let bytes = file_bytes(&path) + file_bytes(&path.with_extension("data"));
            check_memory(&model.manifest.id, bytes, memory::available_bytes())?;
            builder.commit_from_file(path)
        }
    }
    .map_err(|error| failed(error.to_string()))?;
    drop(loading);
    let share = device::share(candidate, &session).map_err(failed)?;
    Ok((session, share))
}

/// Bytes of a file; none when it is not there.
fn file_bytes(path: &Path) -> u64 {
    std::fs::metadata(path).map_or(0, |metadata| metadata.len())
}

/// Refuses a model of `bytes` of weights when less memory than that is free.
fn check_memory(model: &str, bytes: u64, free: Option<u64>) -> Result<(), EncodeError> {
    match free {
        Some(free) if free < bytes => Err(EncodeError::Memory {
            model: model.to_owned(),
            needed_mb: bytes / 1_000_000,
            free_mb: free / 1_000_000,
        }),
        _ => Ok(()),
    }
}

/// A builder with the options that all sessions share. Spinning threads would burn a musician's CPU
/// between windows, so they are off (measured: no cost when idle, a gain under load). So are memory
/// patterns, which reserve memory for a whole window in one piece in addition to the first window's
/// (measured: a seventh less memory without them, in the same time).
fn builder(runtime: &Runtime, threads: usize) -> Result<SessionBuilder, String> {
    let text = |error: ort::Error<SessionBuilder>| error.to_string();
    ort::session::Session::builder(&runtime.environment)
        .map_err(|error| error.to_string())?
        .with_optimization_level(GraphOptimizationLevel::All)
        .map_err(text)?
        .with_intra_threads(threads.max(1))
        .map_err(text)?
        .with_inter_threads(1)
        .map_err(text)?
        .with_intra_op_spinning(false)
        .map_err(text)?
        .with_inter_op_spinning(false)
        .map_err(text)?
        .with_memory_pattern(false)
        .map_err(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_model_that_is_larger_than_the_free_memory_is_refused_in_a_sentence() {
        let check = |free| check_memory("MERT-v2-FullSong", 2_530_000_000, free);
        assert!(check(None).is_ok() && check(Some(3_000_000_000)).is_ok());
        let error = check(Some(1_100_000_000)).unwrap_err().to_string();
        for words in ["MERT-v2-FullSong", "2530 MB", "1100 MB", "--precision int8"] {
            assert!(error.contains(words), "{error}");
        }
    }
}
