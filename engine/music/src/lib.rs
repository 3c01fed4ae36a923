//! Music theory and evidence: keys and their notations, smoothing over audio time, abstention.
//!
//! Knows probabilities and labels, never audio, models or files.

#![cfg_attr(
    not(test),
    deny(
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::panic,
        clippy::print_stdout,
        clippy::print_stderr
    )
)]

mod key;
mod smooth;

pub use key::{Key, Mode, Notation, ParseKeyError};
pub use smooth::{GenreSmoother, KeySmoother, is_clear};
