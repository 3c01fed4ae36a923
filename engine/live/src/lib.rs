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

mod bridge;
mod history;
mod host_timeline;
mod job_threads;
mod models;
mod pace;
mod schedule;
mod snapshot;
mod stream_input;
mod stream_state;
mod study;
mod worker;

use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, Weak};
use std::thread::{self, JoinHandle};

use crossbeam_channel::{Sender, unbounded};
use thread_priority::{ThreadPriority, ThreadPriorityValue};

use mertscope_audio::tap::TapReader;
use mertscope_heads::package::HeadChoice;
use mertscope_model::device::Choice;
use mertscope_model::interrupt::Interrupt;
use mertscope_model::{EncoderThread, Precision, lock};
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
    /// As often as the CPU share allows, every 0.5 s to [`MAX_HOP_S`].
    #[default]
    Auto,
    /// At this interval in seconds, or longer when the CPU share requires it.
    Seconds(f64),
}

/// The settings that a host automates. The worker polls them, so that the audio callback sends nothing.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Controls {
    /// Whether windows are analyzed at all.
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

/// A function that returns the controls' present values. The worker calls it each time it wakes, at
/// least every half second while a stream is attached: it should do a few atomic loads and take no lock.
pub type ControlSource = Arc<dyn Fn() -> Controls + Send + Sync>;

/// The settings of a stream that change seldom, and never from the audio callback.
#[derive(Debug, Clone, PartialEq)]
pub struct Settings {
    /// A model's id or folder; `None` is the embedded model.
    pub model: Option<String>,
    /// The expected [`Model::sha256`](mertscope_model::Model::sha256); a model with another one counts as
    /// missing.
    pub model_sha256: Option<String>,
    /// Length of a window in seconds, for models of free length; `None` for the model's own.
    pub window_s: Option<f64>,
    /// Ids of the heads to use instead of the model's own, by task; an empty id means no head.
    pub heads: HeadChoice,
    /// The device that runs the model.
    pub device: Choice,
    /// The arithmetic, for models with several; `None` for the one that suits the device.
    pub precision: Option<Precision>,
    /// The most [`err`](mertscope_model::err) of an 8-bit form that may run on the CPU when no precision is set; `None`
    /// for single precision.
    pub most_err: Option<f32>,
    /// The folder of the plugin's own files, among them an ONNX Runtime library.
    pub library_folder: Option<PathBuf>,
    /// The share of one core that analysis may take, 0 to 1.
    pub cpu_share: f32,
    /// Whether nothing is heard while the host's transport stands.
    pub follow_transport: bool,
    /// Whether results are forgotten when the transport starts.
    pub reset_on_start: bool,
    /// Whether no window is skipped while the host renders: offline, or faster than the clock goes. Only
    /// then [`Tap::push_exact`](mertscope_audio::tap::Tap::push_exact) waits.
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
            most_err: None,
            library_folder: None,
            cpu_share: 0.5,
            follow_transport: false,
            reset_on_start: false,
            exact_offline: false,
        }
    }
}

/// A function called after each new snapshot, on the worker. It must not block, and must own neither a
/// [`Stream`] nor a [`Live`]. A panic in it is contained and shown in the snapshot.
pub type UpdateHook = Arc<dyn Fn() + Send + Sync>;

/// The engine of this process. Dropping the last reference ends a running inference and joins both
/// threads.
///
/// ```no_run
/// use std::sync::Arc;
///
/// use mertscope_audio::tap::tap;
/// use mertscope_live::{Controls, Live, Settings};
///
/// let live = Live::acquire();
/// let stream = live.open(Settings::default(), Arc::new(Controls::default));
/// stream.on_update(Arc::new(|| println!("a new snapshot")));
/// let (_audio_callback_end, reader) = tap(48_000);
/// stream.attach(reader);
/// let snapshot = stream.snapshot();
/// println!("{:?}, {} windows", snapshot.state, snapshot.analyzed_windows);
/// ```
pub struct Live {
    inbox: Sender<Message>,
    interrupt: Option<Arc<Interrupt>>,
    worker: Option<JoinHandle<()>>,
    last_stream: AtomicU64,
}

static LIVE: Mutex<Weak<Live>> = Mutex::new(Weak::new());

impl Live {
    /// The engine of this process; the first call starts it. It touches neither disk nor ONNX Runtime:
    /// the encoder thread loads them after the first [`Live::open`].
    #[must_use]
    pub fn acquire() -> Arc<Self> {
        let mut live = lock(&LIVE);
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

    /// Opens a stream, one per plugin instance. Its model begins to load at once.
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
        stream.send(Message::Open(id, Box::new(state)));
        stream
    }
}

impl Drop for Live {
    fn drop(&mut self) {
        if let Some(interrupt) = &self.interrupt {
            interrupt.close();
        }
        // Sending fails only without a worker.
        let _ = self.inbox.send(Message::Shutdown);
        if let Some(worker) = self.worker.take()
            && worker.thread().id() != thread::current().id()
        {
            // Panics are contained, so the thread's result says nothing more.
            let _ = worker.join();
        }
    }
}

impl std::fmt::Debug for Live {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Live").finish_non_exhaustive()
    }
}

/// One instance's stream: its handle to the engine. Dropping it closes the stream; the worker publishes
/// nothing for it after that. [`Live`] has an example.
#[derive(Debug)]
pub struct Stream {
    id: u64,
    live: Arc<Live>,
    reader: SnapshotReader,
}

impl Stream {
    /// Takes audio from `reader` from now on, in place of any earlier reader.
    pub fn attach(&self, reader: TapReader) {
        self.send(Message::Attach(self.id, reader));
    }

    /// Drops the reader. Results so far stay visible.
    pub fn detach(&self) {
        self.send(Message::Detach(self.id));
    }

    /// Changes the settings, and tries again to load a missing model or runtime.
    pub fn set(&self, settings: Settings) {
        self.send(Message::Set(self.id, settings));
    }

    /// Loads changes of the user's heads and maps since the models were loaded, for all streams.
    /// Analysis goes on meanwhile.
    pub fn refresh_models(&self) {
        self.send(Message::RefreshModels);
    }

    /// Drops all results so far.
    pub fn reset(&self) {
        self.send(Message::Reset(self.id));
    }

    /// Starts again, as at a change of track: windows, smoothing and everything averaged over time begin anew
    /// with the next audio. The history, references and labeled examples stay.
    /// [`Tap::start_again`](mertscope_audio::tap::Tap::start_again) does it at a place in the audio.
    pub fn start_again(&self) {
        self.send(Message::StartAgain(self.id));
    }

    /// Sends a request about references or labeled examples; [`Snapshot::study`] shows the result.
    pub fn ask(&self, request: Request) {
        self.send(Message::Ask(self.id, request));
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

    /// Calls `hook` after each new snapshot, in place of any earlier hook.
    pub fn on_update(&self, hook: UpdateHook) {
        self.send(Message::Hook(self.id, hook));
    }

    fn send(&self, message: Message) {
        // Without a worker the snapshot shows the error.
        let _ = self.live.inbox.send(message);
    }
}

impl Drop for Stream {
    fn drop(&mut self) {
        self.send(Message::Close(self.id));
    }
}

/// Gives this thread a quarter of the highest priority: well behind the audio and the host's threads.
fn lower_priority() {
    if let Ok(low) = ThreadPriorityValue::try_from(25u8) {
        // If the system refuses, the thread keeps its normal priority and works as well.
        let _ = thread_priority::set_current_thread_priority(ThreadPriority::Crossplatform(low));
    }
}
