//! JSON as `assets/schema/analyze.schema.json` documents it: one document for the whole run, or one
//! line per file.
//!
//! Each window is written when it comes, so memory does not grow with a file, and what needs the whole file, such as
//! its summary, stands behind its windows. NaN and infinite values are written as `null`.
//!
//! ```
//! use mertscope_export::{AnalysisRun, FileEnd, json::JsonWriter};
//!
//! let mut bytes = Vec::new();
//! let mut writer = JsonWriter::new(&mut bytes, &AnalysisRun::default())?;
//! writer.begin("song.flac")?;
//! // writer.window(&timed)? for each window
//! writer.end(&FileEnd {
//!     duration_s: Some(3.0),
//!     notices: Vec::new(),
//!     outcome: Ok(None),
//! })?;
//! writer.finish()?;
//! let document: serde_json::Value = serde_json::from_slice(&bytes)?;
//! assert_eq!(document["files"][0]["file"], "song.flac");
//! # Ok::<(), std::io::Error>(())
//! ```

use std::io::{self, Write};

use mertscope_heads::timeline::{KeyTime, Modulation, Summary, TimedResult, WindowResult};
use mertscope_music::{Key, KeyAnswer, Notation, Tuning};
use serde::{Serialize, Serializer};

use super::units::{
    distance_to, finite, finite_summary, finite_tuning, place, to_cent_tenth, to_millionth,
    to_millisecond,
};
use super::{AnalysisRun, FileEnd, FileReport, HeadRef, ReferenceRef};

/// Version of the schema; it grows when a reader of the last one would misunderstand the next.
pub(crate) const SCHEMA_VERSION: u32 = 1;

/// The error of a file whose windows were cut short with the run.
const STOPPED: &str = "The analysis was stopped here: the windows up to here are good, and the rest is missing. \
     Analyze the file again.";

/// Writes JSON window by window: one document, or a line per file.
///
/// Each call writes whole values only. Stopped or dropped before [`JsonWriter::finish`], the writer closes what is
/// open, so that the output is valid.
#[derive(Debug)]
pub struct JsonWriter<W: Write> {
    out: W,
    run: AnalysisRun,
    form: Form,
    /// Files that were begun.
    files: usize,
    /// Windows of the file that was begun and not ended.
    windows: Option<usize>,
    is_finished: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    /// One object for the run, with the files in it.
    Document,
    /// One object per file, with the run in it, on a line of its own.
    Lines,
}

impl<W: Write> JsonWriter<W> {
    /// Begins one document with the run that all files share.
    ///
    /// # Errors
    /// When `out` can't be written.
    pub fn new(out: W, run: &AnalysisRun) -> io::Result<Self> {
        let mut writer = Self::with_form(out, run, Form::Document);
        let head = opened(&RunJson::from(run))?;
        write!(writer.out, "{head},\"files\":[")?;
        Ok(writer)
    }

    /// Writes one self-contained line per file.
    pub fn lines(out: W, run: &AnalysisRun) -> Self {
        Self::with_form(out, run, Form::Lines)
    }

    fn with_form(out: W, run: &AnalysisRun, form: Form) -> Self {
        Self {
            out,
            run: run.clone(),
            form,
            files: 0,
            windows: None,
            is_finished: false,
        }
    }

    /// Begins the next file.
    ///
    /// # Errors
    /// When the output can't be written.
    pub fn begin(&mut self, file: &str) -> io::Result<()> {
        let head = match self.form {
            Form::Document if self.files == 0 => "\n{".to_owned(),
            Form::Document => ",\n{".to_owned(),
            Form::Lines => opened(&RunJson::from(&self.run))? + ",",
        };
        let file = serde_json::to_string(file)?;
        self.files += 1;
        self.windows = Some(0);
        write!(self.out, "{head}\"file\":{file},\"timeline\":[")
    }

    /// Adds the next window of the file.
    ///
    /// # Errors
    /// When the output can't be written.
    pub fn window(&mut self, timed: &TimedResult) -> io::Result<()> {
        let windows = self.windows.get_or_insert(0);
        let separator = if *windows == 0 { "" } else { "," };
        *windows += 1;
        let window = serde_json::to_string(&window(&self.run, timed))?;
        write!(self.out, "{separator}{window}")
    }

    /// Ends the file, and flushes.
    ///
    /// # Errors
    /// When the output can't be written.
    pub fn end(&mut self, end: &FileEnd) -> io::Result<()> {
        let end = serde_json::to_string(&EndJson::from(end))?;
        // The windows and the end are parts of the same object.
        let end = end.trim_start_matches('{');
        let newline = match self.form {
            Form::Document => "",
            Form::Lines => "\n",
        };
        self.windows = None;
        write!(self.out, "],{end}{newline}")?;
        self.out.flush()
    }

    /// Adds one whole file.
    ///
    /// # Errors
    /// When the output can't be written.
    pub fn write(&mut self, report: &FileReport) -> io::Result<()> {
        self.begin(&report.file)?;
        for timed in report.windows() {
            self.window(timed)?;
        }
        self.end(&report.end())
    }

    /// Ends the output.
    ///
    /// # Errors
    /// When the output can't be written.
    pub fn finish(mut self) -> io::Result<()> {
        self.close("")
    }

    /// Ends the output before the end of the run. A file that was begun ends with an error that says so, and a document
    /// with `"interrupted": true`.
    ///
    /// # Errors
    /// When the output can't be written.
    pub fn stop(mut self) -> io::Result<()> {
        self.interrupt()
    }

    fn interrupt(&mut self) -> io::Result<()> {
        if self.windows.is_some() {
            self.end(&FileEnd {
                duration_s: None,
                notices: Vec::new(),
                outcome: Err(STOPPED.to_owned()),
            })?;
        }
        self.close(",\"interrupted\":true")
    }

    fn close(&mut self, last: &str) -> io::Result<()> {
        self.is_finished = true;
        if self.form == Form::Document {
            write!(self.out, "\n]{last}}}\n")?;
        }
        self.out.flush()
    }
}

impl<W: Write> Drop for JsonWriter<W> {
    fn drop(&mut self) {
        if !self.is_finished {
            // Nobody is left to read an error; whoever stopped early has already reported the reason.
            let _ = self.interrupt();
        }
    }
}

/// The text of an object without its last brace.
fn opened(object: &impl Serialize) -> io::Result<String> {
    let mut text = serde_json::to_string(object)?;
    text.pop();
    Ok(text)
}

#[derive(Serialize)]
struct RunJson<'a> {
    version: u32,
    model: ModelJson<'a>,
    heads: &'a [HeadRef],
    #[serde(skip_serializing_if = "<[HeadRef]>::is_empty")]
    further_heads: &'a [HeadRef],
    #[serde(skip_serializing_if = "<[ReferenceRef]>::is_empty")]
    references: &'a [ReferenceRef],
    device: &'a str,
    precision: &'a str,
    onnxruntime: &'a str,
    window_s: f64,
    hop_s: f64,
}

#[derive(Serialize)]
struct ModelJson<'a> {
    id: &'a str,
    sha256: &'a str,
}

impl<'a> From<&'a AnalysisRun> for RunJson<'a> {
    fn from(run: &'a AnalysisRun) -> Self {
        Self {
            version: SCHEMA_VERSION,
            model: ModelJson {
                id: &run.model_id,
                sha256: &run.model_sha256,
            },
            heads: &run.heads,
            further_heads: &run.further,
            references: &run.references,
            device: &run.device,
            precision: &run.precision,
            onnxruntime: &run.onnxruntime,
            window_s: run.window_s,
            hop_s: run.hop_s,
        }
    }
}

#[derive(Serialize)]
struct EndJson<'a> {
    duration_s: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<&'a str>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    notes: Vec<&'a str>,
    summary: Option<SummaryJson>,
}

impl<'a> From<&'a FileEnd> for EndJson<'a> {
    fn from(end: &'a FileEnd) -> Self {
        let summary = end.outcome.as_ref().ok().cloned().flatten();
        Self {
            duration_s: end.duration_s.map(to_millisecond),
            error: end.outcome.as_ref().err().map(String::as_str),
            notes: end
                .notices
                .iter()
                .map(|notice| notice.text.as_str())
                .collect(),
            summary: summary.map(SummaryJson::from),
        }
    }
}

#[derive(Serialize)]
struct SummaryJson {
    genre: Vec<Share>,
    genre_label: Option<String>,
    key: Option<KeyJson>,
    keys: Vec<KeyTimeJson>,
    modulations: Vec<ModulationJson>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tuning: Option<TuningJson>,
}

#[derive(Serialize)]
struct TuningJson {
    cents: f64,
    certainty: f64,
    clear: bool,
}

impl From<Tuning> for TuningJson {
    fn from(tuning: Tuning) -> Self {
        Self {
            cents: to_cent_tenth(tuning.cents),
            certainty: to_millionth(tuning.certainty),
            clear: tuning.is_clear(),
        }
    }
}

#[derive(Serialize)]
struct KeyJson {
    best: String,
    label: Option<String>,
    pair: Option<[String; 2]>,
    camelot: String,
    probability: f64,
    runner_up: Share,
}

#[derive(Serialize)]
struct KeyTimeJson {
    label: String,
    camelot: String,
    seconds: f64,
    share: f64,
}

#[derive(Serialize)]
struct ModulationJson {
    at_s: f64,
    from: String,
    to: String,
}

#[derive(Serialize)]
struct Share {
    label: String,
    probability: f64,
}

impl From<Summary> for SummaryJson {
    fn from(summary: Summary) -> Self {
        let summary = finite_summary(summary);
        let named = summary.genre_is_named.then(|| summary.genre.first());
        let key = summary.key.as_ref();
        Self {
            genre: summary
                .genre
                .iter()
                .map(|(label, probability)| share(label, *probability))
                .collect(),
            genre_label: named.flatten().map(|(label, _)| label.clone()),
            key: key.map(|key| KeyJson::from(&key.answer)),
            keys: key.map_or_else(Vec::new, |key| {
                key.keys.iter().map(KeyTimeJson::from).collect()
            }),
            modulations: key.map_or_else(Vec::new, |key| {
                key.modulations.iter().map(ModulationJson::from).collect()
            }),
            tuning: summary.tuning.map(TuningJson::from),
        }
    }
}

impl From<&KeyAnswer> for KeyJson {
    fn from(answer: &KeyAnswer) -> Self {
        let (best, probability) = answer.best;
        Self {
            best: best.label(),
            label: answer.named().map(Key::label),
            pair: answer.pair().map(|pair| pair.map(Key::label)),
            camelot: best.to_text(Notation::Camelot),
            probability: to_millionth(probability),
            runner_up: share(answer.runner_up.0, answer.runner_up.1),
        }
    }
}

impl From<&KeyTime> for KeyTimeJson {
    fn from(held: &KeyTime) -> Self {
        Self {
            label: held.key.label(),
            camelot: held.key.to_text(Notation::Camelot),
            seconds: to_millisecond(held.seconds),
            share: to_millionth(held.share as f32),
        }
    }
}

impl From<&Modulation> for ModulationJson {
    fn from(change: &Modulation) -> Self {
        Self {
            at_s: to_millisecond(change.at_s),
            from: change.from.label(),
            to: change.to.label(),
        }
    }
}

fn share(label: impl ToString, probability: f32) -> Share {
    Share {
        label: label.to_string(),
        probability: to_millionth(probability),
    }
}

#[derive(Serialize)]
struct WindowJson<'a> {
    start_s: f64,
    end_s: f64,
    status: &'static str,
    genre: Option<Genres<'a>>,
    key: Option<Keys<'a>>,
    genre_smoothed: Option<Genres<'a>>,
    key_smoothed: Option<Keys<'a>>,
    key_label: Option<String>,
    key_pair: Option<[String; 2]>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tuning: Option<TuningJson>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tuning_smoothed: Option<TuningJson>,
    #[serde(skip_serializing_if = "Named::is_empty")]
    further: Named<'a, Genres<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    map: Option<[f64; 2]>,
    #[serde(skip_serializing_if = "Named::is_empty")]
    distances: Named<'a, f64>,
    #[serde(skip_serializing_if = "Named::is_empty")]
    ribbons: Named<'a, RibbonJson<'a>>,
}

#[derive(Serialize)]
struct RibbonJson<'a> {
    step_s: f64,
    answers: Vec<Genres<'a>>,
}

fn window<'a>(run: &'a AnalysisRun, timed: &'a TimedResult) -> WindowJson<'a> {
    let result = timed.result.as_ref();
    let labels = run.labels("genre");
    let genres = |values: Option<&'a Vec<f32>>| {
        values
            .and_then(|values| finite(values))
            .map(|values| Genres { labels, values })
    };
    let keys =
        |values: Option<&'a [f32; Key::COUNT]>| values.and_then(|values| finite(values)).map(Keys);
    let tuning = |value: Option<Tuning>| value.and_then(finite_tuning).map(TuningJson::from);
    WindowJson {
        start_s: to_millisecond(timed.start_s),
        end_s: to_millisecond(timed.end_s),
        status: timed.status.as_str(),
        genre: genres(result.and_then(|r| r.genre.as_ref())),
        key: keys(result.and_then(|r| r.key.as_ref())),
        genre_smoothed: genres(result.and_then(|r| r.genre_smoothed.as_ref())),
        key_smoothed: keys(result.and_then(|r| r.key_smoothed.as_ref())),
        key_label: result.and_then(WindowResult::key_label).map(Key::label),
        key_pair: key_pair(result),
        tuning: tuning(result.and_then(|r| r.tuning)),
        tuning_smoothed: tuning(result.and_then(|r| r.tuning_smoothed)),
        further: Named(result.map_or_else(Vec::new, |r| further(run, r))),
        map: result.and_then(place),
        distances: Named(result.map_or_else(Vec::new, |r| distances(run, r))),
        ribbons: Named(result.map_or_else(Vec::new, |r| ribbons(run, r))),
    }
}

/// The tentative pair of keys, if the answer is one.
fn key_pair(result: Option<&WindowResult>) -> Option<[String; 2]> {
    let pair = result?.key_answer?.pair()?;
    Some(pair.map(Key::label))
}

/// The predictions of the run's further heads, by their names.
fn further<'a>(run: &'a AnalysisRun, result: &'a WindowResult) -> Vec<(&'a str, Genres<'a>)> {
    let predicted = |head: &'a HeadRef| {
        let values = result.prediction_of(&head.sha256).and_then(finite)?;
        let labels = &head.labels;
        Some((head.id.as_str(), Genres { labels, values }))
    };
    run.further.iter().filter_map(predicted).collect()
}

/// The predictions of the run's heads that read frames, by their names.
fn ribbons<'a>(run: &'a AnalysisRun, result: &'a WindowResult) -> Vec<(&'a str, RibbonJson<'a>)> {
    let predicted = |head: &'a HeadRef| {
        let mut ribbons = result.ribbons.iter();
        let ribbon = ribbons.find(|ribbon| *ribbon.head_sha256 == *head.sha256)?;
        let labels = &head.labels;
        let steps = finite(&ribbon.answers)?.chunks_exact(labels.len().max(1));
        let answers = steps.map(|values| Genres { labels, values }).collect();
        let step_s = ribbon.step_s;
        Some((head.id.as_str(), RibbonJson { step_s, answers }))
    };
    run.further.iter().filter_map(predicted).collect()
}

/// Distances to the run's references, by their ids.
fn distances<'a>(run: &'a AnalysisRun, result: &'a WindowResult) -> Vec<(&'a str, f64)> {
    let distance = |reference: &'a ReferenceRef| {
        let distance = distance_to(result, reference)?;
        Some((reference.id.as_str(), to_millionth(distance)))
    };
    run.references.iter().filter_map(distance).collect()
}

/// Values by name, in their order.
struct Named<'a, T>(Vec<(&'a str, T)>);

impl<T> Named<'_, T> {
    fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl<T: Serialize> Serialize for Named<'_, T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|(name, value)| (name, value)))
    }
}

/// `{label: probability}` in the order of the head's labels.
struct Genres<'a> {
    labels: &'a [String],
    values: &'a [f32],
}

impl Serialize for Genres<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let values = self.values.iter().copied().map(to_millionth);
        serializer.collect_map(self.labels.iter().zip(values))
    }
}

/// `{key: probability}` in the order of [`Key::index`].
struct Keys<'a>(&'a [f32]);

impl Serialize for Keys<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let values = self.0.iter().copied().map(to_millionth);
        serializer.collect_map(Key::all().map(Key::label).zip(values))
    }
}

#[cfg(test)]
mod tests;
