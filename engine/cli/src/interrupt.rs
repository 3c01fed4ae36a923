//! Ctrl-C: asks long work to stop between two steps, or closes what is being written and ends the program.

use std::process;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use crossbeam_channel::bounded;

/// The exit code that shells give to a program ended by Ctrl-C.
const EXIT_CODE: i32 = 130;

/// The longest wait for output to be closed: a reader that does not read can't hold the program.
const LONGEST_WAIT: Duration = Duration::from_secs(2);

static INTERRUPTED: AtomicBool = AtomicBool::new(false);

/// From now on Ctrl-C asks the work to stop by setting the returned flag; a second Ctrl-C ends the program
/// at once.
pub(crate) fn listen() -> &'static AtomicBool {
    // If no handler can be set, Ctrl-C ends the program.
    let _ = ctrlc::set_handler(|| {
        if INTERRUPTED.swap(true, Ordering::Relaxed) {
            process::exit(EXIT_CODE);
        }
    });
    &INTERRUPTED
}

/// Whether Ctrl-C has asked the work to stop, after [`listen`].
pub(crate) fn is_requested() -> bool {
    INTERRUPTED.load(Ordering::Relaxed)
}

/// From now on Ctrl-C runs `close` on a thread of its own and ends the program, whatever it is doing.
pub(crate) fn close_and_end(close: impl FnOnce() + Send + 'static) {
    let mut close = Some(close);
    // If no handler can be set, Ctrl-C ends the program.
    let _ = ctrlc::set_handler(move || {
        if let Some(close) = close.take() {
            let (sender, closed) = bounded::<()>(0);
            thread::spawn(move || {
                close();
                drop(sender);
            });
            // Disconnected, as the sender is dropped, or too late.
            let _ = closed.recv_timeout(LONGEST_WAIT);
        }
        end();
    });
}

/// Ends the program by the signal, as without a handler, so that a shell's loop around it ends as well.
#[cfg(unix)]
pub(crate) fn end() -> ! {
    // SAFETY: resetting a signal to its default action and raising it are allowed on any thread, at any time.
    unsafe {
        libc::signal(libc::SIGINT, libc::SIG_DFL);
        libc::raise(libc::SIGINT);
    }
    process::exit(EXIT_CODE)
}

#[cfg(not(unix))]
pub(crate) fn end() -> ! {
    process::exit(EXIT_CODE)
}
