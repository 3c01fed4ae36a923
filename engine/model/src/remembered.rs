//! Measurements that are made once, remembered in the user's cache folder: one small file for each,
//! `<kind>/<hash of all that shapes it>.json`.

use std::fmt::Debug;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::hash::sha256_of_parts;
use crate::whole_file::write_whole;

/// The folder of measurements of a kind, if the system names a cache folder.
pub(crate) fn folder(kind: &str) -> Option<PathBuf> {
    Some(dirs::cache_dir()?.join("mertscope").join(kind))
}

/// A place for one measurement.
#[derive(Debug)]
pub(crate) struct Place(PathBuf);

impl Place {
    /// The place for a measurement of which `parts` are all that shapes it; `None` without a cache folder.
    pub(crate) fn of(kind: &str, parts: &impl Debug) -> Option<Self> {
        Some(Self::in_folder(&folder(kind)?, parts))
    }

    pub(crate) fn in_folder(folder: &Path, parts: &impl Debug) -> Self {
        Self(folder.join(format!("{}.json", sha256_of_parts(parts))))
    }

    /// What was remembered there, and when; `None` for nothing and for a damaged file.
    pub(crate) fn read<T: DeserializeOwned>(&self) -> Option<(T, SystemTime)> {
        let at = fs::metadata(&self.0).ok()?.modified().ok()?;
        let found = serde_json::from_slice(&fs::read(&self.0).ok()?).ok()?;
        Some((found, at))
    }

    /// Remembers a measurement. Without a place to write it, it is made again the next time.
    pub(crate) fn remember(&self, measured: &impl Serialize) {
        if let Ok(json) = serde_json::to_vec(measured) {
            let _ = write_whole(&self.0, &json);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_measurement_has_its_own_place_and_a_damaged_file_is_none() {
        let folder = tempfile::tempdir().unwrap();
        let folder = folder.path().join("forms");
        let place = Place::in_folder(&folder, &("model", 1));
        assert!(place.read::<f64>().is_none());
        place.remember(&0.25);
        assert_eq!(place.read::<f64>().unwrap().0, 0.25);
        assert!(
            Place::in_folder(&folder, &("model", 2))
                .read::<f64>()
                .is_none()
        );
        fs::write(&place.0, "{").unwrap();
        assert!(place.read::<f64>().is_none());
    }
}
