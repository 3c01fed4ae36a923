//! Making a session: the device that is to run it, the graph that suits the device, and what all
//! sessions share.

use mertscope_audio::Notice;
use std::sync::Arc;

use ort::session::builder::{GraphOptimizationLevel, SessionBuilder};

use super::{EncodeError, SessionOptions};
use crate::device::{self, Candidate, Choice, Report, Share};
use crate::interrupt::Interrupt;
use crate::{GraphSource, Model, Runtime};

/// Loads `model` on what `choice` stands for.
///
/// # Errors
/// [`EncodeError::Load`], when not even the CPU can run it; [`EncodeError::Graph`], when there is
/// nothing to run.
pub(super) fn on(
    choice: &Choice,
    runtime: &Runtime,
    model: &Model,
    options: &SessionOptions,
    interrupt: &Interrupt,
) -> Result<(ort::session::Session, Arc<Report>), EncodeError> {
    // The same file serves several candidates: the first finds it damaged, the next one whole.
    let mut notice = None;
    let (session, mut report) = device::open(runtime, choice, |candidate| {
        load(candidate, runtime, model, options, interrupt, &mut notice)
    })?;
    let report_mut = Arc::make_mut(&mut report);
    report_mut.precision = model.precision(options.precision, report_mut.precision);
    report_mut.notice = notice;
    Ok((session, report))
}

/// Loads `model` on one device; `notice` takes what is to be said about its graph.
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
    // Before the graph is even looked for: most devices that can't be had fail here.
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
            notice: remade,
        } => {
            *notice = notice.take().or(remade);
            builder.commit_from_file(path)
        }
    }
    .map_err(|error| failed(error.to_string()))?;
    drop(loading);
    let share = device::share(candidate, &session).map_err(failed)?;
    Ok((session, share))
}

/// A builder with what all sessions share. Spinning threads would burn a musician's CPU between
/// windows, so they are off (measured: no cost when idle, a gain under load). So are memory patterns,
/// which keep room for a whole window in one piece beside what the first one took (measured: a seventh
/// less memory without them, and the same time).
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
