//! Keys and their notations, tuning, and the smoothing of probabilities over audio time, with abstention.
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
mod context;
mod key;
mod smooth;
mod tuning;

pub use answer::{Confidence, KeyAnswer, Shown, Standing};
pub use context::Context;
pub use key::{Key, Mode, Notation, ParseKeyError};
pub use smooth::{Smoother, distance, information, log_probability, scale, softmax};
pub use tuning::{Tuning, TuningMean, TuningSmoother};
