//! Why parts can't be written, resumed or merged.

use std::io;
use std::path::PathBuf;

use crate::Shard;

/// Why parts can't be written, resumed or merged.
#[derive(Debug, thiserror::Error)]
pub enum PartsError {
    /// The folder can't be made or read.
    #[error("The folder {} can't be used for parts ({source}); check its name and permissions.", folder.display())]
    Folder {
        /// The folder.
        folder: PathBuf,
        /// The system's error.
        source: io::Error,
    },
    /// A file in it can't be written.
    #[error(
        "{} can't be written ({source}); free some space there, or check its folder's permissions. Parts that were \
         finished before are kept.", path.display()
    )]
    Write {
        /// The file, or its folder.
        path: PathBuf,
        /// The system's error.
        source: io::Error,
    },
    /// Another run writes the same shard.
    #[error(
        "Another run is writing shard {shard} in {}; wait until it ends, or name another folder.", folder.display()
    )]
    Locked {
        /// The folder.
        folder: PathBuf,
        /// The shard.
        shard: Shard,
    },
    /// There are parts, and nobody asked to go on.
    #[error(
        "{} already holds parts of shard {shard}; add --resume to go on with them, or name another folder.",
        folder.display()
    )]
    NotEmpty {
        /// The folder.
        folder: PathBuf,
        /// The shard.
        shard: Shard,
    },
    /// The parts there share the files among another number of shards.
    #[error(
        "{} is of {found} shards, not of {wanted}: a file would belong to two of them. Use the same number, or another \
         folder.", part.display()
    )]
    OtherCount {
        /// A part.
        part: PathBuf,
        /// Its number of shards.
        found: u32,
        /// The other number.
        wanted: u32,
    },
    /// A part was made otherwise than the run or the other parts.
    #[error("{} {difference}. Results of both don't belong in one table: use another folder.", part.display())]
    Different {
        /// The part.
        part: PathBuf,
        /// What differs, as `is of the model …, not of …`.
        difference: String,
    },
    /// A part is damaged.
    #[error(
        "{} is broken: {reason}. Run its shard again with --resume, which makes the part again; then merge.",
        part.display()
    )]
    Broken {
        /// The part.
        part: PathBuf,
        /// Why, as `its bytes are not those that were written`.
        reason: String,
    },
    /// Two parts have rows of one file.
    #[error(
        "{} has rows of {path}, which an earlier part has as well. Run its shard again with --resume, which mends that; \
         then merge.", part.display()
    )]
    Twice {
        /// The later part.
        part: PathBuf,
        /// The file inside the root.
        path: String,
    },
    /// There is nothing to merge.
    #[error(
        "There are no parts in {}; name the folder that --out of `mertscope analyze` or `mertscope embed` named.",
        folder.display()
    )]
    NoParts {
        /// The folder.
        folder: PathBuf,
    },
    /// Rows can't be put into a table.
    #[error("The rows of {path} can't be written: {reason}. This is a defect; please report it.")]
    Rows {
        /// The file inside the root, or a part.
        path: String,
        /// The library's words.
        reason: String,
    },
}

impl PartsError {
    /// The error of a Parquet writer on the file `path`.
    pub(crate) fn from_parquet(
        path: &std::path::Path,
        error: parquet::errors::ParquetError,
    ) -> Self {
        let source = match error {
            parquet::errors::ParquetError::External(inner) => match inner.downcast::<io::Error>() {
                Ok(error) => *error,
                Err(other) => io::Error::other(other),
            },
            other => io::Error::other(other),
        };
        Self::Write {
            path: path.to_owned(),
            source,
        }
    }
}
