//! What was heard, as others read it: CSV and JSON for programs, a picture for people, a MIDI file
//! of key changes for a DAW, and tables for a terminal.
//!
//! Pure formatting: a [`Run`] and [`FileReport`]s in, bytes out, of files that were analyzed and of
//! a live history alike ([`live`]). Only [`save`] touches a disk. Not for the audio callback nor a
//! view's thread: a picture takes a good part of a second.

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
use mertscope_heads::timeline::Timeline;

pub mod csv;
pub mod json;
pub mod live;
pub mod midi;
pub mod oklch;
pub mod osc;
pub mod plot;
pub mod save;
pub mod table;

mod segments;
mod units;

/// What is the same for every file of one run.
#[derive(Debug, Clone)]
pub struct Run {
    /// The model's catalogue id.
    pub model_id: String,
    /// The model file's sha256, in lower-case hexadecimal.
    pub model_sha256: String,
    /// The heads that tell genre and key; at most one a task.
    pub heads: Vec<HeadRef>,
    /// The heads in use for other tasks.
    pub further: Vec<HeadRef>,
    /// What was compared with; only live.
    pub references: Vec<ReferenceRef>,
    /// The device that really runs the model, in words.
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

/// Which head gave the probabilities of one task.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct HeadRef {
    /// Its name among the heads of its model.
    pub id: String,
    /// What it tells: `genre`, `key`, or something of the user's own.
    pub task: String,
    /// The head file's sha256, in lower-case hexadecimal.
    pub sha256: String,
    /// The hidden states it reads, in words: `layer 4`, or `weighted sum of layers 1 (60 %), 2 (40 %)`.
    pub layers: String,
    /// Its labels, in the order of its output.
    pub labels: Vec<String>,
    /// What its outputs mean.
    pub outputs: Outputs,
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
        }
    }
}

/// What distances are to.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct ReferenceRef {
    /// Names it in each window.
    pub id: String,
    /// What the user calls it.
    pub name: String,
    /// SHA-256 of the file it was made of, or of the windows that were captured.
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

/// The heads of a model for other tasks than genre and key, as files are analyzed with them.
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

/// How one file, or a live history, went.
#[derive(Debug, Clone)]
pub struct FileReport {
    /// The file as the user named it, or a name for what was heard live.
    pub file: String,
    /// Length of its audio in seconds, where known; live, of the stretch that was heard.
    pub duration_s: Option<f64>,
    /// What a reader of the result should know, as full sentences.
    pub notices: Vec<Notice>,
    /// What was heard, or a sentence that says why nothing was.
    pub outcome: Result<Timeline, String>,
}

impl Run {
    /// The head for `task`, if the run has one.
    fn head(&self, task: &str) -> Option<&HeadRef> {
        self.heads.iter().find(|head| head.task == task)
    }
}

#[cfg(test)]
pub(crate) mod sample;
