//! Audio from a file or a callback to windows at a model's rate: decoding, downmixing, resampling,
//! windowing, and the wait-free ring between an audio callback and a worker.
//!
//! Deliberately not here: models, and the results of a window.

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

pub mod decode;
pub mod downmix;
pub mod model_rate_source;
mod notice;
pub mod resample;
mod status;
pub mod tap;
pub mod windower;

pub use notice::{Notice, Severity};
pub use status::Status;
