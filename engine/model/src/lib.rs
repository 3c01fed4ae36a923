//! Models: what they are, where ONNX Runtime is, and how a window becomes hidden states.
//!
//! A [`Model`] is a manifest and ONNX bytes whose hashes matched; a [`Session`] runs it; the
//! encoder thread alone owns sessions, so that nothing else ever waits inside an inference or
//! touches one. Files are analyzed through an [`Encoder`]; the live engine shares one thread
//! between all its streams.

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

pub mod catalogue;
pub mod checkpoint;
pub mod device;
mod encoder;
mod error;
mod graph;
mod hash;
mod hidden;
pub mod interrupt;
mod manifest;
mod model;
mod published;
pub mod runtime;
mod session;
pub mod store;
pub mod tensors;
pub mod thread;
mod variant;

pub use encoder::{Encoder, Job};
pub use error::{EncodeError, ModelError};
pub use graph::GraphError;
pub use graph::forget as forget_graphs;
pub use hash::{hash_file, hash_of_file, hexadecimal, sha256};
pub use hidden::HiddenStates;
pub use manifest::{Graph, Layer, Length, Manifest, PartFile, ShortInput};
pub use model::Model;
pub use runtime::{Runtime, RuntimeError};
pub use session::{Session, SessionOptions};
pub use thread::{Encoded, EncoderThread, Opened, SessionId, Sessions, panic_message};
pub use variant::{GraphSource, LayerSet, Operators, Precision};
