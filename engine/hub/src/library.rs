//! The published models and what is installed of them, with jobs that get, check and remove them.
//!
//! One thread does the jobs, one after another, and ends when there is none left; no caller ever
//! waits for the network or a large file. TaskKind there is to see is one immutable list, replaced
//! when something changes.

mod offers;
mod jobs;

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::thread::{self, JoinHandle};

use super::consent;
use super::import::ImportSource;
use super::{Consent, HubError, Settings};
use mertscope_model::catalogue::{self, CatalogueEntry};
use mertscope_model::runtime;
use mertscope_model::store::StoreError;
use jobs::{LibraryState, Task, TaskKind};

pub use offers::{ModelOffer, OfferState};

/// Told after each new list, on the job's thread or the caller's: it must not wait for anything.
pub type UpdateHook = Arc<dyn Fn() + Send + Sync>;

/// The models of this user. It lives as long as someone holds it; when the last one lets go, a job
/// that runs is stopped (a download can be resumed) and its thread joined. So whoever wants jobs to
/// go on holds it: a plugin instance, not its window.
pub struct Library {
    state: Arc<LibraryState>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

static SHARED: Mutex<Weak<Library>> = Mutex::new(Weak::new());

impl Library {
    /// The library of this process, for this user; the first call looks at what is installed.
    ///
    /// # Errors
    /// [`HubError`], when the user has no data folder or the build no catalogue.
    pub fn shared() -> Result<Arc<Self>, HubError> {
        let mut shared = SHARED.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(library) = shared.upgrade() {
            return Ok(library);
        }
        let data = runtime::data_folder().ok_or(StoreError::NoFolder)?;
        let library = Arc::new(Self::open(data, Settings::from_environment())?);
        *shared = Arc::downgrade(&library);
        Ok(library)
    }

    /// A library in another data folder, that reaches the hub otherwise.
    ///
    /// # Errors
    /// [`HubError::Catalogue`], when the build has no catalogue.
    pub fn open(data: PathBuf, settings: Settings) -> Result<Self, HubError> {
        let state = Arc::new(LibraryState::new(data, settings)?);
        state.look_at_all();
        Ok(Self {
            state,
            thread: Mutex::new(None),
        })
    }

    /// The published models, as they are right now; costs nothing.
    #[must_use]
    pub fn list(&self) -> Arc<Vec<ModelOffer>> {
        self.state.list()
    }

    /// Has `hook` called after each new list, for as long as the caller keeps it.
    pub fn on_update(&self, hook: &UpdateHook) {
        self.state.add_hook(hook);
    }

    /// Begins to fetch a model; at once done when it is installed. The list shows how far it is.
    ///
    /// # Errors
    /// [`HubError`], when there is no such model, it is being worked on, or its license was not
    /// agreed to. TaskKind goes wrong later stands in the list.
    pub fn fetch(&self, id: &str, consent: Consent) -> Result<(), HubError> {
        let entry = entry(id)?;
        self.agree(entry, consent)?;
        self.begin(entry, TaskKind::Fetch)
    }

    /// Begins to import a model from a folder, or from the weights in it. Without an id the
    /// folder's name must say which model it is. The result is that model's id.
    ///
    /// # Errors
    /// [`HubError`], as for [`Library::fetch`], and when that is no folder of a model.
    pub fn import(
        &self,
        path: &Path,
        id: Option<&str>,
        consent: Consent,
    ) -> Result<&'static str, HubError> {
        let source = ImportSource::look(path)?;
        let entry = match id {
            Some(id) => entry(id)?,
            None => source.guess()?,
        };
        self.agree(entry, consent)?;
        self.begin(entry, TaskKind::Import(source))?;
        Ok(&entry.id)
    }

    /// The model that [`Library::import`] would take `path` for, so that its license can be shown.
    ///
    /// # Errors
    /// [`HubError::Import`], when that is no folder of a model, or its name does not say which.
    pub fn recognize(&self, path: &Path) -> Result<&'static CatalogueEntry, HubError> {
        ImportSource::look(path)?.guess()
    }

    /// Begins to compare a model's files with its receipt, byte for byte.
    ///
    /// # Errors
    /// [`HubError`], when there is no such model or it is being worked on.
    pub fn verify(&self, id: &str) -> Result<(), HubError> {
        self.begin(entry(id)?, TaskKind::Verify)
    }

    /// Begins to remove a model; what lies in the hub's own cache stays there.
    ///
    /// # Errors
    /// [`HubError`], when there is no such model or it is being worked on.
    pub fn remove(&self, id: &str) -> Result<(), HubError> {
        self.begin(entry(id)?, TaskKind::Remove)
    }

    /// Stops the job of a model, if it has one. TaskKind a download brought is kept.
    pub fn cancel(&self, id: &str) {
        self.state.cancel(id);
    }

    fn agree(&self, entry: &CatalogueEntry, consent: Consent) -> Result<(), HubError> {
        consent::ensure(self.state.data(), entry, consent)?;
        self.state.agreed(entry);
        Ok(())
    }

    fn begin(&self, entry: &'static CatalogueEntry, kind: TaskKind) -> Result<(), HubError> {
        let mut thread = self.thread.lock().unwrap_or_else(PoisonError::into_inner);
        let must_start = self.state.push(Task { entry, what })?;
        if must_start {
            // The one before has no task left and is about to end.
            if let Some(ended) = thread.take() {
                let _ = ended.join();
            }
            let state = Arc::clone(&self.state);
            let builder = thread::Builder::new().name("mertscope library".to_owned());
            match builder.spawn(move || state.run()) {
                Ok(started) => *thread = Some(started),
                Err(error) => return Err(self.state.not_started(entry, error)),
            }
        }
        drop(thread);
        self.state.publish();
        Ok(())
    }
}

impl Drop for Library {
    fn drop(&mut self) {
        self.state.close();
        let thread = self
            .thread
            .get_mut()
            .unwrap_or_else(PoisonError::into_inner);
        if let Some(thread) = thread.take() {
            // A panic in it was contained and shown.
            let _ = thread.join();
        }
    }
}

fn entry(id: &str) -> Result<&'static CatalogueEntry, HubError> {
    catalogue::find(id)?.ok_or_else(|| HubError::Unknown { id: id.to_owned() })
}
