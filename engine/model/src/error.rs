//! Reasons why a model can't be used.

use std::path::PathBuf;

use crate::checkpoint::CheckpointError;
use crate::store::StoreError;

/// Why a model can't be used.
#[derive(Debug, thiserror::Error)]
pub enum ModelError {
    /// No built-in id and no folder has this name.
    #[error(
        "There is no model “{name}”. `mertscope models list` shows the ones there are; a model of \
         your own is named by its folder, which must hold a manifest.toml, or a config.json with \
         the weights of a published checkpoint."
    )]
    Unknown {
        /// What the user asked for.
        name: String,
    },
    /// It is in the catalogue, but not here.
    #[error("The model {id} is not installed. `mertscope models fetch {id}` gets it.")]
    NotInstalled {
        /// Its id.
        id: String,
    },
    /// It doesn't take windows of that length.
    #[error(
        "The model {id} does not take windows of {window_s} s. Leave the length out for its own, \
         {own_s} s; models of free length take others of up to 120 s."
    )]
    Window {
        /// Its id.
        id: String,
        /// Its own length in seconds.
        own_s: f64,
        /// The length asked for.
        window_s: f64,
    },
    /// The folder of a checkpoint holds no weights.
    #[error(
        "The folder {} has a config.json but no weights; put pytorch_model.bin or \
         model.safetensors beside it.", folder.display()
    )]
    NoWeights {
        /// The folder.
        folder: PathBuf,
    },
    /// The checkpoint can't be used.
    #[error(transparent)]
    Checkpoint(#[from] CheckpointError),
    /// What is installed can't be told.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A file of the model is missing or can't be read.
    #[error("The model's file {} can't be read ({source}); fetch or copy the model again.", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// The manifest can't be understood.
    #[error("The model's manifest {} is not valid: {reason}. Fetch or copy the model again.", path.display())]
    Manifest {
        /// The manifest.
        path: PathBuf,
        /// What is wrong in it.
        reason: String,
    },
    /// A file's content is not the one that the manifest names.
    #[error(
        "{} is not the file that the model's manifest names: its SHA-256 is {actual} instead of \
         {expected}. It was truncated or swapped; fetch or copy the model again.", path.display()
    )]
    Hash {
        /// The file.
        path: PathBuf,
        /// The hash in the manifest.
        expected: String,
        /// The hash of the file.
        actual: String,
    },
}
