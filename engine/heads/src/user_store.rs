//! What was fitted or imported here, for one model: its own heads and its own map, in the user's
//! data folder.
//!
//! A file's name holds the SHA-256 of its content, so that a damaged one is noticed before it is
//! parsed. Files are written whole or not at all.

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use mertscope_model::{Manifest, runtime, sha256};

/// What is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Heads, as many as there are names.
    Heads,
    /// Maps; the one called `map` is used.
    Maps,
}

/// The name of the map that is used.
pub const MAP: &str = "map";

/// Why something can't be kept, read or removed.
#[derive(Debug, thiserror::Error)]
pub enum UserStoreError {
    /// There is no folder for it.
    #[error("There is no folder to keep it in, because the user has no home folder. Set HOME.")]
    NoFolder,
    /// The name can't be the name of a file.
    #[error(
        "“{name}” can't be a name here; take up to 64 letters, digits, “-” and “_”, without dots \
         or spaces."
    )]
    Name {
        /// What was asked for.
        name: String,
    },
    /// The folder can't be written.
    #[error("{} can't be changed ({source}); check its permissions and free space.", folder.display())]
    Folder {
        /// The folder.
        folder: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// A file is not what was written.
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
        /// What the system said.
        source: io::Error,
    },
}

/// A file that is kept.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct StoredFile {
    /// Its name.
    pub name: String,
    /// Where it is.
    pub path: PathBuf,
    sha256: String,
}

impl StoredFile {
    /// Its content.
    ///
    /// # Errors
    /// [`UserStoreError::Unreadable`], and [`UserStoreError::Damaged`] when it is not what was written.
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

/// The place of one model's things of one kind.
#[derive(Debug, Clone)]
pub struct UserStore {
    folder: PathBuf,
}

impl UserStore {
    /// The shelf of a model in the user's data folder; touches no file.
    ///
    /// # Errors
    /// [`UserStoreError::NoFolder`].
    pub fn of(kind: Kind, manifest: &Manifest) -> Result<Self, UserStoreError> {
        let data = runtime::data_folder().ok_or(UserStoreError::NoFolder)?;
        Ok(Self::within(&data, kind, manifest))
    }

    fn within(data: &Path, kind: Kind, manifest: &Manifest) -> Self {
        let kind = match kind {
            Kind::Heads => "heads",
            Kind::Maps => "maps",
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

    /// All that is there, by name.
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

    /// What is kept under `name`.
    #[must_use]
    pub fn find(&self, name: &str) -> Option<StoredFile> {
        self.list().into_iter().find(|stored| stored.name == name)
    }

    /// Keeps `bytes` under `name`, in place of what was there.
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
            fs::create_dir_all(&self.folder)?;
            let mut file = tempfile::NamedTempFile::new_in(&self.folder)?;
            file.write_all(bytes)?;
            file.persist(&path).map_err(|error| error.error)?;
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

    /// Removes what is kept under `name`; `false` when there is nothing.
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

/// Whether `name` can be a name on a shelf: a few plain letters, so that it is the same file
/// everywhere.
#[must_use]
pub fn is_name(name: &str) -> bool {
    (1..=64).contains(&name.len()) && name.chars().all(is_plain)
}

#[cfg(test)]
mod tests {
    use super::*;
    use mertscope_model::Model;

    fn store(data: &Path) -> UserStore {
        UserStore::within(data, Kind::Heads, &Model::embedded_manifest().unwrap())
    }

    #[test]
    fn what_is_put_is_found_replaced_and_removed() {
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
    fn names_lead_nowhere_else() {
        let data = tempfile::tempdir().unwrap();
        for name in ["", "..", "a/b", "a.b", "ä", &"x".repeat(65)] {
            let error = store(data.path()).put(name, b"").unwrap_err();
            assert!(matches!(error, UserStoreError::Name { .. }), "{name}");
        }
        let mut manifest = Model::embedded_manifest().unwrap();
        manifest.id = "../../etc".to_owned();
        let store = UserStore::within(data.path(), Kind::Maps, &manifest);
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
