//! `mertscope embed`: hidden states of one file.

use std::collections::BTreeMap;
use std::fs;
use std::sync::Arc;

use anyhow::Context;
use mertscope_engine::embed::{Embedder, Pool, head_weights};
use mertscope_heads::head::Head;
use mertscope_heads::package::ModelPackage;
use mertscope_model::{Manifest, SessionOptions};

use crate::arguments::{EmbedArguments, Layers, PoolArgument};
use crate::arrays::ArrayWriter;
use crate::inputs::{self, Input};
use crate::progress::Bar;
use crate::{load, log, report_fallbacks};

/// Runs the command; the result says whether all went well.
pub(crate) fn run(arguments: &EmbedArguments) -> anyhow::Result<bool> {
    let input = match &inputs::find(std::slice::from_ref(&arguments.file))[..] {
        [Input::File(path)] => Input::File(path.clone()),
        [Input::Standard] => Input::Standard,
        _ => anyhow::bail!(
            "{} is a folder; `mertscope embed` takes one file at a time.",
            arguments.file.display()
        ),
    };
    let file = input.name();
    let decoder = input.open()?;
    let (runtime, package) = load(&arguments.model)?;
    let pool = pool(arguments, &package)?;
    let layers = match (&arguments.layers, &pool) {
        (Layers::Some(_), Pool::Weighted(_)) => {
            anyhow::bail!(
                "--pool weighted takes the layers that the head names; leave --layers out."
            )
        }
        (Layers::All, _) => None,
        (Layers::Some(layers), _) => Some(layers.clone()),
    };
    let squeeze = matches!(pool, Pool::Weighted(_));
    let names = layers.clone();

    let out = &arguments.out;
    let not_written = || {
        format!(
            "{} can't be written; check the folder and its free space",
            out.display()
        )
    };
    let with_frames = pool == Pool::None;
    let mut writer = ArrayWriter::new(out).with_context(not_written)?;
    let embedder = Embedder::new(
        runtime,
        Arc::clone(&package.model),
        layers,
        pool,
        SessionOptions {
            threads: arguments.model.threads(),
            precision: arguments.model.precision(),
            device: arguments.model.device.clone(),
            ..SessionOptions::default()
        },
    )?;
    if !arguments.quiet {
        report_fallbacks(embedder.device());
    }
    let bar = Bar::new(arguments.quiet);
    bar.file(&file, 1, 1);
    let mut sink = |hidden| writer.push(&hidden);
    if arguments.whole {
        embedder.whole(decoder, &file, arguments.max_seconds, &mut sink)?;
    } else {
        let mut progress = |done, promised| bar.position(done, promised);
        embedder.windows(decoder, &file, &mut sink, &mut progress)?;
    }
    bar.finish();

    let manifest = &package.model.manifest;
    let names = names.unwrap_or_else(|| (0..manifest.layers.len()).collect());
    let mut metadata = BTreeMap::from([
        ("file", file),
        ("model", manifest.id.clone()),
        ("model_sha256", package.sha256().to_owned()),
        ("layers", format!("{names:?}")),
        ("pool", format!("{:?}", arguments.pool).to_lowercase()),
    ]);
    let rate = frame_rate(manifest);
    if with_frames {
        metadata.insert("frame_rate_hz", rate.clone());
    }
    let shape = writer
        .finish(&metadata, squeeze)
        .with_context(not_written)?;
    if !arguments.quiet {
        let frames = if with_frames {
            format!(", {rate} frames a second")
        } else {
            String::new()
        };
        log(&format!(
            "{} holds float32 {shape:?}{frames}.",
            out.display()
        ));
    }
    Ok(true)
}

/// Frames a second, as short as it can be written.
fn frame_rate(manifest: &Manifest) -> String {
    let rate = 1.0 / manifest.frame_s();
    ((rate * 1e6).round() / 1e6).to_string()
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
        // The command line demands a head with `weighted`.
        (PoolArgument::Mean | PoolArgument::Weighted, _) => Pool::Mean,
        (PoolArgument::None, _) => Pool::None,
    })
}
