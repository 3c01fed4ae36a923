//! The queue of jobs, the thread that runs them, and the list that shows them.

use std::collections::{HashMap, VecDeque};
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, Weak};

use arc_swap::ArcSwap;

use super::offers::{ModelOffer, OfferState};
use super::{ImportSource, UpdateHook};
use crate::consent::{self, Terms};
use crate::disk::Lock;
use crate::progress::{Job, Progress, Stage, Stop};
use crate::{HubError, Settings, fetch, import};
use mertscope_model::catalogue::{self, CatalogueEntry, PublishedHeads};
use mertscope_model::panic_message;
use mertscope_model::store::{Installed, Store, StoreError};
use mertscope_model::{forget_graphs, lock, weights_hash};

/// A job's task for one model.
pub(super) struct Task {
    pub entry: &'static CatalogueEntry,
    pub kind: TaskKind,
}

/// The kinds of tasks.
pub(super) enum TaskKind {
    Fetch { heads: bool },
    Import(ImportSource),
    Verify,
    Remove,
}

/// The state that the library and its thread share.
pub(super) struct LibraryState {
    data: PathBuf,
    store: Store,
    settings: Settings,
    jobs: Mutex<Jobs>,
    shown: ArcSwap<Vec<ModelOffer>>,
    hooks: Mutex<Vec<Weak<dyn Fn() + Send + Sync>>>,
}

struct Jobs {
    offers: Vec<ModelOffer>,
    queue: VecDeque<Task>,
    stops: HashMap<&'static str, Stop>,
    /// Whether there is a thread that will take the next task.
    running: bool,
    closed: bool,
}

impl LibraryState {
    pub(crate) fn new(data: PathBuf, settings: Settings) -> Result<Self, HubError> {
        let offers = catalogue::all()?.iter().map(|entry| ModelOffer {
            entry,
            state: OfferState::Absent,
            sha256: None,
            agreed: Terms::of(entry).are_recorded(&data),
            heads: None,
            heads_agreed: consent::covers_heads(&data, entry),
            job: None,
            error: None,
        });
        let offers: Vec<_> = offers.collect();
        Ok(Self {
            store: Store::at(data.join("models")),
            data,
            settings,
            shown: ArcSwap::from_pointee(offers.clone()),
            jobs: Mutex::new(Jobs {
                offers,
                queue: VecDeque::new(),
                stops: HashMap::new(),
                running: false,
                closed: false,
            }),
            hooks: Mutex::new(Vec::new()),
        })
    }

    fn jobs(&self) -> MutexGuard<'_, Jobs> {
        lock(&self.jobs)
    }

    pub(crate) fn data(&self) -> &Path {
        &self.data
    }

    pub(crate) fn list(&self) -> Arc<Vec<ModelOffer>> {
        self.shown.load_full()
    }

    pub(crate) fn add_hook(&self, hook: &UpdateHook) {
        let mut hooks = lock(&self.hooks);
        hooks.retain(|hook| hook.strong_count() > 0);
        hooks.push(Arc::downgrade(hook));
    }

    fn hooks(&self) -> Vec<UpdateHook> {
        let hooks = lock(&self.hooks);
        hooks.iter().filter_map(Weak::upgrade).collect()
    }

    /// Publishes the offers as the new list and calls the hooks.
    pub(crate) fn publish(&self) {
        let jobs = self.jobs();
        self.shown.store(Arc::new(jobs.offers.clone()));
        drop(jobs);
        // Without the lock, since a hook may take it.
        for hook in self.hooks() {
            hook();
        }
    }

    /// Reads the state of every model from disk.
    pub(crate) fn read_disk(&self) {
        for entry in self.list().iter().map(|offer| offer.entry) {
            let state = OfferState::read(&self.store, &entry.id);
            let heads = self.installed_heads(entry);
            let agreed = Terms::of(entry).are_recorded(&self.data);
            let heads_agreed = consent::covers_heads(&self.data, entry);
            self.change(entry, |offer| {
                offer.set_state(state);
                (offer.heads, offer.agreed, offer.heads_agreed) = (heads, agreed, heads_agreed);
            });
        }
        self.publish();
    }

    /// Marks the license of `entry` as agreed to, for all models under that license.
    pub(crate) fn mark_agreed(&self, entry: &CatalogueEntry) {
        let mut jobs = self.jobs();
        for offer in &mut jobs.offers {
            offer.agreed |= offer.entry.license == entry.license;
        }
    }

    /// Marks the terms of published heads as agreed to.
    pub(crate) fn mark_heads_agreed(&self, heads: &PublishedHeads) {
        let mut jobs = self.jobs();
        for offer in &mut jobs.offers {
            offer.heads_agreed |= offer.entry.heads.as_ref() == Some(heads);
        }
    }

    /// The installed heads that were published for a model; an unreadable receipt counts as none, and the next fetch
    /// writes it again.
    fn installed_heads(&self, entry: &CatalogueEntry) -> Option<Installed> {
        self.store.of_heads().installed(&entry.id).ok().flatten()
    }

    fn change(&self, entry: &CatalogueEntry, change: impl FnOnce(&mut ModelOffer)) {
        let mut jobs = self.jobs();
        let mut offers = jobs.offers.iter_mut();
        if let Some(offer) = offers.find(|offer| offer.entry.id == entry.id) {
            change(offer);
        }
    }

    /// Appends a task to the queue; `true` when a thread has to be started for it.
    pub(crate) fn push(&self, task: Task) -> Result<bool, HubError> {
        let id = &*task.entry.id;
        let mut jobs = self.jobs();
        if jobs.stops.contains_key(id) {
            return Err(HubError::Busy { id: id.to_owned() });
        }
        jobs.stops.insert(id, Stop::default());
        for offer in &mut jobs.offers {
            if offer.entry.id == id {
                (offer.job, offer.error) = (Some(Job::WAITING), None);
            }
        }
        jobs.queue.push_back(task);
        Ok(!std::mem::replace(&mut jobs.running, true))
    }

    /// Removes a task for which no thread could be started, and returns the error.
    pub(crate) fn not_started(&self, entry: &'static CatalogueEntry, error: io::Error) -> HubError {
        let mut jobs = self.jobs();
        jobs.running = false;
        jobs.queue.clear();
        jobs.stops.remove(&*entry.id);
        drop(jobs);
        self.change(entry, |offer| offer.job = None);
        StoreError::system("given a thread", &self.store.root().join(&entry.id))(error).into()
    }

    pub(crate) fn cancel(&self, id: &str) {
        let jobs = self.jobs();
        let stop = jobs
            .stops
            .iter()
            .find(|(other, _)| other.eq_ignore_ascii_case(id));
        if let Some((_, stop)) = stop {
            stop.stop();
        }
    }

    /// Stops all jobs; no further one begins.
    pub(crate) fn close(&self) {
        let mut jobs = self.jobs();
        jobs.closed = true;
        for stop in jobs.stops.values() {
            stop.stop();
        }
    }

    /// The thread: runs tasks until none is left.
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
            let state = OfferState::read(&self.store, &entry.id);
            let heads = self.installed_heads(entry);
            self.jobs().stops.remove(&*entry.id);
            self.change(entry, |offer| {
                (offer.job, offer.heads) = (None, heads);
                offer.error = error.map(|error| error.to_string());
                offer.set_state(state);
            });
            self.publish();
        }
    }

    fn next(&self) -> Option<(Task, Stop)> {
        let mut jobs = self.jobs();
        let task = (!jobs.closed).then(|| jobs.queue.pop_front()).flatten();
        if task.is_none() {
            jobs.running = false;
        }
        let task = task?;
        let stop = jobs.stops.get(&*task.entry.id).cloned();
        Some((task, stop.unwrap_or_default()))
    }

    fn work(&self, task: &Task, stop: Stop) -> Result<(), HubError> {
        let entry = task.entry;
        let mut report = |job: Job| {
            self.change(entry, |offer| offer.job = Some(job));
            self.publish();
        };
        let mut progress = Progress::new(stop, &mut report);
        progress.check()?;
        match &task.kind {
            TaskKind::Fetch { heads } => {
                fetch::fetch(entry, &self.store, &self.settings, &mut progress)?;
                if let Some(published) = entry.heads.as_ref().filter(|_| *heads) {
                    let settings = &self.settings;
                    fetch::fetch_heads(entry, published, &self.store, settings, &mut progress)?;
                }
            }
            TaskKind::Import(source) => {
                import::import(source, entry, &self.store, &mut progress)?;
            }
            TaskKind::Verify => self.verify(entry, &mut progress)?,
            TaskKind::Remove => self.remove(&entry.id)?,
        }
        Ok(())
    }

    /// Removes a model, its published heads, and the graphs made from it.
    fn remove(&self, id: &str) -> Result<(), HubError> {
        let _lock = Lock::at_once(&self.store, id)?;
        // An unreadable receipt is removed too, but not the graphs of the files that it named.
        let model = self.store.recorded(id).unwrap_or_default();
        self.store.of_heads().remove(id)?;
        self.store.remove(id)?;
        if let Some(hash) = model.as_ref().and_then(weights_hash) {
            let folder = self.store.folder(id)?;
            let forgotten = forget_graphs(&hash);
            forgotten.map_err(StoreError::system("freed of its graphs", &folder))?;
        }
        Ok(())
    }

    fn verify(&self, entry: &CatalogueEntry, progress: &mut Progress) -> Result<(), HubError> {
        let Some(installed) = self.store.installed(&entry.id)? else {
            return Ok(());
        };
        let heads = self.store.of_heads().installed(&entry.id)?;
        let size = |files: &Installed| files.size();
        let total = installed.size() + heads.as_ref().map_or(0, size);
        progress.stage(Stage::Checking, 0, total);
        for files in [Some(installed), heads].into_iter().flatten() {
            match files.verify(|bytes| progress.advance(bytes)) {
                Err(StoreError::Stopped) => return Err(HubError::Stopped),
                verified => verified?,
            }
        }
        Ok(())
    }
}
