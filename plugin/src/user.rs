//! What this user wants of every new instance, and whether they were welcomed: one small JSON file
//! in the user's configuration folder. Read when an editor opens, never while a host scans.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

use nih_plug::prelude::PluginState;
use serde::{Deserialize, Serialize};

/// Name of the file.
const FILE: &str = "user.json";
/// More than this is no file of ours, in bytes.
const MAX_BYTES: u64 = 4 * 1024 * 1024;

/// Why something was not kept.
#[derive(Debug, thiserror::Error)]
pub enum UserError {
    /// There is nowhere to keep it.
    #[error(
        "This user has no configuration folder, so nothing can be kept for new instances. Set HOME or XDG_CONFIG_HOME."
    )]
    NoFolder,
    /// It could not be written.
    #[error("{} can't be written: {source}. Make room or allow it, and try again.", path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
}

/// What is in the file.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(default)]
struct Kept {
    /// Whether the first-run note was dismissed.
    welcomed: bool,
    /// The state of new instances.
    defaults: Option<PluginState>,
}

/// The file of this user.
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

    /// Whether the first-run note was dismissed; also where there is no way to remember it.
    #[must_use]
    pub fn is_welcomed(&self) -> bool {
        self.folder.is_none() || self.read().welcomed
    }

    /// Remembers that the first-run note was dismissed.
    ///
    /// # Errors
    /// [`UserError`], when that can't be written.
    pub fn welcome(&self) -> Result<(), UserError> {
        let kept = self.read();
        self.write(&Kept {
            welcomed: true,
            ..kept
        })
    }

    /// The state of new instances, where one was kept.
    #[must_use]
    pub fn defaults(&self) -> Option<PluginState> {
        self.read().defaults
    }

    /// Keeps the state of new instances; `None` forgets it.
    ///
    /// # Errors
    /// [`UserError`], when that can't be written.
    pub fn set_defaults(&self, defaults: Option<PluginState>) -> Result<(), UserError> {
        let kept = self.read();
        self.write(&Kept { defaults, ..kept })
    }

    /// What is kept; nothing where the file is absent or no file of ours.
    fn read(&self) -> Kept {
        let read = || {
            let path = self.folder.as_ref()?.join(FILE);
            let length = fs::metadata(&path).ok()?.len();
            let text = (length <= MAX_BYTES).then(|| fs::read_to_string(&path))?;
            serde_json::from_str(&text.ok()?).ok()
        };
        read().unwrap_or_default()
    }

    fn write(&self, kept: &Kept) -> Result<(), UserError> {
        let folder = self.folder.as_ref().ok_or(UserError::NoFolder)?;
        let path = folder.join(FILE);
        // Beside it first: a full disk must not cost what is there.
        let beside = folder.join(format!("{FILE}.{}.new", std::process::id()));
        let written = fs::create_dir_all(folder).and_then(|()| {
            let text = serde_json::to_string_pretty(kept)?;
            let mut file = fs::File::create(&beside)?;
            file.write_all(text.as_bytes())?;
            file.sync_all()?;
            fs::rename(&beside, &path)
        });
        written.map_err(|source| {
            let _ = fs::remove_file(&beside);
            UserError::Write { path, source }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn state(version: &str) -> PluginState {
        PluginState {
            version: version.to_owned(),
            params: Default::default(),
            fields: [("mertscope".to_owned(), "{}".to_owned())].into(),
        }
    }

    #[test]
    fn what_is_kept_comes_back_and_one_thing_leaves_the_other() {
        let folder = tempfile::tempdir().unwrap();
        let user = User::at(&folder.path().join("new"));
        assert!(!user.is_welcomed() && user.defaults().is_none());
        user.welcome().unwrap();
        user.set_defaults(Some(state("7"))).unwrap();
        let again = User::at(&folder.path().join("new"));
        assert!(again.is_welcomed());
        assert_eq!(
            again.defaults().map(|state| state.version),
            Some("7".to_owned())
        );
        again.set_defaults(None).unwrap();
        assert!(user.is_welcomed() && user.defaults().is_none());
    }

    #[test]
    fn a_damaged_file_counts_as_none_and_a_folder_that_is_a_file_is_a_sentence() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join(FILE), "{\"welcomed\": 3").unwrap();
        assert!(!User::at(folder.path()).is_welcomed());
        let in_the_way = folder.path().join("file");
        fs::write(&in_the_way, "").unwrap();
        let error = User::at(&in_the_way).welcome().unwrap_err().to_string();
        assert!(error.contains("can't be written"), "{error}");
    }
}
