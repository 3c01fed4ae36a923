//! How far a job is, and the way to stop it.

use std::ops::ControlFlow;
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::HubError;

/// What a job is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    /// Another job, or another process with the same model, comes first.
    Waiting,
    /// The hub is asked what there is.
    Asking,
    /// Bytes come from the hub.
    Downloading,
    /// Bytes come from a folder.
    Copying,
    /// Bytes that are there are hashed.
    Checking,
}

/// A job, as it is right now.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Job {
    /// What it is doing.
    pub stage: Stage,
    /// Bytes that are done in this stage.
    pub done: u64,
    /// Bytes that this stage has in all; 0 while that is not known.
    pub total: u64,
    /// Bytes per second, over the last seconds; 0 until it can be told.
    pub speed_bytes_s: f64,
    /// Seconds until the stage ends, if it goes on like this.
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

/// The way to stop a job from another thread, at once: even while it waits for the network.
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
        let mut state = self.0.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.0 = true;
        if let Some(agent) = state.1.take() {
            agent.shutdown();
        }
        self.0.changed.notify_all();
    }

    pub(crate) fn is_stopped(&self) -> bool {
        let state = self.0.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.0
    }

    /// Has `agent` shut down when the job is stopped.
    pub(crate) fn watch(&self, agent: &ureq::Agent) {
        let mut state = self.0.state.lock().unwrap_or_else(PoisonError::into_inner);
        if state.0 {
            agent.clone().shutdown();
        } else {
            state.1 = Some(agent.clone());
        }
    }

    /// Waits for `time`, or until the job is stopped.
    pub(crate) fn pause(&self, time: Duration) -> Result<(), HubError> {
        let state = self.0.state.lock().unwrap_or_else(PoisonError::into_inner);
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

/// A job's end of its own progress.
pub(super) struct Progress<'a> {
    pub stop: Stop,
    tell: &'a mut dyn FnMut(Job),
    job: Job,
    told: Instant,
    /// Where the speed is measured from: a moment some seconds ago and the bytes at that time.
    since: (Instant, u64),
}

/// How often listeners are told.
const TELL_EVERY: Duration = Duration::from_millis(100);
/// Over how long the speed is averaged.
const SPEED_OVER: Duration = Duration::from_secs(3);

impl<'a> Progress<'a> {
    pub(crate) fn new(stop: Stop, tell: &'a mut dyn FnMut(Job)) -> Self {
        let now = Instant::now();
        Self {
            stop,
            tell,
            job: Job::WAITING,
            told: now,
            since: (now, 0),
        }
    }

    /// Begins a stage with `done` of `total` bytes there already.
    pub(crate) fn stage(&mut self, stage: Stage, done: u64, total: u64) {
        let now = Instant::now();
        self.job = Job {
            stage,
            done,
            total,
            ..Job::WAITING
        };
        self.since = (now, done);
        self.told = now;
        (self.tell)(self.job);
    }

    /// `bytes` more are done; tells whether to go on.
    pub(crate) fn advance(&mut self, bytes: u64) -> ControlFlow<()> {
        self.set(self.job.done + bytes)
    }

    /// The stage has now `done` bytes, which may be fewer than before.
    pub(crate) fn set(&mut self, done: u64) -> ControlFlow<()> {
        let now = Instant::now();
        if done < self.job.done {
            self.since = (now, done);
        }
        self.job.done = done;
        if now - self.told >= TELL_EVERY {
            self.measure(now);
            self.told = now;
            (self.tell)(self.job);
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

    /// Ends the job with an error when it was stopped.
    pub(crate) fn check(&self) -> Result<(), HubError> {
        if self.stop.is_stopped() {
            Err(HubError::Stopped)
        } else {
            Ok(())
        }
    }
}
