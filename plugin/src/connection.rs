//! An instance's connection to the engine: made on the first activation, kept until the instance ends.
//!
//! Used by the host's main thread and the editor, never by the audio callback. Its locks are held only while
//! something is handed over.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, Weak};

use mertscope_audio::Notice;
use mertscope_audio::tap;
use mertscope_export::osc::AddressError;
use mertscope_export::save::ExportKind;
use mertscope_heads::few_shot::saved::SavedExamples;
use mertscope_heads::reference::Reference;
use mertscope_hub::{HubError, Library};
use mertscope_live::{
    ControlSource, Controls, Live, Request, Settings, Snapshot, SnapshotReader, Stream, Study,
};
use mertscope_model::lock;
use mertscope_ui::host::OscStatus;
use mertscope_ui::state::{
    EngineChoice, HeadChoice, LogChoice, ModelChoice, OscChoice, PluginState, SavedReferences,
};

use crate::example_store::ExampleStore;
use crate::export::Exports;
use crate::location;
use crate::log::Log;
use crate::osc::Osc;
use crate::params::MertscopeParams;
use crate::process::Callback;

/// Called when there is something new; repaints an editor.
type Hook = Arc<dyn Fn() + Send + Sync>;

/// See the module.
pub struct Connection {
    params: Arc<MertscopeParams>,
    stream: Mutex<Option<Stream>>,
    reader: Mutex<SnapshotReader>,
    log: Arc<Log>,
    osc: Arc<Osc>,
    exports: Arc<Exports>,
    example_store: Arc<ExampleStore>,
    this: Weak<Self>,
    library: Mutex<Option<Arc<Library>>>,
    hook: Hook,
}

impl Connection {
    /// A connection that is not made yet; `hook` is called whenever there is a new snapshot.
    pub fn new(params: Arc<MertscopeParams>, hook: Hook) -> Arc<Self> {
        Arc::new_cyclic(|this: &Weak<Self>| {
            let loaded = this.clone();
            params.state.on_load(Box::new(move || {
                if let Some(this) = loaded.upgrade() {
                    this.apply();
                    if let Some(stream) = &*lock(&this.stream) {
                        this.restore(stream);
                    }
                }
            }));
            Self {
                params,
                stream: Mutex::default(),
                reader: Mutex::default(),
                log: Arc::default(),
                osc: Arc::default(),
                exports: Arc::default(),
                example_store: Arc::default(),
                this: this.clone(),
                library: Mutex::default(),
                hook,
            }
        })
    }

    /// Connects the callback: starts the engine if it doesn't run, and gives the callback a tap
    /// for `rate_hz` unless it has one.
    pub(crate) fn connect(&self, callback: &mut Callback, rate_hz: f32, offline: bool) {
        callback.set_offline(offline);
        let mut stream = lock(&self.stream);
        let stream = stream.get_or_insert_with(|| self.open());
        let rate_hz = rate_hz.round() as u32;
        if !callback.taps_at(rate_hz) {
            let (tap, tap_reader) = tap::tap(rate_hz);
            let choice: EngineChoice = self.params.state.get().unwrap_or_default();
            tap_reader.set_exact(choice.exact_offline);
            stream.attach(tap_reader);
            callback.put(tap, rate_hz);
        }
    }

    /// Listens to `tap_reader` from now on; starts the engine if it doesn't run. For programs that are
    /// their own host.
    pub fn attach(&self, tap_reader: tap::TapReader) {
        let mut stream = lock(&self.stream);
        stream.get_or_insert_with(|| self.open()).attach(tap_reader);
    }

    /// Listens to nothing, and starts the engine if it doesn't run. The history stays visible.
    pub fn detach(&self) {
        let mut stream = lock(&self.stream);
        stream.get_or_insert_with(|| self.open()).detach();
    }

    fn open(&self) -> Stream {
        let live = Live::acquire();
        let stream = live.open(settings(&self.params.state), controls(&self.params));
        *lock(&self.reader) = stream.watcher();
        stream.on_update(self.updated(stream.watcher()));
        self.restore(&stream);
        stream
    }

    /// Releases the engine; the last instance that does so stops it.
    pub fn close(&self) {
        // Dropped outside the lock, because stopping the engine waits for its threads.
        let stream = lock(&self.stream).take();
        drop(stream);
        self.osc.close();
        self.exports.close();
        self.example_store.close();
        let library = lock(&self.library).take();
        drop(library);
        self.log.close();
    }

    /// This user's library of models. Held from the first call on, so that a download goes on when the
    /// editor closes; each change of the list repaints an editor.
    ///
    /// # Errors
    /// [`HubError`], when the user has no data folder.
    pub(crate) fn library(&self) -> Result<Arc<Library>, HubError> {
        let mut library = lock(&self.library);
        if let Some(library) = &*library {
            return Ok(Arc::clone(library));
        }
        let shared = Library::shared()?;
        shared.on_update(&self.hook);
        Ok(Arc::clone(library.insert(shared)))
    }

    /// The newest snapshot; an idle one without a connection.
    pub fn snapshot(&self) -> Arc<Snapshot> {
        lock(&self.reader).read()
    }

    /// Starts to export a snapshot's history into `folder`, or into a default one, and returns at
    /// once; [`Connection::export_notice`] reports the outcome.
    pub(crate) fn export(
        &self,
        snapshot: Arc<Snapshot>,
        kind: ExportKind,
        folder: Option<PathBuf>,
    ) {
        let done = Arc::clone(&self.hook);
        self.exports.start(snapshot, kind, folder, done);
    }

    /// The outcome of the last export; `None` before the first.
    pub(crate) fn export_notice(&self) -> Option<Notice> {
        self.exports.notice()
    }

    /// Switches OSC on or off, and remembers that in the project.
    ///
    /// # Errors
    /// [`AddressError`], when messages can't be sent to the address; nothing changes then.
    pub(crate) fn set_osc(&self, choice: OscChoice) -> Result<(), AddressError> {
        mertscope_export::osc::parse(&choice.address)?;
        self.params.state.set(&choice);
        self.osc.set(choice)
    }

    /// The counts and the last error of OSC messages.
    pub(crate) fn osc_status(&self) -> OscStatus {
        self.osc.status()
    }

    /// The hook that the engine's worker calls after each new snapshot.
    fn updated(&self, reader: SnapshotReader) -> Hook {
        let params = Arc::clone(&self.params);
        let (hook, log) = (Arc::clone(&self.hook), Arc::clone(&self.log));
        let seen = Mutex::new(Study::default());
        let (osc, example_store) = (Arc::clone(&self.osc), Arc::clone(&self.example_store));
        Arc::new(move || {
            let snapshot = reader.read();
            remember(&params, &example_store, &snapshot.study, &seen);
            osc.follow(&snapshot);
            let choice: LogChoice = params.state.get().unwrap_or_default();
            log.follow(&snapshot, choice.enabled);
            hook();
        })
    }

    /// Hands the engine the choices of the project or the editor.
    pub(crate) fn apply(&self) {
        // The status shows an error in the address.
        let _ = self.osc.set(self.params.state.get().unwrap_or_default());
        if let Some(stream) = &*lock(&self.stream) {
            stream.set(settings(&self.params.state));
        }
    }

    /// Looks for heads and maps that were saved on this machine since the model was loaded.
    pub(crate) fn refresh_models(&self) {
        if let Some(stream) = &*lock(&self.stream) {
            stream.refresh_models();
        }
    }

    /// Starts again with what is heard from now on, as at a change of track.
    pub(crate) fn start_again(&self) {
        if let Some(stream) = &*lock(&self.stream) {
            stream.start_again();
        }
    }

    /// Sends a request about references or labeled examples; the snapshot shows the outcome.
    pub(crate) fn ask(&self, request: Request) {
        if let Some(stream) = &*lock(&self.stream) {
            stream.ask(request);
        }
    }

    /// Why the newest labeled examples are not kept with the project; `None` while they are.
    pub(crate) fn examples_notice(&self) -> Option<Notice> {
        self.example_store.notice()
    }

    /// The path of a file with examples that the project names.
    pub(crate) fn examples_path(&self, file: &str) -> Option<PathBuf> {
        self.example_store.path(file)
    }

    /// Hands a stream the references and labeled examples of the project.
    fn restore(&self, stream: &Stream) {
        let state = &self.params.state;
        let SavedReferences(references) = state.get().unwrap_or_default();
        let references = references.into_iter().map(Arc::new).collect();
        stream.ask(Request::SetReferences(references));
        let this = self.this.clone();
        let saved: SavedExamples = state.get().unwrap_or_default();
        let hand_over = move |examples| {
            if let Some(this) = this.upgrade() {
                this.ask(Request::SetExamples(examples));
            }
        };
        // Examples in files follow once they are read.
        if let Some(examples) = self.example_store.load(saved, hand_over) {
            stream.ask(Request::SetExamples(examples));
        }
    }
}

/// Saves references and labeled examples in the project when they differ from those `seen` last.
fn remember(
    params: &Arc<MertscopeParams>,
    example_store: &Arc<ExampleStore>,
    study: &Study,
    seen: &Mutex<Study>,
) {
    let mut seen = lock(seen);
    // Unchanged values are the same allocation, so most calls compare and write nothing.
    if !Arc::ptr_eq(&seen.references, &study.references) && seen.references != study.references {
        let references = study
            .references
            .iter()
            .map(|reference| Reference::clone(reference));
        params.state.set(&SavedReferences(references.collect()));
    }
    if !Arc::ptr_eq(&seen.labeled_examples, &study.labeled_examples)
        && seen.labeled_examples != study.labeled_examples
    {
        example_store.keep(&study.labeled_examples, params);
    }
    *seen = study.clone();
}

/// The stream's settings from the project state.
fn settings(state: &PluginState) -> Settings {
    let engine: EngineChoice = state.get().unwrap_or_default();
    let model: Option<ModelChoice> = state.get();
    let window_s = model.as_ref().and_then(|model| model.window_s);
    let (model, model_sha256) = model.map_or((None, None), |m| (Some(m.id), m.sha256));
    Settings {
        model,
        model_sha256,
        window_s,
        heads: state.get::<HeadChoice>().unwrap_or_default().0,
        library_folder: location::library_folder(),
        precision: engine.precision,
        most_err: Some(engine.most_err).filter(|most_err| *most_err > 0.0),
        device: engine.device,
        cpu_share: engine.cpu_share.clamp(0.0, 1.0),
        follow_transport: engine.follow_transport,
        reset_on_start: engine.reset_on_start,
        exact_offline: engine.exact_offline,
    }
}

/// The controls that the worker polls, from the parameters.
fn controls(params: &Arc<MertscopeParams>) -> ControlSource {
    let params = Arc::clone(params);
    Arc::new(move || Controls {
        analyze: params.analyzes(),
        // Hold is not among them: only the editor's pictures freeze; analysis, log and history go on.
        smoothing: params.smoothing.value(),
        hop: params.hop(),
    })
}
