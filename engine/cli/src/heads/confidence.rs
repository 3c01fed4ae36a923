//! `mertscope heads eval --confidence`: whether what is shown of labeled music is as right as it says.
//!
//! Each file is analyzed as `mertscope analyze` does it, so that the figures judge what people see.

use std::io::{self, Write};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use anyhow::ensure;
use mertscope_audio::decode::Decoder;
use mertscope_engine::labeled::LabeledFile;
use mertscope_engine::{AnalyzeOptions, Analyzer};
use mertscope_export::plot::risk::RiskCoverage;
use mertscope_heads::head::Head;
use mertscope_heads::head::metrics::best;
use mertscope_heads::head::reliability::{Answers, Figure, Reliability, ShownAnswer, ShownFile};
use mertscope_heads::package::ModelPackage;
use mertscope_heads::timeline::{Summary, TimedResult};
use mertscope_model::Runtime;
use serde_json::{Value, json};

use crate::arguments::EvalArguments;
use crate::files::{self, is_png};
use crate::progress::Bar;
use crate::{interrupt, log, write_json, write_out};

/// Judges `head` on `files`; the notices grow by those about files that are left out.
pub(super) fn run(
    arguments: &EvalArguments,
    runtime: &'static Runtime,
    package: &Arc<ModelPackage>,
    head: &Head,
    files: Vec<LabeledFile>,
    notices: &mut Vec<String>,
) -> anyhow::Result<()> {
    ensure!(
        ["genre", "key"].contains(&head.task.as_str()),
        "The head “{}” answers the question “{}”; --confidence judges what is shown of genre and key.",
        head.id(),
        head.task
    );
    if head.fitted_confidence.is_none() {
        log(&format!(
            "The head “{}” has no constants of confidence: its figures are shown with the words “not calibrated”.",
            head.id()
        ));
    }
    let shown = shown_files(arguments, runtime, package, head, files, notices)?;
    ensure!(
        !shown.is_empty(),
        "No file could be judged: none has a label that the head “{}” knows; it knows {}.",
        head.id(),
        head.labels.join(", ")
    );
    let found = Reliability::of(&shown);
    if let Some(path) = &arguments.picture {
        draw(path, head, &found)?;
        log(&format!("The picture is in {}.", path.display()));
    }
    if arguments.json {
        write_json(&json!({
            "head": head.id(), "task": head.task, "sha256": head.sha256,
            "calibrated": head.fitted_confidence.is_some(),
            "confidence": document(&found), "left_out": notices,
        }))?;
    } else {
        write_out(|out| write(out, &found))?;
    }
    Ok(())
}

fn shown_files(
    arguments: &EvalArguments,
    runtime: &'static Runtime,
    package: &Arc<ModelPackage>,
    head: &Head,
    files: Vec<LabeledFile>,
    notices: &mut Vec<String>,
) -> anyhow::Result<Vec<ShownFile>> {
    // This head alone, also when it lies in a file of its own.
    let mut package = ModelPackage::clone(package);
    package.heads = vec![head.clone()];
    package.map = None;
    let options = AnalyzeOptions {
        threads: arguments.model.threads(),
        precision: arguments.model.precision(),
        device: arguments.model.device(),
        ..AnalyzeOptions::default()
    };
    let analyzer = Analyzer::new(runtime, Arc::new(package), options)?;
    let bar = Bar::new(arguments.data.quiet);
    bar.steps(files.len(), "analyzing");
    let interrupted = interrupt::listen();
    let mut all = Vec::with_capacity(files.len());
    for file in files {
        ensure!(
            !interrupted.load(Ordering::Relaxed),
            "Stopped. Nothing was judged."
        );
        match file.truth(head) {
            Err(notice) => notices.push(notice),
            Ok(truth) => match shown(&analyzer, head, &file, truth) {
                Ok(Some(shown)) => all.push(shown),
                Ok(None) => notices.push(format!(
                    "{} has nothing to analyze; it was left out.",
                    file.path.display()
                )),
                Err(error) => notices.push(error),
            },
        }
        bar.step();
    }
    bar.finish();
    Ok(all)
}

/// What is shown of one file; `None` when no window of it was analyzed.
fn shown(
    analyzer: &Analyzer,
    head: &Head,
    file: &LabeledFile,
    truth: usize,
) -> Result<Option<ShownFile>, String> {
    let name = file.path.display().to_string();
    let mut live = Vec::new();
    let mut sink = |timed: TimedResult| {
        live.extend(live_answer(head, &timed));
        Ok::<(), io::Error>(())
    };
    let decoder = Decoder::open(&file.path).map_err(|error| error.to_string())?;
    let end = analyzer
        .stream(decoder, &name, &mut sink, &mut |_, _| {})
        .map_err(|error| error.to_string())?;
    let whole = end.summary.and_then(|summary| {
        let heard_s = end.duration_s;
        whole_answer(head, &summary, heard_s)
    });
    Ok(whole.map(|whole| ShownFile {
        group: file.group.clone(),
        truth,
        live,
        whole,
    }))
}

fn live_answer(head: &Head, timed: &TimedResult) -> Option<ShownAnswer> {
    let result = timed.result.as_ref()?;
    let (best, probability, is_named) = if head.task == "key" {
        let answer = result.key_answer?;
        let (key, probability) = answer.best;
        (key.index(), probability, answer.named().is_some())
    } else {
        let (index, probability) = best(result.genre_smoothed.as_ref()?);
        let named = probability >= head.confidence().live.named;
        (index, probability, named)
    };
    Some(ShownAnswer {
        heard_s: timed.end_s,
        best,
        probability,
        is_named,
    })
}

fn whole_answer(head: &Head, summary: &Summary, heard_s: f64) -> Option<ShownAnswer> {
    let (best, probability, is_named) = if head.task == "key" {
        let answer = summary.key.as_ref()?.answer;
        let (key, probability) = answer.best;
        (key.index(), probability, answer.named().is_some())
    } else {
        let (label, probability) = summary.genre.first()?;
        let index = head.labels.iter().position(|other| other == label)?;
        (index, *probability, summary.genre_is_named)
    };
    Some(ShownAnswer {
        heard_s,
        best,
        probability,
        is_named,
    })
}

/// A row of the table: a name, and a figure with its interval.
fn rows(found: &Reliability) -> Vec<(String, Figure)> {
    let of = |name: &str, answers: &Answers| {
        vec![
            (
                format!(
                    "{name}: calibration error ({:.3} by chance)",
                    answers.by_chance
                ),
                answers.calibration_error,
            ),
            (format!("{name}: right"), answers.exact),
            (
                format!("{name}: right where named"),
                answers.right_where_named,
            ),
            (format!("{name}: share named"), answers.named),
        ]
    };
    let stability = found.stability;
    let mut rows = of("live", &found.live);
    rows.extend(of("whole file", &found.whole));
    rows.extend([
        ("first label: wrong".to_owned(), stability.first_wrong),
        (
            "first right label, seconds".to_owned(),
            stability.first_right_s,
        ),
        (
            "changes of the label per minute".to_owned(),
            stability.changes_per_minute,
        ),
    ]);
    rows
}

fn text(figure: Figure) -> String {
    if figure.value.is_nan() {
        return "–".to_owned();
    }
    format!(
        "{:.3}  ({:.3} to {:.3})",
        figure.value, figure.low, figure.high
    )
}

fn counts(found: &Reliability) -> String {
    format!(
        "{} files in {} groups, {} windows; 95 % intervals over groups",
        found.files, found.groups, found.live.count
    )
}

fn write(out: &mut dyn Write, found: &Reliability) -> anyhow::Result<()> {
    writeln!(out, "{}", counts(found))?;
    for (name, figure) in rows(found) {
        writeln!(out, "  {name:44} {}", text(figure))?;
    }
    Ok(())
}

/// The figures as JSON; a NaN is null.
fn document(found: &Reliability) -> Value {
    let figure = |f: Figure| json!({"value": f.value, "low": f.low, "high": f.high});
    let answers = |a: &Answers| {
        json!({
            "count": a.count,
            "calibration_error": figure(a.calibration_error),
            "calibration_error_by_chance": a.by_chance,
            "right": figure(a.exact),
            "right_where_named": figure(a.right_where_named),
            "named": figure(a.named),
            "risk_coverage": a.curve.iter().map(|(named, right)| json!({"named": named, "right": right})).collect::<Vec<_>>(),
        })
    };
    json!({
        "files": found.files,
        "groups": found.groups,
        "live": answers(&found.live),
        "whole": answers(&found.whole),
        "first_label_wrong": figure(found.stability.first_wrong),
        "first_right_label_s": figure(found.stability.first_right_s),
        "label_changes_per_minute": figure(found.stability.changes_per_minute),
    })
}

fn draw(path: &Path, head: &Head, found: &Reliability) -> anyhow::Result<()> {
    let facts: Vec<String> = std::iter::once(counts(found))
        .chain(
            rows(found)
                .into_iter()
                .map(|(name, f)| format!("{name} {}", text(f))),
        )
        .collect();
    let picture = RiskCoverage {
        title: &format!("{}  ·  right where named", head.task),
        reliability: found,
        facts: &facts,
    };
    let bytes = if is_png(path) {
        picture.png()?
    } else {
        picture.svg().into_bytes()
    };
    files::write("picture", path, &bytes)
}
