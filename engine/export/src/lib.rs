//! Results for others to read: CSV and JSON for programs, a picture and a table for people, a MIDI file
//! of key changes for a DAW, OSC messages for lights and visuals.
//!
//! Pure formatting: an [`AnalysisRun`] and [`FileReport`]s in, bytes out, for analyzed files and for a
//! live history alike ([`live`]). Only [`save`] touches a disk and only [`osc`] a network. Not for the
//! audio callback or a view's thread: a picture takes a good part of a second.

#![cfg_attr(
    not(test),
    deny(
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::panic,
        clippy::print_stdout,
        clippy::print_stderr
    )
)]

use mertscope_audio::Notice;
use mertscope_heads::head::{HeadInfo, Outputs};
use mertscope_heads::package::{HeadChoice, ModelPackage};
use mertscope_heads::reference::Reference;
use mertscope_heads::timeline::{Summary, TimedResult, Timeline};

pub mod csv;
pub mod json;
pub mod live;
pub mod midi;
pub mod osc;
pub mod palette;
pub mod plot;
pub mod printable;
pub mod save;
pub mod table;

mod segments;
mod units;

/// The model, heads, device and times that all files of one run share.
///
/// ```
/// let run = mertscope_export::AnalysisRun {
///     model_id: "embedded".to_owned(),
///     device: "CPU".to_owned(),
///     precision: "fp32".to_owned(),
///     window_s: 5.0,
///     hop_s: 1.0,
///     ..Default::default()
/// };
/// assert!(run.heads.is_empty());
/// ```
#[derive(Debug, Clone, Default)]
pub struct AnalysisRun {
    /// The model's catalogue id.
    pub model_id: String,
    /// The model file's sha256, in lower-case hexadecimal.
    pub model_sha256: String,
    /// The heads for genre and key; at most one per task.
    pub heads: Vec<HeadRef>,
    /// The heads in use for other tasks.
    pub further: Vec<HeadRef>,
    /// The references that windows were compared with; only live.
    pub references: Vec<ReferenceRef>,
    /// The device that runs the model, in words.
    pub device: String,
    /// The arithmetic it runs in, such as `fp32`.
    pub precision: String,
    /// ONNX Runtime's version.
    pub onnxruntime: String,
    /// Length of a window, in seconds of audio.
    pub window_s: f64,
    /// Effective distance between two windows' starts, in seconds of audio.
    pub hop_s: f64,
}

/// The head that gave the probabilities of one task.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct HeadRef {
    /// Its name among the heads of its model.
    pub id: String,
    /// Its task: `genre`, `key`, or one that the user named.
    pub task: String,
    /// The head file's sha256, in lower-case hexadecimal.
    pub sha256: String,
    /// The hidden states it reads, in words: `layer 4`, or `weighted sum of layers 1 (60 %), 2 (40 %)`.
    pub layers: String,
    /// Its labels, in the order of its output.
    pub labels: Vec<String>,
    /// The meaning of its outputs.
    pub outputs: Outputs,
    /// Whether the figures shown beside its labels were calibrated on music in which windows follow each other.
    pub calibrated: bool,
}

impl From<&HeadInfo> for HeadRef {
    fn from(head: &HeadInfo) -> Self {
        Self {
            id: head.id.clone(),
            task: head.task.clone(),
            sha256: head.sha256.clone(),
            layers: head.layers_text.clone(),
            labels: head.labels.to_vec(),
            outputs: head.outputs,
            calibrated: head.is_calibrated,
        }
    }
}

/// The reference that distances are measured to.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct ReferenceRef {
    /// Names it in each window.
    pub id: String,
    /// The name that the user gave it.
    pub name: String,
    /// SHA-256 of the file that it was made from, or of the captured windows.
    pub source_sha256: String,
}

impl From<&Reference> for ReferenceRef {
    fn from(reference: &Reference) -> Self {
        Self {
            id: reference.id.clone(),
            name: reference.name.clone(),
            source_sha256: reference.source_sha256.clone(),
        }
    }
}

/// The heads of a model for other tasks than genre, key and tuning, as `mertscope analyze` uses them.
#[must_use]
pub fn further_heads(package: &ModelPackage) -> Vec<HeadRef> {
    let heads = package.further_heads(&HeadChoice::new()).into_iter();
    heads
        .map(|head| HeadRef::from(&HeadInfo::from(head)))
        .collect()
}

/// The genre and key heads of a model, whose results every export has.
#[must_use]
pub fn named_heads(package: &ModelPackage) -> Vec<HeadRef> {
    let tasks = ["genre", "key"].into_iter();
    tasks
        .filter_map(|task| package.head(task))
        .map(|head| HeadRef::from(&HeadInfo::from(head)))
        .collect()
}

/// The outcome of one file or of a live history.
///
/// ```
/// use mertscope_export::FileReport;
/// use mertscope_heads::timeline::{Summary, TimedResult, Timeline};
///
/// let report = FileReport {
///     file: "song.flac".to_owned(),
///     duration_s: Some(3.0),
///     notices: Vec::new(),
///     outcome: Ok(Timeline::default()),
/// };
/// assert_eq!(report.outcome.map(|timeline| timeline.results.len()), Ok(0));
/// ```
#[derive(Debug, Clone)]
pub struct FileReport {
    /// The file as the user named it, or a name for the live history.
    pub file: String,
    /// Length of its audio in seconds, when known; of a live history, from its first window to its last.
    pub duration_s: Option<f64>,
    /// Sentences that a reader of the result should know.
    pub notices: Vec<Notice>,
    /// The timeline, or a sentence that says why there is none.
    pub outcome: Result<Timeline, String>,
}

impl FileReport {
    /// Its windows; none when it failed.
    pub(crate) fn windows(&self) -> &[TimedResult] {
        self.outcome
            .as_ref()
            .map_or(&[][..], |timeline| &timeline.results)
    }

    /// Its end, for a writer that has got its windows.
    pub(crate) fn end(&self) -> FileEnd {
        FileEnd {
            duration_s: self.duration_s,
            notices: self.notices.clone(),
            outcome: match &self.outcome {
                Ok(timeline) => Ok(timeline.summary()),
                Err(error) => Err(error.clone()),
            },
        }
    }
}

/// What is known of a file when its windows have been written one by one.
#[derive(Debug, Clone)]
pub struct FileEnd {
    /// Length of its audio in seconds, when known.
    pub duration_s: Option<f64>,
    /// Sentences that a reader of the result should know.
    pub notices: Vec<Notice>,
    /// The mean over its analyzed windows, if there are any; or a sentence that says why there are no windows, or no
    /// more.
    pub outcome: Result<Option<Summary>, String>,
}

impl AnalysisRun {
    /// The head for `task`, if the run has one.
    fn head(&self, task: &str) -> Option<&HeadRef> {
        self.heads.iter().find(|head| head.task == task)
    }

    /// The labels of the head for `task`; none without one.
    fn labels(&self, task: &str) -> &[String] {
        self.head(task).map_or(&[], |head| &head.labels)
    }
}

#[cfg(test)]
pub(crate) mod sample;
