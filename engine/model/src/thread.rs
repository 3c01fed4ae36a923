//! The encoder thread: the only thread that makes, runs and frees sessions. Tasks come in over two
//! channels, live windows before jobs, and each task sends its own result, so that a thread that reads
//! audio never waits inside an inference.

use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, Sender, bounded, select_biased, unbounded};

use super::device::Report;
use super::interrupt::Interrupt;
use super::{EncodeError, HiddenStates, Model, Runtime, Session, SessionOptions};

/// Number of jobs that may wait. While one runs another is ready, so the thread never idles.
pub(super) const JOB_QUEUE: usize = 2;

type Task = Box<dyn FnOnce(&mut Sessions) + Send>;

/// A job's result.
#[derive(Debug)]
pub struct Encoded {
    /// The hidden states, or why there are none.
    pub hidden: Result<HiddenStates, EncodeError>,
    /// Duration of the inference; a window's share when several ran at once.
    pub took: Duration,
    /// The device in use after the job, which may have replaced a failed one; `None` without a session.
    pub device: Option<Arc<Report>>,
    /// The job's samples, given back for reuse of their memory.
    pub samples: Vec<f32>,
}

/// A running encoder thread. Dropping it finishes the queues and joins the thread.
#[derive(Debug)]
pub struct EncoderThread {
    live: Option<Sender<Task>>,
    jobs: Option<Sender<Task>>,
    interrupt: Arc<Interrupt>,
    thread: Option<JoinHandle<()>>,
}

impl EncoderThread {
    /// Starts the thread, which runs `prepare` first.
    ///
    /// # Errors
    /// The system's error when it can't start a thread.
    pub fn spawn(prepare: fn()) -> io::Result<Self> {
        let (live, live_queue) = unbounded();
        let (jobs, job_queue) = bounded(JOB_QUEUE);
        let interrupt = Arc::<Interrupt>::default();
        let mut sessions = Sessions::new(Arc::clone(&interrupt));
        let thread = thread::Builder::new()
            .name("mertscope-encoder".to_owned())
            .spawn(move || {
                prepare();
                while let Some(task) = next(&live_queue, &job_queue) {
                    // Only sessions outlive a task, and a session survives a failed run. Each task
                    // reports its own panics; a panic outside of that has no receiver.
                    let _ = catch_unwind(AssertUnwindSafe(|| task(&mut sessions)));
                }
            })?;
        Ok(Self {
            live: Some(live),
            jobs: Some(jobs),
            interrupt,
            thread: Some(thread),
        })
    }

    /// Queues a live task, which runs before all jobs. Never waits.
    pub fn live(&self, task: impl FnOnce(&mut Sessions) + Send + 'static) {
        if let Some(live) = &self.live {
            // The thread lives as long as `self`: sending fails only while the process goes down.
            let _ = live.send(Box::new(task));
        }
    }

    /// Queues a job; waits while `JOB_QUEUE` jobs are waiting already.
    pub fn job(&self, task: impl FnOnce(&mut Sessions) + Send + 'static) {
        if let Some(jobs) = &self.jobs {
            let _ = jobs.send(Box::new(task));
        }
    }

    /// A handle through which other threads queue jobs. The encoder thread doesn't end while one
    /// exists.
    pub fn jobs(&self) -> Option<Jobs> {
        self.jobs.clone().map(Jobs)
    }

    /// The interrupt that ends the thread's work.
    pub fn interrupt(&self) -> &Arc<Interrupt> {
        &self.interrupt
    }
}

/// Queues jobs for an encoder thread, which runs live tasks before them.
#[derive(Debug, Clone)]
pub struct Jobs(Sender<Task>);

impl Jobs {
    /// Queues a job; waits while `JOB_QUEUE` jobs are waiting already.
    pub fn submit(&self, task: impl FnOnce(&mut Sessions) + Send + 'static) {
        // The thread lives as long as `self`.
        let _ = self.0.send(Box::new(task));
    }

    /// Runs a job on the encoder thread and waits for its result; `None` when it panicked.
    pub fn run<T: Send + 'static>(
        &self,
        task: impl FnOnce(&mut Sessions) -> T + Send + 'static,
    ) -> Option<T> {
        let (reply, replies) = bounded(1);
        self.submit(move |sessions| {
            // The receiver waits below.
            let _ = reply.send(task(sessions));
        });
        replies.recv().ok()
    }
}

impl Drop for EncoderThread {
    fn drop(&mut self) {
        self.live = None;
        self.jobs = None;
        if let Some(thread) = self.thread.take() {
            // Each task's panic is contained, so the thread itself does not panic.
            let _ = thread.join();
        }
    }
}

/// The next task, live ones first; `None` when both queues are closed and empty.
fn next(live: &Receiver<Task>, jobs: &Receiver<Task>) -> Option<Task> {
    select_biased! {
        recv(live) -> task => task.or_else(|_| jobs.recv()).ok(),
        recv(jobs) -> task => task.or_else(|_| live.recv()).ok(),
    }
}

/// The identifier of an open session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SessionId(u64);

/// A session that is ready.
#[derive(Debug, Clone)]
pub struct OpenedSession {
    /// Its identifier.
    pub session: SessionId,
    /// Duration of its first window, one of silence.
    pub warm_up: Duration,
    /// The device that runs it.
    pub device: Arc<Report>,
    /// Number of windows of equal length that it runs at once.
    pub at_once: usize,
}

struct OpenSession {
    id: SessionId,
    users: usize,
    /// The model's id, for messages, and its fingerprint.
    model: (String, String),
    options: SessionOptions,
    warm_up: Duration,
    session: Session,
}

impl OpenSession {
    fn opened(&self) -> OpenedSession {
        OpenedSession {
            session: self.id,
            warm_up: self.warm_up,
            device: Arc::clone(self.session.device()),
            at_once: self.session.at_once(),
        }
    }
}

/// The open sessions: one per model and options, shared by all users.
pub struct Sessions {
    open: Vec<OpenSession>,
    last: u64,
    interrupt: Arc<Interrupt>,
}

impl Sessions {
    fn new(interrupt: Arc<Interrupt>) -> Self {
        Self {
            open: Vec::new(),
            last: 0,
            interrupt,
        }
    }

    /// Loads `model` and warms it up with one window of silence, unless it is open already. Each
    /// call needs its own [`Sessions::close`].
    ///
    /// # Errors
    /// Those of [`Session::new`] and of the warm-up.
    pub fn open(
        &mut self,
        runtime: &'static Runtime,
        model: &Arc<Model>,
        options: SessionOptions,
    ) -> Result<OpenedSession, EncodeError> {
        let manifest = &model.manifest;
        let identity = (manifest.id.clone(), model.fingerprint());
        let is_this = |open: &&mut OpenSession| {
            let is_equal = open.model == identity && open.options == options;
            is_equal && !open.session.is_superseded()
        };
        if let Some(open) = self.open.iter_mut().find(is_this) {
            open.users += 1;
            return Ok(open.opened());
        }
        let (session, warm_up) = contained(&manifest.id, || {
            let interrupt = Arc::clone(&self.interrupt);
            let (model, options) = (Arc::clone(model), options.clone());
            let mut session = Session::interruptible(runtime, model, options, interrupt)?;
            let (hidden, took) = session.run_within(&vec![0.0; manifest.window_samples], None);
            hidden?;
            Ok((session, took))
        })?;
        self.last += 1;
        let open = OpenSession {
            id: SessionId(self.last),
            users: 1,
            model: identity,
            options,
            warm_up,
            session,
        };
        let opened = open.opened();
        self.open.push(open);
        Ok(opened)
    }

    /// Closes a session for one user; the last user frees it.
    pub fn close(&mut self, id: SessionId) {
        for open in self.open.iter_mut().filter(|open| open.id == id) {
            open.users -= 1;
        }
        self.open.retain(|open| open.users > 0);
    }

    /// Number of windows of equal length that a session runs at once; 1 on the CPU.
    #[must_use]
    pub fn at_once(&self, id: SessionId) -> usize {
        let open = self.open.iter().find(|open| open.id == id);
        open.map_or(1, |open| open.session.at_once())
    }

    /// Runs a session on `samples`, `[samples]` at its model's rate. A panic becomes an error.
    pub fn encode(&mut self, id: SessionId, samples: Vec<f32>, limit: Option<Duration>) -> Encoded {
        let mut all = self.encode_together(id, vec![samples], limit);
        all.pop().unwrap_or_else(|| not_loaded(Vec::new()))
    }

    /// Runs a session on several stretches of audio, each `[samples]` at its model's rate, and returns
    /// their results in order: at once on a device that can, one after the other elsewhere. `limit` is that
    /// of one run.
    pub fn encode_together(
        &mut self,
        id: SessionId,
        windows: Vec<Vec<f32>>,
        limit: Option<Duration>,
    ) -> Vec<Encoded> {
        let Some(open) = self.open.iter_mut().find(|open| open.id == id) else {
            return windows.into_iter().map(not_loaded).collect();
        };
        let start = Instant::now();
        let ran = contained(&open.model.0, || {
            Ok(open.session.run_together(&windows, limit))
        });
        let answers = ran.unwrap_or_else(|panic| {
            let each = start.elapsed() / windows.len().max(1) as u32;
            windows.iter().map(|_| (Err(panic.clone()), each)).collect()
        });
        let device = open.session.device();
        let answers = answers.into_iter().zip(windows);
        let encoded = answers.map(|((hidden, took), samples)| Encoded {
            hidden,
            took,
            samples,
            device: Some(Arc::clone(device)),
        });
        encoded.collect()
    }
}

/// The result of a window for a session that is not there.
fn not_loaded(samples: Vec<f32>) -> Encoded {
    Encoded {
        hidden: Err(EncodeError::Run {
            model: "?".to_owned(),
            reason: "it is not loaded".to_owned(),
        }),
        took: Duration::ZERO,
        device: None,
        samples,
    }
}

/// Runs `body`, turning a panic into an error.
fn contained<T>(
    model: &str,
    body: impl FnOnce() -> Result<T, EncodeError>,
) -> Result<T, EncodeError> {
    catch_unwind(AssertUnwindSafe(body)).unwrap_or_else(|panic| {
        Err(EncodeError::Panic {
            model: model.to_owned(),
            reason: panic_message(&*panic).to_owned(),
        })
    })
}

/// The message of a panic.
pub fn panic_message(panic: &(dyn std::any::Any + Send)) -> &str {
    panic
        .downcast_ref::<&str>()
        .copied()
        .or_else(|| panic.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("unknown")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::device::Choice;

    #[test]
    fn a_panic_becomes_an_error_that_names_it() {
        let result: Result<(), _> = contained("tiny", || panic!("boom {}", 3));
        assert!(result.unwrap_err().to_string().contains("boom 3"));
        assert_eq!(contained("tiny", || Ok(5)).unwrap(), 5);
    }

    #[test]
    fn one_session_serves_all_its_users_and_closes_with_the_last() {
        let runtime = super::super::runtime::load(None).unwrap();
        let model = Arc::new(Model::embedded().unwrap());
        let mut sessions = Sessions::new(Arc::default());
        let mut open = |threads| {
            let options = SessionOptions {
                threads,
                device: Choice::Cpu,
                ..SessionOptions::default()
            };
            sessions.open(runtime, &model, options).unwrap().session
        };
        let (one, same, other) = (open(1), open(1), open(2));
        assert_eq!(one, same);
        assert_ne!(one, other);
        let runs = |sessions: &mut Sessions, id| {
            let samples = vec![0.1; model.manifest.window_samples];
            sessions.encode(id, samples, None).hidden.is_ok()
        };
        sessions.close(one);
        assert!(runs(&mut sessions, same));
        sessions.close(same);
        assert!(!runs(&mut sessions, one));
        assert!(runs(&mut sessions, other));
        sessions.interrupt.close();
        assert!(!runs(&mut sessions, other));
    }

    #[test]
    fn live_tasks_go_before_jobs_and_a_panic_stops_neither() {
        let thread = EncoderThread::spawn(|| {}).unwrap();
        let (sender, order) = unbounded();
        let (go, wait) = bounded::<()>(0);
        // Keeps the thread busy until all other tasks are queued.
        thread.live(move |_| {
            let _ = wait.recv();
        });
        for name in ["job 1", "job 2"] {
            let sender = sender.clone();
            thread.job(move |_| sender.send(name).unwrap());
        }
        thread.live(|_| panic!("a task that fails"));
        for name in ["live 1", "live 2"] {
            let sender = sender.clone();
            thread.live(move |_| sender.send(name).unwrap());
        }
        drop(sender);
        go.send(()).unwrap();
        drop(thread); // finishes both queues
        let order: Vec<_> = order.iter().collect();
        assert_eq!(order, ["live 1", "live 2", "job 1", "job 2"]);
    }
}
