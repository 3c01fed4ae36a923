//! `mertscope embed`: writes the hidden states of one file into an array, or those of many into Parquet parts.

mod parts;

use std::collections::BTreeMap;
use std::fs;
use std::sync::Arc;

use anyhow::Context;
use mertscope_engine::embed::{EmbedError, Embedder, Pool, head_weights};
use mertscope_heads::head::Head;
use mertscope_heads::package::ModelPackage;
use mertscope_model::SessionOptions;
use mertscope_parts::work::frame_rate;

use crate::arguments::{EmbedArguments, Layers, PoolArgument, is_parts_folder};
use crate::arrays::ArrayWriter;
use crate::inputs::{self, Input};
use crate::progress::Bar;
use crate::{UsageError, load, log, report_fallbacks};

/// Runs the command.
pub(crate) fn run(arguments: &EmbedArguments) -> anyhow::Result<bool> {
    if is_parts_folder(&arguments.out) {
        return parts::write(arguments);
    }
    let input = input(arguments)?;
    let file = input.name();
    let decoder = input.open()?;
    let (runtime, package) = load(&arguments.model)?;
    let pool = pool(arguments, &package)?;
    let layers = layers(arguments, &pool)?;
    let squeeze = matches!(pool, Pool::Weighted(_));
    let with_frames = pool == Pool::None;

    let out = &arguments.out;
    let not_written = || {
        format!(
            "{} can't be written; check the folder and its free space",
            out.display()
        )
    };
    let mut writer = ArrayWriter::new(out).with_context(not_written)?;
    let model = Arc::clone(&package.model);
    let embedder = Embedder::new(runtime, model, layers.clone(), pool, options(arguments))?;
    if !arguments.quiet {
        report_fallbacks(embedder.device());
    }
    let bar = Bar::new(arguments.quiet);
    bar.file(&file, 1, 1);
    let mut sink = |hidden| writer.push(&hidden);
    let embedded = if arguments.whole {
        let limit_s = arguments.whole_s(&package.model.manifest);
        embedder.whole(decoder, &file, limit_s, &mut sink)
    } else {
        let mut progress = |done, promised| bar.position(done, promised);
        embedder.windows(decoder, &file, &mut sink, &mut progress)
    };
    bar.finish();
    match embedded {
        Err(EmbedError::Write(error)) => return Err(error).with_context(not_written),
        embedded => drop(embedded?),
    }

    let rate = with_frames.then(|| frame_rate(&package.model.manifest));
    let metadata = metadata(arguments, &package, file, layers, rate.clone());
    let shape = writer
        .finish(&metadata, squeeze)
        .with_context(not_written)?;
    if !arguments.quiet {
        let frames = rate.map_or_else(String::new, |rate| format!(", {rate} frames per second"));
        log(&format!(
            "{} holds float32 {shape:?}{frames}.",
            out.display()
        ));
    }
    Ok(true)
}

fn options(arguments: &EmbedArguments) -> SessionOptions {
    SessionOptions {
        threads: arguments.model.threads(),
        precision: arguments.model.precision(),
        device: arguments.model.device(),
        ..SessionOptions::default()
    }
}

/// The one file for an array.
fn input(arguments: &EmbedArguments) -> anyhow::Result<Input> {
    const INSTEAD: &str =
        "An array takes one file; for more, let --out name a folder for Parquet parts";
    let batch = &arguments.batch;
    let for_parts = [
        ("--shard", batch.shard.is_some()),
        ("--files-from", batch.files_from.is_some()),
        ("--root", batch.root.is_some()),
        ("--resume", arguments.parts.resume),
        ("--float16", arguments.float16),
    ];
    if let Some((option, _)) = for_parts.iter().find(|(_, is_given)| *is_given) {
        return Err(UsageError(format!("{option} is for Parquet parts. {INSTEAD}.")).into());
    }
    let [path] = &arguments.inputs[..] else {
        return Err(UsageError(format!("{INSTEAD}.")).into());
    };
    anyhow::ensure!(!path.is_dir(), "{} is a folder. {INSTEAD}.", path.display());
    Ok(inputs::single(path))
}

/// The layers to write; `None` for all of them, or for those of a head.
fn layers(arguments: &EmbedArguments, pool: &Pool) -> anyhow::Result<Option<Vec<usize>>> {
    match (&arguments.layers, pool) {
        (Layers::Some(_), Pool::Weighted(_)) => {
            anyhow::bail!(
                "--pool weighted takes the layers that the head names; leave --layers out."
            )
        }
        (Layers::All, _) => Ok(None),
        (Layers::Some(layers), _) => Ok(Some(layers.clone())),
    }
}

/// The metadata of a safetensors file.
fn metadata(
    arguments: &EmbedArguments,
    package: &ModelPackage,
    file: String,
    layers: Option<Vec<usize>>,
    frame_rate: Option<String>,
) -> BTreeMap<&'static str, String> {
    let manifest = &package.model.manifest;
    let layers = layers.unwrap_or_else(|| (0..manifest.layers.len()).collect());
    let mut metadata = BTreeMap::from([
        ("file", file),
        ("model", manifest.id.clone()),
        ("model_sha256", package.sha256().to_owned()),
        ("layers", format!("{layers:?}")),
        ("pool", format!("{:?}", arguments.pool).to_lowercase()),
    ]);
    metadata.extend(frame_rate.map(|rate| ("frame_rate_hz", rate)));
    metadata
}

fn pool(arguments: &EmbedArguments, package: &ModelPackage) -> anyhow::Result<Pool> {
    Ok(match (arguments.pool, &arguments.head) {
        (PoolArgument::Weighted, Some(path)) => {
            let bytes = fs::read(path).with_context(|| {
                format!("The head {} can't be read; check the path", path.display())
            })?;
            let head = Head::parse(&bytes, path)?;
            head.check(&package.model.manifest)?;
            Pool::Weighted(head_weights(&head)?)
        }
        // The command line requires a head with `weighted`.
        (PoolArgument::Mean | PoolArgument::Weighted, _) => Pool::Mean,
        (PoolArgument::None, _) => Pool::None,
    })
}
