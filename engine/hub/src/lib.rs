//! Getting published models: from the hub, from its own cache on this machine, or from a folder.
//!
//! [`Library`] is the door: it lists the published models and what is installed of them, and has
//! jobs of its own thread that fetch, import and check. Everything else is in its service:
//!
//! - `settings`: what the hub's own environment variables say (address, token, cache, offline);
//! - `client`: requests, redirects and who gets to see the token;
//! - `remote`: what the hub says of a model's files before any is fetched;
//! - `download`: one file, resumed, checked, and put in place at once;
//! - `cache`: files that other programs of this machine fetched from the hub already;
//! - `fetch`, `import`: whole models;
//! - `consent`: who agreed to which license when.
//!
//! No weights file is looked into here: a file is bytes with a length and a hash. Nothing is sent
//! but the requests for the files, and nobody is asked before the user asks for a model.

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
mod cache;
mod client;
mod consent;
mod download;
mod error;
mod fetch;
mod import;
mod library;
mod disk;
mod progress;
mod remote;
mod settings;

pub use consent::Consent;
pub use error::HubError;
pub use library::{Library, ModelOffer, OfferState, UpdateHook};
pub use progress::{Job, Stage};
pub use settings::Settings;
