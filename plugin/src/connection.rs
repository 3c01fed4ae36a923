//! An instance's connection to the engine: made on the first activation, kept until the end.
//!
//! Used by the host's main thread and the editor. The lock is never held for longer than it takes
//! to hand something over, and the audio callback doesn't know of it.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use mertscope_engine::capture;
use mertscope_engine::live::{
    ControlSource, Controls, Hop, Live, Settings, Snapshot, SnapshotReader, Stream,
};

use crate::location;
use crate::log::Log;
use crate::params::MertscopeParams;
use crate::process::Callback;
use crate::state::{EngineChoice, Memory, ModelChoice};

/// Repaints an editor when there is something new.
type Hook = Arc<dyn Fn() + Send + Sync>;

/// See the module.
pub struct Connection {
    params: Arc<MertscopeParams>,
    stream: Mutex<Option<Stream>>,
    reader: Mutex<SnapshotReader>,
    log: Arc<Log>,
    hook: Hook,
}

impl Connection {
    /// A connection that is not made yet; `hook` is called whenever there is a new snapshot.
    pub fn new(params: Arc<MertscopeParams>, hook: Hook) -> Arc<Self> {
        Arc::new_cyclic(|this: &Weak<Self>| {
            let this = this.clone();
            params.memory.on_load(Box::new(move || {
                if let Some(this) = this.upgrade() {
                    this.apply();
                }
            }));
            Self {
                params,
                stream: Mutex::default(),
                reader: Mutex::default(),
                log: Arc::default(),
                hook,
            }
        })
    }

    /// Connects the callback: starts the engine if it doesn't run, and gives the callback a tap
    /// for `rate_hz` unless it has one.
    pub fn connect(&self, callback: &mut Callback, rate_hz: f32, offline: bool) {
        let choice: EngineChoice = self.params.memory.get().unwrap_or_default();
        callback.set_offline(offline, choice.exact_offline);
        let mut stream = lock(&self.stream);
        let stream = stream.get_or_insert_with(|| self.open());
        let rate_hz = rate_hz.round() as u32;
        if !callback.taps_at(rate_hz) {
            let (tap, drain) = capture::tap(rate_hz);
            stream.attach(drain);
            callback.put(tap, rate_hz);
        }
    }

    /// Listens to `drain` from now on; starts the engine if it doesn't run.
    #[cfg(feature = "standalone")]
    pub fn attach(&self, drain: capture::Drain) {
        let mut stream = lock(&self.stream);
        stream.get_or_insert_with(|| self.open()).attach(drain);
    }

    /// Listens to nothing, and starts the engine if it doesn't run. What was heard stays to be seen.
    #[cfg(feature = "standalone")]
    pub fn detach(&self) {
        let mut stream = lock(&self.stream);
        stream.get_or_insert_with(|| self.open()).detach();
    }

    fn open(&self) -> Stream {
        let live = Live::acquire();
        let stream = live.open(settings(&self.params.memory), controls(&self.params));
        *lock(&self.reader) = stream.watcher();
        stream.on_update(self.updated(stream.watcher()));
        stream
    }

    /// Lets go of the engine; the last instance to do so stops it.
    pub fn close(&self) {
        // Out of the lock first: stopping the engine waits for its threads.
        let stream = lock(&self.stream).take();
        drop(stream);
        self.log.close();
    }

    /// The newest snapshot; an idle one while there is no connection.
    pub fn snapshot(&self) -> Arc<Snapshot> {
        lock(&self.reader).read()
    }

    /// What is to be done on the engine's worker when there is a new snapshot.
    fn updated(&self, reader: SnapshotReader) -> Hook {
        let params = Arc::clone(&self.params);
        let (hook, log) = (Arc::clone(&self.hook), Arc::clone(&self.log));
        Arc::new(move || {
            hook();
            log.follow(&reader.read(), params.log.value());
        })
    }

    /// Hands the engine what the project or the editor chose.
    pub fn apply(&self) {
        if let Some(stream) = &*lock(&self.stream) {
            stream.set(settings(&self.params.memory));
        }
    }
}

fn settings(memory: &Memory) -> Settings {
    let engine: EngineChoice = memory.get().unwrap_or_default();
    let model: Option<ModelChoice> = memory.get();
    let (model, model_sha256) = model.map_or((None, None), |m| (Some(m.id), m.sha256));
    Settings {
        model,
        model_sha256,
        library_folder: location::library_folder(),
        device: engine.device,
        cpu_share: engine.cpu_share.clamp(0.0, 1.0),
        reset_on_start: engine.reset_on_start,
        exact_offline: engine.exact_offline,
    }
}

fn controls(params: &Arc<MertscopeParams>) -> ControlSource {
    let params = Arc::clone(params);
    Arc::new(move || Controls {
        analyse: params.analyse.value(),
        hold: params.hold.value(),
        smoothing: params.smoothing.value(),
        hop: params.hop_s().map_or(Hop::Auto, Hop::Seconds),
    })
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // What is behind these locks is replaced whole, so a panic elsewhere leaves it usable.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
