//! The file that rows are about.

use std::fs;
use std::io;
use std::path::Path;
use std::time::UNIX_EPOCH;

use mertscope_model::hash_of_file;

/// A file as it was when its rows were made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Source {
    /// Its path inside the root, with `/` between its parts; see [`relative_path`](crate::relative_path).
    pub path: String,
    /// Its size in bytes; `None` when it could not be looked at.
    pub size: Option<i64>,
    /// When it was last changed, in microseconds since 1970; `None` when that is not known.
    pub modified_us: Option<i64>,
    /// SHA-256 of its bytes, in lower-case hexadecimal; `None` when they could not be read.
    pub sha256: Option<String>,
}

impl Source {
    /// Looks at the file at `file`, whose path inside the root is `path`, without reading its bytes.
    ///
    /// # Errors
    /// The system's.
    pub fn look(path: &str, file: &Path) -> io::Result<Self> {
        let metadata = fs::metadata(file)?;
        let modified = metadata.modified().ok();
        let since = modified.and_then(|time| time.duration_since(UNIX_EPOCH).ok());
        Ok(Self {
            path: path.to_owned(),
            size: i64::try_from(metadata.len()).ok(),
            modified_us: since.and_then(|since| i64::try_from(since.as_micros()).ok()),
            sha256: None,
        })
    }

    /// A file that can't be looked at.
    #[must_use]
    pub fn unknown(path: &str) -> Self {
        Self {
            path: path.to_owned(),
            size: None,
            modified_us: None,
            sha256: None,
        }
    }

    /// The same with the SHA-256 of the bytes of `file`.
    ///
    /// # Errors
    /// The system's.
    pub fn hashed(self, file: &Path) -> io::Result<Self> {
        Ok(Self {
            sha256: Some(hash_of_file(file)?),
            ..self
        })
    }

    /// Whether `now` is the same size and time of change.
    pub(crate) fn looks_like(&self, now: &Self) -> bool {
        self.size == now.size && self.modified_us == now.modified_us && self.size.is_some()
    }
}

/// The facts of one file beside its results.
#[derive(Debug, Clone, PartialEq)]
pub struct FileOutcome {
    /// The file.
    pub source: Source,
    /// Length of its audio in seconds, when known.
    pub duration_s: Option<f64>,
    /// A sentence that says why there are no results, or no more.
    pub error: Option<String>,
    /// Sentences that a reader of the results should know.
    pub notes: Vec<String>,
}
