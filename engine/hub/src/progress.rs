//! A job's progress, and the way to stop it.

use std::ops::ControlFlow;
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::HubError;
use mertscope_model::lock;

/// A stage of a job.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    /// The job waits for another job, or for another process that works on the same model.
    Waiting,
    /// The job asks the hub about the files.
    Asking,
    /// Bytes come from the hub.
    Downloading,
    /// Bytes come from a folder.
    Copying,
    /// Existing bytes are hashed.
    Checking,
}

/// A job's progress.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Job {
    /// The present stage.
    pub stage: Stage,
    /// Finished bytes of this stage.
    pub done: u64,
    /// All bytes of this stage; 0 while unknown.
    pub total: u64,
    /// Bytes per second over the last seconds; 0 while unknown.
    pub speed_bytes_s: f64,
    /// Seconds until the stage ends at this speed; `None` while unknown.
    pub eta_s: Option<f64>,
}

impl Job {
    pub(super) const WAITING: Self = Self {
        stage: Stage::Waiting,
        done: 0,
        total: 0,
        speed_bytes_s: 0.0,
        eta_s: None,
    };
}

/// Stops a job from another thread at once, even while it waits for the network.
#[derive(Clone, Default)]
pub(super) struct Stop(Arc<StopState>);

#[derive(Default)]
struct StopState {
    state: Mutex<(bool, Option<ureq::Agent>)>,
    changed: Condvar,
}

impl Stop {
    /// Ends the job: its connections are shut down and its pauses end.
    pub(crate) fn stop(&self) {
        let mut state = lock(&self.0.state);
        state.0 = true;
        if let Some(agent) = state.1.take() {
            agent.shutdown();
        }
        self.0.changed.notify_all();
    }

    pub(crate) fn is_stopped(&self) -> bool {
        let state = lock(&self.0.state);
        state.0
    }

    /// Shuts `agent` down when the job is stopped.
    pub(crate) fn watch(&self, agent: &ureq::Agent) {
        let mut state = lock(&self.0.state);
        if state.0 {
            agent.clone().shutdown();
        } else {
            state.1 = Some(agent.clone());
        }
    }

    /// Waits for `time`, or until the job is stopped.
    pub(crate) fn pause(&self, time: Duration) -> Result<(), HubError> {
        let state = lock(&self.0.state);
        let waited = self
            .0
            .changed
            .wait_timeout_while(state, time, |state| !state.0);
        let (state, _) = waited.unwrap_or_else(PoisonError::into_inner);
        if state.0 {
            Err(HubError::Stopped)
        } else {
            Ok(())
        }
    }
}

/// The progress that a running job reports.
pub(super) struct Progress<'a> {
    pub stop: Stop,
    report: &'a mut dyn FnMut(Job),
    job: Job,
    last_report: Instant,
    /// The start of the speed's measurement: a moment some seconds ago, and the bytes done then.
    since: (Instant, u64),
}

/// The shortest interval between reports.
const REPORT_EVERY: Duration = Duration::from_millis(100);
/// The period over which the speed is averaged.
const SPEED_OVER: Duration = Duration::from_secs(3);

impl<'a> Progress<'a> {
    pub(crate) fn new(stop: Stop, report: &'a mut dyn FnMut(Job)) -> Self {
        let now = Instant::now();
        Self {
            stop,
            report,
            job: Job::WAITING,
            last_report: now,
            since: (now, 0),
        }
    }

    /// Begins a stage; `done` of `total` bytes are finished already.
    pub(crate) fn stage(&mut self, stage: Stage, done: u64, total: u64) {
        let now = Instant::now();
        self.job = Job {
            stage,
            done,
            total,
            ..Job::WAITING
        };
        self.since = (now, done);
        self.last_report = now;
        (self.report)(self.job);
    }

    /// Adds finished bytes; breaks when the job is stopped.
    pub(crate) fn advance(&mut self, bytes: u64) -> ControlFlow<()> {
        self.set(self.job.done + bytes)
    }

    /// Sets the stage's finished bytes, which may be fewer than before; breaks when the job is stopped.
    pub(crate) fn set(&mut self, done: u64) -> ControlFlow<()> {
        let now = Instant::now();
        if done < self.job.done {
            self.since = (now, done);
        }
        self.job.done = done;
        if now - self.last_report >= REPORT_EVERY {
            self.measure(now);
            self.last_report = now;
            (self.report)(self.job);
        }
        if self.stop.is_stopped() {
            ControlFlow::Break(())
        } else {
            ControlFlow::Continue(())
        }
    }

    fn measure(&mut self, now: Instant) {
        let (since, bytes) = self.since;
        let elapsed = now - since;
        self.job.speed_bytes_s = (self.job.done - bytes) as f64 / elapsed.as_secs_f64().max(1e-3);
        let left = self.job.total.saturating_sub(self.job.done) as f64;
        let known = self.job.total > 0 && self.job.speed_bytes_s > 0.0;
        self.job.eta_s = known.then(|| left / self.job.speed_bytes_s);
        if elapsed > SPEED_OVER {
            // Half of the past stays, so that the figure does not jump.
            let kept = (self.job.done - bytes) / 2;
            self.since = (now - elapsed / 2, self.job.done - kept);
        }
    }

    /// An error when the job is stopped.
    pub(crate) fn check(&self) -> Result<(), HubError> {
        if self.stop.is_stopped() {
            Err(HubError::Stopped)
        } else {
            Ok(())
        }
    }
}
