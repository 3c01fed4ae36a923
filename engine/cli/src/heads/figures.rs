//! A head's scores, as text, JSON and pictures.

use std::io::Write;
use std::path::Path;

use comfy_table::{Table, TableStyle};
use mertscope_export::plot::confusion::Confusion;
use mertscope_heads::head::metrics::{KeyScores, Scores, best, key_scores};
use mertscope_music::Key;
use serde_json::{Value, json};

use crate::files::{self, is_png};

/// Scores per file or per window.
pub(crate) struct Figures {
    /// The judged units: `files`, `windows` or `frames`.
    pub of: &'static str,
    pub scores: Scores,
    pub key: Option<KeyScores>,
}

impl Figures {
    /// Adds key scores if all labels are keys.
    pub(crate) fn new(
        of: &'static str,
        scores: Scores,
        labels: &[String],
        answers: &[Vec<f32>],
        truth: &[usize],
    ) -> Self {
        let keys: Option<Vec<Key>> = labels.iter().map(|label| label.parse().ok()).collect();
        let key = keys.map(|keys| {
            let pairs = answers.iter().zip(truth);
            let pairs: Vec<(Key, Key)> = pairs
                .map(|(answer, truth)| (keys[*truth], keys[best(answer).0]))
                .collect();
            key_scores(&pairs)
        });
        Self { of, scores, key }
    }

    /// As JSON.
    pub(crate) fn json(&self) -> Value {
        let scores = &self.scores;
        let key = self.key.map(|key| {
            json!({"weighted": key.weighted, "weighted_both": key.weighted_both, "compatible": key.compatible,
                   "exact": key.exact, "fifth": key.fifth,
                   "fifth_below": key.fifth_below, "relative": key.relative, "parallel": key.parallel, "other": key.other})
        });
        json!({
            "count": scores.count,
            "accuracy": scores.accuracy,
            "macro_f1": scores.macro_f1,
            "log_loss": scores.log_loss,
            "calibration_error": scores.ece,
            "calibration_error_by_chance": scores.ece_by_chance,
            "key": key,
            "confusion": scores.confusion,
        })
    }
}

/// The calibration error, and the part of it that chance explains.
fn calibration(scores: &Scores) -> String {
    format!("{:.3} ({:.3} by chance)", scores.ece, scores.ece_by_chance)
}

/// The relations of answers to the true key, with their shares; the first four count towards MIREX.
fn kinds(key: &KeyScores) -> [(&'static str, f64); 6] {
    [
        ("exact", key.exact),
        ("fifth above", key.fifth),
        ("relative", key.relative),
        ("parallel", key.parallel),
        ("fifth below", key.fifth_below),
        ("other", key.other),
    ]
}

/// Draws the confusion matrix of `figures` into a .png or .svg file.
pub(crate) fn draw(
    path: &Path,
    task: &str,
    labels: &[String],
    figures: &Figures,
) -> anyhow::Result<()> {
    let scores = &figures.scores;
    let mut facts = vec![
        format!("{} {}", scores.count, figures.of),
        format!(
            "accuracy {:.3}, macro F1 {:.3}",
            scores.accuracy, scores.macro_f1
        ),
        format!("calibration error {}", calibration(scores)),
    ];
    if let Some(key) = &figures.key {
        facts.push(format!("MIREX {:.3}", key.weighted));
        facts.extend(kinds(key).map(|(name, share)| format!("{name} {share:.3}")));
    }
    let confusion = Confusion {
        title: &format!("{task}  ·  {}", figures.of),
        labels,
        scores,
        facts: &facts,
    };
    let bytes = if is_png(path) {
        confusion.png()?
    } else {
        confusion.svg().into_bytes()
    };
    files::write("picture", path, &bytes)
}

/// Writes a line of scores per unit.
pub(crate) fn write(out: &mut dyn Write, figures: &[Figures]) -> anyhow::Result<()> {
    let mut table = Table::new();
    // Columns aligned with spaces, for reading and for `grep`.
    table.load_style(TableStyle::new()).force_no_tty();
    table.set_header([
        "",
        "count",
        "accuracy",
        "macro F1",
        "log loss",
        "calibration error",
    ]);
    for figures in figures {
        let scores = &figures.scores;
        table.add_row([
            figures.of.to_owned(),
            scores.count.to_string(),
            format!("{:.3}", scores.accuracy),
            format!("{:.3}", scores.macro_f1),
            format!("{:.3}", scores.log_loss),
            calibration(scores),
        ]);
    }
    writeln!(out, "{table}")?;
    for figures in figures {
        if let Some(key) = figures.key {
            let kinds: Vec<String> = kinds(&key)
                .map(|(name, share)| format!("{name} {share:.3}"))
                .into();
            writeln!(
                out,
                "{}: MIREX {:.3} = {}",
                figures.of,
                key.weighted,
                kinds.join(", ")
            )?;
            writeln!(
                out,
                "{}: MIREX with fifths both ways {:.3}, compatible {:.3} (exact, a fifth away or relative)",
                figures.of, key.weighted_both, key.compatible
            )?;
        }
    }
    Ok(())
}

/// Writes the confusion matrix: one row per true label, one column per answered label.
pub(crate) fn write_confusion(
    out: &mut dyn Write,
    labels: &[String],
    scores: &Scores,
) -> anyhow::Result<()> {
    // Labels that do not occur would only widen the table.
    let present = scores.occurring();
    let widest = present.iter().map(|n| labels[*n].chars().count()).max();
    let widest = widest.unwrap_or(0);
    writeln!(
        out,
        "answered labels (columns, in the order of the rows) by true label (rows):"
    )?;
    for row in &present {
        let counts: Vec<String> = present
            .iter()
            .map(|column| match scores.confusion[*row][*column] {
                0 => format!("{:>3}", "·"),
                count => format!("{count:>3}"),
            })
            .collect();
        writeln!(out, "  {:widest$} {}", labels[*row], counts.join(" "))?;
    }
    Ok(())
}
