//! Results for Python: one line of JSON per file, as `mertscope analyze --jsonl` writes it.

use std::io;

use mertscope_engine::export::json::JsonWriter;
use mertscope_engine::export::{AnalysisRun, FileEnd, further_heads, named_heads};
use mertscope_engine::model::Runtime;
use mertscope_engine::{Analyzer, ModelPackage, TimedResult};

/// The facts that are the same for all files of an analyzer.
pub(crate) fn run(package: &ModelPackage, runtime: &Runtime, analyzer: &Analyzer) -> AnalysisRun {
    let manifest = &package.model.manifest;
    AnalysisRun {
        model_id: manifest.id.clone(),
        model_sha256: package.sha256().to_owned(),
        heads: named_heads(package),
        further: further_heads(package),
        references: Vec::new(),
        device: analyzer.device().name.clone(),
        precision: analyzer.device().precision.id().to_owned(),
        onnxruntime: runtime.version.clone(),
        window_s: manifest.window_s(),
        hop_s: analyzer.hop_s(),
    }
}

/// The line of one file, without its line break.
///
/// # Errors
/// None in practice: it is written to memory.
pub(crate) fn line(
    run: &AnalysisRun,
    file: &str,
    windows: &[TimedResult],
    end: &FileEnd,
) -> io::Result<String> {
    let mut bytes = Vec::new();
    let mut writer = JsonWriter::lines(&mut bytes, run);
    writer.begin(file)?;
    for window in windows {
        writer.window(window)?;
    }
    writer.end(end)?;
    writer.finish()?;
    let mut line = String::from_utf8(bytes).map_err(io::Error::other)?;
    line.truncate(line.trim_end().len());
    Ok(line)
}
