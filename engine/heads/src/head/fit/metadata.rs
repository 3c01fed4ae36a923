//! The metadata of a fitted head's file.

use std::collections::BTreeMap;

use serde_json::json;

use super::{CandidateScore, FitOptions, Scores};
use crate::head::Reads;
use mertscope_model::Manifest;

/// The metadata fields on a head's quality.
pub(super) fn describe(
    count: usize,
    files: &Scores,
    windows: &Scores,
    compared: &[CandidateScore],
    threshold: f64,
) -> BTreeMap<String, String> {
    let round = |value: f64| (value * 1e4).round() / 1e4;
    let table: Vec<_> = compared
        .iter()
        .map(|row| {
            json!({"layer": row.layer, "hidden": row.hidden,
                   "accuracy": round(row.accuracy), "log_loss": round(row.log_loss)})
        })
        .collect();
    let metrics = json!({
        "accuracy": round(files.accuracy),
        "macro_f1": round(files.macro_f1),
        "calibration_error": round(files.ece),
        "calibration_error_by_chance": round(files.ece_by_chance),
        "window_accuracy": round(windows.accuracy),
        "window_calibration_error": round(windows.ece),
        "files": count,
        "windows": windows.count,
        "compared": table,
    });
    [
        ("metrics", metrics.to_string()),
        ("threshold", round(threshold).to_string()),
    ]
    .map(|(name, value)| (name.to_owned(), value))
    .into()
}

/// The metadata fields on a head's origin.
pub(super) fn provenance(
    options: &FitOptions,
    manifest: &Manifest,
    penalty: f64,
) -> BTreeMap<String, String> {
    let how = format!(
        "multinomial logistic regression{}, penalty {penalty}, seed {}; judged by cross-validation \
         in groups, the layer and the penalty chosen inside",
        match options.hidden {
            Some(units) => format!(" with a hidden layer of {units}"),
            None => String::new(),
        },
        options.seed
    );
    let mut fields = vec![
        ("model", manifest.id.clone()),
        ("encoder_sha256", manifest.sha256().to_owned()),
        ("training_data", options.training_data.clone()),
        ("fitted", how),
    ];
    if let (Reads::Frames, Some(frames)) = (options.reads, manifest.frames_sha256()) {
        fields.push(("frames_sha256", frames.to_owned()));
    }
    if !options.license.is_empty() {
        fields.push(("licence", options.license.clone()));
    }
    let fields = fields.into_iter();
    fields
        .map(|(name, value)| (name.to_owned(), value))
        .collect()
}
