//! Models: manifests and the catalogue, published checkpoints, ONNX graphs and ONNX Runtime, devices,
//! and the sessions that turn a window into hidden states.
//!
//! A [`Model`] is a manifest and ONNX bytes whose hashes matched; a [`Session`] runs it. Only the
//! encoder thread owns sessions, so that no other thread ever waits inside an inference. Files are
//! analyzed through an [`Encoder`]; the live engine shares one thread between all its streams.
//!
//! Deliberately not here: heads, and the network (`mertscope-hub` for models, `mertscope-remote` for inference on a
//! server).

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

mod calibration;
pub mod catalogue;
pub mod checkpoint;
pub mod device;
mod encoder;
mod error;
mod graph;
mod hash;
mod hidden;
pub mod interrupt;
mod library_file;
mod lock;
mod manifest;
mod memory;
mod model;
mod published;
mod remembered;
pub mod runtime;
pub mod serving;
mod session;
mod stand_in;
pub mod store;
pub mod tensors;
pub mod thread;
mod variant;
mod whole_file;

pub use calibration::CalibrationError;
pub use encoder::{Encoder, Job};
pub use error::{EncodeError, ModelError};
pub use graph::forget as forget_graphs;
pub use graph::{GraphError, KeptGraph, KeptGraphs, kept_graphs};
pub use hash::{hash_file, hash_of_file, hexadecimal, sha256};
pub use hidden::{HiddenStates, err};
pub use lock::lock;
pub use manifest::{GraphContract, InputLength, LayerInfo, Manifest, PartFile, ShortInput};
pub use model::Model;
pub use published::{check_fits, weights_hash};
pub use runtime::{Runtime, RuntimeError};
pub use session::{
    DEFAULT_MOST_ERR, Session, SessionOptions, measure_forms, measured_form, served_graph,
};
pub use stand_in::StandIn;
pub use thread::{Encoded, EncoderThread, OpenedSession, SessionId, Sessions, panic_message};
pub use variant::{GraphSource, LayerSet, Operators, Precision};
pub use whole_file::{write_whole, write_whole_synced};
