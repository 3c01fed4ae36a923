//! Results for Python: one line of JSON per file, as `mertscope analyze --jsonl` writes it.

use std::io;

use mertscope_engine::TimedResult;
use mertscope_engine::export::json::JsonWriter;
use mertscope_engine::export::{AnalysisRun, FileEnd};

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
