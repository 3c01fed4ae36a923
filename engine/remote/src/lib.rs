//! Inference on a server by the open inference protocol v2 (KServe v2), which NVIDIA Triton, MLServer and
//! others speak over HTTP: windows go there, hidden states come back.
//!
//! [`Server`] is the entry. It has a thread of its own, so that no caller ever waits longer than it allows, and
//! that thread looks for a server that is gone until it is back. The parts:
//!
//! - `address`: the addresses that may be used; plain HTTP only to this machine and private networks;
//! - `settings`: the environment variables (address, token, timeout, half precision);
//! - `client`: requests over one kept connection;
//! - `check`: what a server says of itself and of the model, and whether that is the wanted model;
//! - `protocol`: requests and answers as bytes, in binary or in JSON.
//!
//! Deliberately not here: models and their hidden states (`mertscope-model`); a model is a name and a hash here.

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

mod address;
mod check;
mod client;
mod error;
mod protocol;
mod server;
mod settings;

pub use address::check as check_address;
pub use check::{Facts, PARAMETERS, Parameter, Wanted};
pub use error::ServerError;
pub use protocol::Tensor;
pub use server::Server;
pub use settings::Settings;
