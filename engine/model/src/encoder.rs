//! The encoder for whole files: one model on an encoder thread of its own, jobs in, results out.

use std::sync::Arc;

use crossbeam_channel::{Sender, bounded};

use super::device::Report;
use super::thread::{Encoded, EncoderThread, JOB_QUEUE, SessionId};
use super::{EncodeError, Model, Runtime, SessionOptions};

/// A stretch of audio to encode, and the receiver of the result.
#[derive(Debug)]
pub struct Job {
    /// Mono samples at the model's rate, `[samples]`.
    pub samples: Vec<f32>,
    /// Receives exactly one [`Encoded`].
    pub reply: Sender<Encoded>,
}

/// A running encoder thread with one model. Dropping it finishes the queue and joins the thread.
///
/// # Examples
/// ```no_run
/// use std::sync::Arc;
/// use mertscope_model::{Encoder, Job, Model, SessionOptions, runtime};
///
/// let model = Arc::new(Model::embedded()?);
/// let samples = vec![0.1; model.manifest.window_samples];
/// let encoder = Encoder::start(runtime::load(None)?, model, SessionOptions::default())?;
/// let (reply, replies) = crossbeam_channel::bounded(1);
/// encoder.submit(Job { samples, reply });
/// let hidden = replies.recv()?.hidden?;
/// println!("{} layers of {} values", hidden.layers, hidden.width);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Encoder {
    thread: EncoderThread,
    session: SessionId,
    device: Arc<Report>,
}

impl Encoder {
    /// Number of jobs that may wait. While one runs another is ready, so the thread never idles.
    pub const QUEUE: usize = JOB_QUEUE;

    /// Loads `model` on a new thread and warms it up with one window of silence.
    ///
    /// # Errors
    /// Those of [`Session::new`](super::Session::new) and of the warm-up.
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
            // The receiver waits below.
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

    /// The device that runs the model's first window.
    #[must_use]
    pub fn device(&self) -> &Arc<Report> {
        &self.device
    }

    /// Queues a job; waits while [`Encoder::QUEUE`] jobs are waiting already.
    pub fn submit(&self, job: Job) {
        let session = self.session;
        self.thread.job(move |sessions| {
            // The receiver may be gone; the next job runs all the same.
            let _ = job.reply.send(sessions.encode(session, job.samples, None));
        });
    }
}
