//! `mertscope heads eval`: scores a head on labeled music.

use mertscope_engine::labeled::EmbeddedFile;
use mertscope_heads::head::metrics::scores;
use mertscope_heads::head::{Head, Outputs};
use serde_json::json;

use super::figures::{self, Figures};
use super::{confidence, find_head};
use crate::arguments::EvalArguments;
use crate::labeled;
use crate::{load, log, write_json, write_out};

pub(crate) fn run(arguments: &EvalArguments) -> anyhow::Result<bool> {
    let (files, mut notices) = labeled::find(&arguments.data)?;
    let (runtime, package) = load(&arguments.model)?;
    let head = find_head(&package, &arguments.head)?;
    anyhow::ensure!(
        head.outputs == Outputs::Multiclass,
        "The head “{}” is {}; only heads that choose one label can be evaluated.",
        head.id(),
        head.outputs.name()
    );
    if arguments.confidence {
        confidence::run(arguments, runtime, &package, &head, files, &mut notices)?;
        notices.iter().for_each(|notice| log(notice));
        return Ok(notices.is_empty());
    }
    let music = labeled::embed(
        files,
        &arguments.data,
        runtime,
        &package,
        head.reads,
        &arguments.model,
    )?;
    notices.extend(music.left_out);
    let judged = judge(&head, music.examples, &mut notices);
    notices.iter().for_each(|notice| log(notice));
    anyhow::ensure!(
        !judged.file_truth.is_empty(),
        "No file has a label that the head “{}” knows; it knows {}.",
        head.id(),
        head.labels.join(", ")
    );
    let figures = |of, answers: &[Vec<f32>], truth: &[usize]| {
        let scores = scores(answers, truth, head.labels.len());
        Figures::new(of, scores, &head.labels, answers, truth)
    };
    let files = figures("files", &judged.files, &judged.file_truth);
    let windows = figures("windows", &judged.windows, &judged.window_truth);
    if let Some(path) = &arguments.picture {
        figures::draw(path, &head.task, &head.labels, &files)?;
        log(&format!("The picture is in {}.", path.display()));
    }
    if arguments.json {
        write_json(&json!({
            "head": head.id(), "task": head.task, "sha256": head.sha256,
            "labels": head.labels, "files": files.json(), "windows": windows.json(),
            "left_out": notices,
        }))?;
    } else {
        write_out(|out| {
            let confusion = files.scores.clone();
            figures::write(out, &[files, windows])?;
            figures::write_confusion(out, &head.labels, &confusion)
        })?;
    }
    Ok(notices.is_empty())
}

/// The figures of a head on files that are one set, such as a test split; `None` without a file whose label it knows.
pub(super) fn files(
    head: &Head,
    of: &'static str,
    examples: Vec<EmbeddedFile>,
    notices: &mut Vec<String>,
) -> Option<Figures> {
    let judged = judge(head, examples, notices);
    if judged.file_truth.is_empty() {
        return None;
    }
    let scores = scores(&judged.files, &judged.file_truth, head.labels.len());
    let (answers, truth) = (&judged.files, &judged.file_truth);
    Some(Figures::new(of, scores, &head.labels, answers, truth))
}

/// Answers and truth, per file and per window.
#[derive(Default)]
struct Judged {
    files: Vec<Vec<f32>>,
    file_truth: Vec<usize>,
    windows: Vec<Vec<f32>>,
    window_truth: Vec<usize>,
}

fn judge(head: &Head, examples: Vec<EmbeddedFile>, notices: &mut Vec<String>) -> Judged {
    let mut judged = Judged::default();
    for example in examples {
        let truth = match example.file.truth(head) {
            Ok(truth) => truth,
            Err(notice) => {
                notices.push(notice);
                continue;
            }
        };
        let windows = &example.embeddings.windows;
        let answers: Vec<Vec<f32>> = windows.iter().map(|w| head.predict(w)).collect();
        let mean = (0..head.labels.len())
            .map(|n| answers.iter().map(|row| row[n]).sum::<f32>() / answers.len() as f32)
            .collect();
        judged.files.push(mean);
        judged.file_truth.push(truth);
        judged.window_truth.extend(vec![truth; answers.len()]);
        judged.windows.extend(answers);
    }
    judged
}
