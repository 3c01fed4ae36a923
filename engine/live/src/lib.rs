//! The live engine: one per process, shared by all instances of the plugin.
//!
//! [`Live::acquire`] starts two threads of below-normal priority, or finds them running: the
//! *worker* drains the rings of all streams, resamples, cuts windows and publishes snapshots, and
//! never encodes; the *encoder* alone owns inference sessions. A [`Stream`] is one instance's share.
//! Everything here returns at once and may be called from any thread but the audio callback, which
//! has its own end, [`Tap`](mertscope_audio::tap::Tap).
//!
//! When the machine can't keep up the newest window wins and the effective hop grows; nothing
//! queues up. A panic in a window is contained and shown, and the next window runs.

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

mod history;
mod job_threads;
mod models;
mod host_timeline;
mod schedule;
mod snapshot;
mod stream_input;
mod stream_state;
mod study;
mod worker;

use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::thread::{self, JoinHandle};

use crossbeam_channel::{Sender, unbounded};
use thread_priority::{ThreadPriority, ThreadPriorityValue};

use mertscope_audio::tap::TapReader;
use mertscope_heads::package::HeadChoice;
use mertscope_model::device::Choice;
use mertscope_model::interrupt::Interrupt;
use mertscope_model::{EncoderThread, Precision};
use stream_state::StreamState;
use worker::{Message, Worker};

pub use snapshot::{
    Entry, FileProgress, LayerDistances, ModelState, ModelStatus, RunningModel, Snapshot,
    SnapshotReader, State, Study,
};
pub use study::Request;

/// The shortest automatic hop in seconds.
pub(crate) const MIN_HOP_S: f64 = 0.5;
/// The longest hop in seconds, however loaded the machine is.
pub const MAX_HOP_S: f64 = 30.0;

/// How often windows are analyzed.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub enum Hop {
    /// As often as the CPU share allows, [`MIN_HOP_S`] to [`MAX_HOP_S`].
    #[default]
    Auto,
    /// This often, in seconds, or as often as the CPU share allows.
    Seconds(f64),
}

/// What a host automates: polled by the worker, so that the audio callback has to tell nobody.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Controls {
    /// Whether there is any analysis.
    pub analyze: bool,
    /// Whether results are smoothed over audio time.
    pub smoothing: bool,
    /// How often windows are analyzed.
    pub hop: Hop,
}

impl Default for Controls {
    fn default() -> Self {
        Self {
            analyze: true,
            smoothing: true,
            hop: Hop::Auto,
        }
    }
}

/// Gives the controls' present values. Called by the worker each time it wakes, at least every
/// half second while a stream is attached: a few atomic loads, no locks.
pub type ControlSource = Arc<dyn Fn() -> Controls + Send + Sync>;

/// What changes seldom, and not from the audio callback.
#[derive(Debug, Clone, PartialEq)]
pub struct Settings {
    /// A model's id or folder; `None` is the embedded model.
    pub model: Option<String>,
    /// The [`Model::sha256`](mertscope_model::Model::sha256) that is expected; another one counts as missing.
    pub model_sha256: Option<String>,
    /// Length of a window in seconds, for models of free length; the model's own when nothing is
    /// asked.
    pub window_s: Option<f64>,
    /// Ids of the heads to be used, by task, instead of those that came with the model; an empty
    /// one for none.
    pub heads: HeadChoice,
    /// What the model is to be run on.
    pub device: Choice,
    /// The arithmetic, for models that have several; what suits the device when nothing is asked.
    pub precision: Option<Precision>,
    /// Where the plugin's own files are, an ONNX Runtime library among them.
    pub library_folder: Option<PathBuf>,
    /// The share of one core that analysis may take, 0 to 1.
    pub cpu_share: f32,
    /// Whether results are forgotten when the transport starts.
    pub reset_on_start: bool,
    /// Whether no window is skipped while the host renders offline. The plugin then calls
    /// [`Tap::push_exact`](mertscope_audio::tap::Tap::push_exact), which may wait.
    pub exact_offline: bool,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            model: None,
            model_sha256: None,
            window_s: None,
            heads: HeadChoice::new(),
            device: Choice::Auto,
            precision: None,
            library_folder: None,
            cpu_share: 0.5,
            reset_on_start: false,
            exact_offline: false,
        }
    }
}

/// Told after each new snapshot, on the worker: it must not wait for anything, and must own
/// neither a [`Stream`] nor a [`Live`]. A panic in it is contained and shown.
pub type UpdateHook = Arc<dyn Fn() + Send + Sync>;

/// The engine of this process. It lives as long as someone holds it; the last one to let go ends
/// a running inference and joins both threads.
pub struct Live {
    inbox: Sender<Message>,
    interrupt: Option<Arc<Interrupt>>,
    worker: Option<JoinHandle<()>>,
    last_stream: AtomicU64,
}

static LIVE: Mutex<Weak<Live>> = Mutex::new(Weak::new());

impl Live {
    /// The engine of this process, started by the first call. Touches neither disk nor ONNX
    /// Runtime; these wait for the first [`Live::open`], and load on the encoder thread.
    #[must_use]
    pub fn acquire() -> Arc<Self> {
        let mut live = LIVE.lock().unwrap_or_else(PoisonError::into_inner);
        live.upgrade().unwrap_or_else(|| {
            let new = Arc::new(Self::start());
            *live = Arc::downgrade(&new);
            new
        })
    }

    fn start() -> Self {
        let (inbox, messages) = unbounded();
        let answers = inbox.clone();
        let started = EncoderThread::spawn(lower_priority).and_then(|encoder| {
            let interrupt = Arc::clone(encoder.interrupt());
            let worker = thread::Builder::new()
                .name("mertscope-worker".to_owned())
                .spawn(move || {
                    lower_priority();
                    Worker::new(messages, answers, encoder).run();
                })?;
            Ok((interrupt, worker))
        });
        let (interrupt, worker) = started.ok().unzip();
        Self {
            inbox,
            interrupt,
            worker,
            last_stream: AtomicU64::new(0),
        }
    }

    /// Opens a stream: one a plugin instance. Its model begins to load at once.
    #[must_use]
    pub fn open(self: &Arc<Self>, settings: Settings, controls: ControlSource) -> Stream {
        let reader = SnapshotReader::default();
        let id = self.last_stream.fetch_add(1, Ordering::Relaxed) + 1;
        let state = StreamState::new(settings, controls, reader.clone());
        if self.worker.is_none() {
            reader.0.store(Arc::new(Snapshot {
                error: Some(
                    "Nothing is analyzed, because the system could not start another thread. \
                     Close some programs and load Mertscope again."
                        .to_owned(),
                ),
                ..Snapshot::default()
            }));
        }
        let stream = Stream {
            id,
            live: Arc::clone(self),
            reader,
        };
        stream.tell(Message::Open(id, Box::new(state)));
        stream
    }
}

impl Drop for Live {
    fn drop(&mut self) {
        if let Some(interrupt) = &self.interrupt {
            interrupt.close();
        }
        // It fails only if there is no worker.
        let _ = self.inbox.send(Message::Shutdown);
        if let Some(worker) = self.worker.take()
            && worker.thread().id() != thread::current().id()
        {
            // Panics are contained; there is nothing more to learn from the thread's end.
            let _ = worker.join();
        }
    }
}

impl std::fmt::Debug for Live {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Live").finish_non_exhaustive()
    }
}

/// One instance's share of the engine. Dropping it closes it; nothing of it is published after
/// the worker has seen that.
#[derive(Debug)]
pub struct Stream {
    id: u64,
    live: Arc<Live>,
    reader: SnapshotReader,
}

impl Stream {
    /// Takes audio from `reader` from now on, instead of any other before.
    pub fn attach(&self, reader: TapReader) {
        self.tell(Message::Attach(self.id, reader));
    }

    /// Gives the ring up. What was heard stays to be seen.
    pub fn detach(&self) {
        self.tell(Message::Detach(self.id));
    }

    /// Changes the settings. Also looks again for a model or runtime that was missing.
    pub fn set(&self, settings: Settings) {
        self.tell(Message::Set(self.id, settings));
    }

    /// Looks for heads and maps that were kept here since the models were loaded. A model that has
    /// others now is opened anew, for all streams, and goes on meanwhile.
    pub fn refresh(&self) {
        self.tell(Message::RefreshModels);
    }

    /// Forgets everything heard so far.
    pub fn reset(&self) {
        self.tell(Message::Reset(self.id));
    }

    /// Has something done about references or lessons; [`Snapshot::study`] shows the result.
    pub fn ask(&self, request: Request) {
        self.tell(Message::Ask(self.id, request));
    }

    /// The newest snapshot.
    #[must_use]
    pub fn snapshot(&self) -> Arc<Snapshot> {
        self.reader.read()
    }

    /// A reader of the newest snapshot for other threads.
    #[must_use]
    pub fn watcher(&self) -> SnapshotReader {
        self.reader.clone()
    }

    /// Has `hook` called after each new snapshot, instead of any other before.
    pub fn on_update(&self, hook: UpdateHook) {
        self.tell(Message::Hook(self.id, hook));
    }

    fn tell(&self, message: Message) {
        // Without a worker the snapshot says what is wrong.
        let _ = self.live.inbox.send(message);
    }
}

impl Drop for Stream {
    fn drop(&mut self) {
        self.tell(Message::Close(self.id));
    }
}

/// A quarter of the way up: well behind the audio and the host's own threads.
fn lower_priority() {
    if let Ok(low) = ThreadPriorityValue::try_from(25u8) {
        // A system that refuses leaves a normal thread, which works as well.
        let _ = thread_priority::set_current_thread_priority(ThreadPriority::Crossplatform(low));
    }
}
