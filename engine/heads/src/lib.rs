//! What turns hidden states into answers: heads, maps, references, and heads taught from a few examples; and what a
//! window and a file said.
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
pub mod package;
pub mod reference;
pub mod timeline;
pub mod user_store;
