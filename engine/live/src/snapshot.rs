//! What the views read: plain immutable data, swapped in whole by the worker.
//!
//! A [`Snapshot`] is made on the worker and read on GUI threads; the audio callback neither makes
//! nor frees one. Deliberately not here: anything that computes or formats.

use mertscope_audio::Notice;
use std::ops::Range;
use std::sync::Arc;
use std::time::SystemTime;

use arc_swap::ArcSwap;

use mertscope_heads::few_shot::LabeledExamples;
use mertscope_heads::head::HeadInfo;
use mertscope_heads::map::Map;
use mertscope_heads::reference::Reference;
use mertscope_heads::timeline::{TimedResult, WindowResult};
use mertscope_model::device::{Offer, Report};

/// What a stream is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// Nothing is captured: not attached, or analysis is off.
    Idle,
    /// The host's transport stands.
    Stopped,
    /// The window was below the silence gate.
    Silent,
    /// Windows are filled and analyzed.
    Analyzing,
}

/// How far a model is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ModelState {
    /// It is being read, loaded and warmed up.
    Loading,
    /// It runs.
    Ready,
    /// It can't be used; [`Snapshot::error`] says why and what to do.
    Missing,
}

/// The model that was asked for, and the one that runs.
#[derive(Debug, Clone, PartialEq)]
pub struct ModelStatus {
    /// What was asked for: an id or a folder; `None` is the embedded model.
    pub asked: Option<String>,
    /// The SHA-256 that was asked for, or else that of the model that was found.
    pub sha256: Option<String>,
    /// How far the model that was asked for is.
    pub state: ModelState,
    /// The model that runs: the one asked for, or the embedded one in its place.
    pub running: Option<RunningModel>,
}

/// A model that runs.
#[derive(Debug, Clone, PartialEq)]
pub struct RunningModel {
    /// Its id.
    pub id: String,
    /// The SHA-256 that names its weights, [`Model::sha256`](mertscope_model::Model::sha256).
    pub sha256: String,
    /// The labels of its genre head, in the order of the probabilities; empty without one.
    pub genre_labels: Arc<[String]>,
    /// What it runs on, and why on nothing else.
    pub device: Arc<Report>,
    /// What can be asked for instead.
    pub devices: Arc<[Offer]>,
    /// Where its windows are placed; `None` until one is fitted with `mertscope map fit`.
    pub map: Option<Arc<Map>>,
    /// The heads in use for tasks other than genre and key, which answer in
    /// [`WindowResult::others`](mertscope_heads::timeline::WindowResult::others); the one that was taught comes last.
    pub heads: Arc<[HeadInfo]>,
    /// All its heads, to choose from.
    pub offered: Arc<[HeadInfo]>,
    /// The head that tells the genre.
    pub genre_head: Option<HeadInfo>,
    /// The head that tells the key.
    pub key_head: Option<HeadInfo>,
    /// Length of its window in seconds of audio.
    pub window_s: f64,
    /// The lengths of windows that make sense for it, in seconds, shortest first.
    pub windows_s: Arc<[f64]>,
}

/// One window's result and its place.
#[derive(Debug, Clone, PartialEq)]
pub struct Entry {
    /// What was heard. Its times are seconds on the host's timeline, or, where the host has none,
    /// seconds of audio since [`attach`](super::Stream::attach).
    pub timed: TimedResult,
    /// The window on the host's timeline in samples at the host's rate; `None` without one.
    pub host_samples: Option<Range<i64>>,
    /// The stretch of contiguous audio it belongs to: [`Snapshot::generation`] back then.
    pub generation: u64,
    /// When it became known, for displays that tell the time of day; nothing is computed from it.
    pub published: SystemTime,
}

/// Everything there is to show about a stream.
#[derive(Debug, Clone, PartialEq)]
pub struct Snapshot {
    /// What the stream is doing.
    pub state: State,
    /// Its model.
    pub model: ModelStatus,
    /// Grows with each start, jump, loss, reset and re-activation.
    pub generation: u64,
    /// The newest analyzed window; `None` from a start, jump or reset until the next result, so
    /// that nothing stale is shown as new.
    pub latest: Option<Arc<Entry>>,
    /// The last windows, oldest first, bounded: analyzed ones, and those that were skipped with
    /// the reason. Survives jumps, not resets.
    pub history: Arc<Vec<Arc<Entry>>>,
    /// The rate of the captured audio in hertz; 0 when nothing is attached.
    pub rate_hz: u32,
    /// Where the captured audio is now, on the timeline of [`Entry::timed`], in seconds.
    pub position_s: f64,
    /// How much of the window is filled, 0 to 1.
    pub window_fill: f32,
    /// The hop that was asked for in seconds; `None` when it is automatic.
    pub hop_asked_s: Option<f64>,
    /// The hop that is used in seconds.
    pub hop_s: f64,
    /// How long the last inference took, in seconds.
    pub inference_s: Option<f64>,
    /// From the arrival of the last window's last sample to its result, in seconds.
    pub latency_s: Option<f64>,
    /// Frames that the ring had no room for since [`attach`](super::Stream::attach).
    pub lost_frames: u64,
    /// Windows that were due but gave way to newer ones.
    pub skipped_windows: u64,
    /// Inferences run for this stream.
    pub analyzed_windows: u64,
    /// RMS level of the audio just captured in dBFS, −∞ for silence.
    pub level_dbfs: f32,
    /// What is wrong and what to do about it, in full sentences.
    pub error: Option<String>,
    /// What it is compared with, and what it is taught.
    pub study: Study,
}

/// References and lessons of a stream.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Study {
    /// What is compared with; at most eight.
    pub references: Arc<[Arc<Reference>]>,
    /// The file that a reference is being made of.
    pub file_progress: Option<FileProgress>,
    /// Distances layer by layer, of the newest window, while they are asked for.
    pub layers: Option<LayerDistances>,
    /// The examples that were marked.
    pub labeled_examples: Arc<LabeledExamples>,
    /// Whether a head is being fitted on them.
    pub is_fitting: bool,
    /// The head that was fitted on them, as it is among [`RunningModel::heads`].
    pub user_head: Option<Arc<HeadInfo>>,
    /// Why the last request could not be done, a sentence.
    pub notice: Option<Notice>,
}

/// How far a file is that is being listened to.
#[derive(Debug, Clone, PartialEq)]
pub struct FileProgress {
    /// What the reference will be called.
    pub name: String,
    /// Seconds that were heard.
    pub done_s: f64,
    /// Seconds that the file's header promises.
    pub promised_s: Option<f64>,
}

/// Distances of a window to a reference, layer by layer.
#[derive(Debug, Clone, PartialEq)]
pub struct LayerDistances {
    /// The reference's id.
    pub id: String,
    /// Layers, by number, and [`Reference::distances`] there.
    pub distances: Vec<(usize, f32)>,
}

impl Snapshot {
    /// What the newest window said; `None` until there is one.
    #[must_use]
    pub fn result(&self) -> Option<&WindowResult> {
        self.latest.as_ref()?.timed.result.as_ref()
    }

    /// The entries that came after `last`, an entry of an earlier snapshot of the same stream, up
    /// to the newest analyzed window; all up to there without one. What was skipped since then may
    /// still grow, and comes with the next analyzed window.
    #[must_use]
    pub fn entries_since(&self, last: Option<&Arc<Entry>>) -> &[Arc<Entry>] {
        let history = self.history.as_slice();
        let is_heard = |entry: &Arc<Entry>| entry.timed.result.is_some();
        let end = history.iter().rposition(is_heard).map_or(0, |at| at + 1);
        let known = last.and_then(|last| {
            let is_last = |entry: &Arc<Entry>| Arc::ptr_eq(entry, last);
            history.iter().rposition(is_last)
        });
        &history[known.map_or(0, |at| at + 1).min(end)..end]
    }
}

impl Default for Snapshot {
    fn default() -> Self {
        Self {
            state: State::Idle,
            model: ModelStatus {
                asked: None,
                sha256: None,
                state: ModelState::Loading,
                running: None,
            },
            generation: 0,
            latest: None,
            history: Arc::default(),
            rate_hz: 0,
            position_s: 0.0,
            window_fill: 0.0,
            hop_asked_s: None,
            hop_s: 0.0,
            inference_s: None,
            latency_s: None,
            lost_frames: 0,
            skipped_windows: 0,
            analyzed_windows: 0,
            level_dbfs: f32::NEG_INFINITY,
            error: None,
            study: Study::default(),
        }
    }
}

/// Reads a stream's newest snapshot from any thread but the audio callback (dropping the last
/// reference to a snapshot frees memory).
#[derive(Debug, Clone, Default)]
pub struct SnapshotReader(pub(super) Arc<ArcSwap<Snapshot>>);

impl SnapshotReader {
    /// The newest snapshot.
    #[must_use]
    pub fn read(&self) -> Arc<Snapshot> {
        self.0.load_full()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::history;
    use crate::host_timeline::AudioSpan;
    use mertscope_audio::Status;

    fn entry(start: i64, status: Status) -> Entry {
        let place = AudioSpan {
            seconds: start as f64..start as f64 + 5.0,
            host_samples: None,
            clock_s: 0.0,
        };
        let result = WindowResult {
            genre: None,
            key: None,
            genre_smoothed: None,
            key_smoothed: None,
            key_label: None,
            point: None,
            others: Vec::new(),
            ribbons: Vec::new(),
            distances: Vec::new(),
        };
        history::entry(&place, status, (status == Status::Ok).then_some(result), 1)
    }

    fn starts(entries: &[Arc<Entry>]) -> Vec<f64> {
        entries.iter().map(|entry| entry.timed.start_s).collect()
    }

    #[test]
    fn what_is_new_comes_once_however_a_silence_grows() {
        let mut snapshot = Snapshot::default();
        let mut last = None;
        let mut told = Vec::new();
        for (start, status) in [
            (0, Status::Ok),
            (1, Status::Silent),
            (2, Status::Silent),
            (3, Status::Silent),
            (9, Status::Ok),
            (10, Status::Gap),
        ] {
            match status {
                Status::Ok => {
                    history::push(&mut snapshot.history, Arc::new(entry(start, status)));
                }
                _ => history::mark(&mut snapshot.history, entry(start, status)),
            }
            let new = snapshot.entries_since(last.as_ref());
            told.extend(starts(new));
            last = new.last().cloned().or(last);
        }
        assert_eq!(told, [0.0, 1.0, 9.0]);
        // After a reset nothing is known any more.
        snapshot.history = Arc::new(vec![Arc::new(entry(0, Status::Ok))]);
        assert_eq!(starts(snapshot.entries_since(last.as_ref())), [0.0]);
    }
}
