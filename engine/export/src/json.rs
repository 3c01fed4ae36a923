//! JSON as `assets/schema/analyze.schema.json` documents it: one document for the whole run, or one
//! line per file.
//!
//! Each file is written when it ends, so memory holds one of them at a time and a run that stops half
//! way leaves valid JSON. NaN and infinite values are written as `null`.
//!
//! ```
//! use mertscope_export::{AnalysisRun, FileReport, json::JsonWriter};
//! use mertscope_heads::timeline::Timeline;
//!
//! let mut bytes = Vec::new();
//! let mut writer = JsonWriter::new(&mut bytes, &AnalysisRun::default())?;
//! writer.write(&FileReport {
//!     file: "song.flac".to_owned(),
//!     duration_s: Some(3.0),
//!     notices: Vec::new(),
//!     outcome: Ok(Timeline::default()),
//! })?;
//! writer.finish()?;
//! let document: serde_json::Value = serde_json::from_slice(&bytes)?;
//! assert_eq!(document["files"][0]["file"], "song.flac");
//! # Ok::<(), std::io::Error>(())
//! ```

use std::io::{self, Write};

use mertscope_heads::timeline::{TimedResult, Timeline, WindowResult};
use mertscope_music::{Key, Notation};
use serde::{Serialize, Serializer};

use super::units::{distance_to, finite, finite_summary, place, to_millionth, to_millisecond};
use super::{AnalysisRun, FileReport, HeadRef, ReferenceRef};

/// Version of the schema; it grows when a reader of the last one would misunderstand the next.
pub(crate) const SCHEMA_VERSION: u32 = 1;

/// Writes one JSON document, file by file.
///
/// Each call writes whole values only, so the output lacks nothing but the closing brackets at any
/// time; dropping the writer without [`JsonWriter::finish`] still adds them.
#[derive(Debug)]
pub struct JsonWriter<W: Write> {
    out: W,
    run: AnalysisRun,
    files: usize,
    open: bool,
}

impl<W: Write> JsonWriter<W> {
    /// Begins the document with the run that all files share.
    ///
    /// # Errors
    /// When `out` can't be written.
    pub fn new(mut out: W, run: &AnalysisRun) -> io::Result<Self> {
        let mut head = serde_json::to_string(&RunJson::from(run))?;
        head.truncate(head.len() - 1);
        out.write_all(head.as_bytes())?;
        out.write_all(b",\"files\":[")?;
        Ok(Self {
            out,
            run: run.clone(),
            files: 0,
            open: true,
        })
    }

    /// Adds one file, on a line of its own.
    ///
    /// # Errors
    /// When the output can't be written.
    pub fn write(&mut self, report: &FileReport) -> io::Result<()> {
        let mut text = if self.files == 0 { "\n" } else { ",\n" }.to_owned();
        text += &serde_json::to_string(&FileJson::new(&self.run, report))?;
        self.files += 1;
        self.out.write_all(text.as_bytes())?;
        self.out.flush()
    }

    /// Closes the document.
    ///
    /// # Errors
    /// When the output can't be written.
    pub fn finish(mut self) -> io::Result<()> {
        self.close()
    }

    fn close(&mut self) -> io::Result<()> {
        self.open = false;
        self.out.write_all(b"\n]}\n")?;
        self.out.flush()
    }
}

impl<W: Write> Drop for JsonWriter<W> {
    fn drop(&mut self) {
        if self.open {
            // Nobody is left to read an error; whoever stopped early has already reported the reason.
            let _ = self.close();
        }
    }
}

/// Writes one file and its run as one self-contained line.
///
/// ```
/// use mertscope_export::{AnalysisRun, FileReport, json};
///
/// let report = FileReport {
///     file: "text.wav".to_owned(),
///     duration_s: None,
///     notices: Vec::new(),
///     outcome: Err("text.wav is not audio.".to_owned()),
/// };
/// let mut line = Vec::new();
/// json::write_line(&mut line, &AnalysisRun::default(), &report)?;
/// assert_eq!(line.last(), Some(&b'\n'));
/// # Ok::<(), std::io::Error>(())
/// ```
///
/// # Errors
/// When `out` can't be written.
pub fn write_line(mut out: impl Write, run: &AnalysisRun, report: &FileReport) -> io::Result<()> {
    let line = LineJson {
        run: RunJson::from(run),
        file: FileJson::new(run, report),
    };
    let mut text = serde_json::to_string(&line)?;
    text.push('\n');
    out.write_all(text.as_bytes())?;
    out.flush()
}

#[derive(Serialize)]
struct LineJson<'a> {
    #[serde(flatten)]
    run: RunJson<'a>,
    #[serde(flatten)]
    file: FileJson<'a>,
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
struct FileJson<'a> {
    file: &'a str,
    duration_s: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<&'a str>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    notes: Vec<&'a str>,
    summary: Option<SummaryJson>,
    timeline: Vec<WindowJson<'a>>,
}

impl<'a> FileJson<'a> {
    fn new(run: &'a AnalysisRun, report: &'a FileReport) -> Self {
        let timeline = report.outcome.as_ref().ok();
        Self {
            file: &report.file,
            duration_s: report.duration_s.map(to_millisecond),
            error: report.outcome.as_ref().err().map(String::as_str),
            notes: report
                .notices
                .iter()
                .map(|notice| notice.text.as_str())
                .collect(),
            summary: timeline.and_then(summary),
            timeline: timeline.map_or_else(Vec::new, |t| {
                t.results.iter().map(|r| window(run, t, r)).collect()
            }),
        }
    }
}

#[derive(Serialize)]
struct SummaryJson {
    genre: Vec<Share>,
    key: Option<KeyJson>,
}

#[derive(Serialize)]
struct KeyJson {
    best: String,
    label: Option<String>,
    camelot: String,
    probability: f64,
    runner_up: Share,
}

#[derive(Serialize)]
struct Share {
    label: String,
    probability: f64,
}

fn summary(timeline: &Timeline) -> Option<SummaryJson> {
    let summary = finite_summary(timeline)?;
    Some(SummaryJson {
        genre: summary
            .genre
            .iter()
            .map(|(label, probability)| share(label, *probability))
            .collect(),
        key: summary.key.map(|key| KeyJson {
            best: key.best.label(),
            label: key.label.map(Key::label),
            camelot: key.best.to_text(Notation::Camelot),
            probability: to_millionth(key.probability),
            runner_up: share(key.runner_up.0, key.runner_up.1),
        }),
    })
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

fn window<'a>(
    run: &'a AnalysisRun,
    timeline: &'a Timeline,
    timed: &'a TimedResult,
) -> WindowJson<'a> {
    let result = timed.result.as_ref();
    let genres = |values: Option<&'a Vec<f32>>| {
        values
            .and_then(|values| finite(values))
            .map(|values| Genres {
                labels: &timeline.genre_labels,
                values,
            })
    };
    let keys =
        |values: Option<&'a [f32; Key::COUNT]>| values.and_then(|values| finite(values)).map(Keys);
    WindowJson {
        start_s: to_millisecond(timed.start_s),
        end_s: to_millisecond(timed.end_s),
        status: timed.status.as_str(),
        genre: genres(result.and_then(|r| r.genre.as_ref())),
        key: keys(result.and_then(|r| r.key.as_ref())),
        genre_smoothed: genres(result.and_then(|r| r.genre_smoothed.as_ref())),
        key_smoothed: keys(result.and_then(|r| r.key_smoothed.as_ref())),
        key_label: result.and_then(|r| r.key_label).map(Key::label),
        further: Named(result.map_or_else(Vec::new, |r| further(run, r))),
        map: result.and_then(place),
        distances: Named(result.map_or_else(Vec::new, |r| distances(run, r))),
        ribbons: Named(result.map_or_else(Vec::new, |r| ribbons(run, r))),
    }
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
