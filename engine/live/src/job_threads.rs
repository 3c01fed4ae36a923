//! Job threads: threads of low priority beside the worker, for jobs that take long.
//!
//! All of them are joined before the engine ends, since the plugin's library may be unloaded after that.

use std::io;
use std::thread::{self, JoinHandle};

/// The job threads. Dropping them waits for all threads.
#[derive(Debug, Default)]
pub(super) struct JobThreads(Vec<JoinHandle<()>>);

impl JobThreads {
    /// Runs `body`, which must contain its own panics, on a new thread.
    ///
    /// # Errors
    /// The system's error when it can't start a thread.
    pub(super) fn run(
        &mut self,
        name: &str,
        body: impl FnOnce() + Send + 'static,
    ) -> io::Result<()> {
        self.0.retain(|thread| !thread.is_finished());
        let thread = thread::Builder::new()
            .name(format!("mertscope-{name}"))
            .spawn(move || {
                super::lower_priority();
                body();
            })?;
        self.0.push(thread);
        Ok(())
    }
}

impl Drop for JobThreads {
    fn drop(&mut self) {
        for thread in self.0.drain(..) {
            // Panics are contained, so the thread's result says nothing more.
            let _ = thread.join();
        }
    }
}
