//! The comparisons of devices with the CPU, remembered for each model, device, driver and form.
//!
//! A driver's own library may change without a trace that is seen here, so that a comparison counts for a
//! month. `mertscope doctor` forgets them all and compares anew.

use std::fmt::Debug;
use std::fs;
use std::io;
use std::time::{Duration, SystemTime};

use serde::{Deserialize, Serialize};

use crate::remembered::{self, Place};

/// The kind of these measurements.
const KIND: &str = "devices";

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

/// The place for a comparison of which `parts` are all that shapes it; `None` without a cache folder.
pub(crate) fn place(parts: &impl Debug) -> Option<Place> {
    Place::of(KIND, parts)
}

/// The outcome there, if it still counts at `now`.
pub(crate) fn outcome(place: &Place, now: SystemTime) -> Option<Outcome> {
    let (outcome, at) = place.read()?;
    let age = now.duration_since(at).unwrap_or_default();
    (age <= COUNTS).then_some(outcome)
}

/// Forgets all comparisons, so that each device is compared with the CPU when it is next used.
///
/// # Errors
/// The system's error; it is no error when there are none.
pub fn forget() -> io::Result<()> {
    match remembered::folder(KIND).map(fs::remove_dir_all) {
        Some(Err(error)) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_outcome_is_remembered_for_a_month() {
        let folder = tempfile::tempdir().unwrap();
        let place = Place::in_folder(folder.path(), &("model", 1));
        let now = SystemTime::now();
        assert_eq!(outcome(&place, now), None);
        let found = Outcome {
            device: "GPU (WebGPU)".to_owned(),
            model: "MERT-v1-95M".to_owned(),
            refused: Some("It computes wrong numbers".to_owned()),
        };
        place.remember(&found);
        assert_eq!(outcome(&place, now), Some(found));
        let day = Duration::from_secs(24 * 60 * 60);
        assert_eq!(outcome(&place, now + 32 * day), None);
    }
}
