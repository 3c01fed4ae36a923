//! The work on one file after another: from a file to its rows. The command and the workers of a cluster share it, so
//! that both write the same rows.

use std::fmt;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

use mertscope_audio::decode::{DecodeError, Decoder};

use crate::source::{FileOutcome, Source};

mod analysis;
mod embedding;

pub use analysis::AnalysisWork;
pub use embedding::{EmbeddingWork, frame_rate};

/// A file, by the names that it goes by.
#[derive(Debug, Clone, Copy)]
pub struct NamedFile<'a> {
    /// Its path inside the root, with `/` between its parts.
    pub path: &'a str,
    /// Where its bytes are.
    pub file: &'a Path,
    /// What messages call it: its path as a user gave it, or the address that `file` is a copy of.
    pub name: &'a str,
}

impl NamedFile<'_> {
    /// The file before any work: its size, time and hash, or the reason why it can't be read.
    #[must_use]
    pub fn look(&self) -> FileOutcome {
        let looked = Source::look(self.path, self.file);
        match looked.and_then(|source| source.hashed(self.file)) {
            Ok(source) => FileOutcome {
                source,
                duration_s: None,
                error: None,
                notes: Vec::new(),
            },
            Err(error) => self.unreadable(&error),
        }
    }

    /// A file that can't be read for this reason.
    #[must_use]
    pub fn unreadable(&self, reason: &dyn fmt::Display) -> FileOutcome {
        let name = self.name;
        FileOutcome {
            source: Source::unknown(self.path),
            duration_s: None,
            error: Some(format!(
                "{name} can't be read ({reason}); check its name and permissions."
            )),
            notes: Vec::new(),
        }
    }

    fn open(&self) -> Result<Decoder, DecodeError> {
        Decoder::open_named(self.file, self.name)
    }
}

/// What work on a file tells, and asks, after each window.
pub struct Watch<'a> {
    /// Gets the seconds of audio that are done, and those that the file's header promises.
    pub progress: &'a mut dyn FnMut(f64, Option<f64>),
    /// Set once the work is to end.
    pub stopped: &'a AtomicBool,
}

impl Watch<'_> {
    fn is_stopped(&self) -> bool {
        self.stopped.load(Ordering::Relaxed)
    }
}

impl fmt::Debug for Watch<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Watch")
            .field("stopped", &self.stopped)
            .finish_non_exhaustive()
    }
}
