//! Published models: fetched from the hub, taken from its cache on this machine, or imported from a
//! folder.
//!
//! [`Library`] is the entry: it lists the published models with their state on this machine, and runs
//! jobs on a thread of its own that fetch, import, check and remove them. The parts:
//!
//! - `settings`: the hub's own environment variables (address, token, cache, offline);
//! - `client`: requests, redirects, and the servers that get the token;
//! - `remote`: a model's files on the hub, before any is fetched;
//! - `download`: one file, resumed, checked, and put in place at once;
//! - `cache`: files that other programs of this machine fetched from the hub already;
//! - `fetch`, `import`: whole models, and the heads that were published for them;
//! - `consent`: the licenses that the user agreed to.
//!
//! Deliberately not here: the content of weights and heads; a file is bytes with a length and a hash.
//! Nothing is sent but the requests for the files, and only after the user asks for a model.

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
mod disk;
mod download;
mod error;
mod fetch;
mod import;
mod library;
mod progress;
mod remote;
mod settings;
mod wanted;

pub use consent::Consent;
pub use error::HubError;
pub use library::{Library, ModelOffer, OfferState, UpdateHook};
pub use progress::{Job, Stage};
pub use settings::Settings;
