//! The user's own file: the defaults of new instances, and whether the first-run notice was dismissed. One
//! small JSON file in the user's configuration folder, read when an editor opens, never while a host scans.

use std::fs;
use std::path::{Path, PathBuf};

use mertscope_model::write_whole_synced;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

/// Name of the file.
const FILE: &str = "user.json";
/// A larger file is none of ours, in bytes.
const MAX_BYTES: u64 = 4 * 1024 * 1024;

/// Why the file was not written.
#[derive(Debug, thiserror::Error)]
pub enum UserError {
    /// The user has no configuration folder.
    #[error(
        "This user has no configuration folder, so defaults of new instances can't be saved. Set HOME or XDG_CONFIG_HOME."
    )]
    NoFolder,
    /// The file could not be written.
    #[error("{} can't be written: {source}. Check free space and permissions, and try again.", path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// The system's reason.
        source: std::io::Error,
    },
}

/// The content of the file. The state is raw text here: programs understand it, views don't.
#[derive(Debug, Serialize, Deserialize)]
#[serde(default)]
struct UserFile<S = Box<RawValue>> {
    /// Whether the first-run notice was dismissed.
    welcomed: bool,
    /// The state of new instances.
    defaults: Option<S>,
}

impl Default for UserFile {
    fn default() -> Self {
        Self {
            welcomed: false,
            defaults: None,
        }
    }
}

/// A user, and the folder of the user's file.
#[derive(Debug, Clone, Default)]
pub struct User {
    folder: Option<PathBuf>,
}

impl User {
    /// The user who runs this process.
    #[must_use]
    pub fn present() -> Self {
        Self {
            folder: dirs::config_dir().map(|folder| folder.join("mertscope")),
        }
    }

    /// A user whose configuration is in `folder`.
    #[must_use]
    pub fn at(folder: &Path) -> Self {
        Self {
            folder: Some(folder.to_owned()),
        }
    }

    /// Whether the first-run notice was dismissed; true when that can't be saved.
    #[must_use]
    pub(crate) fn is_welcomed(&self) -> bool {
        self.folder.is_none() || self.read().welcomed
    }

    /// Saves that the first-run notice was dismissed.
    ///
    /// # Errors
    /// [`UserError`], when the file can't be written.
    pub(crate) fn welcome(&self) -> Result<(), UserError> {
        let kept = self.read();
        self.write(&UserFile {
            welcomed: true,
            ..kept
        })
    }

    /// The state of new instances; `None` when none was saved or it can't be understood.
    #[must_use]
    pub fn defaults<S: DeserializeOwned>(&self) -> Option<S> {
        serde_json::from_str(self.read().defaults?.get()).ok()
    }

    /// Saves the state of new instances.
    ///
    /// # Errors
    /// [`UserError`], when the file can't be written.
    pub fn set_defaults<S: Serialize>(&self, defaults: &S) -> Result<(), UserError> {
        self.write(&UserFile {
            welcomed: self.read().welcomed,
            defaults: Some(defaults),
        })
    }

    /// Removes the state of new instances.
    ///
    /// # Errors
    /// [`UserError`], when the file can't be written.
    pub(crate) fn forget_defaults(&self) -> Result<(), UserError> {
        self.write(&UserFile {
            defaults: None,
            ..self.read()
        })
    }

    /// The file's content; the default when the file is absent or none of ours.
    fn read(&self) -> UserFile {
        let read = || {
            let path = self.folder.as_ref()?.join(FILE);
            let length = fs::metadata(&path).ok()?.len();
            let text = (length <= MAX_BYTES).then(|| fs::read_to_string(&path))?;
            serde_json::from_str(&text.ok()?).ok()
        };
        read().unwrap_or_default()
    }

    fn write<S: Serialize>(&self, kept: &UserFile<S>) -> Result<(), UserError> {
        let folder = self.folder.as_ref().ok_or(UserError::NoFolder)?;
        let path = folder.join(FILE);
        let written = serde_json::to_string_pretty(kept)
            .map_err(std::io::Error::from)
            .and_then(|text| write_whole_synced(&path, text.as_bytes()));
        written.map_err(|source| UserError::Write { path, source })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The state of some program.
    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct Instance {
        version: String,
        gain: f32,
    }

    fn instance(version: &str) -> Instance {
        Instance {
            version: version.to_owned(),
            gain: 0.1,
        }
    }

    #[test]
    fn notice_and_defaults_are_saved_independently() {
        let folder = tempfile::tempdir().unwrap();
        let user = User::at(&folder.path().join("new"));
        assert!(!user.is_welcomed() && user.defaults::<Instance>().is_none());
        user.welcome().unwrap();
        user.set_defaults(&instance("7")).unwrap();
        let again = User::at(&folder.path().join("new"));
        assert!(again.is_welcomed());
        assert_eq!(again.defaults(), Some(instance("7")));
        again.forget_defaults().unwrap();
        assert!(user.is_welcomed() && user.defaults::<Instance>().is_none());
    }

    #[test]
    fn dismissing_the_notice_keeps_the_state_byte_for_byte() {
        let folder = tempfile::tempdir().unwrap();
        let user = User::at(folder.path());
        let path = folder.path().join(FILE);
        user.set_defaults(&instance("7")).unwrap();
        let before = fs::read_to_string(&path).unwrap();
        let text = r#"{
  "welcomed": false,
  "defaults": {
    "version": "7",
    "gain": 0.1
  }
}"#;
        assert_eq!(before, text);
        user.welcome().unwrap();
        let after = fs::read_to_string(&path).unwrap();
        assert_eq!(after, text.replace("false", "true"));
    }

    #[test]
    fn a_damaged_file_counts_as_absent_and_a_bad_folder_gives_a_sentence() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join(FILE), "{\"welcomed\": 3").unwrap();
        assert!(!User::at(folder.path()).is_welcomed());
        let in_the_way = folder.path().join("file");
        fs::write(&in_the_way, "").unwrap();
        let error = User::at(&in_the_way).welcome().unwrap_err().to_string();
        assert!(error.contains("can't be written"), "{error}");
    }
}
