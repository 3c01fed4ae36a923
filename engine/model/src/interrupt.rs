//! The interrupt: other threads end a load or run of the encoder thread through ONNX Runtime's own
//! flags, behind a lock that is held only for moments. A closed interrupt also ends all later ones.

use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::{Duration, Instant};

use ort::session::RunOptions;
use ort::session::builder::LoadCanceler;

use crate::lock::lock;

/// The error of a load or run after [`Interrupt::close`].
const CLOSING: &str = "the encoder is being closed";

/// Ends loads and runs of sessions.
#[derive(Default)]
pub struct Interrupt(Mutex<InterruptState>);

#[derive(Default)]
struct InterruptState {
    closed: bool,
    /// The load or run in progress; there is only one encoder thread.
    work: Option<Work>,
}

enum Work {
    Load(LoadCanceler),
    Run {
        options: Arc<RunOptions>,
        overlong: Arc<AtomicBool>,
        since: Instant,
        limit: Option<Duration>,
    },
}

impl Work {
    fn end(&self) {
        // When the flag can't be set, the work ends by itself.
        let _ = match self {
            Self::Load(canceler) => canceler.cancel(),
            Self::Run { options, .. } => options.terminate(),
        };
    }
}

impl fmt::Debug for Interrupt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Interrupt").finish_non_exhaustive()
    }
}

impl Interrupt {
    /// Ends the work in progress, and from now on all other work at its beginning.
    pub fn close(&self) {
        let mut state = self.lock();
        state.closed = true;
        if let Some(work) = &state.work {
            work.end();
        }
    }

    /// Whether it was closed.
    pub(super) fn is_closed(&self) -> bool {
        self.lock().closed
    }

    /// Ends the run in progress if it exceeds its limit.
    pub fn end_overlong(&self) {
        if let Some(
            work @ Work::Run {
                overlong,
                since,
                limit: Some(limit),
                ..
            },
        ) = &self.lock().work
            && since.elapsed() > *limit
        {
            overlong.store(true, Ordering::Relaxed);
            work.end();
        }
    }

    /// Begins a load, which lasts as long as the returned value. The error is a phrase.
    pub(super) fn load(&self, canceler: LoadCanceler) -> Result<LoadInProgress<'_>, String> {
        self.begin(Work::Load(canceler)).map(LoadInProgress)
    }

    /// Begins a run, which lasts as long as the returned value; with `frugal`, its working memory goes
    /// back to the system afterwards. The error is a phrase.
    pub(super) fn run(
        &self,
        limit: Option<Duration>,
        frugal: bool,
    ) -> Result<RunInProgress<'_>, String> {
        let text = |error: ort::Error| error.to_string();
        let mut options = RunOptions::new().map_err(text)?;
        if frugal {
            let (key, device) = ("memory.enable_memory_arena_shrinkage", "cpu:0");
            options.set(key, device).map_err(text)?;
        }
        let options = Arc::new(options);
        let overlong = Arc::new(AtomicBool::new(false));
        let in_progress = self.begin(Work::Run {
            options: Arc::clone(&options),
            overlong: Arc::clone(&overlong),
            since: Instant::now(),
            limit,
        })?;
        Ok(RunInProgress {
            options,
            overlong,
            _in_progress: in_progress,
        })
    }

    fn begin(&self, work: Work) -> Result<InProgress<'_>, String> {
        let mut state = self.lock();
        if state.closed {
            return Err(CLOSING.to_owned());
        }
        state.work = Some(work);
        Ok(InProgress(self))
    }

    fn lock(&self) -> MutexGuard<'_, InterruptState> {
        lock(&self.0)
    }
}

struct InProgress<'a>(&'a Interrupt);

impl Drop for InProgress<'_> {
    fn drop(&mut self) {
        self.0.lock().work = None;
    }
}

/// A load in progress.
pub(super) struct LoadInProgress<'a>(
    #[expect(dead_code, reason = "kept for its drop")] InProgress<'a>,
);

/// A run in progress.
pub(super) struct RunInProgress<'a> {
    /// ONNX Runtime's options for the run.
    pub(super) options: Arc<RunOptions>,
    overlong: Arc<AtomicBool>,
    _in_progress: InProgress<'a>,
}

impl RunInProgress<'_> {
    /// Whether it was ended for exceeding its limit.
    pub(super) fn was_overlong(&self) -> bool {
        self.overlong.load(Ordering::Relaxed)
    }
}
