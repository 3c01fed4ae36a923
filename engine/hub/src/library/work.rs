//! The queue of jobs, the thread that does them, and the list that shows them.

use std::collections::{HashMap, VecDeque};
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use arc_swap::ArcSwap;

use super::offers::{ModelOffer, OfferState};
use super::{Source, UpdateHook};
use crate::consent;
use crate::place::Lock;
use crate::progress::{Job, Progress, Stage, Stop};
use crate::{HubError, Settings, fetch, import};
use mertscope_model::catalogue::{self, CatalogueEntry};
use mertscope_model::forget_graphs;
use mertscope_model::panic_message;
use mertscope_model::store::{Store, StoreError};

/// Something to do with a model.
pub(super) struct Task {
    pub entry: &'static CatalogueEntry,
    pub what: What,
}

/// What to do.
pub(super) enum What {
    Fetch,
    Import(Source),
    Verify,
    Remove,
}

/// What the library and its thread share.
pub(super) struct Inner {
    data: PathBuf,
    store: Store,
    settings: Settings,
    shelf: Mutex<UserStore>,
    shown: ArcSwap<Vec<ModelOffer>>,
    hooks: Mutex<Vec<Weak<dyn Fn() + Send + Sync>>>,
}

struct UserStore {
    offers: Vec<ModelOffer>,
    queue: VecDeque<Task>,
    stops: HashMap<&'static str, Stop>,
    /// Whether there is a thread that will take the next task.
    running: bool,
    closed: bool,
}

impl Inner {
    pub(crate) fn new(data: PathBuf, settings: Settings) -> Result<Self, HubError> {
        let offers = catalogue::all()?.iter().map(|entry| ModelOffer {
            entry,
            state: OfferState::Absent,
            agreed: consent::is_recorded(&data, entry),
            job: None,
            error: None,
        });
        let offers: Vec<_> = offers.collect();
        Ok(Self {
            store: Store::at(data.join("models")),
            data,
            settings,
            shown: ArcSwap::from_pointee(offers.clone()),
            shelf: Mutex::new(UserStore {
                offers,
                queue: VecDeque::new(),
                stops: HashMap::new(),
                running: false,
                closed: false,
            }),
            hooks: Mutex::new(Vec::new()),
        })
    }

    fn shelf(&self) -> MutexGuard<'_, UserStore> {
        self.shelf.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn data(&self) -> &Path {
        &self.data
    }

    pub(crate) fn list(&self) -> Arc<Vec<ModelOffer>> {
        self.shown.load_full()
    }

    pub(crate) fn add_hook(&self, hook: &UpdateHook) {
        let mut hooks = self.hooks.lock().unwrap_or_else(PoisonError::into_inner);
        hooks.retain(|hook| hook.strong_count() > 0);
        hooks.push(Arc::downgrade(hook));
    }

    fn hooks(&self) -> Vec<UpdateHook> {
        let hooks = self.hooks.lock().unwrap_or_else(PoisonError::into_inner);
        hooks.iter().filter_map(Weak::upgrade).collect()
    }

    /// Makes the shelf's offers the list that is shown, and tells.
    pub(crate) fn publish(&self) {
        let shelf = self.shelf();
        self.shown.store(Arc::new(shelf.offers.clone()));
        drop(shelf);
        // Called without the lock, for a hook may look for another.
        for hook in self.hooks() {
            hook();
        }
    }

    /// Looks at every model on disk.
    pub(crate) fn look_at_all(&self) {
        for entry in self.list().iter().map(|offer| offer.entry) {
            let state = OfferState::look(&self.store, &entry.id);
            let agreed = consent::is_recorded(&self.data, entry);
            self.change(entry, |offer| {
                offer.state = state;
                offer.agreed = agreed;
            });
        }
        self.publish();
    }

    /// The license of `entry` was agreed to, and so that of all others under the same.
    pub(crate) fn agreed(&self, entry: &CatalogueEntry) {
        let mut shelf = self.shelf();
        for offer in &mut shelf.offers {
            offer.agreed |= offer.entry.license == entry.license;
        }
    }

    fn change(&self, entry: &CatalogueEntry, change: impl FnOnce(&mut ModelOffer)) {
        let mut shelf = self.shelf();
        let mut offers = shelf.offers.iter_mut();
        if let Some(offer) = offers.find(|offer| offer.entry.id == entry.id) {
            change(offer);
        }
    }

    /// Puts a task at the end of the queue; tells whether a thread has to be started for it.
    pub(crate) fn push(&self, task: Task) -> Result<bool, HubError> {
        let id = &*task.entry.id;
        let mut shelf = self.shelf();
        if shelf.stops.contains_key(id) {
            return Err(HubError::Busy { id: id.to_owned() });
        }
        shelf.stops.insert(id, Stop::default());
        for offer in &mut shelf.offers {
            if offer.entry.id == id {
                (offer.job, offer.error) = (Some(Job::WAITING), None);
            }
        }
        shelf.queue.push_back(task);
        Ok(!std::mem::replace(&mut shelf.running, true))
    }

    /// Takes back a task for which there is no thread.
    pub(crate) fn not_started(&self, entry: &'static CatalogueEntry, error: io::Error) -> HubError {
        let mut shelf = self.shelf();
        shelf.running = false;
        shelf.queue.clear();
        shelf.stops.remove(&*entry.id);
        drop(shelf);
        self.change(entry, |offer| offer.job = None);
        StoreError::system("given a thread", &self.store.root().join(&entry.id))(error).into()
    }

    pub(crate) fn cancel(&self, id: &str) {
        let shelf = self.shelf();
        let stop = shelf
            .stops
            .iter()
            .find(|(of, _)| of.eq_ignore_ascii_case(id));
        if let Some((_, stop)) = stop {
            stop.stop();
        }
    }

    /// Stops everything; nothing is begun any more.
    pub(crate) fn close(&self) {
        let mut shelf = self.shelf();
        shelf.closed = true;
        for stop in shelf.stops.values() {
            stop.stop();
        }
    }

    /// The thread: does tasks until there is none.
    pub(crate) fn run(&self) {
        while let Some((task, stop)) = self.next() {
            let entry = task.entry;
            let done = catch_unwind(AssertUnwindSafe(|| self.work(&task, stop)));
            let done = done.unwrap_or_else(|panic| {
                let reason = panic_message(&*panic).to_owned();
                Err(HubError::Panic { reason })
            });
            let error = done
                .err()
                .filter(|error| !matches!(error, HubError::Stopped));
            let state = OfferState::look(&self.store, &entry.id);
            self.shelf().stops.remove(&*entry.id);
            self.change(entry, |offer| {
                offer.job = None;
                offer.error = error.map(|error| error.to_string());
                offer.state = state;
            });
            self.publish();
        }
    }

    fn next(&self) -> Option<(Task, Stop)> {
        let mut shelf = self.shelf();
        let task = (!shelf.closed).then(|| shelf.queue.pop_front()).flatten();
        if task.is_none() {
            shelf.running = false;
        }
        let task = task?;
        let stop = shelf.stops.get(&*task.entry.id).cloned();
        Some((task, stop.unwrap_or_default()))
    }

    fn work(&self, task: &Task, stop: Stop) -> Result<(), HubError> {
        let entry = task.entry;
        let mut tell = |job: Job| {
            self.change(entry, |offer| offer.job = Some(job));
            self.publish();
        };
        let mut progress = Progress::new(stop, &mut tell);
        progress.check()?;
        match &task.what {
            What::Fetch => {
                fetch::fetch(entry, &self.store, &self.settings, &mut progress)?;
            }
            What::Import(source) => {
                import::import(source, entry, &self.store, &mut progress)?;
            }
            What::Verify => self.verify(entry, &mut progress)?,
            What::Remove => self.remove(&entry.id)?,
        }
        Ok(())
    }

    /// Removes a model, and the graphs that were made of it.
    fn remove(&self, id: &str) -> Result<(), HubError> {
        let _lock = Lock::at_once(&self.store, id)?;
        // A receipt that can't be read is removed too, though not what it may have named.
        let model = self.store.recorded(id).unwrap_or_default();
        self.store.remove(id)?;
        for file in model.into_iter().flat_map(|model| model.files) {
            let forgotten = forget_graphs(&file.sha256);
            forgotten.map_err(StoreError::system("freed of its graphs", &file.path))?;
        }
        Ok(())
    }

    fn verify(&self, entry: &CatalogueEntry, progress: &mut Progress) -> Result<(), HubError> {
        let Some(installed) = self.store.installed(&entry.id)? else {
            return Ok(());
        };
        progress.stage(Stage::Checking, 0, installed.size());
        match installed.verify(|bytes| progress.advance(bytes)) {
            Err(StoreError::Stopped) => Err(HubError::Stopped),
            verified => Ok(verified?),
        }
    }
}
