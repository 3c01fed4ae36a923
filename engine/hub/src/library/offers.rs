//! What there is to see of a published model.

use std::fs;

use crate::Job;
use mertscope_model::catalogue::CatalogueEntry;
use mertscope_model::store::{Installed, Store, StoreError};

/// A published model, and how far this user is with it.
#[derive(Debug, Clone)]
pub struct ModelOffer {
    /// What it is.
    pub entry: &'static CatalogueEntry,
    /// Whether it is here.
    pub state: OfferState,
    /// Whether the user agreed to its license.
    pub agreed: bool,
    /// What is being done with it.
    pub job: Option<Job>,
    /// Why the last job failed, as a sentence with the remedy.
    pub error: Option<String>,
}

/// Whether a model is here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum OfferState {
    /// It is not.
    Absent,
    /// Fetching it was stopped; another fetch goes on.
    Partial {
        /// Bytes that are there.
        bytes: u64,
    },
    /// It is, as far as the files' lengths tell.
    Installed(Installed),
    /// It was, but can't be used.
    Broken {
        /// Why, as a sentence with the remedy.
        reason: String,
    },
}

impl ModelOffer {
    /// Bytes of all its files: exact for an installed one, roughly for another.
    #[must_use]
    pub fn size(&self) -> u64 {
        match &self.state {
            OfferState::Installed(installed) => installed.size(),
            _ => self.entry.about_bytes,
        }
    }
}

impl OfferState {
    /// Looks at what is on disk.
    pub(super) fn look(store: &Store, id: &str) -> Self {
        match store.installed(id) {
            Ok(Some(installed)) => Self::Installed(installed),
            Ok(None) => match part_bytes(store, id) {
                Ok(0) | Err(_) => Self::Absent,
                Ok(bytes) => Self::Partial { bytes },
            },
            Err(error) => Self::Broken {
                reason: error.to_string(),
            },
        }
    }
}

/// Bytes that an interrupted download left.
fn part_bytes(store: &Store, id: &str) -> Result<u64, StoreError> {
    let folder = store.folder(id)?;
    let Ok(entries) = fs::read_dir(&folder) else {
        return Ok(0);
    };
    let parts = entries
        .flatten()
        .filter(|entry| entry.path().extension().is_some_and(|e| e == "part"));
    Ok(parts
        .filter_map(|part| Some(part.metadata().ok()?.len()))
        .sum())
}
