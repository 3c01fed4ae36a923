//! The user store: the heads and maps that the user fitted or imported for a model, as files in the
//! user's data folder.
//!
//! A file's name holds the SHA-256 of its content, so that damage is noticed before the file is
//! parsed. Files are written whole or not at all.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use mertscope_model::{Manifest, runtime, sha256, write_whole};

/// The kinds of stored files.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StoredKind {
    /// Heads, one per name.
    Heads,
    /// Maps; the map named [`MAP`] is in use.
    Maps,
}

/// The name of the map in use.
pub const MAP: &str = "map";

/// Why a file can't be stored, read or removed.
#[derive(Debug, thiserror::Error)]
pub enum UserStoreError {
    /// The user has no data folder.
    #[error("There is no folder to store it in, because the user has no home folder. Set HOME.")]
    NoFolder,
    /// The name can't be a file's name.
    #[error(
        "“{name}” can't be a name here; use up to 64 letters, digits, “-” and “_”, without dots or \
         spaces."
    )]
    Name {
        /// The rejected name.
        name: String,
    },
    /// The folder can't be written.
    #[error("{} can't be changed ({source}); check its permissions and free space.", folder.display())]
    Folder {
        /// The folder.
        folder: PathBuf,
        /// The system's error.
        source: io::Error,
    },
    /// A file's content has changed.
    #[error(
        "{} is damaged: it is not what Mertscope wrote. Remove it and make it again.", path.display()
    )]
    Damaged {
        /// The file.
        path: PathBuf,
    },
    /// A file can't be read.
    #[error("{} can't be read ({source}); check its permissions.", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// The system's error.
        source: io::Error,
    },
}

/// A file in the user store.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct StoredFile {
    /// Its name.
    pub name: String,
    /// Its path.
    pub path: PathBuf,
    sha256: String,
}

impl StoredFile {
    /// Its content.
    ///
    /// # Errors
    /// [`UserStoreError::Unreadable`], and [`UserStoreError::Damaged`] when the content has changed.
    pub(crate) fn read(&self) -> Result<Vec<u8>, UserStoreError> {
        let path = || self.path.clone();
        let bytes = fs::read(&self.path).map_err(|source| UserStoreError::Unreadable {
            path: path(),
            source,
        })?;
        if sha256(&bytes) == self.sha256 {
            Ok(bytes)
        } else {
            Err(UserStoreError::Damaged { path: path() })
        }
    }
}

/// The stored files of one kind for one model.
///
/// ```no_run
/// use mertscope_heads::user_store::{StoredKind, UserStore};
/// use mertscope_model::Model;
///
/// let manifest = Model::embedded_manifest()?;
/// let store = UserStore::of(StoredKind::Heads, &manifest)?;
/// let stored = store.put("mood", &std::fs::read("mood.safetensors")?)?;
/// println!("The head {} is in {}.", stored.name, stored.path.display());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone)]
pub struct UserStore {
    folder: PathBuf,
}

impl UserStore {
    /// The store of a model in the user's data folder; touches no file.
    ///
    /// # Errors
    /// [`UserStoreError::NoFolder`].
    pub fn of(kind: StoredKind, manifest: &Manifest) -> Result<Self, UserStoreError> {
        let data = runtime::data_folder().ok_or(UserStoreError::NoFolder)?;
        Ok(Self::within(&data, kind, manifest))
    }

    fn within(data: &Path, kind: StoredKind, manifest: &Manifest) -> Self {
        let kind = match kind {
            StoredKind::Heads => "heads",
            StoredKind::Maps => "maps",
        };
        // Nothing in a model's id can lead out of the folder.
        let plain = |c: char| if is_plain(c) || c == '.' { c } else { '_' };
        let id: String = manifest
            .id
            .trim_start_matches('.')
            .chars()
            .map(plain)
            .collect();
        Self {
            folder: data.join(kind).join(id),
        }
    }

    /// All stored files, by name.
    #[must_use]
    pub fn list(&self) -> Vec<StoredFile> {
        let entries = fs::read_dir(&self.folder).into_iter().flatten().flatten();
        let mut all: Vec<StoredFile> = entries
            .filter_map(|entry| {
                let file = entry.file_name();
                let rest = file.to_str()?.strip_suffix(".safetensors")?;
                let (name, sha256) = rest.split_once('.')?;
                let (name, sha256) = (name.to_owned(), sha256.to_owned());
                let path = entry.path();
                Some(StoredFile { name, path, sha256 })
            })
            .collect();
        all.sort();
        all
    }

    /// The file stored under `name`.
    #[must_use]
    pub fn find(&self, name: &str) -> Option<StoredFile> {
        self.list().into_iter().find(|stored| stored.name == name)
    }

    /// Stores `bytes` under `name`, in place of an earlier file of that name.
    ///
    /// # Errors
    /// [`UserStoreError::Name`] and [`UserStoreError::Folder`].
    pub fn put(&self, name: &str, bytes: &[u8]) -> Result<StoredFile, UserStoreError> {
        if !is_name(name) {
            return Err(UserStoreError::Name {
                name: name.to_owned(),
            });
        }
        let sha256 = sha256(bytes);
        let path = self.folder.join(format!("{name}.{sha256}.safetensors"));
        let write = || {
            write_whole(&path, bytes)?;
            let is_old = |stored: &StoredFile| stored.name == name && stored.path != path;
            for old in self.list().into_iter().filter(is_old) {
                fs::remove_file(old.path)?;
            }
            Ok(())
        };
        write().map_err(|source| self.failed(source))?;
        let name = name.to_owned();
        Ok(StoredFile { name, path, sha256 })
    }

    /// Removes the file stored under `name`; `false` when there is none.
    ///
    /// # Errors
    /// [`UserStoreError::Folder`].
    pub fn remove(&self, name: &str) -> Result<bool, UserStoreError> {
        let Some(stored) = self.find(name) else {
            return Ok(false);
        };
        fs::remove_file(stored.path).map_err(|source| self.failed(source))?;
        Ok(true)
    }

    fn failed(&self, source: io::Error) -> UserStoreError {
        UserStoreError::Folder {
            folder: self.folder.clone(),
            source,
        }
    }
}

fn is_plain(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '-' || c == '_'
}

/// Whether `name` can name a stored file: 1 to 64 letters, digits, “-” and “_”, so that it is a valid
/// file name on every system.
#[must_use]
pub fn is_name(name: &str) -> bool {
    (1..=64).contains(&name.len()) && name.chars().all(is_plain)
}

#[cfg(test)]
mod tests {
    use super::*;
    use mertscope_model::Model;

    fn store(data: &Path) -> UserStore {
        UserStore::within(
            data,
            StoredKind::Heads,
            &Model::embedded_manifest().unwrap(),
        )
    }

    #[test]
    fn a_stored_file_is_found_replaced_and_removed() {
        let data = tempfile::tempdir().unwrap();
        let store = store(data.path());
        assert!(store.list().is_empty() && !store.remove("mood").unwrap());
        store.put("mood", b"one").unwrap();
        store.put("mood", b"two").unwrap();
        store.put("energy", b"three").unwrap();
        let names: Vec<String> = store.list().into_iter().map(|stored| stored.name).collect();
        assert_eq!(names, ["energy", "mood"]);
        assert_eq!(store.find("mood").unwrap().read().unwrap(), b"two");
        assert!(store.remove("mood").unwrap() && store.find("mood").is_none());
    }

    #[test]
    fn damage_is_noticed() {
        let data = tempfile::tempdir().unwrap();
        let stored = store(data.path()).put("mood", b"one").unwrap();
        fs::write(&stored.path, b"other").unwrap();
        let error = stored.read().unwrap_err();
        assert!(matches!(error, UserStoreError::Damaged { .. }), "{error}");
        fs::remove_file(&stored.path).unwrap();
        assert!(matches!(
            stored.read().unwrap_err(),
            UserStoreError::Unreadable { .. }
        ));
    }

    #[test]
    fn names_lead_to_no_other_folder() {
        let data = tempfile::tempdir().unwrap();
        for name in ["", "..", "a/b", "a.b", "ä", &"x".repeat(65)] {
            let error = store(data.path()).put(name, b"").unwrap_err();
            assert!(matches!(error, UserStoreError::Name { .. }), "{name}");
        }
        let mut manifest = Model::embedded_manifest().unwrap();
        manifest.id = "../../etc".to_owned();
        let store = UserStore::within(data.path(), StoredKind::Maps, &manifest);
        let stored = store.put(MAP, b"x").unwrap();
        assert_eq!(
            stored
                .path
                .strip_prefix(data.path())
                .unwrap()
                .components()
                .count(),
            3
        );
    }
}
