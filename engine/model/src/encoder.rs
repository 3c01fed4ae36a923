//! One model on an encoder thread of its own, for whole files: jobs in, results out.

use std::sync::Arc;

use crossbeam_channel::{Sender, bounded};

use super::device::Report;
use super::thread::{Encoded, EncoderThread, JOB_QUEUE, SessionId};
use super::{EncodeError, Model, Runtime, SessionOptions};

/// A stretch of audio to encode, and where the result goes.
#[derive(Debug)]
pub struct Job {
    /// Mono samples at the model's rate, `[samples]`.
    pub samples: Vec<f32>,
    /// Receives exactly one [`Encoded`].
    pub reply: Sender<Encoded>,
}

/// A running encoder thread with one model. Dropping it lets it finish its queue and joins it.
#[derive(Debug)]
pub struct Encoder {
    thread: EncoderThread,
    session: SessionId,
    device: Arc<Report>,
}

impl Encoder {
    /// Jobs that may wait; one runs and one is ready, so that the thread never starves.
    pub const QUEUE: usize = JOB_QUEUE;

    /// Loads `model` on a new thread and warms it up with one window of silence.
    ///
    /// # Errors
    /// What [`Session::new`](super::Session::new) and the warm-up say.
    pub fn start(
        runtime: &'static Runtime,
        model: Arc<Model>,
        options: SessionOptions,
    ) -> Result<Self, EncodeError> {
        let id = model.manifest.id.clone();
        let load = |reason: String| EncodeError::Load {
            model: id.clone(),
            reason,
        };
        let thread = EncoderThread::spawn(|| {}).map_err(|error| load(error.to_string()))?;
        let (ready, is_ready) = bounded(1);
        thread.job(move |sessions| {
            // Whoever asked is waiting below.
            let _ = ready.send(sessions.open(runtime, &model, options));
        });
        let opened = is_ready
            .recv()
            .unwrap_or_else(|_| Err(load("the encoder thread ended".to_owned())))?;
        Ok(Self {
            thread,
            session: opened.session,
            device: opened.device,
        })
    }

    /// What the model runs on, from the first window on.
    #[must_use]
    pub fn device(&self) -> &Arc<Report> {
        &self.device
    }

    /// Queues a job; waits while [`Encoder::QUEUE`] jobs are waiting already.
    pub fn submit(&self, job: Job) {
        let session = self.session;
        self.thread.job(move |sessions| {
            // Whoever asked may have gone away; the next job counts.
            let _ = job.reply.send(sessions.encode(session, job.samples, None));
        });
    }
}
