//! `mertscope heads train`: fits a head on labeled music and reports its scores.

use std::io::Write;

use anyhow::ensure;
use mertscope_engine::labeled::{LabeledFile, examples};
use mertscope_heads::head::Reads;
use mertscope_heads::head::fit::{CandidateScore, Example, FitOptions, Fitted, fit};
use mertscope_heads::package::ModelPackage;
use serde_json::{Value, json};

use super::figures::{self, Figures};
use super::{eval, is_own, store};
use crate::arguments::{Layers, TrainArguments};
use crate::files;
use crate::interrupt;
use crate::labeled;
use crate::progress::Bar;
use crate::{load, log, write_json, write_out};

pub(crate) fn run(arguments: &TrainArguments) -> anyhow::Result<bool> {
    let (files, test, mut notices) = find(arguments)?;
    let (runtime, package) = load(&arguments.model)?;
    let name = name(arguments, &package);
    let reads = reads(arguments);
    let embed = |files| {
        labeled::embed(
            files,
            &arguments.data,
            runtime,
            &package,
            reads,
            &arguments.model,
        )
    };
    let music = embed(files)?;
    let test = if test.is_empty() {
        None
    } else {
        Some(embed(test)?)
    };
    notices.extend(music.left_out);
    let (labels, examples) = examples(arguments.task(), music.examples, &mut notices);
    notices.iter().for_each(|notice| log(notice));
    let options = options(arguments, &package, labels, examples.len())?;
    let fitted = {
        let bar = Bar::new(arguments.data.quiet);
        let progress = |done: usize, total: usize| bar.at(done, total, "fitting");
        let manifest = &package.model.manifest;
        let fitted = fit(
            &examples,
            &options,
            manifest,
            &progress,
            interrupt::listen(),
        );
        bar.finish();
        fitted?
    };
    match &arguments.out {
        Some(path) => {
            files::write("head", path, &fitted.bytes)?;
            log(&format!("The head is in {}.", path.display()));
        }
        None => store(&package, &name, &fitted.bytes)?,
    }
    let told = notices.len();
    let test = test.and_then(|music| {
        notices.extend(music.left_out);
        eval::files(&fitted.head, "test split", music.examples, &mut notices)
    });
    notices[told..].iter().for_each(|notice| log(notice));
    report(arguments, &fitted, &options, &examples, test)?;
    Ok(notices.is_empty())
}

/// The files to fit on, those of a test split, and notices.
fn find(
    arguments: &TrainArguments,
) -> anyhow::Result<(Vec<LabeledFile>, Vec<LabeledFile>, Vec<String>)> {
    if let Some(recipe) = arguments.recipe {
        let found = recipe.find(&arguments.data.data)?;
        return Ok((found.fit, found.test, found.notices));
    }
    let (files, notices) = labeled::find(&arguments.data)?;
    Ok((files, Vec::new(), notices))
}

/// The head's name: the given one, else the task, with “-own” if the model has a head of that name.
fn name(arguments: &TrainArguments, package: &ModelPackage) -> String {
    let plain = |c: char| {
        if c.is_ascii_alphanumeric() || c == '-' {
            c
        } else {
            '_'
        }
    };
    let task: String = arguments.task().chars().map(plain).collect();
    let mut heads = package.heads.iter();
    let is_taken = heads.any(|head| head.id() == task && !is_own(package, head));
    let default = if is_taken {
        format!("{task}-own")
    } else {
        task
    };
    arguments.name.clone().unwrap_or(default)
}

fn options(
    arguments: &TrainArguments,
    package: &ModelPackage,
    labels: Vec<String>,
    files: usize,
) -> anyhow::Result<FitOptions> {
    let manifest = &package.model.manifest;
    let count = manifest.layers.len();
    let layers = match &arguments.layers {
        Some(Layers::All) => (0..count).collect(),
        Some(Layers::Some(layers)) => layers.clone(),
        None => {
            let recipe = arguments.recipe;
            let recommended = recipe.and_then(|recipe| recipe.layers(package));
            recommended.unwrap_or_else(|| (0..count).collect())
        }
    };
    if let Some(layer) = layers.iter().find(|layer| **layer >= count) {
        anyhow::bail!(
            "The model {} has no layer {layer}: its layers are 0 to {}.",
            manifest.id,
            count - 1
        );
    }
    ensure!(
        !arguments.task().trim().is_empty(),
        "A head needs a task; name it with --task."
    );
    let data = arguments.data.data.file_name().unwrap_or_default();
    let described = || format!("{} ({files} files)", data.display());
    Ok(FitOptions {
        task: arguments.task().to_owned(),
        labels,
        mix: manifest.graph.layers_mixable && layers.len() > 1 && !arguments.no_mix,
        layers,
        hidden: arguments.hidden.map(usize::from),
        reads: reads(arguments),
        seed: arguments.seed,
        threads: std::thread::available_parallelism().map_or(1, usize::from),
        training_data: arguments.describe.clone().unwrap_or_else(described),
        license: arguments.license.clone(),
    })
}

const fn reads(arguments: &TrainArguments) -> Reads {
    if arguments.frames {
        Reads::Frames
    } else {
        Reads::Window
    }
}

fn report(
    arguments: &TrainArguments,
    fitted: &Fitted,
    options: &FitOptions,
    examples: &[Example],
    test: Option<Figures>,
) -> anyhow::Result<()> {
    let truth: Vec<usize> = examples.iter().map(|example| example.label).collect();
    let files = Figures::new(
        "files",
        fitted.files.clone(),
        &options.labels,
        &fitted.held_out,
        &truth,
    );
    let windows = Figures {
        of: match options.reads {
            Reads::Window => "windows",
            Reads::Frames => "frames",
        },
        scores: fitted.windows.clone(),
        key: None,
    };
    if let Some(path) = &arguments.picture {
        figures::draw(path, &options.task, &options.labels, &files)?;
        log(&format!("The picture is in {}.", path.display()));
    }
    if arguments.json {
        write_json(&document(fitted, options, &files, &windows, test.as_ref()))?;
    } else {
        let figures = [Some(files), Some(windows), test];
        let figures: Vec<Figures> = figures.into_iter().flatten().collect();
        write_out(|out| write_text(out, fitted, options, &figures))?;
    }
    Ok(())
}

fn document(
    fitted: &Fitted,
    options: &FitOptions,
    files: &Figures,
    windows: &Figures,
    test: Option<&Figures>,
) -> Value {
    json!({
        "task": options.task,
        "labels": options.labels,
        "layers": fitted.head.metadata.get("layers"),
        "threshold": fitted.head.metadata.get("threshold"),
        "compared": fitted.compared.iter().map(|row| json!({
            "layer": row.layer, "hidden": row.hidden,
            "accuracy": row.accuracy, "log_loss": row.log_loss,
        })).collect::<Vec<_>>(),
        "files": files.json(),
        "windows": windows.json(),
        "test": test.map(Figures::json),
    })
}

fn write_text(
    out: &mut dyn Write,
    fitted: &Fitted,
    options: &FitOptions,
    figures: &[Figures],
) -> anyhow::Result<()> {
    writeln!(
        out,
        "held-out files and windows, each scored by a head that was not fitted on them:"
    )?;
    figures::write(out, figures)?;
    figures::write_confusion(out, &options.labels, &fitted.files)?;
    writeln!(out, "compared:")?;
    for row in &fitted.compared {
        let name = candidate(row);
        let (accuracy, loss) = (row.accuracy, row.log_loss);
        writeln!(
            out,
            "  {name:24} accuracy {accuracy:.3}, log loss {loss:.3}"
        )?;
    }
    Ok(())
}

fn candidate(row: &CandidateScore) -> String {
    let layer = match row.layer {
        Some(layer) => format!("layer {layer}"),
        None => "weighted sum".to_owned(),
    };
    match row.hidden {
        Some(units) => format!("{layer}, hidden {units}"),
        None => layer,
    }
}
