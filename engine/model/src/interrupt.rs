//! Ending what the encoder thread is doing from another thread: ONNX Runtime's own flags, behind
//! a lock that is held for moments only. A closed interrupt ends everything that is still begun.

use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use ort::session::RunOptions;
use ort::session::builder::LoadCanceler;

/// What happens to a load or run after [`Interrupt::close`].
const CLOSING: &str = "the encoder is being closed";

/// Ends loads and runs of sessions.
#[derive(Default)]
pub struct Interrupt(Mutex<Current>);

#[derive(Default)]
struct Current {
    closed: bool,
    /// The one load or run in progress; there is one encoder thread.
    step: Option<Step>,
}

enum Step {
    Load(LoadCanceler),
    Run {
        options: Arc<RunOptions>,
        overlong: Arc<AtomicBool>,
        since: Instant,
        limit: Option<Duration>,
    },
}

impl Step {
    fn end(&self) {
        // A flag that can't be set leaves a step that ends by itself.
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
    /// Ends the step in progress, and from now on every other at its beginning.
    pub fn close(&self) {
        let mut current = self.lock();
        current.closed = true;
        if let Some(step) = &current.step {
            step.end();
        }
    }

    /// Whether it was closed.
    pub(super) fn is_closed(&self) -> bool {
        self.lock().closed
    }

    /// Ends the run in progress if it exceeds its limit.
    pub fn end_overlong(&self) {
        if let Some(
            step @ Step::Run {
                overlong,
                since,
                limit: Some(limit),
                ..
            },
        ) = &self.lock().step
            && since.elapsed() > *limit
        {
            overlong.store(true, Ordering::Relaxed);
            step.end();
        }
    }

    /// Begins a load, which lasts as long as what is returned. The error is a phrase.
    pub(super) fn load(&self, canceler: LoadCanceler) -> Result<Loading<'_>, String> {
        self.begin(Step::Load(canceler)).map(Loading)
    }

    /// Begins a run, which lasts as long as what is returned; with `frugal`, what it worked in goes back
    /// to the system afterwards. The error is a phrase.
    pub(super) fn run(&self, limit: Option<Duration>, frugal: bool) -> Result<Run<'_>, String> {
        let text = |error: ort::Error| error.to_string();
        let mut options = RunOptions::new().map_err(text)?;
        if frugal {
            let (key, device) = ("memory.enable_memory_arena_shrinkage", "cpu:0");
            options.set(key, device).map_err(text)?;
        }
        let options = Arc::new(options);
        let overlong = Arc::new(AtomicBool::new(false));
        let in_progress = self.begin(Step::Run {
            options: Arc::clone(&options),
            overlong: Arc::clone(&overlong),
            since: Instant::now(),
            limit,
        })?;
        Ok(Run {
            options,
            overlong,
            _in_progress: in_progress,
        })
    }

    fn begin(&self, step: Step) -> Result<InProgress<'_>, String> {
        let mut current = self.lock();
        if current.closed {
            return Err(CLOSING.to_owned());
        }
        current.step = Some(step);
        Ok(InProgress(self))
    }

    fn lock(&self) -> MutexGuard<'_, Current> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

struct InProgress<'a>(&'a Interrupt);

impl Drop for InProgress<'_> {
    fn drop(&mut self) {
        self.0.lock().step = None;
    }
}

/// A load in progress.
pub(super) struct Loading<'a>(#[expect(dead_code, reason = "kept for its end")] InProgress<'a>);

/// A run in progress.
pub(super) struct Run<'a> {
    /// What ONNX Runtime is to be run with.
    pub(super) options: Arc<RunOptions>,
    overlong: Arc<AtomicBool>,
    _in_progress: InProgress<'a>,
}

impl Run<'_> {
    /// Whether it was ended for exceeding its limit.
    pub(super) fn was_overlong(&self) -> bool {
        self.overlong.load(Ordering::Relaxed)
    }
}
