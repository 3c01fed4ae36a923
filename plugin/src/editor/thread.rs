//! The thread that a window runs on, and the wait for its end.
//!
//! On Linux a window has a thread of its own; elsewhere it runs on the host's thread, and there is no wait.
//! Closing the framework's window asks its thread to end, but usually returns before the thread has ended. If the
//! host then unloads the plugin, or exits, it removes code that the thread is still running: the clean-up of
//! the display connection and the OpenGL driver. So the thread that closes the window waits here.

use std::sync::Arc;
use std::sync::atomic::{AtomicI32, Ordering};
use std::thread;
use std::time::{Duration, Instant};

/// The longest wait; after it the host goes on, because a stuck driver must not stop it.
const PATIENCE: Duration = Duration::from_secs(5);

/// Time between two checks whether the thread has ended; its clean-up takes some milliseconds.
const LOOK_EVERY: Duration = Duration::from_millis(1);

/// The number of a thread that never started; no thread has it.
const NONE: i32 = 0;

/// See the module. Clones share one thread.
#[derive(Clone, Default)]
pub(super) struct WindowThread(Arc<AtomicI32>);

impl WindowThread {
    /// Makes the calling thread the window's thread.
    pub(super) fn is_this(&self) {
        self.0.store(own_number(), Ordering::Release);
    }

    /// Waits until the thread, which was asked to end, has ended.
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
    // SAFETY: it takes no arguments and never fails.
    unsafe { libc::gettid() }
}

/// No thread is waited for here: see the module.
#[cfg(not(target_os = "linux"))]
fn own_number() -> i32 {
    NONE
}

/// Whether this process has a thread with this number.
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
    fn the_wait_ends_with_the_thread() {
        let window = WindowThread::default();
        let (go, gone) = mpsc::channel::<()>();
        let inside = window.clone();
        let (started, wait_for_start) = mpsc::channel();
        let running = thread::spawn(move || {
            inside.is_this();
            started.send(()).unwrap();
            gone.recv().unwrap_err();
        });
        wait_for_start.recv().unwrap();
        assert!(is_alive(window.0.load(Ordering::Acquire)));
        drop(go);
        window.wait_for_end();
        assert!(!is_alive(window.0.load(Ordering::Acquire)));
        running.join().unwrap();
    }

    #[test]
    fn there_is_no_wait_for_a_thread_that_never_started() {
        let begun = Instant::now();
        WindowThread::default().wait_for_end();
        assert!(begun.elapsed() < PATIENCE);
    }
}
