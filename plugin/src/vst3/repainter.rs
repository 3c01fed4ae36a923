//! Repaints an open window after the host has changed parameters, be it in the audio callback.
//!
//! Waking a thread is a system call, which the callback must not make. So the change leaves a mark, and a
//! thread that lives as long as the window looks for it.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use crate::editor::repaint::Repaint;

/// Time between two looks: a switch that follows a click this late still seems to follow at once.
const LOOK_EVERY: Duration = Duration::from_millis(50);

/// See the module. Its thread ends when it is dropped.
pub(super) struct Repainter {
    ended: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Repainter {
    /// Repaints whenever `changed` is set, and clears it.
    ///
    /// # Errors
    /// When the system can't start a thread.
    pub(super) fn new(changed: Arc<AtomicBool>, repaint: Repaint) -> io::Result<Self> {
        let ended = Arc::new(AtomicBool::new(false));
        let told = Arc::clone(&ended);
        let run = move || {
            while !told.load(Ordering::Acquire) {
                if changed.swap(false, Ordering::AcqRel) {
                    repaint.request();
                }
                thread::park_timeout(LOOK_EVERY);
            }
        };
        let thread = thread::Builder::new()
            .name("mert-repaint".into())
            .spawn(run)?;
        Ok(Self {
            ended,
            thread: Some(thread),
        })
    }
}

impl Drop for Repainter {
    fn drop(&mut self) {
        self.ended.store(true, Ordering::Release);
        if let Some(thread) = self.thread.take() {
            thread.thread().unpark();
            // A panic was reported when it happened.
            let _ = thread.join();
        }
    }
}
