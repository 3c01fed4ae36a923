//! Hidden states of many files as Parquet parts.

use std::sync::Arc;

use mertscope_engine::embed::Embedder;
use mertscope_parts::Start;
use mertscope_parts::embedding::Precision;
use mertscope_parts::work::EmbeddingWork;

use super::{layers, options, pool};
use crate::arguments::EmbedArguments;
use crate::batch::{self, Batch};
use crate::inputs;
use crate::{load, log, report_fallbacks};

/// Embeds the files of the arguments into the folder `--out`; `true` when every file has vectors.
pub(super) fn write(arguments: &EmbedArguments) -> anyhow::Result<bool> {
    let (runtime, package) = load(&arguments.model)?;
    let list = arguments.batch.files_from.as_deref();
    let mut inputs = inputs::find_listed(&arguments.inputs, list)?;
    if !arguments.quiet {
        inputs.remarks.iter().for_each(|remark| log(remark));
    }
    batch::keep_shard(&mut inputs, &arguments.batch, &arguments.inputs)?;
    let pool = pool(arguments, &package)?;
    let chosen = layers(arguments, &pool)?;
    let model = Arc::clone(&package.model);
    let embedder = Embedder::new(
        runtime,
        model,
        chosen.clone(),
        pool.clone(),
        options(arguments),
    )?;
    if !arguments.quiet {
        report_fallbacks(embedder.device());
    }
    let precision = if arguments.float16 {
        Precision::Float16
    } else {
        Precision::Float32
    };
    let manifest = &package.model.manifest;
    let whole_s = arguments.whole.then(|| arguments.whole_s(manifest));
    let chosen = (chosen.as_deref(), &pool);
    let work = EmbeddingWork::new(&embedder, &package, chosen, whole_s, precision);
    let head_sha256 = arguments
        .head
        .as_deref()
        .map(mertscope_model::hash_of_file)
        .transpose()?;
    let start = Start {
        folder: &arguments.out,
        shard: batch::shard(&arguments.batch),
        run: work.describe(runtime, manifest, head_sha256),
        schema: work.row_maker().schema(),
        limits: arguments.parts.limits(),
        resume: arguments.parts.resume,
    };
    let quiet = arguments.quiet;
    let batch = Batch::open(inputs, &arguments.batch, &arguments.inputs, start, quiet)?;
    batch.run(&arguments.out, &|file, outcome, watch| {
        work.rows(file, outcome, watch)
    })
}
