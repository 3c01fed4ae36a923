//! The entries of the library's list.

use std::fs;

use crate::Job;
use mertscope_model::Model;
use mertscope_model::catalogue::CatalogueEntry;
use mertscope_model::store::{Installed, Store, StoreError};

/// A published model with its state on this machine.
#[derive(Debug, Clone)]
pub struct ModelOffer {
    /// Its catalogue entry.
    pub entry: &'static CatalogueEntry,
    /// Whether it is installed.
    pub state: OfferState,
    /// The name of the installed model for projects, see `Model::sha256`; `None` when it is not installed
    /// or can't be used.
    pub sha256: Option<String>,
    /// Whether the user agreed to its license.
    pub agreed: bool,
    /// The installed ones of the heads that were published for it.
    pub heads: Option<Installed>,
    /// Whether the user agreed to the terms of its published heads; `true` for a model without.
    pub heads_agreed: bool,
    /// Its running or waiting job.
    pub job: Option<Job>,
    /// The last job's error, a sentence with the remedy.
    pub error: Option<String>,
}

/// Whether a model is installed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum OfferState {
    /// It is not installed.
    Absent,
    /// A fetch was stopped; another fetch resumes it.
    Partial {
        /// Bytes on disk.
        bytes: u64,
    },
    /// It is installed; the files' lengths are right.
    Installed(Installed),
    /// It was installed, but can't be used.
    Broken {
        /// The reason, a sentence with the remedy.
        reason: String,
    },
}

impl ModelOffer {
    /// Bytes of all its files: exact for an installed model, approximate for others.
    #[must_use]
    pub fn size(&self) -> u64 {
        match &self.state {
            OfferState::Installed(installed) => installed.size(),
            _ => self.entry.about_bytes,
        }
    }

    /// Whether it has published heads that are not all installed.
    #[must_use]
    pub fn lacks_heads(&self) -> bool {
        let is_here = |name: &str| {
            let heads = self.heads.as_ref();
            heads.is_some_and(|heads| heads.file(name).is_some())
        };
        let published = self.entry.heads.iter().flat_map(|heads| &heads.head);
        let mut files = published.flat_map(|head| head.files());
        files.any(|file| !is_here(&file.name))
    }

    /// Takes over a state that was read from disk.
    pub(super) fn set_state(&mut self, state: OfferState) {
        self.sha256 = match &state {
            OfferState::Installed(installed) => Model::installed(self.entry, installed)
                .ok()
                .map(|model| model.sha256().to_owned()),
            _ => None,
        };
        self.state = state;
    }
}

impl OfferState {
    /// Reads the state from disk.
    pub(super) fn read(store: &Store, id: &str) -> Self {
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
