//! Folders for readers that want a path. The driver has them in a folder that it removes even when
//! a target ends the process.

use std::fs;
use std::path::PathBuf;

use tempfile::TempDir;

/// A folder that is gone with this value.
pub(crate) struct Folder(TempDir);

impl Folder {
    /// An empty folder.
    ///
    /// # Panics
    /// If it can't be made.
    pub(crate) fn new() -> Self {
        Self(tempfile::tempdir().expect("a temporary folder"))
    }

    /// Writes a file into it.
    ///
    /// # Panics
    /// If it can't be written.
    pub(crate) fn write(&self, name: &str, bytes: &[u8]) -> PathBuf {
        let path = self.0.path().join(name);
        fs::write(&path, bytes).expect("a file in a temporary folder");
        path
    }

    /// Its path.
    pub(crate) fn path(&self) -> &std::path::Path {
        self.0.path()
    }
}
