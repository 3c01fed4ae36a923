//! Results of `mertscope analyze` as Parquet parts.

use std::io::{self, ErrorKind};
use std::path::Path;

use mertscope_audio::decode::Decoder;
use mertscope_engine::analyze::{AnalyzeError, Analyzer, StreamEnd};
use mertscope_export::AnalysisRun;
use mertscope_heads::timeline::TimedResult;
use mertscope_parts::{FileOutcome, PartRun, Start, analysis};

use crate::arguments::AnalyzeArguments;
use crate::batch::{self, Batch, Rows};
use crate::inputs::Inputs;
use crate::interrupt;
use crate::progress::Bar;

/// Analyzes the inputs into the folder `out`; `true` when every file has results.
pub(super) fn write(
    arguments: &AnalyzeArguments,
    out: &Path,
    analyzer: &Analyzer,
    run: &AnalysisRun,
    inputs: Inputs,
) -> anyhow::Result<bool> {
    let start = Start {
        folder: out,
        shard: batch::shard(&arguments.batch),
        run: PartRun::analysis(run, !arguments.no_smoothing),
        schema: analysis::schema(run),
        limits: arguments.parts.limits(),
        resume: arguments.parts.resume,
    };
    let quiet = arguments.quiet;
    let batch = Batch::open(inputs, &arguments.batch, &arguments.inputs, start, quiet)?;
    batch.run(out, &mut |outcome, file, bar| {
        rows(analyzer, run, outcome, file, bar)
    })
}

/// The row of one file; `None` when the work was interrupted.
fn rows(
    analyzer: &Analyzer,
    run: &AnalysisRun,
    mut outcome: FileOutcome,
    file: &Path,
    bar: &Bar,
) -> Rows {
    let mut windows = Vec::new();
    let mut summary = None;
    if outcome.error.is_none() {
        match stream(analyzer, file, bar, &mut windows) {
            Ok(end) => {
                outcome.duration_s = Some(end.duration_s);
                outcome.notes = end.notices.into_iter().map(|notice| notice.text).collect();
                summary = end.summary;
            }
            Err(Failure::Interrupted) => return Ok(None),
            Err(Failure::File(error)) => outcome.error = Some(error),
        }
    }
    Ok(Some(analysis::row(
        run,
        &outcome,
        &windows,
        summary.as_ref(),
    )?))
}

/// Why a file has no results.
enum Failure {
    Interrupted,
    File(String),
}

fn stream(
    analyzer: &Analyzer,
    file: &Path,
    bar: &Bar,
    windows: &mut Vec<TimedResult>,
) -> Result<StreamEnd, Failure> {
    let mut sink = |timed| {
        if interrupt::is_requested() {
            return Err(io::Error::from(ErrorKind::Interrupted));
        }
        windows.push(timed);
        Ok(())
    };
    let mut progress = |done_s, promised_s| bar.position(done_s, promised_s);
    let name = file.display().to_string();
    let decoder = Decoder::open(file).map_err(|error| Failure::File(error.to_string()))?;
    let streamed = analyzer.stream(decoder, &name, &mut sink, &mut progress);
    streamed.map_err(|error| match error {
        // The sink fails for one reason alone.
        AnalyzeError::Sink { .. } => Failure::Interrupted,
        error => Failure::File(error.to_string()),
    })
}
