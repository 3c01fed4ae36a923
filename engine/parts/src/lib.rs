//! Results of many files as Parquet parts: files of at most so many rows, each written whole, that a later run
//! resumes and `mertscope merge` joins.
//!
//! A folder holds the parts of one kind of result, made with one model and the same settings. [`OpenParts`] is a shard's
//! side of it: it holds the shard's lock, knows which files are done, and writes the next part under a temporary name. A
//! part's name ends in the first digits of the SHA-256 of its bytes, so that damage shows. [`merge()`] joins the parts of
//! all shards into one file. `docs/scale.md` documents the columns.
//!
//! [`work`] makes a file's rows; the command and the workers of a cluster share it.
//!
//! Not here: finding files. Everything blocks on the disk; nothing is for the audio callback.

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

pub mod analysis;
pub mod embedding;
pub mod work;

mod columns;
mod error;
mod folder;
mod ipc;
mod merge;
mod name;
mod reader;
mod run;
mod shard;
mod source;
mod writer;

pub use arrow_array::RecordBatch;
pub use arrow_schema::SchemaRef;
pub use error::PartsError;
pub use folder::{OpenParts, Standing, Start};
pub use ipc::ipc_stream;
pub use merge::{Merged, merge};
pub use reader::error_of;
pub use run::{Kind, PartRun};
pub use shard::{Shard, relative_path};
pub use source::{FileOutcome, Source};
pub use writer::Limits;
