//! CSV: one row per window, for spreadsheets and data frames.
//!
//! Columns: `file`, `start_s`, `end_s`, `status`, then the most probable key and genre with their
//! probabilities (the window's own, then smoothed), `key_label` (empty on abstention), and one column
//! per label with the window's own probability: `genre:rock`, `key:A minor`. Then the place on the map,
//! `map_x` and `map_y`; the deviation from A = 440 Hz, `tuning_cents` and `tuning_certainty` (the window's own, then
//! smoothed); for each further head a column per label, `mood:calm`, and before those, when
//! one label excludes the others, the best and its probability, `mood` and `mood_probability`; and for
//! each reference the distance: `distance:Last album`. A cell without a value is empty. RFC 4180,
//! except that lines end in LF. A file that failed has the rows before its failure, if any.
//!
//! ```
//! use mertscope_export::{AnalysisRun, FileReport, csv::CsvWriter};
//! use mertscope_heads::timeline::Timeline;
//!
//! let mut bytes = Vec::new();
//! let mut writer = CsvWriter::new(&mut bytes, &AnalysisRun::default())?;
//! writer.write(&FileReport {
//!     file: "song.flac".to_owned(),
//!     duration_s: Some(3.0),
//!     notices: Vec::new(),
//!     outcome: Ok(Timeline::default()),
//! })?;
//! drop(writer);
//! assert!(bytes.starts_with(b"file,start_s,end_s,status,key,"));
//! # Ok::<(), std::io::Error>(())
//! ```

use std::io::{self, Write};

use ::csv::{ErrorKind, Terminator, Writer, WriterBuilder};
use mertscope_heads::head::Outputs;
use mertscope_heads::timeline::{TimedResult, WindowResult};
use mertscope_music::{Key, Tuning};

use super::units::{
    distance_to, finite, finite_tuning, place, to_cent_tenth, to_millionth, to_millisecond, top,
};
use super::{AnalysisRun, FileReport, HeadRef, ReferenceRef};

/// The columns that every run has, before the columns per label.
const COLUMNS: [&str; 16] = [
    "file",
    "start_s",
    "end_s",
    "status",
    "key",
    "key_probability",
    "key_smoothed",
    "key_smoothed_probability",
    "key_label",
    "key_pair",
    "key_runner_up",
    "key_runner_up_probability",
    "genre",
    "genre_probability",
    "genre_smoothed",
    "genre_smoothed_probability",
];

/// The columns of the tuning, the window's own and smoothed.
const TUNING_COLUMNS: [&str; 4] = [
    "tuning_cents",
    "tuning_certainty",
    "tuning_smoothed_cents",
    "tuning_smoothed_certainty",
];

/// Writes the header at once and the rows window by window.
#[derive(Debug)]
pub struct CsvWriter<W: Write> {
    out: Writer<W>,
    file: String,
    genres: Vec<String>,
    keys: usize,
    further: Vec<HeadRef>,
    references: Vec<ReferenceRef>,
}

impl<W: Write> CsvWriter<W> {
    /// Writes the header, with one column for each label of the run's heads.
    ///
    /// # Errors
    /// When `out` can't be written.
    pub fn new(out: W, run: &AnalysisRun) -> io::Result<Self> {
        let mut out = WriterBuilder::new()
            .terminator(Terminator::Any(b'\n'))
            .from_writer(out);
        let (genres, keys) = (run.labels("genre"), run.labels("key"));
        out.write_record(header(run, genres, keys))
            .map_err(io_error)?;
        out.flush()?;
        Ok(Self {
            out,
            file: String::new(),
            genres: genres.to_vec(),
            keys: keys.len(),
            further: run.further.clone(),
            references: run.references.clone(),
        })
    }

    /// Begins the next file.
    pub fn begin(&mut self, file: &str) {
        file.clone_into(&mut self.file);
    }

    /// Adds the row of the file's next window.
    ///
    /// # Errors
    /// When the output can't be written.
    pub fn window(&mut self, timed: &TimedResult) -> io::Result<()> {
        let row = self.row(timed);
        self.out.write_record(row.0).map_err(io_error)
    }

    /// Writes whole rows that wait, as at the end of a file.
    ///
    /// # Errors
    /// When the output can't be written.
    pub fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }

    /// Adds the rows of one whole file.
    ///
    /// # Errors
    /// When the output can't be written.
    pub fn write(&mut self, report: &FileReport) -> io::Result<()> {
        self.begin(&report.file);
        for timed in report.windows() {
            self.window(timed)?;
        }
        self.flush()
    }

    fn row(&self, timed: &TimedResult) -> Row {
        let genre = |index: usize| self.genres.get(index).cloned();
        let key = |index: usize| Key::from_index(index).map(Key::label);
        let result = timed.result.as_ref();
        let own_key = result
            .and_then(|r| r.key.as_ref())
            .map(<[f32; 24]>::as_slice);
        let smoothed_key = result.and_then(|r| r.key_smoothed.as_ref());
        let own_genre = result.and_then(|r| r.genre.as_deref());
        let smoothed_genre = result.and_then(|r| r.genre_smoothed.as_deref());
        let key_label = result.and_then(WindowResult::key_label).map(Key::label);

        let mut row = Row::default();
        row.text(&*self.file);
        row.text(to_millisecond(timed.start_s).to_string());
        row.text(to_millisecond(timed.end_s).to_string());
        row.text(timed.status.as_str());
        row.best(own_key, key);
        row.best(smoothed_key.map(<[f32; 24]>::as_slice), key);
        row.text(key_label.unwrap_or_default());
        let answer = result.and_then(|r| r.key_answer);
        let pair = answer.and_then(|answer| answer.pair());
        row.text(pair.map_or_else(String::new, |[a, b]| {
            format!("{} | {}", a.label(), b.label())
        }));
        let second = answer.map(|answer| answer.runner_up);
        row.text(second.map_or_else(String::new, |(key, _)| key.label()));
        row.text(second.map_or_else(String::new, |(_, p)| to_millionth(p).to_string()));
        row.best(own_genre, genre);
        row.best(smoothed_genre, genre);
        row.all(own_genre, self.genres.len());
        row.all(own_key, self.keys);
        let place = result.and_then(place);
        for axis in 0..2 {
            row.text(place.map_or_else(String::new, |place| place[axis].to_string()));
        }
        row.tuning(result.and_then(|r| r.tuning));
        row.tuning(result.and_then(|r| r.tuning_smoothed));
        for head in &self.further {
            let predicted = result.and_then(|r| r.prediction_of(&head.sha256));
            if head.outputs == Outputs::Multiclass {
                row.best(predicted, |index| head.labels.get(index).cloned());
            }
            row.all(predicted, head.labels.len());
        }
        for reference in &self.references {
            let distance = result.and_then(|r| distance_to(r, reference));
            row.text(distance.map_or_else(String::new, |d| to_millionth(d).to_string()));
        }
        row
    }
}

fn header(run: &AnalysisRun, genres: &[String], keys: &[String]) -> Vec<String> {
    let mut columns = COLUMNS.map(str::to_owned).to_vec();
    columns.extend(genres.iter().map(|label| format!("genre:{label}")));
    columns.extend(keys.iter().map(|label| format!("key:{label}")));
    columns.extend(["map_x", "map_y"].map(str::to_owned));
    columns.extend(TUNING_COLUMNS.map(str::to_owned));
    for head in &run.further {
        if head.outputs == Outputs::Multiclass {
            columns.push(head.id.clone());
            columns.push(format!("{}_probability", head.id));
        }
        let labels = head.labels.iter();
        columns.extend(labels.map(|label| format!("{}:{label}", head.id)));
    }
    let references = run.references.iter();
    columns.extend(references.map(|reference| format!("distance:{}", reference.name)));
    columns
}

/// The error of the output itself: a broken pipe must stay one.
fn io_error(error: ::csv::Error) -> io::Error {
    match error.into_kind() {
        ErrorKind::Io(error) => error,
        other => io::Error::other(format!("{other:?}")),
    }
}

/// The cells of one row.
#[derive(Default)]
struct Row(Vec<String>);

impl Row {
    fn text(&mut self, cell: impl Into<String>) {
        self.0.push(cell.into());
    }

    fn number(&mut self, probability: f32) {
        self.text(to_millionth(probability).to_string());
    }

    /// Two cells: the most probable label and its probability.
    fn best(&mut self, values: Option<&[f32]>, label: impl Fn(usize) -> Option<String>) {
        match values.and_then(top) {
            Some((index, probability)) => {
                self.text(label(index).unwrap_or_default());
                self.number(probability);
            }
            None => self.empty(2),
        }
    }

    /// Two cells: cents and certainty.
    fn tuning(&mut self, tuning: Option<Tuning>) {
        match tuning.and_then(finite_tuning) {
            Some(tuning) => {
                self.text(to_cent_tenth(tuning.cents).to_string());
                self.number(tuning.certainty);
            }
            None => self.empty(2),
        }
    }

    /// `count` cells, one per label.
    fn all(&mut self, values: Option<&[f32]>, count: usize) {
        match values.and_then(finite) {
            Some(values) if values.len() == count => values.iter().for_each(|p| self.number(*p)),
            _ => self.empty(count),
        }
    }

    fn empty(&mut self, count: usize) {
        (0..count).for_each(|_| self.text(""));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sample;
    use mertscope_audio::Status;

    fn csv(run: &AnalysisRun, reports: &[FileReport]) -> String {
        let mut out = Vec::new();
        let mut writer = CsvWriter::new(&mut out, run).unwrap();
        for report in reports {
            writer.write(report).unwrap();
        }
        drop(writer);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn the_header_stands_once_and_every_row_is_as_wide() {
        let text = csv(&sample::run(), &sample::all());
        let windows: usize = sample::all()
            .iter()
            .filter_map(|r| r.outcome.as_ref().ok())
            .map(|t| t.results.len())
            .sum();
        assert_eq!(text.lines().count(), 1 + windows);
        assert!(text.starts_with("file,start_s,end_s,status,key,"));
        let wide = COLUMNS.len() + 10 + 24 + 2 + TUNING_COLUMNS.len() + 4 + 1;
        for line in text.lines().skip(1) {
            assert_eq!(line.split(',').count(), wide, "{line}");
        }
        assert!(text.contains(
            r#",tuning_smoothed_cents,tuning_smoothed_certainty,mood,mood_probability,mood:calm,mood:wild,"distance:Last album, loud""#
        ));
        assert!(!text.contains("NaN"));
    }

    #[test]
    fn a_row_holds_what_the_window_said() {
        let text = csv(&sample::run(), &[sample::modulating()]);
        let row: Vec<_> = text.lines().nth(1).unwrap().split(',').collect();
        assert_eq!(row[1..5], ["0", "5", "ok", "A minor"]);
        let header: Vec<_> = text.lines().next().unwrap().split(',').collect();
        let own = header.iter().position(|c| *c == "key:A minor").unwrap();
        assert_eq!(row[own], row[5]);
        let tuning = header.iter().position(|c| *c == "tuning_cents").unwrap();
        assert_eq!(row[tuning..tuning + 4], ["32.3", "0.75", "32.3", "0.75"]);
        let last = ["wild", "0.75", "0.25", "0.75", "0.625"];
        assert_eq!(row[row.len() - 5..], last);
        assert_eq!(row[tuning - 2..tuning], ["0.25", "-1.5"]);
    }

    #[test]
    fn keys_have_their_labels() {
        let report = sample::file("sharp.wav", 20, |_| (Status::Ok, "F# minor", 0, 1.4));
        let text = csv(&sample::run(), &[report]);
        assert!(text.lines().nth(20).unwrap().contains(",Gb minor,"));
        assert!(text.contains("key:Gb minor") && !text.contains("F# minor"));
    }

    #[test]
    fn awkward_names_are_quoted() {
        let report = FileReport {
            file: "a \"live\" take, one\nof two.wav".to_owned(),
            ..sample::silent()
        };
        let text = csv(&sample::run(), &[report]);
        assert!(text.contains("\n\"a \"\"live\"\" take, one\nof two.wav\",0,5,silent,"));
    }

    #[test]
    fn a_run_without_heads_has_no_label_columns() {
        let run = AnalysisRun {
            heads: Vec::new(),
            further: Vec::new(),
            references: Vec::new(),
            ..sample::run()
        };
        let text = csv(&run, &[sample::without_heads()]);
        for line in text.lines() {
            assert_eq!(
                line.split(',').count(),
                COLUMNS.len() + 2 + TUNING_COLUMNS.len()
            );
        }
    }
}
