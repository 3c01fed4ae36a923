//! `mertscope heads bench`: compares models and their heads on one set of labeled music.

mod published;

use std::io::Write;

use anyhow::ensure;
use comfy_table::{Table, TableStyle};
use mertscope_engine::labeled::LabeledFile;
use mertscope_heads::head::{Head, Outputs};
use mertscope_hub::{Library, OfferState};
use mertscope_music::Key;
use serde_json::{Value, json};

use super::eval;
use super::figures::Figures;
use crate::arguments::{BenchArguments, Recipe};
use crate::labeled;
use crate::{load_named, log, write_json, write_out};

/// The name of the built-in model in `--models`.
const EMBEDDED: &str = "embedded";

/// A head of a model on the set.
struct Row {
    model: String,
    head: String,
    figures: Figures,
}

pub(crate) fn run(arguments: &BenchArguments) -> anyhow::Result<bool> {
    let mut set = set(arguments)?;
    let of_recipe = arguments.recipe.map(Recipe::task);
    let task = arguments.task.as_deref().or(of_recipe).unwrap_or_default();
    let mut notices = set.notices;
    if task == "key" {
        set.files.retain(|file| {
            let is_key = file.label.parse::<Key>().is_ok();
            if !is_key {
                let (path, label) = (file.path.display(), &file.label);
                notices.push(format!("{path}: “{label}” is not a key; it was left out."));
            }
            is_key
        });
    }
    let mut rows = Vec::new();
    for name in models(arguments)? {
        rows.extend(judge(arguments, &name, task, &set.files, &mut notices)?);
    }
    notices.sort();
    notices.dedup();
    notices.iter().for_each(|notice| log(notice));
    ensure!(
        !rows.is_empty(),
        "No model has a head for the task “{task}” that knows a label of {}; `mertscope heads list --model ID` shows a \
         model's heads.",
        arguments.data.data.display()
    );
    let published = published::beside(arguments.recipe, task, set.files.len());
    if arguments.json {
        write_json(&document(&rows, &set.labels, &published))?;
    } else {
        write_out(|out| write(out, &rows, &set.labels, &published))?;
    }
    Ok(notices.is_empty())
}

/// The music to compare on.
struct Set {
    files: Vec<LabeledFile>,
    notices: Vec<String>,
    /// The revision of its labels, a phrase.
    labels: String,
}

/// The files of `--data`: of a recipe with a test split, those of the test.
fn set(arguments: &BenchArguments) -> anyhow::Result<Set> {
    let data = arguments.data.data.display();
    let Some(recipe) = arguments.recipe else {
        let (files, notices) = labeled::find(&arguments.data)?;
        let labels = format!("the labels of {data}");
        return Ok(Set {
            files,
            notices,
            labels,
        });
    };
    let found = recipe.find(&arguments.data.data)?;
    let (files, labels) = if found.test.is_empty() {
        (found.fit, found.labels)
    } else {
        (found.test, format!("{}, its test files", found.labels))
    };
    Ok(Set {
        files,
        notices: found.notices,
        labels,
    })
}

/// The names of the models to compare.
fn models(arguments: &BenchArguments) -> anyhow::Result<Vec<String>> {
    if !arguments.models.is_empty() {
        return Ok(arguments.models.clone());
    }
    if let Some(model) = &arguments.model.model {
        return Ok(vec![model.clone()]);
    }
    let offers = Library::shared()?.list();
    let is_installed = |state: &OfferState| matches!(state, OfferState::Installed(_));
    let installed = offers.iter().filter(|offer| is_installed(&offer.state));
    let installed = installed.map(|offer| offer.entry.id.clone());
    Ok(std::iter::once(EMBEDDED.to_owned())
        .chain(installed)
        .collect())
}

/// A row for each head of a model that answers the task; a head that knows no label of the set has none.
fn judge(
    arguments: &BenchArguments,
    name: &str,
    task: &str,
    files: &[LabeledFile],
    notices: &mut Vec<String>,
) -> anyhow::Result<Vec<Row>> {
    let name = Some(name).filter(|name| *name != EMBEDDED);
    let (runtime, package) = load_named(name, &arguments.model)?;
    let is_judged = |head: &&Head| head.task == task && head.outputs == Outputs::Multiclass;
    let mut rows = Vec::new();
    for head in package.heads.iter().filter(is_judged) {
        // A file with a label that is not the head's would count for one head and not for another.
        if let Some(Err(reason)) = files
            .iter()
            .map(|file| file.truth(head))
            .find(Result::is_err)
        {
            if !arguments.data.quiet {
                let (id, model) = (head.id(), &package.model.manifest.id);
                log(&format!(
                    "The head “{id}” of {model} is not compared: {reason}"
                ));
            }
            continue;
        }
        let music = labeled::embed(
            files.to_vec(),
            &arguments.data,
            runtime,
            &package,
            head.reads,
            &arguments.model,
        )?;
        notices.extend(music.left_out);
        if let Some(figures) = eval::files(head, "files", music.examples, notices) {
            rows.push(Row {
                model: package.model.manifest.id.clone(),
                head: head.id().to_owned(),
                figures,
            });
        }
    }
    Ok(rows)
}

fn document(rows: &[Row], labels: &str, published: &published::Beside) -> Value {
    json!({
        "labels": labels,
        "heads": rows.iter().map(|row| json!({
            "model": row.model,
            "head": row.head,
            "figures": row.figures.json(),
        })).collect::<Vec<_>>(),
        "published": published.json(),
    })
}

/// The cells of a head's row.
fn cells(row: &Row, is_key: bool) -> Vec<String> {
    let scores = &row.figures.scores;
    let figures = match row.figures.key.filter(|_| is_key) {
        Some(key) => vec![
            key.exact,
            key.weighted_both,
            key.weighted,
            key.compatible,
            key.fifth,
            key.fifth_below,
            key.relative,
            key.parallel,
            key.other,
        ],
        None => vec![scores.accuracy, scores.macro_f1],
    };
    let names = [
        row.model.clone(),
        row.head.clone(),
        scores.count.to_string(),
    ];
    let figures = figures.iter().map(|value| format!("{value:.3}"));
    names.into_iter().chain(figures).collect()
}

fn write(
    out: &mut dyn Write,
    rows: &[Row],
    labels: &str,
    published: &published::Beside,
) -> anyhow::Result<()> {
    let mut table = Table::new();
    table.load_style(TableStyle::new()).force_no_tty();
    let is_key = rows.iter().all(|row| row.figures.key.is_some());
    if is_key {
        table.set_header([
            "model",
            "head",
            "files",
            "exact",
            "MIREX both",
            "MIREX up",
            "compatible",
            "fifth up",
            "fifth down",
            "relative",
            "parallel",
            "other",
        ]);
    } else {
        table.set_header(["model", "head", "files", "accuracy", "macro F1"]);
    }
    for row in rows {
        table.add_row(cells(row, is_key));
    }
    for row in published.rows() {
        table.add_row(row);
    }
    writeln!(out, "{table}")?;
    writeln!(out, "Labels: {labels}.")?;
    if is_key {
        writeln!(
            out,
            "MIREX counts half for a key a fifth away: up only as mir_eval does, both ways as MIREX and many papers do. \
             Compatible: exact, a fifth away or relative."
        )?;
    }
    writeln!(out, "{}", published.words())?;
    Ok(())
}
