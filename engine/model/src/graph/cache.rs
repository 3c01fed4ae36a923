//! The graphs' files: each variant is written once, into the user's cache, and checked by its own
//! hash each time before it is loaded. A file that is missing or damaged is made anew.
//!
//! `graphs/<hash of the weights>/<variant>.onnx`, with its SHA-256 beside it in `….sha256`. Both
//! are written to a temporary file first and renamed, so that a reader never sees half a file.

use mertscope_audio::Notice;
use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};
use tempfile::NamedTempFile;

use super::onnx::WriteError;
use super::{Variant, quantize, transformer};
use crate::checkpoint::{Checkpoint, CheckpointError, Network};
use crate::{GraphSource, Operators, Precision, hash_of_file, hexadecimal};

/// Grows when the same variant is built differently: older files are then not used any more.
const REVISION: u32 = 1;

/// Why there is no graph.
#[derive(Debug, thiserror::Error)]
pub enum GraphError {
    /// The checkpoint's numbers can't be read.
    #[error(transparent)]
    Checkpoint(#[from] CheckpointError),
    /// The checkpoint changed since it was installed or opened.
    #[error(
        "{} is not the file that it was: its SHA-256 is {actual} instead of {expected}. Fetch or \
         copy the model again.", path.display()
    )]
    Changed {
        /// The weights.
        path: PathBuf,
        /// The hash they had.
        expected: String,
        /// The hash they have.
        actual: String,
    },
    /// The system names no cache folder for this user.
    #[error(
        "There is no folder for the graphs that are made of checkpoints: set HOME \
         (XDG_CACHE_HOME) to a folder of yours."
    )]
    NoFolder,
    /// The file can't be written.
    #[error(
        "The model's graph can't be written to {} ({source}). It takes about {megabytes} MB there: \
         free some space, or set XDG_CACHE_HOME to a folder on a larger disk.", folder.display()
    )]
    Write {
        /// Where it was to be.
        folder: PathBuf,
        /// What the system said.
        source: io::Error,
        /// About how much room it needs.
        megabytes: u64,
    },
}

/// A checkpoint's weights, by their hash.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Source<'a> {
    pub(crate) network: &'a Network,
    pub(crate) weights: &'a Path,
    pub(crate) sha256: &'a str,
}

/// The user's folder of graphs.
///
/// # Errors
/// [`GraphError::NoFolder`].
pub(crate) fn user_folder() -> Result<PathBuf, GraphError> {
    let cache = dirs::cache_dir().ok_or(GraphError::NoFolder)?;
    Ok(cache.join("mertscope").join("graphs"))
}

/// The graph of a variant in the folder of graphs `root`: found, or made. What was there and can't be
/// used is made anew, with a remark that says why.
///
/// # Errors
/// [`GraphError`].
pub(crate) fn file(
    root: &Path,
    source: Source<'_>,
    variant: &Variant,
) -> Result<GraphSource<'static>, GraphError> {
    let folder = root.join(source.sha256);
    let path = folder.join(format!("{}.onnx", name(variant)));
    let hash_path = path.with_extension("sha256");
    let reason = match (fs::read_to_string(&hash_path), hash_of_file(&path)) {
        (Ok(expected), Ok(actual)) if expected.trim() == actual => {
            return Ok(GraphSource::File { path, notice: None });
        }
        (Ok(_), Ok(_)) => Some("it is not the file that was written".to_owned()),
        (Ok(_), Err(error)) => Some(format!("it could not be read ({error})")),
        (Err(error), Ok(_)) => Some(format!("its hash could not be read ({error})")),
        (Err(_), Err(_)) => None,
    };
    let actual = hash_of_file(source.weights).map_err(|error| CheckpointError::Unreadable {
        path: source.weights.to_owned(),
        source: error,
    })?;
    if actual != source.sha256 {
        return Err(GraphError::Changed {
            path: source.weights.to_owned(),
            expected: source.sha256.to_owned(),
            actual,
        });
    }
    let checkpoint = Checkpoint::open(source.network.clone(), source.weights)?;
    let graph = transformer::graph(source.network, variant);
    let failed = |error: io::Error| GraphError::Write {
        folder: folder.clone(),
        source: error,
        megabytes: graph.bytes().div_ceil(1_000_000),
    };
    fs::create_dir_all(&folder).map_err(failed)?;
    let write = || -> Result<(), WriteError> {
        let mut file = NamedTempFile::new_in(&folder)?;
        let hash = Hashing::write(file.as_file_mut(), |out| graph.write(&checkpoint, out))?;
        file.persist(&path).map_err(|error| error.error)?;
        let mut file = NamedTempFile::new_in(&folder)?;
        file.write_all(hash.as_bytes())?;
        file.persist(&hash_path).map_err(|error| error.error)?;
        Ok(())
    };
    write().map_err(|error| match error {
        WriteError::Checkpoint(error) => error.into(),
        WriteError::Io(error) => failed(error),
    })?;
    let notice = reason.map(|reason| {
        let path = path.display();
        Notice::warning(format!(
            "The model's graph {path} was made anew, since {reason}."
        ))
    });
    Ok(GraphSource::File { path, notice })
}

/// Removes all graphs that were made of the weights with this hash, from the user's cache.
///
/// # Errors
/// What the system says; that there are none is no error.
pub fn forget(sha256: &str) -> io::Result<()> {
    let Ok(root) = user_folder() else {
        return Ok(());
    };
    match fs::remove_dir_all(root.join(sha256)) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

/// What a variant's file is called.
fn name(variant: &Variant) -> String {
    let precision = match variant.precision {
        // What suits one processor would be slow or inexact on another, should they share a cache.
        Precision::Int8 => format!("int8-{}", quantize::id()),
        other => other.id().to_owned(),
    };
    let operators = match variant.operators {
        Operators::Fused => "fused",
        Operators::Plain => "plain",
    };
    let outputs = if variant.frames { "frames" } else { "pooled" };
    let layers = &variant.layers;
    format!("{precision}-{operators}-{outputs}-{layers}-v{REVISION}")
}

/// A writer that hashes what it writes.
struct Hashing<'a> {
    file: BufWriter<&'a mut File>,
    hash: Sha256,
}

impl<'a> Hashing<'a> {
    /// Has `write` write a file, and returns its hash.
    fn write(
        file: &'a mut File,
        write: impl FnOnce(&mut dyn Write) -> Result<(), WriteError>,
    ) -> Result<String, WriteError> {
        let mut out = Self {
            file: BufWriter::with_capacity(1 << 20, file),
            hash: Sha256::new(),
        };
        write(&mut out)?;
        out.flush()?;
        Ok(hexadecimal(&out.hash.finalize()))
    }
}

impl Write for Hashing<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let count = self.file.write(bytes)?;
        self.hash.update(&bytes[..count]);
        Ok(count)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

#[cfg(test)]
mod tests;
