//! The library: the published models with their state on this machine, and jobs that fetch, import,
//! check and remove them.
//!
//! One thread runs the jobs, one after another, and ends when none is left; no caller ever waits for
//! the network or a large file. Readers see one immutable list, replaced when something changes.

mod jobs;
mod offers;

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::thread::{self, JoinHandle};

use super::consent;
use super::import::ImportSource;
use super::{Consent, HubError, Settings};
use jobs::{LibraryState, Task, TaskKind};
use mertscope_model::catalogue::{self, CatalogueEntry};
use mertscope_model::store::StoreError;
use mertscope_model::{lock, runtime};

pub use offers::{ModelOffer, OfferState};

/// A function called after each new list, on the job's thread or the caller's; it must not block.
pub type UpdateHook = Arc<dyn Fn() + Send + Sync>;

/// The models of this user. Dropping the last reference stops a running job (a download can be
/// resumed) and joins its thread. So a plugin instance holds the library, not its window: jobs go on
/// while the window is closed.
///
/// ```no_run
/// use mertscope_hub::{Consent, Library};
///
/// let library = Library::shared()?;
/// for offer in library.list().iter() {
///     println!("{}: {:?}", offer.entry.id, offer.state);
/// }
/// // After the user has read and accepted the license; the list shows the progress.
/// library.fetch("MERT-v1-95M", Consent::Given)?;
/// # Ok::<(), mertscope_hub::HubError>(())
/// ```
pub struct Library {
    state: Arc<LibraryState>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

static SHARED: Mutex<Weak<Library>> = Mutex::new(Weak::new());

impl Library {
    /// The library of this process, for this user; the first call reads the installed models' receipts.
    ///
    /// # Errors
    /// [`HubError`], when the user has no data folder or the build has no catalogue.
    pub fn shared() -> Result<Arc<Self>, HubError> {
        let mut shared = lock(&SHARED);
        if let Some(library) = shared.upgrade() {
            return Ok(library);
        }
        let data = runtime::data_folder().ok_or(StoreError::NoFolder)?;
        let library = Arc::new(Self::open(data, Settings::from_environment())?);
        *shared = Arc::downgrade(&library);
        Ok(library)
    }

    /// A library with another data folder and other settings.
    ///
    /// # Errors
    /// [`HubError::Catalogue`], when the build has no catalogue.
    pub fn open(data: PathBuf, settings: Settings) -> Result<Self, HubError> {
        let state = Arc::new(LibraryState::new(data, settings)?);
        state.read_disk();
        Ok(Self {
            state,
            thread: Mutex::new(None),
        })
    }

    /// The published models with their present state; never blocks.
    #[must_use]
    pub fn list(&self) -> Arc<Vec<ModelOffer>> {
        self.state.list()
    }

    /// Calls `hook` after each new list, for as long as the caller holds it.
    pub fn on_update(&self, hook: &UpdateHook) {
        self.state.add_hook(hook);
    }

    /// Begins to fetch a model and the heads that were published for it; what is installed is not fetched again. The
    /// list shows the progress.
    ///
    /// # Errors
    /// [`HubError`], when the model is unknown, has a job already, or its license or that of its heads was not agreed
    /// to. Later errors are in the list.
    pub fn fetch(&self, id: &str, consent: Consent) -> Result<(), HubError> {
        let entry = entry(id)?;
        self.agree(entry, consent)?;
        if let Some(heads) = &entry.heads {
            consent::ensure_heads(self.state.data(), entry, heads, consent)?;
            self.state.mark_heads_agreed(heads);
        }
        self.begin(entry, TaskKind::Fetch { heads: true })
    }

    /// Begins to fetch a model without the heads that were published for it, as [`Library::fetch`] does with them.
    ///
    /// # Errors
    /// [`HubError`], when the model is unknown, has a job already, or its license was not agreed to.
    pub fn fetch_without_heads(&self, id: &str, consent: Consent) -> Result<(), HubError> {
        let entry = entry(id)?;
        self.agree(entry, consent)?;
        self.begin(entry, TaskKind::Fetch { heads: false })
    }

    /// Begins to import a model from a folder or from its weights' file, and returns the model's id.
    /// Without an id the folder's name must be the model's.
    ///
    /// # Errors
    /// [`HubError`], as for [`Library::fetch`], and when the folder is not a model's.
    pub fn import(
        &self,
        path: &Path,
        id: Option<&str>,
        consent: Consent,
    ) -> Result<&'static str, HubError> {
        let source = ImportSource::find(path)?;
        let entry = match id {
            Some(id) => entry(id)?,
            None => source.guess()?,
        };
        self.agree(entry, consent)?;
        self.begin(entry, TaskKind::Import(source))?;
        Ok(&entry.id)
    }

    /// The model that [`Library::import`] recognizes in `path`, so that its license can be shown.
    ///
    /// # Errors
    /// [`HubError::Import`], when the folder is not a model's, or its name is not.
    pub fn recognize(&self, path: &Path) -> Result<&'static CatalogueEntry, HubError> {
        ImportSource::find(path)?.guess()
    }

    /// Begins to compare a model's files with the hashes in its receipt.
    ///
    /// # Errors
    /// [`HubError`], when the model is unknown or has a job already.
    pub fn verify(&self, id: &str) -> Result<(), HubError> {
        self.begin(entry(id)?, TaskKind::Verify)
    }

    /// Begins to remove a model; files in the hub's cache stay.
    ///
    /// # Errors
    /// [`HubError`], when the model is unknown or has a job already.
    pub fn remove(&self, id: &str) -> Result<(), HubError> {
        self.begin(entry(id)?, TaskKind::Remove)
    }

    /// Stops the job of a model, if it has one. Downloaded bytes are kept.
    pub fn cancel(&self, id: &str) {
        self.state.cancel(id);
    }

    fn agree(&self, entry: &CatalogueEntry, consent: Consent) -> Result<(), HubError> {
        consent::ensure(self.state.data(), entry, consent)?;
        self.state.mark_agreed(entry);
        Ok(())
    }

    fn begin(&self, entry: &'static CatalogueEntry, kind: TaskKind) -> Result<(), HubError> {
        let mut thread = lock(&self.thread);
        let must_start = self.state.push(Task { entry, kind })?;
        if must_start {
            // The previous thread has no task left and is about to end.
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
            // Panics are contained and shown in the list.
            let _ = thread.join();
        }
    }
}

fn entry(id: &str) -> Result<&'static CatalogueEntry, HubError> {
    catalogue::find(id)?.ok_or_else(|| HubError::Unknown { id: id.to_owned() })
}
