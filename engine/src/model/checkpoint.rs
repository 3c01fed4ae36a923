//! Checkpoints as they are published: weights from PyTorch, read as data.
//!
//! A checkpoint is a folder with `config.json`, `preprocessor_config.json` and the weights. Nothing
//! in it is ever run; every name, shape, type and length is checked before it is used.

mod pickle;
mod safe;
mod torch;
mod weights;

use std::io;
use std::path::{Path, PathBuf};

pub use weights::{Element, Tensor, Weights};

/// Why a checkpoint can't be used.
#[derive(Debug, thiserror::Error)]
pub enum CheckpointError {
    /// A file of it is missing or can't be read.
    #[error("The checkpoint's file {} can't be read ({source}); fetch or copy it again.", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// A file of it is not what it should be.
    #[error("{} can't be used: {reason}. Fetch or copy the checkpoint again, or choose another one.", path.display())]
    Invalid {
        /// The file.
        path: PathBuf,
        /// What is wrong with it, a phrase.
        reason: String,
    },
}

impl CheckpointError {
    fn unreadable(path: &Path, source: io::Error) -> Self {
        let path = path.to_owned();
        Self::Unreadable { path, source }
    }

    fn invalid(path: &Path, reason: String) -> Self {
        let path = path.to_owned();
        Self::Invalid { path, reason }
    }
}
