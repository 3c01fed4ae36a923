//! The encoder thread: the only place where a session is touched. Work comes in over a channel
//! and its result leaves over another, so whoever drains audio never waits inside an inference.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, Sender, bounded};

use super::{EncodeError, HiddenStates, Model, Runtime, Session, SessionOptions};

/// A stretch of audio to encode, and where the result goes.
#[derive(Debug)]
pub struct Job {
    /// Mono samples at the model's rate, `[samples]`.
    pub samples: Vec<f32>,
    /// Receives exactly one [`Encoded`].
    pub reply: Sender<Encoded>,
}

/// A job's result.
#[derive(Debug)]
pub struct Encoded {
    /// The hidden states, or why there are none.
    pub hidden: Result<HiddenStates, EncodeError>,
    /// How long the inference took.
    pub took: Duration,
    /// The job's samples, given back so that their memory can be used again.
    pub samples: Vec<f32>,
}

/// A running encoder thread. Dropping it lets it finish its queue and joins it.
#[derive(Debug)]
pub struct Encoder {
    jobs: Option<Sender<Job>>,
    thread: Option<JoinHandle<()>>,
}

impl Encoder {
    /// Jobs that may wait; one runs and one is ready, so that the thread never starves.
    pub const QUEUE: usize = 2;

    /// Loads `model` on a new thread and warms it up with one window of silence.
    ///
    /// # Errors
    /// What [`Session::new`] and the warm-up say.
    pub fn start(
        runtime: &'static Runtime,
        model: Arc<Model>,
        options: SessionOptions,
    ) -> Result<Self, EncodeError> {
        let (jobs, queue) = bounded(Self::QUEUE);
        let (ready, is_ready) = bounded(1);
        let id = model.manifest.id.clone();
        let load = |reason: String| EncodeError::Load {
            model: id.clone(),
            reason,
        };
        let thread = thread::Builder::new()
            .name("mertscope-encoder".to_owned())
            .spawn(move || run(runtime, &model, options, &ready, &queue))
            .map_err(|error| load(error.to_string()))?;
        let encoder = Self {
            jobs: Some(jobs),
            thread: Some(thread),
        };
        is_ready
            .recv()
            .unwrap_or_else(|_| Err(load("the encoder thread ended".to_owned())))?;
        Ok(encoder)
    }

    /// Queues a job; waits while [`Encoder::QUEUE`] jobs are waiting already.
    pub fn submit(&self, job: Job) {
        if let Some(jobs) = &self.jobs {
            // The thread lives as long as `self`: sending fails only while the process goes down.
            let _ = jobs.send(job);
        }
    }
}

impl Drop for Encoder {
    fn drop(&mut self) {
        self.jobs = None;
        if let Some(thread) = self.thread.take() {
            // Each job's panic is contained; there is nothing more to learn from the thread's end.
            let _ = thread.join();
        }
    }
}

fn run(
    runtime: &Runtime,
    model: &Model,
    options: SessionOptions,
    ready: &Sender<Result<(), EncodeError>>,
    queue: &Receiver<Job>,
) {
    let id = &model.manifest.id;
    let started = contained(id, || {
        let mut session = Session::new(runtime, model, options)?;
        session.run(&vec![0.0; model.manifest.window_samples])?;
        Ok(session)
    });
    let mut session = match started {
        Ok(session) => session,
        Err(error) => {
            let _ = ready.send(Err(error));
            return;
        }
    };
    let _ = ready.send(Ok(()));
    for Job { samples, reply } in queue {
        let start = Instant::now();
        let hidden = contained(id, || session.run(&samples));
        let took = start.elapsed();
        // Whoever asked may have gone away; the next job counts.
        let _ = reply.send(Encoded {
            hidden,
            took,
            samples,
        });
    }
}

/// Runs `body`, turning a panic into an error.
fn contained<T>(
    model: &str,
    body: impl FnOnce() -> Result<T, EncodeError>,
) -> Result<T, EncodeError> {
    catch_unwind(AssertUnwindSafe(body)).unwrap_or_else(|panic| {
        let reason = panic
            .downcast_ref::<&str>()
            .map(|text| (*text).to_owned())
            .or_else(|| panic.downcast_ref::<String>().cloned())
            .unwrap_or_else(|| "unknown".to_owned());
        Err(EncodeError::Panic {
            model: model.to_owned(),
            reason,
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_becomes_an_error_that_names_it() {
        let result: Result<(), _> = contained("tiny", || panic!("boom {}", 3));
        assert!(result.unwrap_err().to_string().contains("boom 3"));
        assert_eq!(contained("tiny", || Ok(5)).unwrap(), 5);
    }
}
