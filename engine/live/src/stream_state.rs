//! One stream's state on the worker: its input, the window that waits for the encoder, its snapshot.

mod model;
mod show;

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::host_timeline::AudioSpan;
use super::models::{Loaded, Models};
use super::schedule::Load;
use super::snapshot::{Entry, Snapshot, SnapshotReader, State};
use super::stream_input::{CutCause, InputEvent, PositionedWindow, StreamInput};
use super::study::StudyState;
use super::{ControlSource, Controls, Settings, UpdateHook, history, schedule};
use mertscope_audio::Status;
use mertscope_audio::resample::ResampleError;
use mertscope_audio::tap::TapReader;
use mertscope_heads::head::Head;
use mertscope_heads::interpreter::Interpreter;
use mertscope_heads::timeline::WindowResult;
use mertscope_model::{Encoded, SessionId};
use show::put;

/// While a model loads, this much audio stays in the ring for it, in seconds, so that the first result
/// comes soon and a short bounce is analyzed whole; more would make the ring overflow.
const KEPT_WHILE_LOADING_S: f64 = 4.0;

/// Poll interval while no window is due: fast enough for a level meter.
const POLL: Duration = Duration::from_millis(50);
/// Poll interval around the moment at which a window is due, and while audio comes faster than real
/// time.
const POLL_DUE: Duration = Duration::from_millis(5);
/// Poll interval while no window can become due: stopped, silent, switched off, or no audio comes.
const POLL_IDLE: Duration = Duration::from_millis(250);
/// No audio for this long means that the host has stopped processing.
const SUSPENDED: Duration = Duration::from_secs(1);

/// Audio that waits in the ring longer than it would between two polls, in seconds.
const HELD_S: f64 = 0.5;

/// A window that waits for the encoder.
#[derive(Debug)]
pub(super) struct PendingWindow {
    pub(super) positioned: PositionedWindow,
    /// The time at which the next window of this stream is due.
    pub(super) deadline: Instant,
    pub(super) generation: u64,
    pub(super) session: SessionId,
}

/// The session in use, with the interpreter of its results.
struct ActiveSession {
    session: SessionId,
    interpreter: Interpreter,
    /// Whether heads or smoothing have changed since.
    is_stale: bool,
}

/// A stream's state.
pub(super) struct StreamState {
    settings: Settings,
    source: ControlSource,
    controls: Controls,
    cell: SnapshotReader,
    pub(super) hook: Option<UpdateHook>,
    input: Option<StreamInput>,
    /// The session for which the input cuts windows.
    active: Option<ActiveSession>,
    /// The genre labels of the history.
    genre_labels: Vec<String>,
    pub(super) pending: Option<PendingWindow>,
    pub(super) study: StudyState,
    /// The first generation whose results are shown.
    shown_from: u64,
    /// The generation that began when the transport stopped, until its first result.
    stopped: Option<u64>,
    silent: bool,
    window_error: Option<String>,
    shown: Snapshot,
    dirty: bool,
}

impl StreamState {
    pub(super) fn new(settings: Settings, source: ControlSource, cell: SnapshotReader) -> Self {
        let shown = Snapshot::clone(&cell.read());
        Self {
            settings,
            controls: source(),
            source,
            cell,
            hook: None,
            input: None,
            active: None,
            genre_labels: Vec::new(),
            pending: None,
            study: StudyState::default(),
            shown_from: 0,
            stopped: None,
            silent: false,
            window_error: None,
            shown,
            dirty: true,
        }
    }

    pub(super) fn set(&mut self, settings: Settings) {
        if let Some(active) = &mut self.active {
            active.is_stale |= self.settings.heads != settings.heads;
        }
        self.settings = settings;
        self.window_error = None;
        self.dirty = true;
    }

    /// Takes a new tap reader, or drops the old one.
    pub(super) fn attach(&mut self, reader: Option<TapReader>, now: Instant) {
        self.input = reader.map(|reader| StreamInput::new(reader, now));
        self.begin(CutCause::Start);
    }

    /// Drops all results so far.
    pub(super) fn reset(&mut self) {
        self.begin(CutCause::Reset);
    }

    /// Judges what follows by itself: windows, smoothing and all that is averaged begin anew. The history,
    /// references and labeled examples stay.
    pub(super) fn start_again(&mut self) {
        self.begin(CutCause::Again);
    }

    /// Begins with the next audio: the next poll makes a new interpreter and a new window.
    fn begin(&mut self, cause: CutCause) {
        if let Some(input) = &mut self.input {
            input.stop_windows();
        }
        self.active = None;
        self.restart(cause);
    }

    /// Restarts after a cut: the following audio is not contiguous with the audio before.
    fn restart(&mut self, cause: CutCause) {
        // While the transport stands, only sound is worth a window.
        self.silent = self.is_stopped();
        self.dirty = true;
        self.shown.generation += 1;
        if cause == CutCause::Stop {
            // What was played stays until something else is heard.
            self.stopped = Some(self.shown.generation);
            return;
        }
        self.shown.restarts += u64::from(cause == CutCause::Again);
        self.pending = None;
        self.stopped = None;
        self.shown_from = self.shown.generation;
        if cause != CutCause::Loss {
            self.study.clear_windows();
            self.shown.latest = None;
            self.shown.latency_s = None;
        }
        if cause == CutCause::Reset || (cause == CutCause::Start && self.settings.reset_on_start) {
            self.shown.history = Arc::default();
        }
    }

    /// Whether the host's transport stands.
    fn is_stopped(&self) -> bool {
        self.input.as_ref().is_some_and(StreamInput::is_stopped)
    }

    /// Whether it uses the encoder.
    pub(super) fn is_active(&self) -> bool {
        self.shown.state == State::Analyzing
    }

    /// Processes the audio in the ring; a full window waits in `pending`.
    pub(super) fn poll(&mut self, now: Instant, models: &Models, load: Load) {
        let controls = (self.source)();
        if let Some(active) = &mut self.active {
            active.is_stale |= controls.smoothing != self.controls.smoothing;
        }
        self.controls = controls;
        if let Some(input) = &mut self.input {
            let holds = self.pending.is_some() || input.waiting_s() > HELD_S;
            input.follow_pace(now, self.settings.exact_offline, holds);
        }
        let error = match self.process(now, models, load) {
            Ok(()) => None,
            Err(error) => Some(error.to_string()),
        };
        self.show(models, error);
    }

    fn process(&mut self, now: Instant, models: &Models, load: Load) -> Result<(), ResampleError> {
        while self.process_uniform(now, models, load)? {}
        Ok(())
    }

    /// Whether the next audio is a render that waits for the analysis, as the user asked.
    fn is_exact(&self) -> bool {
        let is_render = self.input.as_ref().is_some_and(StreamInput::is_render);
        self.settings.exact_offline && is_render
    }

    /// Processes audio up to the next change between exact and real-time rendering, which decides whether
    /// audio waits or is dropped; `true` at such a change. Hosts play a block in real time and then bounce.
    fn process_uniform(
        &mut self,
        now: Instant,
        models: &Models,
        load: Load,
    ) -> Result<bool, ResampleError> {
        let loaded = self.loaded(models).filter(|_| self.controls.analyze);
        self.follow_model(loaded)?;
        let exact = self.is_exact();
        if self.input.is_none() || self.waits_for_model(models, exact) {
            return Ok(false);
        }
        let hop_samples = self.update_hop(loaded, load, exact);
        // An exact bounce leaves the audio after a pending window in the ring.
        while !(exact && self.pending.is_some()) {
            let Some(input) = &mut self.input else {
                break;
            };
            input.follow_transport(self.settings.follow_transport)?;
            match input.next(now, hop_samples)? {
                None => break,
                Some(InputEvent::Audio) => {}
                Some(InputEvent::Cut { cause, gap }) => {
                    // Smoothing goes on over a loss; elsewhere it would show old evidence as new. After a stop
                    // it starts again with the first result.
                    if !matches!(cause, CutCause::Loss | CutCause::Stop) {
                        self.active = loaded.map(|loaded| self.session_for(loaded));
                    }
                    self.restart(cause);
                    if let Some(span) = gap {
                        self.record_skipped(&span, Status::Gap);
                    }
                }
                Some(InputEvent::Window(positioned)) => self.window(positioned),
            }
            if self.is_exact() != exact {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Whether the audio stays in the ring until the model is loaded.
    fn waits_for_model(&self, models: &Models, exact: bool) -> bool {
        if !(self.controls.analyze && self.is_loading(models)) {
            return false;
        }
        let kept_s = if exact {
            f64::INFINITY
        } else {
            KEPT_WHILE_LOADING_S
        };
        let waiting_s = self.input.as_ref().map(StreamInput::waiting_s);
        waiting_s.is_some_and(|waiting_s| waiting_s < kept_s)
    }

    /// The hop in samples at the model's rate; shows it in seconds.
    fn update_hop(&mut self, loaded: Option<&Loaded>, load: Load, exact: bool) -> usize {
        let hop_s = schedule::hop_s(self.controls.hop, load, self.settings.cpu_share, exact);
        let Some(loaded) = loaded else {
            return 1;
        };
        let manifest = &loaded.package.model.manifest;
        let hop_samples = manifest.hop_samples(hop_s);
        let hop_s = hop_samples as f64 / f64::from(manifest.sample_rate_hz);
        put(&mut self.shown.hop_s, hop_s, &mut self.dirty);
        hop_samples
    }

    /// Takes a full window: it waits for the encoder, or is recorded as skipped.
    fn window(&mut self, positioned: PositionedWindow) {
        let status = match positioned.window.status {
            Status::Ok if self.is_stopped() && positioned.rings_out() => Status::Silent,
            status => status,
        };
        self.silent = status == Status::Silent;
        if self.silent && self.is_stopped() {
            // Between two pieces, or after the last: nothing that belongs into the history.
            return;
        }
        let Some(active) = self.active.as_ref().filter(|_| status == Status::Ok) else {
            self.record_skipped(&positioned.span, status);
            return;
        };
        let pending = PendingWindow {
            deadline: positioned.arrived + Duration::from_secs_f64(self.shown.hop_s),
            generation: self.shown.generation,
            session: active.session,
            positioned,
        };
        if self.pending.replace(pending).is_some() {
            self.shown.skipped_windows += 1;
        }
    }

    /// Takes the encoder's output for a window; one from before a jump or reset is not shown.
    pub(super) fn finish(&mut self, pending: &PendingWindow, encoded: Encoded, now: Instant) {
        let is_current = pending.generation >= self.shown_from;
        let Some(active) = self.active.as_mut().filter(|_| is_current) else {
            return;
        };
        if self.stopped.is_some_and(|from| pending.generation >= from) {
            self.stopped = None;
            self.study.clear_windows();
            active.interpreter.restart();
        }
        let span = &pending.positioned.span;
        let hidden = match encoded.hidden {
            Ok(hidden) => hidden,
            Err(error) => {
                self.fail(error.to_string());
                self.record_skipped(span, Status::Failed);
                return;
            }
        };
        let mut result = active.interpreter.interpret(&hidden, span.clock_s);
        result.distances = self.study.add_window(&hidden);
        let predict = |head: &Head| {
            let sha256 = Arc::from(head.sha256.as_str());
            (sha256, head.predict(&hidden))
        };
        result.others.extend(self.study.head.as_ref().map(predict));
        let entry = Arc::new(Entry {
            bridged_frames: pending.positioned.bridged_frames,
            ..self.entry(span, Status::Ok, Some(result), pending.generation)
        });
        self.window_error = None;
        self.shown.latest = Some(Arc::clone(&entry));
        self.shown.inference_s = Some(encoded.took.as_secs_f64());
        let latency = now.saturating_duration_since(pending.positioned.arrived);
        self.shown.latency_s = Some(latency.as_secs_f64());
        self.shown.analyzed_windows += 1;
        history::push(&mut self.shown.history, entry);
        self.dirty = true;
    }

    /// Shows a window's error until a window succeeds.
    pub(super) fn fail(&mut self, error: String) {
        self.window_error = Some(error);
        self.dirty = true;
    }

    /// An entry of the history. What is shown now comes after the last time the user started again.
    fn entry(
        &self,
        span: &AudioSpan,
        status: Status,
        result: Option<WindowResult>,
        generation: u64,
    ) -> Entry {
        Entry {
            restarts: self.shown.restarts,
            ..history::entry(span, status, result, generation)
        }
    }

    /// Records a stretch without a result in the history.
    fn record_skipped(&mut self, span: &AudioSpan, status: Status) {
        let entry = self.entry(span, status, None, self.shown.generation);
        history::mark(&mut self.shown.history, entry);
        self.dirty = true;
    }

    /// Publishes the snapshot if it changed; `true` if it did.
    pub(super) fn publish(&mut self) -> bool {
        let changed = std::mem::take(&mut self.dirty);
        if changed {
            self.cell.0.store(Arc::new(self.shown.clone()));
        }
        changed
    }

    /// The time until the next poll; `None` until a message comes.
    pub(super) fn wake(&self, now: Instant) -> Option<Duration> {
        let input = self.input.as_ref()?;
        if now.saturating_duration_since(input.last_audio()) > SUSPENDED {
            return Some(POLL_IDLE);
        }
        if input.is_render() {
            return Some(POLL_DUE);
        }
        if self.shown.state != State::Analyzing {
            return Some(if input.has_begun() { POLL_IDLE } else { POLL });
        }
        let until_due = input
            .next_due()
            .map_or(POLL, |due| due.saturating_duration_since(now));
        Some(until_due.clamp(POLL_DUE, POLL))
    }
}
