//! The snapshot that views read: plain immutable data, which the worker replaces as a whole.
//!
//! The worker makes a [`Snapshot`], and GUI threads read it; the audio callback neither makes nor frees
//! one. Deliberately not here: anything that computes or formats.

use std::ops::Range;
use std::sync::Arc;
use std::time::SystemTime;

use arc_swap::ArcSwap;

use mertscope_audio::Notice;
use mertscope_heads::few_shot::LabeledExamples;
use mertscope_heads::head::HeadInfo;
use mertscope_heads::map::Map;
use mertscope_heads::reference::Reference;
use mertscope_heads::timeline::{TimedResult, WindowResult};
use mertscope_model::device::{Offer, Report};

/// A stream's state.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// No audio is captured: no tap is attached, or analysis is off.
    Idle,
    /// The host's transport stands, and nothing sounds meanwhile or what sounds is passed over
    /// ([`Settings::follow_transport`](super::Settings::follow_transport)).
    Stopped,
    /// The last window was below the silence gate.
    Silent,
    /// Windows are filled and analyzed.
    Analyzing,
}

/// The state of a requested model.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ModelState {
    /// The model is being read, loaded and warmed up.
    Loading,
    /// The model runs.
    Ready,
    /// The model can't be used; [`Snapshot::error`] has the reason and the remedy.
    Missing,
}

/// The requested model, and the running one.
#[derive(Debug, Clone, PartialEq)]
pub struct ModelStatus {
    /// The requested model, an id or a folder; `None` is the embedded model.
    pub asked: Option<String>,
    /// The requested SHA-256, or else that of the model found.
    pub sha256: Option<String>,
    /// The state of the requested model.
    pub state: ModelState,
    /// The running model: the requested one, or the embedded one in its place.
    pub running: Option<RunningModel>,
}

/// A running model.
#[derive(Debug, Clone, PartialEq)]
pub struct RunningModel {
    /// Its id.
    pub id: String,
    /// The layers of its graph, which ends after the highest one in use, and those of the network; `None` for a
    /// model whose graph is never cut, [`Model::depth`](mertscope_model::Model::depth).
    pub depth: Option<(usize, usize)>,
    /// The SHA-256 that names its weights, [`Model::sha256`](mertscope_model::Model::sha256).
    pub sha256: String,
    /// The labels of its genre head, in the order of the probabilities; empty without one.
    pub genre_labels: Arc<[String]>,
    /// The device that runs it, and the reasons against other devices.
    pub device: Arc<Report>,
    /// The devices to choose from.
    pub devices: Arc<[Offer]>,
    /// The map of its windows; `None` until one is fitted with `mertscope map fit`.
    pub map: Option<Arc<Map>>,
    /// The heads in use for tasks other than genre and key, whose outputs are in
    /// [`WindowResult::others`](mertscope_heads::timeline::WindowResult::others); the user head comes
    /// last.
    pub heads: Arc<[HeadInfo]>,
    /// All its heads, to choose from.
    pub offered: Arc<[HeadInfo]>,
    /// The genre head in use.
    pub genre_head: Option<HeadInfo>,
    /// The key head in use.
    pub key_head: Option<HeadInfo>,
    /// Length of its window in seconds of audio.
    pub window_s: f64,
    /// The suitable window lengths, in seconds, shortest first.
    pub windows_s: Arc<[f64]>,
}

/// One window's result with its position.
#[derive(Debug, Clone, PartialEq)]
pub struct Entry {
    /// The result. Its times are seconds on the host's timeline, or, without a host timeline and while the
    /// transport stands, seconds of audio since [`attach`](super::Stream::attach).
    pub timed: TimedResult,
    /// The window on the host's timeline, in samples at the host's rate; `None` without a host timeline
    /// and while the transport stands.
    pub host_samples: Option<Range<i64>>,
    /// The stretch of contiguous audio it belongs to: [`Snapshot::generation`] at that time.
    pub generation: u64,
    /// How often the user had started again before it: [`Snapshot::restarts`] at that time.
    pub restarts: u64,
    /// Frames of it that were lost and are bridged: gaps of up to 50 ms, filled with silence.
    pub bridged_frames: u64,
    /// Wall-clock time of the result, for displays only; nothing is computed from it.
    pub published: SystemTime,
}

/// All that a view can show of a stream.
#[derive(Debug, Clone, PartialEq)]
pub struct Snapshot {
    /// The stream's state.
    pub state: State,
    /// Its model.
    pub model: ModelStatus,
    /// Grows with each start, stop, jump, loss, reset, re-activation, and when the user starts again.
    pub generation: u64,
    /// How often the user has started again, as at a change of track
    /// ([`Stream::start_again`](super::Stream::start_again)).
    pub restarts: u64,
    /// The newest analyzed window; `None` from a start, jump or reset, or when the user starts again, until
    /// the next result, so that no stale result is shown as new.
    pub latest: Option<Arc<Entry>>,
    /// The last windows, oldest first, bounded: analyzed ones, and skipped ones with the reason. Jumps
    /// and starting again keep it, resets clear it.
    pub history: Arc<Vec<Arc<Entry>>>,
    /// The rate of the captured audio in hertz; 0 without a tap.
    pub rate_hz: u32,
    /// The present position of the captured audio in seconds, on the timeline of [`Entry::timed`].
    pub position_s: f64,
    /// The filled part of the window, 0 to 1.
    pub window_fill: f32,
    /// The requested hop in seconds; `None` when it is automatic.
    pub hop_asked_s: Option<f64>,
    /// The hop in use, in seconds.
    pub hop_s: f64,
    /// Duration of the last inference in seconds.
    pub inference_s: Option<f64>,
    /// Time from the arrival of the last window's last sample to its result, in seconds.
    pub latency_s: Option<f64>,
    /// Frames since [`attach`](super::Stream::attach) that found no room in the ring.
    pub lost_frames: u64,
    /// Gaps since then of up to 50 ms, by frames without room or by blocks that the host passed over, which
    /// windows span.
    pub bridged_gaps: u64,
    /// Windows that were due but were replaced by newer ones.
    pub skipped_windows: u64,
    /// Inferences run for this stream.
    pub analyzed_windows: u64,
    /// RMS level of the last captured audio in dBFS, −∞ for silence.
    pub level_dbfs: f32,
    /// The present error with its remedy, in full sentences.
    pub error: Option<String>,
    /// Its references and labeled examples.
    pub study: Study,
}

/// A stream's references and labeled examples.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Study {
    /// The references, at most eight.
    pub references: Arc<[Arc<Reference>]>,
    /// Progress of the file that becomes a reference.
    pub file_progress: Option<FileProgress>,
    /// The newest window's distances layer by layer, while they are requested.
    pub layers: Option<LayerDistances>,
    /// The marked examples.
    pub labeled_examples: Arc<LabeledExamples>,
    /// Whether a head is being fitted on them.
    pub is_fitting: bool,
    /// The user head fitted on them, as in [`RunningModel::heads`].
    pub user_head: Option<Arc<HeadInfo>>,
    /// The outcome of the last request, when there is something to say.
    pub notice: Option<Notice>,
}

/// Progress of a file that becomes a reference.
#[derive(Debug, Clone, PartialEq)]
pub struct FileProgress {
    /// The name of the future reference.
    pub name: String,
    /// Analyzed seconds.
    pub done_s: f64,
    /// The file's length in seconds, from its header.
    pub promised_s: Option<f64>,
}

/// Distances of a window to a reference, layer by layer.
#[derive(Debug, Clone, PartialEq)]
pub struct LayerDistances {
    /// The reference's id.
    pub id: String,
    /// Layer indices with their distances, from [`Reference::distances`].
    pub distances: Vec<(usize, f32)>,
}

impl Snapshot {
    /// The newest window's result; `None` until there is one.
    #[must_use]
    pub fn result(&self) -> Option<&WindowResult> {
        self.latest.as_ref()?.timed.result.as_ref()
    }

    /// The entries after `last`, an entry of an earlier snapshot of the same stream, up to the newest
    /// analyzed window; without `last`, all entries up to there. Stretches skipped since that window may
    /// still grow, and come with the next analyzed window.
    #[must_use]
    pub fn entries_since(&self, last: Option<&Arc<Entry>>) -> &[Arc<Entry>] {
        let history = self.history.as_slice();
        let is_analyzed = |entry: &Arc<Entry>| entry.timed.result.is_some();
        let end = history.iter().rposition(is_analyzed);
        let end = end.map_or(0, |at| at + 1);
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
            restarts: 0,
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
            bridged_gaps: 0,
            skipped_windows: 0,
            analyzed_windows: 0,
            level_dbfs: f32::NEG_INFINITY,
            error: None,
            study: Study::default(),
        }
    }
}

/// Reads a stream's newest snapshot, from any thread but the audio callback: dropping a snapshot's last
/// reference frees memory.
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
        let span = AudioSpan {
            seconds: start as f64..start as f64 + 5.0,
            host_samples: None,
            clock_s: 0.0,
        };
        let result = (status == Status::Ok).then(WindowResult::default);
        history::entry(&span, status, result, 1)
    }

    fn starts(entries: &[Arc<Entry>]) -> Vec<f64> {
        entries.iter().map(|entry| entry.timed.start_s).collect()
    }

    #[test]
    fn new_entries_come_once_however_a_silence_grows() {
        let mut snapshot = Snapshot::default();
        let mut last = None;
        let mut seen = Vec::new();
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
            seen.extend(starts(new));
            last = new.last().cloned().or(last);
        }
        assert_eq!(seen, [0.0, 1.0, 9.0]);
        // A reset clears the history.
        snapshot.history = Arc::new(vec![Arc::new(entry(0, Status::Ok))]);
        assert_eq!(starts(snapshot.entries_since(last.as_ref())), [0.0]);
    }
}
