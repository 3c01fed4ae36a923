//! The thread that a window runs on, and waiting for its end.
//!
//! On Linux a window has a thread of its own; elsewhere it runs on the host's, and there is nothing to
//! wait for. Closing the framework's window asks its thread to end and, as a rule, goes on before it has. A host
//! that then unloads the plugin, or exits, takes away the code that the thread is still running:
//! its connection to the display and the OpenGL driver are only being tidied up. So whoever closes
//! the window waits here until the thread is gone.

use std::sync::Arc;
use std::sync::atomic::{AtomicI32, Ordering};
use std::thread;
use std::time::{Duration, Instant};

/// How long the thread may take; after that the host goes on, as a stuck driver must not stop it.
const PATIENCE: Duration = Duration::from_secs(5);

/// How often it is looked whether the thread is gone: tidying up takes some milliseconds.
const LOOK_EVERY: Duration = Duration::from_millis(1);

/// The number that no thread has: it never started.
const NONE: i32 = 0;

/// See the module. Clones mean the same thread.
#[derive(Clone, Default)]
pub(super) struct WindowThread(Arc<AtomicI32>);

impl WindowThread {
    /// The calling thread is the one.
    pub(super) fn is_this(&self) {
        self.0.store(own_number(), Ordering::Release);
    }

    /// Returns once the thread, that was told to end, is gone.
    fn wait_for_end(&self) {
        let number = self.0.load(Ordering::Acquire);
        let begun = Instant::now();
        while number != NONE && is_alive(number) && begun.elapsed() < PATIENCE {
            thread::sleep(LOOK_EVERY);
        }
    }
}

/// Waits for the thread's end when it is dropped.
pub(super) struct UntilEnd(pub WindowThread);

impl Drop for UntilEnd {
    fn drop(&mut self) {
        self.0.wait_for_end();
    }
}

/// The calling thread's number.
#[cfg(target_os = "linux")]
fn own_number() -> i32 {
    // SAFETY: takes nothing, and never fails.
    unsafe { libc::gettid() }
}

/// That of no thread: see the module.
#[cfg(not(target_os = "linux"))]
fn own_number() -> i32 {
    NONE
}

/// Whether this process has a thread of that number.
#[cfg(target_os = "linux")]
fn is_alive(number: i32) -> bool {
    // SAFETY: signal 0 is never delivered, the system only looks for the thread.
    unsafe { libc::syscall(libc::SYS_tgkill, libc::getpid(), number, 0) == 0 }
}

/// No thread is waited for here: see the module.
#[cfg(not(target_os = "linux"))]
fn is_alive(_number: i32) -> bool {
    false
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use std::sync::mpsc;

    use super::*;

    #[test]
    fn a_thread_is_waited_for() {
        let window = WindowThread::default();
        let (go, gone) = mpsc::channel::<()>();
        let inside = window.clone();
        let (known, told) = mpsc::channel();
        let running = thread::spawn(move || {
            inside.is_this();
            known.send(()).unwrap();
            gone.recv().unwrap_err();
        });
        told.recv().unwrap();
        assert!(is_alive(window.0.load(Ordering::Acquire)));
        drop(go);
        window.wait_for_end();
        assert!(!is_alive(window.0.load(Ordering::Acquire)));
        running.join().unwrap();
    }

    #[test]
    fn one_that_never_started_is_not() {
        let begun = Instant::now();
        WindowThread::default().wait_for_end();
        assert!(begun.elapsed() < PATIENCE);
    }
}
