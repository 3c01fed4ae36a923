//! One stream as the worker sees it: its intake, the window that waits, and what it shows.

mod show;

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::models::{Loaded, Models, ModelSlot, ModelRequest};
use super::host_timeline::AudioSpan;
use super::schedule::Load;
use super::snapshot::{Snapshot, SnapshotReader, State};
use super::stream_input::{Cause, Event, PlacedWindow, StreamInput};
use super::study::StudyState;
use super::study::background_job::BackgroundJob;
use super::{ControlSource, Controls, Settings, UpdateHook, history, schedule};
use mertscope_audio::Status;
use mertscope_audio::resample::ResampleError;
use mertscope_audio::tap::TapReader;
use mertscope_heads::head::Head;
use mertscope_heads::interpreter::Interpreter;
use mertscope_model::{Encoded, SessionId};
use show::put;

/// While a model loads, this much audio is left in the ring for it, so that the first result
/// comes soon and nothing of a short bounce is missed; more would make the ring overflow.
const KEPT_WHILE_LOADING_S: f64 = 4.0;

/// Between two looks at a ring that nothing is due from: fast enough for a level meter.
const POLL: Duration = Duration::from_millis(50);
/// Around the moment at which a window is due, and while audio comes faster than real time.
const POLL_DUE: Duration = Duration::from_millis(5);
/// While nothing is to be expected: stopped, silent, held, switched off, or no audio comes.
const POLL_IDLE: Duration = Duration::from_millis(250);
/// No audio for this long means that the host has stopped to process.
const SUSPENDED: Duration = Duration::from_secs(1);

/// A window that waits for the encoder.
#[derive(Debug)]
pub(super) struct PendingWindow {
    pub(super) placed: PlacedWindow,
    /// When the next window of this stream is due.
    pub(super) deadline: Instant,
    pub(super) generation: u64,
    pub(super) session: SessionId,
}

/// Who listens to the results of a session.
struct ActiveSession {
    session: SessionId,
    interpreter: Interpreter,
    /// Whether something else was chosen since.
    is_stale: bool,
}

/// A stream.
pub(super) struct StreamState {
    settings: Settings,
    source: ControlSource,
    controls: Controls,
    cell: SnapshotReader,
    pub(super) hook: Option<UpdateHook>,
    input: Option<StreamInput>,
    /// Whom the intake cuts windows for.
    active: Option<ActiveSession>,
    /// The labels of the genres in the history.
    genre_labels: Vec<String>,
    pub(super) due: Option<PendingWindow>,
    pub(super) study: StudyState,
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
            due: None,
            study: StudyState::default(),
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

    /// Takes a new ring, or gives the old one up.
    pub(super) fn attach(&mut self, reader: Option<TapReader>, now: Instant) {
        self.input = reader.map(|reader| StreamInput::new(reader, now));
        self.stop_listening();
    }

    fn stop_listening(&mut self) {
        if let Some(input) = &mut self.input {
            input.ignore();
        }
        self.active = None;
        self.begin_anew(Cause::Start);
    }

    /// Forgets everything heard so far.
    pub(super) fn reset(&mut self) {
        // The next poll makes a new listener and a new window.
        self.stop_listening();
        self.begin_anew(Cause::Reset);
    }

    /// What follows does not go on from what was before.
    fn begin_anew(&mut self, cause: Cause) {
        self.due = None;
        self.silent = false;
        self.dirty = true;
        self.shown.generation += 1;
        if cause != Cause::Loss {
            self.study.forget_windows();
            self.shown.latest = None;
            self.shown.latency_s = None;
        }
        if cause == Cause::Reset || (cause == Cause::Start && self.settings.reset_on_start) {
            self.shown.history = Arc::default();
        }
    }

    pub(super) fn wanted(&self) -> ModelRequest {
        ModelRequest {
            name: self.settings.model.clone(),
            sha256: self.settings.model_sha256.clone(),
            window_s: self.settings.window_s.filter(|window_s| !window_s.is_nan()),
            device: self.settings.device.clone(),
            precision: self.settings.precision,
            library_folder: self.settings.library_folder.clone(),
        }
    }

    /// Whether it takes part in the encoder's time.
    pub(super) fn is_active(&self) -> bool {
        self.shown.state == State::Analyzing
    }

    /// The model that runs for it: the wanted one, or the embedded one in its place.
    pub(super) fn loaded<'a>(&self, models: &'a Models) -> Option<&'a Loaded> {
        let wanted = self.wanted();
        match models.get(&wanted)? {
            ModelSlot::Ready(loaded) => Some(loaded),
            ModelSlot::Missing(_) => models.loaded(&wanted.fallback()),
            ModelSlot::Loading => None,
        }
    }

    /// Whether the model that is to run for it, or the embedded one in its place, will be there soon.
    fn is_loading(&self, models: &Models) -> bool {
        let loads = |wanted: &ModelRequest| matches!(models.get(wanted), None | Some(ModelSlot::Loading));
        let wanted = self.wanted();
        loads(&wanted) || (models.is_missing(&wanted) && loads(&wanted.fallback()))
    }

    /// Takes in what has come; a full window waits in `due`.
    pub(super) fn poll(&mut self, now: Instant, models: &Models, load: Load) {
        let controls = (self.source)();
        if let Some(active) = &mut self.active {
            active.is_stale |= controls.smoothing != self.controls.smoothing;
        }
        self.controls = controls;
        let error = match self.take_in(now, models, load) {
            Ok(()) => None,
            Err(error) => Some(error.to_string()),
        };
        self.show(models, error);
    }

    /// Has the intake cut windows for the model that runs now, or none.
    fn tune(&mut self, loaded: Option<&Loaded>) -> Result<(), ResampleError> {
        let refreshed = loaded.filter(|loaded| !self.study.has_package(&loaded.package));
        if let Some(loaded) = refreshed {
            self.study.set_package(&loaded.package);
        }
        let Some(input) = &mut self.input else {
            return Ok(());
        };
        let listens_to = self.active.as_ref().map(|to| to.session);
        if loaded.map(|loaded| loaded.session) == listens_to {
            // The same session, but other heads may be in use.
            let is_stale = self.active.as_ref().is_some_and(|to| to.is_stale);
            if let Some(loaded) = loaded.filter(|_| is_stale || refreshed.is_some()) {
                self.active = Some(self.interpreter(loaded));
                self.keep_or_forget(loaded);
            }
            return Ok(());
        }
        let went_on = input.listens();
        input.ignore();
        self.active = None;
        if let Some(loaded) = loaded {
            let manifest = &loaded.package.model.manifest;
            input.listen(manifest.sample_rate_hz, manifest.window_samples)?;
            self.active = Some(self.interpreter(loaded));
        }
        if went_on {
            self.begin_anew(Cause::Start);
        }
        if let Some(loaded) = loaded {
            self.keep_or_forget(loaded);
        }
        Ok(())
    }

    /// Forgets what was heard if its genres are not those of the head in use now: old figures would
    /// be shown under new labels.
    fn keep_or_forget(&mut self, loaded: &Loaded) {
        let head = loaded.package.head_in_use("genre", &self.settings.heads);
        let labels = head.map_or(&[][..], |head| &head.labels);
        if self.genre_labels != labels {
            self.genre_labels = labels.to_vec();
            if !self.shown.history.is_empty() {
                self.begin_anew(Cause::Reset);
            }
        }
    }

    /// What is to be done beside the worker for its references and lessons, if something is.
    pub(super) fn background_job(&mut self) -> Option<BackgroundJob> {
        let wanted = self.wanted();
        self.study.background_job(|package| wanted.options(package))
    }

    fn interpreter(&self, loaded: &Loaded) -> ActiveSession {
        let heads = &self.settings.heads;
        ActiveSession {
            session: loaded.session,
            interpreter: Interpreter::with_heads(&loaded.package, heads, self.controls.smoothing),
            is_stale: false,
        }
    }

    fn take_in(&mut self, now: Instant, models: &Models, load: Load) -> Result<(), ResampleError> {
        while self.take_in_alike(now, models, load)? {}
        Ok(())
    }

    /// Whether the next audio is an offline render for which the user asked that it wait.
    fn is_exact(&self) -> bool {
        let offline = self.input.as_ref().is_some_and(StreamInput::is_offline);
        self.settings.exact_offline && offline
    }

    /// Takes in audio as long as it is rendered alike, exact or not, which decides what waits and
    /// what is dropped. Whether it is rendered otherwise from here on: hosts play a block in real
    /// time and then bounce.
    fn take_in_alike(
        &mut self,
        now: Instant,
        models: &Models,
        load: Load,
    ) -> Result<bool, ResampleError> {
        let loaded = self.loaded(models).filter(|_| self.controls.analyze);
        self.tune(loaded)?;
        let Some(input) = &self.input else {
            return Ok(false);
        };
        let exact = self.is_exact();
        if self.controls.analyze && self.is_loading(models) {
            let kept_s = if exact {
                f64::INFINITY
            } else {
                KEPT_WHILE_LOADING_S
            };
            if input.waiting_s() < kept_s {
                return Ok(false);
            }
        }
        let hop_s = schedule::hop_s(self.controls.hop, load, self.settings.cpu_share, exact);
        let mut hop_samples = 1;
        if let Some(loaded) = loaded {
            let manifest = &loaded.package.model.manifest;
            hop_samples = manifest.hop_samples(hop_s);
            let hop_s = hop_samples as f64 / f64::from(manifest.sample_rate_hz);
            put(&mut self.shown.hop_s, hop_s, &mut self.dirty);
        }
        // A bounce that waits leaves in the ring what comes after a window that still waits.
        while !(exact && self.due.is_some()) {
            let Some(input) = &mut self.input else {
                break;
            };
            match input.next(now, hop_samples)? {
                None => break,
                Some(Event::Audio) => {}
                Some(Event::Stopped) => self.dirty = true,
                Some(Event::Cut { cause, gap }) => {
                    // Smoothing goes on over a loss; elsewhere it would show old evidence as new.
                    if cause != Cause::Loss {
                        self.active = loaded.map(|loaded| self.interpreter(loaded));
                    }
                    self.begin_anew(cause);
                    if let Some(place) = gap {
                        self.remember(&place, Status::Gap);
                    }
                }
                Some(Event::Window(placed)) => self.window(placed),
            }
            if self.is_exact() != exact {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// A window is full: it waits for the encoder, or is marked.
    fn window(&mut self, placed: PlacedWindow) {
        let status = placed.window.status;
        self.silent = status == Status::Silent;
        let Some(active) = self.active.as_ref().filter(|_| status == Status::Ok) else {
            self.remember(&placed.place, status);
            return;
        };
        let due = PendingWindow {
            deadline: placed.arrived + Duration::from_secs_f64(self.shown.hop_s),
            generation: self.shown.generation,
            session: active.session,
            placed,
        };
        if self.due.replace(due).is_some() {
            self.shown.skipped_windows += 1;
        }
    }

    /// Takes in a result; one from before a jump or reset is not shown.
    pub(super) fn finish(&mut self, due: &PendingWindow, encoded: Encoded, now: Instant) {
        let current = due.generation == self.shown.generation;
        let Some(active) = self.active.as_mut().filter(|_| current) else {
            return;
        };
        let place = &due.placed.place;
        let hidden = match encoded.hidden {
            Ok(hidden) => hidden,
            Err(error) => {
                self.fail(error.to_string());
                self.remember(place, Status::Failed);
                return;
            }
        };
        let mut result = active.interpreter.interpret(&hidden, place.clock_s);
        result.distances = self.study.add_window(&hidden);
        let user_head = self.study.head.as_ref();
        let answer = |head: &Head| {
            let sha256 = Arc::from(head.sha256.as_str());
            (sha256, head.predict(&hidden))
        };
        result.others.extend(user_head.map(answer));
        let entry = Arc::new(history::entry(
            place,
            Status::Ok,
            Some(result),
            due.generation,
        ));
        self.window_error = None;
        self.shown.latest = Some(Arc::clone(&entry));
        self.shown.inference_s = Some(encoded.took.as_secs_f64());
        let latency = now.saturating_duration_since(due.placed.arrived);
        self.shown.latency_s = Some(latency.as_secs_f64());
        self.shown.analyzed_windows += 1;
        history::push(&mut self.shown.history, entry);
        self.dirty = true;
    }

    /// Shows what went wrong in a window until one succeeds.
    pub(super) fn fail(&mut self, error: String) {
        self.window_error = Some(error);
        self.dirty = true;
    }

    /// Remembers a stretch without an answer.
    fn remember(&mut self, place: &AudioSpan, status: Status) {
        let entry = history::entry(place, status, None, self.shown.generation);
        history::mark(&mut self.shown.history, entry);
        self.dirty = true;
    }

    /// Swaps in what changed; `true` if anything did.
    pub(super) fn publish(&mut self) -> bool {
        let changed = std::mem::take(&mut self.dirty);
        if changed {
            self.cell.0.store(Arc::new(self.shown.clone()));
        }
        changed
    }

    /// How long the worker may leave it alone; `None` until it is told something.
    pub(super) fn wake(&self, now: Instant) -> Option<Duration> {
        let input = self.input.as_ref()?;
        if now.saturating_duration_since(input.last_audio()) > SUSPENDED {
            return Some(POLL_IDLE);
        }
        if input.is_offline() {
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
