//! A running job's questions to Python after each window: whether Ctrl-C was pressed, and the caller's progress function.

use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};

use mertscope_engine::model::lock;
use pyo3::prelude::*;

/// The caller's progress function, and what went wrong in Python since the job began.
pub(crate) struct Watch {
    progress: Option<Py<PyAny>>,
    error: Mutex<Option<PyErr>>,
    stopped: AtomicBool,
}

impl Watch {
    /// `progress` is called with the seconds that are done and all of them, as far as they are known.
    pub(crate) fn new(progress: Option<Py<PyAny>>) -> Self {
        Self {
            progress,
            error: Mutex::new(None),
            stopped: AtomicBool::new(false),
        }
    }

    /// Looks for Ctrl-C and tells the progress; what either raises is kept and stops the job.
    pub(crate) fn step(&self, done: f64, total: Option<f64>) {
        self.ask(|py| {
            py.check_signals()?;
            if let Some(progress) = &self.progress {
                progress.call1(py, (done, total))?;
            }
            Ok(())
        });
    }

    /// Looks for Ctrl-C.
    ///
    /// # Errors
    /// Once the job is to stop; the reason is in [`Watch::outcome`].
    pub(crate) fn go_on(&self) -> io::Result<()> {
        self.ask(|py| py.check_signals());
        if self.stopped.load(Ordering::Relaxed) {
            return Err(io::Error::other("it was stopped"));
        }
        Ok(())
    }

    /// Goes on, unless the job is to stop.
    ///
    /// # Errors
    /// What Python raised.
    pub(crate) fn go_on_or_raise(&self) -> PyResult<()> {
        match (self.go_on(), lock(&self.error).take()) {
            (Err(_), Some(raised)) => Err(raised),
            _ => Ok(()),
        }
    }

    /// Set once the job is to stop.
    pub(crate) fn stopped(&self) -> &AtomicBool {
        &self.stopped
    }

    fn ask(&self, question: impl FnOnce(Python<'_>) -> PyResult<()>) {
        if self.stopped.load(Ordering::Relaxed) {
            return;
        }
        if let Err(error) = Python::attach(question) {
            *lock(&self.error) = Some(error);
            self.stopped.store(true, Ordering::Relaxed);
        }
    }

    /// The job's outcome; what Python raised goes before the job's own error.
    ///
    /// # Errors
    /// What Python raised, or `failed` of the job's error.
    pub(crate) fn outcome<T, E>(
        self,
        job: Result<T, E>,
        failed: impl FnOnce(E) -> PyErr,
    ) -> PyResult<T> {
        match self
            .error
            .into_inner()
            .unwrap_or_else(PoisonError::into_inner)
        {
            Some(raised) => Err(raised),
            None => job.map_err(failed),
        }
    }
}
