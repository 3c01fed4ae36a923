//! Results on standard output in the requested format, file by file as they end.

use std::io::{self, Write};

use mertscope_export::csv::CsvWriter;
use mertscope_export::json::{self, JsonWriter};
use mertscope_export::table::{self, Style};
use mertscope_export::{AnalysisRun, FileReport};

/// The format of the results.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Format {
    /// A table as text.
    Table,
    /// One JSON document.
    Json,
    /// One line of JSON per file.
    JsonLines,
    /// One row per window.
    Csv,
}

/// Writes the results of one run.
pub(crate) enum Writer<'a, W: Write> {
    Table(W, &'a AnalysisRun),
    Json(JsonWriter<W>),
    JsonLines(W, &'a AnalysisRun),
    Csv(CsvWriter<W>),
}

impl<'a, W: Write> Writer<'a, W> {
    /// A writer that has written the part before the first file.
    pub(crate) fn new(out: W, format: Format, run: &'a AnalysisRun) -> io::Result<Self> {
        Ok(match format {
            Format::Table => Self::Table(out, run),
            Format::Json => Self::Json(JsonWriter::new(out, run)?),
            Format::JsonLines => Self::JsonLines(out, run),
            Format::Csv => Self::Csv(CsvWriter::new(out, run)?),
        })
    }

    /// Writes one file's result and flushes, so that finished results are never lost.
    pub(crate) fn file(&mut self, report: &FileReport) -> io::Result<()> {
        match self {
            Self::Table(out, run) => {
                out.write_all(table::render(run, report, Style::for_stdout()).as_bytes())?;
                out.flush()
            }
            Self::Json(writer) => writer.write(report),
            Self::JsonLines(out, run) => {
                json::write_line(&mut *out, run, report)?;
                out.flush()
            }
            Self::Csv(writer) => writer.write(report),
        }
    }

    /// Writes the part after the last file.
    pub(crate) fn finish(self) -> io::Result<()> {
        match self {
            Self::Json(writer) => writer.finish(),
            Self::Table(..) | Self::JsonLines(..) | Self::Csv(_) => Ok(()),
        }
    }
}
