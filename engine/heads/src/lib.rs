//! From hidden states to predictions: heads, maps, references, heads fitted on a few labeled windows,
//! and the results of a window and of a file.
//!
//! A [`ModelPackage`](package::ModelPackage) joins a model with the heads and the map that read it.

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

mod compact;
pub mod few_shot;
pub mod head;
pub mod interpreter;
pub mod map;
pub mod mean;
pub mod package;
pub mod reference;
pub mod summary;
pub mod timeline;
pub mod user_store;
