//! The loading of a session: its device, the graph for that device, and the options that all sessions
//! share.

use mertscope_audio::Notice;
use std::sync::Arc;

use ort::session::builder::{GraphOptimizationLevel, SessionBuilder};

use super::{EncodeError, SessionOptions};
use crate::device::{self, Candidate, Choice, Report, Share};
use crate::interrupt::Interrupt;
use crate::{GraphSource, Model, Runtime};

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
            builder.commit_from_file(path)
        }
    }
    .map_err(|error| failed(error.to_string()))?;
    drop(loading);
    let share = device::share(candidate, &session).map_err(failed)?;
    Ok((session, share))
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
