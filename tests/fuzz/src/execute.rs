//! One input through one target: whether it panics, and how much it allocates.

use std::fmt;
use std::panic::{self, AssertUnwindSafe, PanicHookInfo};
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::allocator;
use crate::target::Target;

/// What is wrong with a target, shown by one input.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Failure {
    /// It panicked, with this message and place.
    Panic(String),
    /// It allocated more than it may.
    Memory {
        /// The most that was allocated at a time.
        most_bytes: usize,
        /// The most that may be.
        limit_bytes: usize,
    },
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Panic(message) => write!(f, "It panicked: {message}"),
            Self::Memory {
                most_bytes,
                limit_bytes,
            } => write!(
                f,
                "It allocated {most_bytes} bytes; {limit_bytes} are the limit for an input of this \
                 size"
            ),
        }
    }
}

/// Runs a target on an input, and returns the most bytes that it had allocated at a time.
///
/// # Errors
/// [`Failure`].
pub(crate) fn execute(target: &Target, bytes: &[u8]) -> Result<usize, Failure> {
    let run = || panic::catch_unwind(AssertUnwindSafe(|| (target.run)(bytes)));
    let before = panic::take_hook();
    panic::set_hook(Box::new(remember));
    let (result, most_bytes) = allocator::counted(run);
    panic::set_hook(before);
    if result.is_err() {
        return Err(Failure::Panic(last_panic().take().unwrap_or_default()));
    }
    let limit_bytes = target.memory.limit_bytes(bytes.len());
    if most_bytes > limit_bytes {
        return Err(Failure::Memory {
            most_bytes,
            limit_bytes,
        });
    }
    Ok(most_bytes)
}

/// Keeps the message in place of printing it: the product contains panics of its decoders, and
/// only one that leaves the target is a failure.
fn remember(info: &PanicHookInfo<'_>) {
    *last_panic() = Some(info.to_string());
}

fn last_panic() -> MutexGuard<'static, Option<String>> {
    static LAST: Mutex<Option<String>> = Mutex::new(None);
    LAST.lock().unwrap_or_else(PoisonError::into_inner)
}
