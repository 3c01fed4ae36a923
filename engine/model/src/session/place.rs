//! The place where a session lives: on the encoder thread for the CPU, and on a thread of its own for any
//! other device, whose driver may never answer. The encoder thread then waits only so long, and leaves
//! the thread behind.
//!
//! A thread that hangs in a driver can't be ended, so it stays until the process ends, with its device's
//! memory. It is asked nothing more, and the device is not tried again in this process.

use std::thread;
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, RecvTimeoutError, Sender, bounded, unbounded};
use ort::session::Session;
use ort::session::builder::SessionBuilder;

use crate::interrupt::Interrupt;

/// The time that a run has to end after it was asked to: ONNX Runtime asks between two operations.
const GRACE: Duration = Duration::from_secs(5);

/// Interval at which the waiting thread looks for a limit that is exceeded, or an engine that closes.
const WATCH: Duration = Duration::from_millis(50);

/// A session on its way: nothing, its options, or the session.
#[derive(Default)]
pub(super) enum Slot {
    #[default]
    Empty,
    Builder(Box<SessionBuilder>),
    Session(Box<Session>),
}

type Task = Box<dyn FnOnce(&mut Slot) + Send>;

/// The reason why a device gave no answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Silence {
    /// It did not answer in this time, and its thread was left behind.
    Hangs(Duration),
    /// Its thread ended.
    Ended,
}

/// The place of a session.
#[derive(Debug)]
pub(super) enum Place {
    /// The thread that asks; `None` once a device was left behind.
    Here(Option<Box<Session>>),
    /// A thread of its own.
    Apart(Apart),
}

impl Place {
    /// The thread apart, if it is one.
    pub(super) fn apart(&mut self) -> Option<&mut Apart> {
        match self {
            Self::Here(_) => None,
            Self::Apart(apart) => Some(apart),
        }
    }
}

/// The place of a session that is being loaded.
pub(super) enum Loading {
    Here(Slot),
    Apart(Apart),
}

impl Loading {
    /// Runs `task` there; a thread apart may take `limit`, see [`Apart::ask`].
    pub(super) fn ask<T: Send + 'static>(
        &mut self,
        limit: Duration,
        interrupt: &Interrupt,
        task: impl FnOnce(&mut Slot) -> T + Send + 'static,
    ) -> Result<T, Silence> {
        match self {
            Self::Here(slot) => Ok(task(slot)),
            Self::Apart(apart) => apart.ask(limit, interrupt, task),
        }
    }

    /// The place, once the session is loaded.
    pub(super) fn loaded(self) -> Place {
        match self {
            Self::Here(Slot::Session(session)) => Place::Here(Some(session)),
            Self::Here(_) => Place::Here(None),
            Self::Apart(apart) => Place::Apart(apart),
        }
    }
}

/// A thread with a session of its own.
#[derive(Debug)]
pub(super) struct Apart {
    /// `None` once the thread was left behind, or is to end.
    tasks: Option<Sender<Task>>,
    /// Closed when the thread ends.
    ended: Receiver<()>,
}

impl Apart {
    /// Starts the thread. The error is the system's.
    pub(super) fn start() -> Result<Self, String> {
        let (tasks, queue) = unbounded::<Task>();
        let (end, ended) = bounded(0);
        let thread = thread::Builder::new().name("mertscope-device".to_owned());
        let started = thread.spawn(move || {
            // Dropped after the session: whoever closes it waits for that.
            let _end = end;
            let mut slot = Slot::Empty;
            while let Ok(task) = queue.recv() {
                task(&mut slot);
            }
        });
        started.map_err(|error| error.to_string())?;
        Ok(Self {
            tasks: Some(tasks),
            ended,
        })
    }

    /// Runs `task` there and waits for its answer: at most for `limit` and the time that a run takes to
    /// end. A run that `interrupt` knows is asked to end when it exceeds its own limit.
    pub(super) fn ask<T: Send + 'static>(
        &mut self,
        limit: Duration,
        interrupt: &Interrupt,
        task: impl FnOnce(&mut Slot) -> T + Send + 'static,
    ) -> Result<T, Silence> {
        let (reply, replies) = bounded(1);
        let task = Box::new(move |slot: &mut Slot| {
            // The receiver is gone when the wait was given up.
            let _ = reply.send(task(slot));
        });
        let sent = self.tasks.as_ref().map(|tasks| tasks.send(task).is_ok());
        if sent != Some(true) {
            return Err(Silence::Ended);
        }
        let start = Instant::now();
        let mut closing = None;
        loop {
            match replies.recv_timeout(WATCH) {
                Ok(answer) => return Ok(answer),
                Err(RecvTimeoutError::Disconnected) => return Err(Silence::Ended),
                Err(RecvTimeoutError::Timeout) => {}
            }
            interrupt.end_overlong();
            if interrupt.is_closed() {
                closing.get_or_insert_with(Instant::now);
            }
            let is_closed = closing.is_some_and(|since| since.elapsed() > GRACE);
            if is_closed || start.elapsed() > limit.saturating_add(GRACE) {
                self.tasks = None;
                return Err(Silence::Hangs(start.elapsed()));
            }
        }
    }
}

impl Drop for Apart {
    fn drop(&mut self) {
        // Closes the queue, with which the thread frees the session and ends. One that was left behind has
        // no queue any more.
        if self.tasks.take().is_some() {
            // Nothing is ever sent: this waits for the end, or for a driver that hangs.
            let _ = self.ended.recv_timeout(GRACE);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use super::*;

    #[test]
    fn a_device_that_hangs_is_left_behind_and_asked_nothing_more() {
        let interrupt = Interrupt::default();
        let mut place = Apart::start().unwrap();
        let long = Duration::from_secs(60);
        assert_eq!(place.ask(long, &interrupt, |_| 7), Ok(7));
        let (_held, never) = mpsc::channel::<()>();
        let silence = place.ask(Duration::ZERO, &interrupt, move |_| never.recv().is_ok());
        assert!(matches!(silence, Err(Silence::Hangs(_))), "{silence:?}");
        let silence = place.ask(long, &interrupt, |_| ());
        assert_eq!(silence, Err(Silence::Ended));
    }

    #[test]
    fn a_panic_in_a_device_thread_is_no_hang() {
        let interrupt = Interrupt::default();
        let mut place = Apart::start().unwrap();
        let silence = place.ask(Duration::from_secs(60), &interrupt, |_| panic!("a task"));
        assert_eq!(silence, Err::<(), _>(Silence::Ended));
    }
}
