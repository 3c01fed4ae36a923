//! Standard output, and the results of an analysis on it, window by window in the requested format.

use std::io::{self, BufWriter, ErrorKind, Write};
use std::mem;
use std::sync::{Arc, Mutex};

use mertscope_export::csv::CsvWriter;
use mertscope_export::json::JsonWriter;
use mertscope_export::printable::printable;
use mertscope_export::table::{FileTable, Style};
use mertscope_export::{AnalysisRun, FileEnd};
use mertscope_heads::timeline::TimedResult;
use mertscope_model::lock;

/// Standard output; its errors are sentences that name it.
pub(crate) struct StandardOutput(io::Stdout);

impl StandardOutput {
    pub(crate) fn new() -> Self {
        Self(io::stdout())
    }
}

impl Write for StandardOutput {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.write(bytes).map_err(named)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush().map_err(named)
    }
}

fn named(error: io::Error) -> io::Error {
    if error.kind() == ErrorKind::Interrupted {
        return error;
    }
    let remedy = match error.kind() {
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded => "free some space there, or write",
        _ => "check where it leads, or write",
    };
    let text = format!("Standard output can't be written ({error}); {remedy} elsewhere.");
    io::Error::new(error.kind(), text)
}

/// Text for people on standard output: what would steer a terminal is shown as escapes.
pub(crate) struct PrintableOutput<W: Write>(pub(crate) W);

impl<W: Write> Write for PrintableOutput<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let Ok(text) = std::str::from_utf8(bytes) else {
            return self.0.write(bytes);
        };
        for line in text.split_inclusive('\n') {
            let (line, end) = match line.strip_suffix('\n') {
                Some(line) => (line, "\n"),
                None => (line, ""),
            };
            write!(self.0, "{}{end}", printable(line))?;
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

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

/// The results of one run, which the handler of Ctrl-C may close at any time.
#[derive(Clone)]
pub(crate) struct Results(Arc<Mutex<Option<Box<Writer>>>>);

impl Results {
    /// Writes the part before the first file.
    pub(crate) fn new(format: Format, run: &AnalysisRun) -> io::Result<Self> {
        let out = BufWriter::new(StandardOutput::new());
        let writer = match format {
            Format::Table => Writer::Table(TableWriter {
                out,
                run: run.clone(),
                file: String::new(),
                table: FileTable::default(),
            }),
            Format::Json => Writer::Json(JsonWriter::new(out, run)?),
            Format::JsonLines => Writer::Json(JsonWriter::lines(out, run)),
            Format::Csv => Writer::Csv(CsvWriter::new(out, run)?),
        };
        Ok(Self(Arc::new(Mutex::new(Some(Box::new(writer))))))
    }

    /// Begins the next file.
    pub(crate) fn begin(&self, file: &str) -> io::Result<()> {
        self.write(|writer| match writer {
            Writer::Table(table) => {
                file.clone_into(&mut table.file);
                table.table = FileTable::default();
                Ok(())
            }
            Writer::Json(json) => json.begin(file),
            Writer::Csv(csv) => {
                csv.begin(file);
                Ok(())
            }
        })
    }

    /// Adds the file's next window.
    pub(crate) fn window(&self, timed: &TimedResult) -> io::Result<()> {
        self.write(|writer| match writer {
            Writer::Table(table) => {
                table.table.add(timed);
                Ok(())
            }
            Writer::Json(json) => json.window(timed),
            Writer::Csv(csv) => csv.window(timed),
        })
    }

    /// Ends the file, and flushes, so that finished results are never lost.
    pub(crate) fn end(&self, end: &FileEnd) -> io::Result<()> {
        self.write(|writer| match writer {
            Writer::Table(table) => table.print(end),
            Writer::Json(json) => json.end(end),
            Writer::Csv(csv) => csv.flush(),
        })
    }

    /// Writes the part after the last file.
    pub(crate) fn finish(self) -> io::Result<()> {
        match lock(&self.0).take().map(|writer| *writer) {
            Some(Writer::Json(json)) => json.finish(),
            Some(Writer::Table(_) | Writer::Csv(_)) | None => Ok(()),
        }
    }

    /// Closes the results before the end of the run; whoever writes the next window waits for ever.
    pub(crate) fn stop(&self) {
        let mut writer = lock(&self.0);
        // Nobody is left to read an error.
        let _ = match writer.take().map(|writer| *writer) {
            Some(Writer::Json(json)) => json.stop(),
            Some(Writer::Csv(mut csv)) => csv.flush(),
            Some(Writer::Table(_)) | None => Ok(()),
        };
        mem::forget(writer);
    }

    fn write(&self, body: impl FnOnce(&mut Writer) -> io::Result<()>) -> io::Result<()> {
        lock(&self.0).as_deref_mut().map_or(Ok(()), body)
    }
}

type Out = BufWriter<StandardOutput>;

enum Writer {
    Table(TableWriter),
    Json(JsonWriter<Out>),
    Csv(CsvWriter<Out>),
}

struct TableWriter {
    out: Out,
    run: AnalysisRun,
    file: String,
    table: FileTable,
}

impl TableWriter {
    fn print(&mut self, end: &FileEnd) -> io::Result<()> {
        let style = Style::for_stdout();
        let text = self.table.render(&self.run, &self.file, end, style);
        self.out.write_all(text.as_bytes())?;
        self.out.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_for_people_keeps_its_lines_and_steers_no_terminal() {
        let mut text = Vec::new();
        writeln!(PrintableOutput(&mut text), "in a\u{1b}[2J\n  next").unwrap();
        assert_eq!(String::from_utf8(text).unwrap(), "in a\\u{1b}[2J\n  next\n");
    }

    #[test]
    fn a_full_disk_is_named_and_a_closed_pipe_stays_one() {
        let full = named(ErrorKind::StorageFull.into());
        assert!(full.to_string().contains("Standard output"), "{full}");
        assert!(full.to_string().contains("space"), "{full}");
        let closed = named(ErrorKind::BrokenPipe.into());
        assert_eq!(closed.kind(), ErrorKind::BrokenPipe);
    }
}
