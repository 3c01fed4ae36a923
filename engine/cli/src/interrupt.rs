//! Ctrl-C: asks long work to stop between two steps.

use std::process;
use std::sync::atomic::{AtomicBool, Ordering};

static INTERRUPTED: AtomicBool = AtomicBool::new(false);

/// From now on Ctrl-C asks the work to stop by setting the returned flag; a second Ctrl-C ends the program
/// at once.
pub(crate) fn listen() -> &'static AtomicBool {
    // If no handler can be set, Ctrl-C ends the program.
    let _ = ctrlc::set_handler(|| {
        if INTERRUPTED.swap(true, Ordering::Relaxed) {
            // The exit code that shells give to a program ended by Ctrl-C.
            process::exit(130);
        }
    });
    &INTERRUPTED
}
