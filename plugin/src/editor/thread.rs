//! The thread that a window runs on, and the wait for its end.
//!
//! On Linux a window has a thread of its own; elsewhere it runs on the host's thread, and there is no wait.
//! Closing the framework's window asks its thread to end, but usually returns before the thread has ended. If the
//! host then unloads the plugin, or exits, it removes code that the thread is still running: the clean-up of
//! the display connection and the OpenGL driver. So the thread that closes the window waits here.
//!
//! The clipboard of the window has a thread too, which the framework does not join. On Linux a new thread has
//! the name of the one that started it until it gets its own, so a name that no other thread has marks both.

#[cfg(target_os = "linux")]
use std::ffi::CString;
#[cfg(target_os = "linux")]
use std::fs;
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
    /// Makes the calling thread the window's thread, before the framework starts others from it.
    pub(super) fn is_this(&self) {
        let number = own_number();
        mark(number);
        self.0.store(number, Ordering::Release);
    }

    /// Waits until the thread, which was asked to end, and those that it started have ended.
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

/// The name of the window's threads. The system keeps 15 characters of a name, and numbers have up to 7.
#[cfg(target_os = "linux")]
fn name(number: i32) -> String {
    format!("mertwin-{number}")
}

/// Gives the calling thread the name for its number.
#[cfg(target_os = "linux")]
fn mark(number: i32) {
    if let Ok(name) = CString::new(name(number)) {
        // SAFETY: the name is a string with a terminator, which the system copies.
        unsafe { libc::prctl(libc::PR_SET_NAME, name.as_ptr()) };
    }
}

/// There are no marks here: see the module.
#[cfg(not(target_os = "linux"))]
fn mark(_number: i32) {}

/// Whether this process has a thread with this number, or one that was started from it.
#[cfg(target_os = "linux")]
fn is_alive(number: i32) -> bool {
    let Ok(threads) = fs::read_dir("/proc/self/task") else {
        return false;
    };
    let name = name(number);
    threads.flatten().any(|thread| {
        // A thread that ends in the meantime has no name.
        let found = fs::read_to_string(thread.path().join("comm"));
        found.is_ok_and(|found| found.trim_end() == name)
    })
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
    fn the_wait_is_for_threads_that_the_window_started_too() {
        let window = WindowThread::default();
        let (go, gone) = mpsc::channel::<()>();
        let inside = window.clone();
        let starter = thread::spawn(move || {
            inside.is_this();
            thread::spawn(move || gone.recv().unwrap_err())
        });
        let started = starter.join().unwrap();
        let number = window.0.load(Ordering::Acquire);
        assert!(is_alive(number));
        drop(go);
        window.wait_for_end();
        assert!(!is_alive(number));
        started.join().unwrap();
    }

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
