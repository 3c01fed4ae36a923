//! Results of `mertscope analyze` as Parquet parts.

use std::path::Path;

use mertscope_engine::analyze::Analyzer;
use mertscope_export::AnalysisRun;
use mertscope_parts::work::AnalysisWork;
use mertscope_parts::{PartRun, Start, analysis};

use crate::arguments::AnalyzeArguments;
use crate::batch::{self, Batch};
use crate::inputs::Inputs;

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
    let work = AnalysisWork { analyzer, run };
    batch.run(out, &|file, outcome, watch| work.rows(file, outcome, watch))
}
