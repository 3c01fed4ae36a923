//! The comparisons of devices with the CPU, remembered in the user's cache folder: one small file for each
//! model, device, driver and form, `devices/<hash>.json`.
//!
//! A driver's own library may change without a trace that is seen here, so that a comparison counts for a
//! month. `mertscope doctor` forgets them all and compares anew.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use serde::{Deserialize, Serialize};

use crate::hash::sha256_of_parts;
use crate::whole_file::write_whole;

/// The time for which a comparison counts.
const COUNTS: Duration = Duration::from_secs(30 * 24 * 60 * 60);

/// The outcome of a comparison.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Outcome {
    /// The device's name.
    pub(crate) device: String,
    /// The model's id.
    pub(crate) model: String,
    /// Why the device is refused, a sentence without its full stop; `None` when it computes as the CPU does.
    pub(crate) refused: Option<String>,
}

/// The folder of comparisons, if the system names a cache folder.
fn folder() -> Option<PathBuf> {
    Some(dirs::cache_dir()?.join("mertscope").join("devices"))
}

/// A place for the outcome of one comparison.
#[derive(Debug)]
pub(crate) struct Place(PathBuf);

impl Place {
    /// The place for a comparison of which `parts` are all that shapes it; `None` without a cache folder.
    pub(crate) fn of(parts: &impl std::fmt::Debug) -> Option<Self> {
        Some(Self::in_folder(&folder()?, parts))
    }

    fn in_folder(folder: &Path, parts: &impl std::fmt::Debug) -> Self {
        Self(folder.join(format!("{}.json", sha256_of_parts(parts))))
    }

    /// The outcome there, if it still counts at `now`.
    pub(crate) fn outcome(&self, now: SystemTime) -> Option<Outcome> {
        let at = fs::metadata(&self.0).ok()?.modified().ok()?;
        let age = now.duration_since(at).unwrap_or_default();
        if age > COUNTS {
            return None;
        }
        serde_json::from_slice(&fs::read(&self.0).ok()?).ok()
    }

    /// Remembers an outcome. Without a place to write it, the next session compares again.
    pub(crate) fn remember(&self, outcome: &Outcome) {
        if let Ok(json) = serde_json::to_vec(outcome) {
            let _ = write_whole(&self.0, &json);
        }
    }
}

/// Forgets all comparisons, so that each device is compared with the CPU when it is next used.
///
/// # Errors
/// The system's error; it is no error when there are none.
pub fn forget() -> io::Result<()> {
    match folder().map(fs::remove_dir_all) {
        Some(Err(error)) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_outcome_is_remembered_for_a_month_and_a_damaged_file_is_none() {
        let folder = tempfile::tempdir().unwrap();
        let place = Place::in_folder(&folder.path().join("devices"), &("model", 1));
        let now = SystemTime::now();
        assert_eq!(place.outcome(now), None);
        let outcome = Outcome {
            device: "GPU (WebGPU)".to_owned(),
            model: "MERT-v1-95M".to_owned(),
            refused: Some("It computes wrong numbers".to_owned()),
        };
        place.remember(&outcome);
        assert_eq!(place.outcome(now), Some(outcome));
        let day = Duration::from_secs(24 * 60 * 60);
        assert_eq!(place.outcome(now + 32 * day), None);
        let other = Place::in_folder(&folder.path().join("devices"), &("model", 2));
        assert_eq!(other.outcome(now), None);
        fs::write(&place.0, "{").unwrap();
        assert_eq!(place.outcome(now), None);
    }
}
