//! The Python package `mertscope`: the engine behind a few classes, which the Python files beside this crate wrap.
//!
//! Runs on the calling Python thread, without the interpreter's lock while the engine works. Not here: names, defaults
//! and documentation for Python users, which are in `python/mertscope/`; results, which cross as the JSON that the
//! command writes, so that both have the same figures.

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

mod analyzer;
mod audio;
mod errors;
mod models;
mod process_bound;
mod report;
mod rows;
mod settings;
mod stream;
mod training;
mod watch;

use pyo3::prelude::*;

/// The compiled part of `mertscope`; use the package.
#[pymodule]
mod _native {
    #[pymodule_export]
    use crate::analyzer::Analyzer;
    #[pymodule_export]
    use crate::audio::is_audio_path;
    #[pymodule_export]
    use crate::errors::{
        AudioError, HeadError, HubError, InferenceError, MertscopeError, ModelError,
    };
    #[pymodule_export]
    use crate::models::{change_model, list_models};
    #[pymodule_export]
    use crate::rows::{analysis_rows, embedding_rows, run_difference};
    #[pymodule_export]
    use crate::stream::Stream;
    #[pymodule_export]
    use crate::training::{store_head, train};
}
