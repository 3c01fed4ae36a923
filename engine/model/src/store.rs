//! The store of installed models: one folder per model, with a receipt that names each file and its
//! hash.
//!
//! The folder is `models/<id>/` in the user's data folder. Its `installed.toml` is written last, so
//! that a model is either whole or not there. A file may lie elsewhere: a file that is in the hub's own
//! cache already is read there, never copied and never changed.
//!
//! Deliberately not here: the network (`hub` gets models), and the content of weights (`checkpoint`
//! reads them).

mod receipt;
mod verify;

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::runtime;
use super::whole_file::{self, write_whole_synced};

/// Name of the receipt in a model's folder.
const RECEIPT: &str = "installed.toml";

/// The folder of installed models.
#[derive(Debug, Clone)]
pub struct Store {
    root: PathBuf,
}

/// An installed model.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Installed {
    /// The catalogue's id.
    pub id: String,
    /// Its folder, which may also hold derived files.
    pub folder: PathBuf,
    /// The commit on the hub; `None` for a model that was imported from a folder.
    pub revision: Option<String>,
    /// Its source, for users.
    pub source: String,
    /// Its files, the weights last.
    pub files: Vec<InstalledFile>,
}

/// A file of an installed model.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InstalledFile {
    /// Its name in the repository, such as `pytorch_model.bin`.
    pub name: String,
    /// Its path: in the model's folder, or in the hub's own cache.
    pub path: PathBuf,
    /// Its length in bytes.
    pub size: u64,
    /// Its SHA-256, hexadecimal.
    pub sha256: String,
}

/// Why an installed model can't be found, used, verified or removed.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The system names no data folder for this user.
    #[error(
        "There is no folder for the models: set HOME (XDG_DATA_HOME) to a folder that you can write to."
    )]
    NoFolder,
    /// The id would lead out of the folder.
    #[error("“{id}” can't be the name of a model: use letters, digits, dots, - and _ only.")]
    Name {
        /// The requested id.
        id: String,
    },
    /// The receipt is not valid.
    #[error(
        "The receipt {} is not valid: {reason}. Remove the model with `mertscope models remove` \
         and get it again.", path.display()
    )]
    Receipt {
        /// The receipt.
        path: PathBuf,
        /// The fault.
        reason: String,
    },
    /// A file of the receipt has another content, of the same length.
    #[error(
        "{} is no longer as it was when {id} was installed: {difference}. \
         Remove the model with `mertscope models remove {id}`, then fetch or import it again.",
        path.display()
    )]
    Changed {
        /// The model.
        id: String,
        /// The file.
        path: PathBuf,
        /// The two hashes, a phrase.
        difference: String,
    },
    /// A file of the receipt is missing or has another length.
    #[error(
        "{} is no longer as it was when {id} was installed: {reason}. Get the model again with \
         `mertscope models fetch {id}`, or import it.", path.display()
    )]
    Gone {
        /// The model.
        id: String,
        /// The file.
        path: PathBuf,
        /// The difference.
        reason: String,
    },
    /// The system refused an action on a file or folder.
    #[error("{} can't be {doing} ({source}); check the folder's permissions and the free space.", path.display())]
    System {
        /// The attempted action, as a participle.
        doing: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// The system's error.
        source: io::Error,
    },
    /// The caller asked to stop.
    #[error("It was stopped.")]
    Stopped,
}

impl StoreError {
    /// Makes the error for a file of `id` whose SHA-256 is `actual`.
    pub(crate) fn changed(id: &str, file: &InstalledFile, actual: &str) -> Self {
        Self::Changed {
            id: id.to_owned(),
            path: file.path.clone(),
            difference: format!("its SHA-256 is {actual} instead of {}", file.sha256),
        }
    }

    /// Makes an error of the system's, for the action `doing` on `path`.
    pub fn system(doing: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::System {
            doing,
            path,
            source,
        }
    }
}

/// The model with this id in the user's own store, if it is installed. Checks the files' lengths,
/// not their content.
///
/// # Errors
/// [`StoreError`], when it is installed but can't be used.
pub fn installed(id: &str) -> Result<Option<Installed>, StoreError> {
    Store::of_user()?.installed(id)
}

/// The heads that were published for the model with this id, in the user's own store, if any are installed. Checks the
/// files' lengths, not their content.
///
/// # Errors
/// [`StoreError`], when they are installed but can't be used.
pub fn installed_heads(id: &str) -> Result<Option<Installed>, StoreError> {
    Store::of_user()?.of_heads().installed(id)
}

impl Store {
    /// The store in the user's data folder.
    ///
    /// # Errors
    /// [`StoreError::NoFolder`], when the system names no data folder.
    pub(crate) fn of_user() -> Result<Self, StoreError> {
        let data = runtime::data_folder().ok_or(StoreError::NoFolder)?;
        Ok(Self::at(data.join("models")))
    }

    /// A store in another folder, which need not exist yet.
    #[must_use]
    pub fn at(root: PathBuf) -> Self {
        Self { root }
    }

    /// The store of the heads that were published for the models of this store, under the models' ids: beside it, so
    /// that neither receipt depends on the other.
    #[must_use]
    pub fn of_heads(&self) -> Self {
        Self::at(self.root.with_file_name("published-heads"))
    }

    /// The folder of all models.
    #[must_use]
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// The folder of one model, whether it is installed or not.
    ///
    /// # Errors
    /// [`StoreError::Name`], when the id would lead out of the store.
    pub fn folder(&self, id: &str) -> Result<PathBuf, StoreError> {
        let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
        if id.is_empty() || id.starts_with('.') || !id.chars().all(plain) {
            return Err(StoreError::Name { id: id.to_owned() });
        }
        Ok(self.root.join(id))
    }

    /// The model with this id, if it is installed. Checks the files' lengths, not their content.
    ///
    /// # Errors
    /// [`StoreError`], when it is installed but can't be used.
    pub fn installed(&self, id: &str) -> Result<Option<Installed>, StoreError> {
        let Some(model) = self.recorded(id)? else {
            return Ok(None);
        };
        for file in &model.files {
            let reason = match fs::metadata(&file.path) {
                Ok(metadata) if metadata.len() == file.size => continue,
                Ok(metadata) => format!("it has {} bytes instead of {}", metadata.len(), file.size),
                Err(error) => error.to_string(),
            };
            return Err(StoreError::Gone {
                id: model.id,
                path: file.path.clone(),
                reason,
            });
        }
        Ok(Some(model))
    }

    /// The model as its receipt describes it, whether or not its files still exist.
    pub fn recorded(&self, id: &str) -> Result<Option<Installed>, StoreError> {
        let folder = self.folder(id)?;
        receipt::read(&folder)
    }

    /// Writes the receipt, with which the model is installed. Its files must be in place, with their
    /// hashes checked.
    ///
    /// # Errors
    /// [`StoreError::System`], when the receipt can't be written.
    pub fn record(&self, model: &Installed) -> Result<(), StoreError> {
        receipt::write(model)
    }

    /// Removes a model: its receipt first, then everything in its folder. Files in the
    /// hub's own cache stay. Returns whether there was anything to remove.
    ///
    /// # Errors
    /// [`StoreError`], when something can't be removed.
    pub fn remove(&self, id: &str) -> Result<bool, StoreError> {
        let folder = self.folder(id)?;
        let receipt = folder.join(RECEIPT);
        match fs::remove_file(&receipt) {
            Ok(()) => {}
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(StoreError::system("removed", &receipt)(error)),
        }
        match fs::remove_dir_all(&folder) {
            Ok(()) => Ok(true),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
            Err(error) => Err(StoreError::system("removed", &folder)(error)),
        }
    }
}

impl Installed {
    /// The file with this name, if the model has it.
    #[must_use]
    pub fn file(&self, name: &str) -> Option<&InstalledFile> {
        self.files.iter().find(|file| file.name == name)
    }

    /// Bytes of all its files.
    #[must_use]
    pub fn size(&self) -> u64 {
        self.files.iter().map(|file| file.size).sum()
    }
}

/// Writes a small text file of the store, see [`write_whole_synced`].
///
/// # Errors
/// [`StoreError::System`].
pub fn write_text(path: &Path, text: &str) -> Result<(), StoreError> {
    let folder = whole_file::folder(path);
    fs::create_dir_all(folder).map_err(StoreError::system("made", folder))?;
    write_whole_synced(path, text.as_bytes()).map_err(StoreError::system("written", path))
}

#[cfg(test)]
mod tests;
