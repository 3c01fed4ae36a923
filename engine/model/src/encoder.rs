//! The encoder for whole files: one model on an encoder thread of its own, jobs in, results out.

use std::sync::Arc;

use crossbeam_channel::{Receiver, Sender, bounded};

use super::device::Report;
use super::thread::{Encoded, EncoderThread, JOB_QUEUE, OpenedSession, Sessions};
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
    /// Declared, and so dropped, before the thread, which ends with the queue.
    jobs: Sender<Job>,
    #[expect(dead_code, reason = "joined when it is dropped")]
    thread: EncoderThread,
    device: Arc<Report>,
}

impl Encoder {
    /// Number of jobs that may wait. While one runs another is ready, so the thread never idles. A device that
    /// runs several windows at once has room for as many.
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
        let (jobs, queue) = bounded(JOB_QUEUE.max(opened.at_once));
        let device = Arc::clone(&opened.device);
        thread.job(move |sessions| run(sessions, &opened, &queue));
        Ok(Self {
            jobs,
            thread,
            device,
        })
    }

    /// The device that runs the model's first window.
    #[must_use]
    pub fn device(&self) -> &Arc<Report> {
        &self.device
    }

    /// Queues a job; waits while [`Encoder::QUEUE`] jobs, or as many as the device runs at once, are waiting
    /// already.
    pub fn submit(&self, job: Job) {
        // The thread lives as long as `self`.
        let _ = self.jobs.send(job);
    }
}

/// Runs jobs until the queue is closed: those that wait together go together, as far as the device takes them.
fn run(sessions: &mut Sessions, opened: &OpenedSession, queue: &Receiver<Job>) {
    while let Ok(first) = queue.recv() {
        // A device that fails makes way for the CPU, which runs one at a time.
        let more = sessions.at_once(opened.session).saturating_sub(1);
        let together = std::iter::once(first).chain(queue.try_iter().take(more));
        let (windows, replies): (Vec<_>, Vec<_>) =
            together.map(|job| (job.samples, job.reply)).unzip();
        let encoded = sessions.encode_together(opened.session, windows, None);
        for (encoded, reply) in encoded.into_iter().zip(replies) {
            // The receiver may be gone; the next job runs all the same.
            let _ = reply.send(encoded);
        }
    }
}
