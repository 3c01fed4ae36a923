//! One row a window, for spreadsheets and data frames.
//!
//! Columns: `file`, `start_s`, `end_s`, `status`, then the most probable key and genre with their
//! probabilities (the window's own, then smoothed), `key_label` (empty on abstention), and one
//! column a label with the window's own probability: `genre:rock`, `key:A minor`. Then the place on
//! the map, `map_x` and `map_y`; for each further head a column a label, `mood:calm`, and before
//! those, where one label excludes the others, the best and its probability, `mood` and
//! `mood_probability`; and for each reference the distance: `distance:Last album`. A cell is empty
//! where there is no value. RFC 4180, except that lines end in LF. A file that failed has no rows.

use std::io::{self, Write};

use mertscope_heads::head::Outputs;
use mertscope_heads::timeline::Timeline;
use mertscope_music::Key;

use super::units::{distance_to, finite, place, to_millionth, to_millisecond, top};
use super::{FileReport, HeadRef, ReferenceRef, Run};

/// The columns that every run has, before the one-a-label columns.
const COLUMNS: [&str; 13] = [
    "file",
    "start_s",
    "end_s",
    "status",
    "key",
    "key_probability",
    "key_smoothed",
    "key_smoothed_probability",
    "key_label",
    "genre",
    "genre_probability",
    "genre_smoothed",
    "genre_smoothed_probability",
];

/// Writes the header at once and the rows file by file.
#[derive(Debug)]
pub struct CsvWriter<W: Write> {
    out: W,
    genres: usize,
    keys: usize,
    further: Vec<HeadRef>,
    references: Vec<ReferenceRef>,
}

impl<W: Write> CsvWriter<W> {
    /// Writes the header, with one column for each label of the run's heads.
    ///
    /// # Errors
    /// When `out` can't be written.
    pub fn new(mut out: W, run: &Run) -> io::Result<Self> {
        let labels = |task: &str| run.head(task).map_or(&[][..], |head| &head.labels);
        let (genres, keys) = (labels("genre"), labels("key"));
        let mut row = Row::default();
        for column in COLUMNS {
            row.text(column);
        }
        for label in genres {
            row.text(&format!("genre:{label}"));
        }
        for label in keys {
            row.text(&format!("key:{label}"));
        }
        row.text("map_x");
        row.text("map_y");
        for head in &run.further {
            if head.outputs == Outputs::Multiclass {
                row.text(&head.id);
                row.text(&format!("{}_probability", head.id));
            }
            for label in &head.labels {
                row.text(&format!("{}:{label}", head.id));
            }
        }
        for reference in &run.references {
            row.text(&format!("distance:{}", reference.name));
        }
        row.write(&mut out)?;
        out.flush()?;
        Ok(Self {
            out,
            genres: genres.len(),
            keys: keys.len(),
            further: run.further.clone(),
            references: run.references.clone(),
        })
    }

    /// Adds the rows of one file.
    ///
    /// # Errors
    /// When the output can't be written.
    pub fn write(&mut self, report: &FileReport) -> io::Result<()> {
        if let Ok(timeline) = &report.outcome {
            self.rows(&report.file, timeline)?;
        }
        self.out.flush()
    }

    fn rows(&mut self, file: &str, timeline: &Timeline) -> io::Result<()> {
        let genre = |index: usize| timeline.genre_labels.get(index).cloned();
        let key = |index: usize| Key::from_index(index).map(Key::label);
        for timed in &timeline.results {
            let result = timed.result.as_ref();
            let own_key = result
                .and_then(|h| h.key.as_ref())
                .map(<[f32; 24]>::as_slice);
            let smoothed_key = result.and_then(|h| h.key_smoothed.as_ref());
            let own_genre = result.and_then(|h| h.genre.as_deref());
            let smoothed_genre = result.and_then(|h| h.genre_smoothed.as_deref());
            let key_label = result.and_then(|h| h.key_label).map(Key::label);

            let mut row = Row::default();
            row.text(file);
            row.text(&to_millisecond(timed.start_s).to_string());
            row.text(&to_millisecond(timed.end_s).to_string());
            row.text(timed.status.as_str());
            row.best(own_key, key);
            row.best(smoothed_key.map(<[f32; 24]>::as_slice), key);
            row.text(&key_label.unwrap_or_default());
            row.best(own_genre, genre);
            row.best(smoothed_genre, genre);
            row.all(own_genre, self.genres);
            row.all(own_key, self.keys);
            for axis in 0..2 {
                let place = result.and_then(place).map(|place| place[axis].to_string());
                row.text(&place.unwrap_or_default());
            }
            for head in &self.further {
                let predicted = result.and_then(|h| h.prediction_of(&head.sha256));
                if head.outputs == Outputs::Multiclass {
                    row.best(predicted, |index| head.labels.get(index).cloned());
                }
                row.all(predicted, head.labels.len());
            }
            for reference in &self.references {
                let distance = result.and_then(|h| distance_to(h, reference));
                let distance = distance.map(|d| to_millionth(d).to_string());
                row.text(&distance.unwrap_or_default());
            }
            row.write(&mut self.out)?;
        }
        Ok(())
    }
}

/// One line in the making.
#[derive(Default)]
struct Row(String);

impl Row {
    fn text(&mut self, cell: &str) {
        if !self.0.is_empty() {
            self.0.push(',');
        }
        if cell.contains(['"', ',', '\n', '\r']) {
            self.0.push('"');
            self.0.push_str(&cell.replace('"', "\"\""));
            self.0.push('"');
        } else {
            self.0.push_str(cell);
        }
    }

    fn number(&mut self, probability: f32) {
        self.text(&to_millionth(probability).to_string());
    }

    /// Two cells: the most probable label and its probability.
    fn best(&mut self, values: Option<&[f32]>, label: impl Fn(usize) -> Option<String>) {
        match values.and_then(top) {
            Some((index, probability)) => {
                self.text(&label(index).unwrap_or_default());
                self.number(probability);
            }
            None => self.empty(2),
        }
    }

    /// `count` cells, one a label.
    fn all(&mut self, values: Option<&[f32]>, count: usize) {
        match values.and_then(finite) {
            Some(values) if values.len() == count => values.iter().for_each(|p| self.number(*p)),
            _ => self.empty(count),
        }
    }

    fn empty(&mut self, count: usize) {
        (0..count).for_each(|_| self.text(""));
    }

    fn write(mut self, out: &mut impl Write) -> io::Result<()> {
        self.0.push('\n');
        out.write_all(self.0.as_bytes())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sample;

    fn csv(run: &Run, reports: &[FileReport]) -> String {
        let mut out = Vec::new();
        let mut writer = CsvWriter::new(&mut out, run).unwrap();
        for report in reports {
            writer.write(report).unwrap();
        }
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
        let wide = COLUMNS.len() + 10 + 24 + 2 + 4 + 1;
        for line in text.lines().skip(1) {
            assert_eq!(line.split(',').count(), wide, "{line}");
        }
        assert!(text.contains(
            r#",map_x,map_y,mood,mood_probability,mood:calm,mood:wild,"distance:Last album, loud""#
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
        let last = ["0.25", "-1.5", "wild", "0.75", "0.25", "0.75", "0.625"];
        assert_eq!(row[row.len() - 7..], last);
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
        let run = Run {
            heads: Vec::new(),
            further: Vec::new(),
            references: Vec::new(),
            ..sample::run()
        };
        let text = csv(&run, &[sample::without_heads()]);
        for line in text.lines() {
            assert_eq!(line.split(',').count(), COLUMNS.len() + 2);
        }
    }
}
