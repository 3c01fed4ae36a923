//! Ctrl-C while long work runs: what can be stopped between two steps stops there.

use std::process;
use std::sync::atomic::{AtomicBool, Ordering};

static INTERRUPTED: AtomicBool = AtomicBool::new(false);

/// From here on Ctrl-C asks the work to stop, and a second time ends the program at once; the
/// result says whether it was asked.
pub(crate) fn listen() -> &'static AtomicBool {
    // Where there is a handler already, or none can be had, the program just ends.
    let _ = ctrlc::set_handler(|| {
        if INTERRUPTED.swap(true, Ordering::Relaxed) {
            // What shells make of a program that ended by Ctrl-C.
            process::exit(130);
        }
    });
    &INTERRUPTED
}
