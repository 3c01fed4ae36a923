//! The app's preferences, kept from one start to the next: a versioned JSON file in the user's configuration
//! folder, written whole or not at all.
//!
//! Unknown fields are written back as they were read. A file that can't be
//! understood is put aside under another name, never overwritten. Deliberately not here: the devices in use;
//! the file holds the user's choices only.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use mertscope_model::write_whole_synced;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

/// The version that is written. Of a file with a higher one, known fields are read, and the version is kept.
const VERSION: u64 = 1;
const VERSION_FIELD: &str = "version";

/// The field with a [`crate::choice::AudioChoice`].
pub(crate) const AUDIO_FIELD: &str = "audio";
/// The field with the plugin's state.
pub(crate) const PLUGIN_FIELD: &str = "plugin";

/// The file's name in the app's configuration folder.
const FILE_NAME: &str = "standalone.json";

/// Why the preferences could not be read or written.
#[derive(Debug, thiserror::Error)]
pub(crate) enum PreferencesError {
    /// The file could not be read.
    #[error(
        "Your settings in {} could not be read ({source}); this session starts with the defaults. \
         Check the file's permissions.",
        .path.display()
    )]
    Read {
        /// The file.
        path: PathBuf,
        /// The system's reason.
        source: io::Error,
    },
    /// The file's content is damaged.
    #[error(
        "Your settings in {} are damaged ({reason}); they were put aside as {}, and this session \
         starts with the defaults.",
        .path.display(),
        .aside.display()
    )]
    Damaged {
        /// The file.
        path: PathBuf,
        /// Its new name.
        aside: PathBuf,
        /// The parser's reason.
        reason: String,
    },
    /// The file could not be written.
    #[error(
        "Your settings could not be saved to {} ({source}); they last until Mertscope is closed. \
         Check the folder's permissions and its disk.",
        .path.display()
    )]
    Write {
        /// The file.
        path: PathBuf,
        /// The system's reason.
        source: io::Error,
    },
}

/// The file's content, and where it is.
#[derive(Debug, Default)]
pub(crate) struct Preferences {
    /// `None` when the user has no configuration folder, or the file must not be written.
    path: Option<PathBuf>,
    object: Map<String, Value>,
}

impl Preferences {
    /// The user's preferences, empty without a file; and the error, if the file could not be read.
    #[must_use]
    pub(crate) fn load() -> (Self, Option<PreferencesError>) {
        dirs::config_dir().map_or_else(Default::default, |folder| {
            Self::load_from(folder.join("mertscope").join(FILE_NAME))
        })
    }

    fn load_from(path: PathBuf) -> (Self, Option<PreferencesError>) {
        let text = match fs::read_to_string(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                let path = Some(path);
                return (
                    Self {
                        path,
                        ..Self::default()
                    },
                    None,
                );
            }
            // A file that can't be read must not be overwritten either.
            Err(source) if source.kind() != io::ErrorKind::InvalidData => {
                return (
                    Self::default(),
                    Some(PreferencesError::Read { path, source }),
                );
            }
            Err(_) => String::new(),
        };
        match serde_json::from_str(&text) {
            Ok(object) => {
                let path = Some(path);
                (Self { path, object }, None)
            }
            Err(error) => Self::put_aside(path, error.to_string()),
        }
    }

    fn put_aside(path: PathBuf, reason: String) -> (Self, Option<PreferencesError>) {
        let aside = path.with_extension("damaged.json");
        match fs::rename(&path, &aside) {
            Ok(()) => {
                let fresh = Self {
                    path: Some(path.clone()),
                    ..Self::default()
                };
                let damaged = PreferencesError::Damaged {
                    path,
                    aside,
                    reason,
                };
                (fresh, Some(damaged))
            }
            Err(source) => (
                Self::default(),
                Some(PreferencesError::Read { path, source }),
            ),
        }
    }

    /// The field of this name; `None` when it is absent or can't be understood.
    #[must_use]
    pub(crate) fn get<T: DeserializeOwned>(&self, field: &str) -> Option<T> {
        serde_json::from_value(self.object.get(field)?.clone()).ok()
    }

    /// Sets a field. When both are objects, members that `value` lacks stay.
    pub(crate) fn set(&mut self, field: &str, value: &impl Serialize) {
        let Ok(new) = serde_json::to_value(value) else {
            return;
        };
        match (self.object.get_mut(field), new) {
            (Some(Value::Object(old)), Value::Object(new)) => old.extend(new),
            (_, new) => {
                self.object.insert(field.to_owned(), new);
            }
        }
    }

    /// Writes the file, whole or not at all.
    ///
    /// # Errors
    /// [`PreferencesError::Write`]; the file is unchanged then.
    pub(crate) fn save(&mut self) -> Result<(), PreferencesError> {
        let Some(path) = &self.path else {
            return Ok(());
        };
        let version = self.object.get(VERSION_FIELD).and_then(Value::as_u64);
        let version = version.unwrap_or_default().max(VERSION);
        self.object.insert(VERSION_FIELD.to_owned(), version.into());
        write(path, &self.object).map_err(|source| PreferencesError::Write {
            path: path.clone(),
            source,
        })
    }
}

fn write(path: &Path, object: &Map<String, Value>) -> io::Result<()> {
    let mut text = serde_json::to_string_pretty(object)?;
    text.push('\n');
    write_whole_synced(path, text.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::choice::AudioChoice;

    fn in_folder(text: Option<&str>) -> (tempfile::TempDir, PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("mertscope").join(FILE_NAME);
        if let Some(text) = text {
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(&path, text).unwrap();
        }
        (folder, path)
    }

    #[test]
    fn choices_are_saved_and_unknown_fields_are_kept() {
        let text = r#"{"version":7,"sky":[1,2],"audio":{"input":"old","exclusive":true}}"#;
        let (_folder, path) = in_folder(Some(text));
        let (mut preferences, error) = Preferences::load_from(path.clone());
        assert!(error.is_none());
        let mut audio: AudioChoice = preferences.get("audio").unwrap();
        assert_eq!(audio.input.as_deref(), Some("old"));
        audio.input = Some("new".to_owned());
        preferences.set("audio", &audio);
        preferences.save().unwrap();

        let written: Value = serde_json::from_str(&fs::read_to_string(&path).unwrap()).unwrap();
        assert_eq!(written["version"], 7);
        assert_eq!(written["sky"], serde_json::json!([1, 2]));
        assert_eq!(written["audio"]["exclusive"], true);
        let (again, _) = Preferences::load_from(path);
        assert_eq!(again.get::<AudioChoice>("audio"), Some(audio));
    }

    #[test]
    fn without_a_file_the_preferences_are_empty_and_saving_makes_the_folder() {
        let (folder, path) = in_folder(None);
        let (mut preferences, error) = Preferences::load_from(path.clone());
        assert!(error.is_none() && preferences.get::<AudioChoice>("audio").is_none());
        preferences.save().unwrap();
        let names: Vec<_> = fs::read_dir(path.parent().unwrap()).unwrap().collect();
        assert_eq!(names.len(), 1, "only the file itself is left: {names:?}");
        drop(folder);
    }

    #[test]
    fn a_damaged_file_is_put_aside_with_an_error() {
        for damaged in ["", "{", "[1]", "\u{0}"] {
            let (_folder, path) = in_folder(Some(damaged));
            let (mut preferences, error) = Preferences::load_from(path.clone());
            let error = error.unwrap().to_string();
            assert!(
                error.contains("standalone.json") && error.contains("put aside"),
                "{error}"
            );
            preferences.save().unwrap();
            let aside = path.with_extension("damaged.json");
            assert_eq!(fs::read_to_string(aside).unwrap(), damaged);
        }
    }

    #[test]
    fn an_error_names_the_folder_that_can_not_be_written() {
        let (folder, _) = in_folder(None);
        // A file where the folder should be.
        let blocked = folder.path().join("blocked");
        fs::write(&blocked, "").unwrap();
        let (mut preferences, _) = Preferences::load_from(folder.path().join("absent.json"));
        preferences.path = Some(blocked.join(FILE_NAME));
        let error = preferences.save().unwrap_err().to_string();
        assert!(
            error.contains("could not be saved") && error.contains("blocked"),
            "{error}"
        );
    }
}
