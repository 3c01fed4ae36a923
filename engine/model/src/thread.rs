//! The encoder thread: the only place where sessions are made, run and freed. Work comes in over
//! two channels, live windows before jobs, and each piece sends its own result where it belongs,
//! so whoever drains audio never waits inside an inference.

use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, Sender, bounded, select_biased, unbounded};

use super::device::Report;
use super::interrupt::Interrupt;
use super::{EncodeError, HiddenStates, Model, Runtime, Session, SessionOptions};

/// Jobs that may wait; one runs and one is ready, so that the thread never starves.
pub(super) const JOB_QUEUE: usize = 2;

type Task = Box<dyn FnOnce(&mut Sessions) + Send>;

/// A job's result.
#[derive(Debug)]
pub struct Encoded {
    /// The hidden states, or why there are none.
    pub hidden: Result<HiddenStates, EncodeError>,
    /// How long the inference took.
    pub took: Duration,
    /// What it ran on, and what took over if that failed; `None` without a session.
    pub device: Option<Arc<Report>>,
    /// The job's samples, given back so that their memory can be used again.
    pub samples: Vec<f32>,
}

/// A running encoder thread. Dropping it lets it finish its queues and joins it.
#[derive(Debug)]
pub struct EncoderThread {
    live: Option<Sender<Task>>,
    jobs: Option<Sender<Task>>,
    interrupt: Arc<Interrupt>,
    thread: Option<JoinHandle<()>>,
}

impl EncoderThread {
    /// Starts the thread; `prepare` is run on it first.
    ///
    /// # Errors
    /// What the system says when it can't start one.
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
                    // What a task leaves behind is a session, and a session survives a failed run.
                    // Each task reports its own panics; one that can't has nobody to report to.
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

    /// Queues a live task, which goes before all jobs. Never waits.
    pub fn live(&self, task: impl FnOnce(&mut Sessions) + Send + 'static) {
        if let Some(live) = &self.live {
            // The thread lives as long as `self`: sending fails only while the process goes down.
            let _ = live.send(Box::new(task));
        }
    }

    /// Queues a job; waits while [`JOB_QUEUE`] jobs are waiting already.
    pub fn job(&self, task: impl FnOnce(&mut Sessions) + Send + 'static) {
        if let Some(jobs) = &self.jobs {
            let _ = jobs.send(Box::new(task));
        }
    }

    /// A way for other threads to have jobs done. The thread doesn't end while one is held.
    pub fn jobs(&self) -> Option<Jobs> {
        self.jobs.clone().map(Jobs)
    }

    /// Ends what the thread is doing.
    pub fn interrupt(&self) -> &Arc<Interrupt> {
        &self.interrupt
    }
}

/// Hands jobs to an encoder thread; live tasks go before them.
#[derive(Debug, Clone)]
pub struct Jobs(Sender<Task>);

impl Jobs {
    /// Queues a job; waits while [`JOB_QUEUE`] jobs are waiting already.
    pub fn tell(&self, task: impl FnOnce(&mut Sessions) + Send + 'static) {
        // The thread lives as long as `self`.
        let _ = self.0.send(Box::new(task));
    }

    /// Has a job done and waits for what it gives; `None` if it failed.
    pub fn ask<T: Send + 'static>(
        &self,
        task: impl FnOnce(&mut Sessions) -> T + Send + 'static,
    ) -> Option<T> {
        let (answer, answered) = bounded(1);
        self.tell(move |sessions| {
            // Whoever asked is waiting below.
            let _ = answer.send(task(sessions));
        });
        answered.recv().ok()
    }
}

impl Drop for EncoderThread {
    fn drop(&mut self) {
        self.live = None;
        self.jobs = None;
        if let Some(thread) = self.thread.take() {
            // Each task's panic is contained; there is nothing more to learn from the thread's end.
            let _ = thread.join();
        }
    }
}

/// The next task, live ones first; `None` when both queues are empty and closed.
fn next(live: &Receiver<Task>, jobs: &Receiver<Task>) -> Option<Task> {
    select_biased! {
        recv(live) -> task => task.or_else(|_| jobs.recv()).ok(),
        recv(jobs) -> task => task.or_else(|_| live.recv()).ok(),
    }
}

/// Names an open session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SessionId(u64);

/// A session that is ready.
#[derive(Debug, Clone)]
pub struct Opened {
    /// Its name.
    pub session: SessionId,
    /// How long one window of silence took, the first one ever.
    pub warm_up: Duration,
    /// What it runs on.
    pub device: Arc<Report>,
}

struct Open {
    id: SessionId,
    users: usize,
    /// The model's identity: its id, the hash that names its weights, and the window's length.
    model: (String, String, usize),
    options: SessionOptions,
    warm_up: Duration,
    session: Session,
}

impl Open {
    fn opened(&self) -> Opened {
        Opened {
            session: self.id,
            warm_up: self.warm_up,
            device: Arc::clone(self.session.device()),
        }
    }
}

/// The open sessions: one per model and options, however many ask for it.
pub struct Sessions {
    open: Vec<Open>,
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
    /// What [`Session::new`] and the warm-up say.
    pub fn open(
        &mut self,
        runtime: &'static Runtime,
        model: &Arc<Model>,
        options: SessionOptions,
    ) -> Result<Opened, EncodeError> {
        let manifest = &model.manifest;
        let identity = (
            manifest.id.clone(),
            model.sha256().to_owned(),
            manifest.window_samples,
        );
        if let Some(open) = self
            .open
            .iter_mut()
            .find(|open| open.model == identity && open.options == options)
        {
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
        let open = Open {
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

    /// Gives a session back; the last one to do so frees it.
    pub fn close(&mut self, id: SessionId) {
        for open in self.open.iter_mut().filter(|open| open.id == id) {
            open.users -= 1;
        }
        self.open.retain(|open| open.users > 0);
    }

    /// Runs a session on `samples`, `[samples]` at its model's rate. A panic becomes an error.
    pub fn encode(&mut self, id: SessionId, samples: Vec<f32>, limit: Option<Duration>) -> Encoded {
        let start = Instant::now();
        let Some(open) = self.open.iter_mut().find(|open| open.id == id) else {
            return Encoded {
                hidden: Err(EncodeError::Run {
                    model: "?".to_owned(),
                    reason: "it is not loaded".to_owned(),
                }),
                took: start.elapsed(),
                samples,
                device: None,
            };
        };
        let ran = contained(&open.model.0, || {
            Ok(open.session.run_within(&samples, limit))
        });
        let (hidden, took) = ran.unwrap_or_else(|panic| (Err(panic), start.elapsed()));
        Encoded {
            hidden,
            took,
            samples,
            device: Some(Arc::clone(open.session.device())),
        }
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

/// What a panic said.
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
    fn one_session_serves_all_who_ask_and_goes_with_the_last() {
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
        let (say, said) = unbounded();
        let (go, wait) = bounded::<()>(0);
        // The thread is kept busy until all the rest is queued.
        thread.live(move |_| {
            let _ = wait.recv();
        });
        for name in ["job 1", "job 2"] {
            let say = say.clone();
            thread.job(move |_| say.send(name).unwrap());
        }
        thread.live(|_| panic!("a task that fails"));
        for name in ["live 1", "live 2"] {
            let say = say.clone();
            thread.live(move |_| say.send(name).unwrap());
        }
        drop(say);
        go.send(()).unwrap();
        drop(thread); // finishes both queues
        let said: Vec<_> = said.iter().collect();
        assert_eq!(said, ["live 1", "live 2", "job 1", "job 2"]);
    }
}
