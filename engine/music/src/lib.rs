//! Keys and their notations, and the smoothing of probabilities over audio time, with abstention.
//!
//! Deliberately not here: audio, models and files.

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

mod answer;
mod key;
mod smooth;

pub use answer::{Confidence, KeyAnswer, Shown, Standing};
pub use key::{Key, Mode, Notation, ParseKeyError};
pub use smooth::{Smoother, distance, log_probability, scale, softmax};
