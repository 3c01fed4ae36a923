//! Work that may take its time, on threads of low priority beside the worker.
//!
//! All of them are joined before the engine ends, since the library may be unloaded after that.

use std::io;
use std::thread::{self, JoinHandle};

/// See the module. Dropping it waits for all threads.
#[derive(Debug, Default)]
pub(super) struct JobThreads(Vec<JoinHandle<()>>);

impl JobThreads {
    /// Runs `body`, which contains its own panics.
    ///
    /// # Errors
    /// What the system says when it can't start a thread.
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
            // Panics are contained; there is nothing more to learn from the thread's end.
            let _ = thread.join();
        }
    }
}
