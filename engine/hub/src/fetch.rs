//! Fetching a whole model: from the hub's cache on this machine if it is complete there, else from the
//! hub. Its published heads come the same way, each with its labels, into a receipt of their own: a head that
//! can't be had leaves the model and the other heads as they are.

mod heads;

use std::cell::OnceCell;
use std::fs::{self, File};
use std::path::Path;

use super::cache::Cached;
use super::client::Client;
use super::disk::{self, Lock};
use super::download::Download;
use super::progress::{Progress, Stage};
use super::remote::{self, Remote};
use super::wanted::Wanted;
use super::{HubError, Settings};
use mertscope_model::catalogue::{CatalogueEntry, CatalogueFile};
use mertscope_model::hash_file;
use mertscope_model::store::{Installed, InstalledFile, Store, StoreError};

pub(super) use heads::fetch_heads;

/// The branch to fetch when no revision is pinned.
const BRANCH: &str = "main";

/// Installs `entry` from the cache or the hub, unless it is installed already.
///
/// The pins in the receipt of a damaged installation stay in force.
pub(super) fn fetch(
    entry: &CatalogueEntry,
    store: &Store,
    settings: &Settings,
    progress: &mut Progress,
) -> Result<Installed, HubError> {
    let _lock = Lock::wait(store, &entry.id, progress)?;
    match store.installed(&entry.id) {
        Ok(Some(installed)) => return Ok(installed),
        // A receipt for missing files: fetch them again.
        Ok(None) | Err(StoreError::Gone { .. }) => {}
        Err(error) => return Err(error.into()),
    }
    let folder = store.folder(&entry.id)?;
    let wanted = Wanted::model(entry);
    let fetch = Fetch {
        settings,
        client: &OnceCell::new(),
        folder: &folder,
        // An import pins nothing: its files may be in another format.
        pinned: store
            .recorded(&entry.id)?
            .filter(|model| model.revision.is_some()),
        cached: Cached::of(settings.cache.as_deref(), wanted.repo),
        wanted,
    };
    let installed = fetch.get(progress)?;
    store.record(&installed)?;
    Ok(installed)
}

/// The fetch of files that belong together.
struct Fetch<'a> {
    wanted: Wanted<'a>,
    settings: &'a Settings,
    /// Made with the first request.
    client: &'a OnceCell<Client>,
    folder: &'a Path,
    pinned: Option<Installed>,
    cached: Option<Cached>,
}

impl Fetch<'_> {
    /// The files, on disk and checked; nothing is recorded yet.
    fn get(&self, progress: &mut Progress) -> Result<Installed, HubError> {
        match self.take_cached(progress)? {
            Some(installed) => Ok(installed),
            None if self.settings.offline => Err(HubError::Offline {
                id: self.wanted.id.to_owned(),
            }),
            None => self.download(progress),
        }
    }

    fn client(&self, progress: &Progress) -> Result<&Client, HubError> {
        if self.client.get().is_none() {
            // The cell is empty: nobody else has it.
            let _ = self.client.set(Client::new(self.settings, &progress.stop)?);
        }
        self.client.get().ok_or(HubError::Stopped)
    }

    fn revision(&self) -> &str {
        let pinned = self
            .pinned
            .as_ref()
            .and_then(|pinned| pinned.revision.as_deref());
        pinned.or(self.wanted.revision).unwrap_or(BRANCH)
    }

    /// The files from the cache, if the cache has all of them.
    fn take_cached(&self, progress: &mut Progress) -> Result<Option<Installed>, HubError> {
        let Some(cached) = &self.cached else {
            return Ok(None);
        };
        let Some(commit) = cached.commit(self.revision()) else {
            return Ok(None);
        };
        let mut files = Vec::new();
        for file in self.wanted.files.iter().copied() {
            match self.cached_file(cached, &commit, file, None, progress)? {
                Some(found) => files.push(found),
                None if file.optional => {}
                None => return Ok(None),
            }
        }
        self.installed(commit, files, "the hub's cache").map(Some)
    }

    fn download(&self, progress: &mut Progress) -> Result<Installed, HubError> {
        let client = self.client(progress)?;
        let pinned = self.pinned.as_ref();
        let remote = remote::ask(client, &self.wanted, self.revision(), pinned, progress)?;
        fs::create_dir_all(self.folder).map_err(StoreError::system("made", self.folder))?;
        self.check_space(&remote)?;
        let download = Download {
            client,
            id: self.wanted.id,
            repo: self.wanted.repo,
            folder: self.folder,
        };
        let mut files = Vec::new();
        for file in &remote.files {
            let mut listed = self.wanted.files.iter().copied();
            let listed = listed.find(|listed| listed.name == file.name);
            let known = file.sha256.as_deref();
            let found = match (&self.cached, listed) {
                (Some(cached), Some(listed)) => {
                    self.cached_file(cached, &remote.commit, listed, known, progress)?
                }
                _ => None,
            };
            files.push(match found {
                Some(found) => found,
                None => download.fetch(file, progress)?,
            });
        }
        let source = format!("{}/{}", self.settings.endpoint, self.wanted.repo);
        self.installed(remote.commit, files, &source)
    }

    /// Fails before the first byte when the files would not fit on the disk.
    fn check_space(&self, remote: &Remote) -> Result<(), HubError> {
        let part_len = |name: &str| {
            let part = self.folder.join(format!("{name}.part"));
            fs::metadata(part).map_or(0, |part| part.len())
        };
        let missing = remote.files.iter();
        let missing = missing.map(|file| file.size.saturating_sub(part_len(&file.name)));
        disk::check_space(self.folder, missing.sum())
    }

    /// A file of the cache with the expected content; `None` for any other content.
    fn cached_file(
        &self,
        cached: &Cached,
        commit: &str,
        file: &CatalogueFile,
        linked: Option<&str>,
        progress: &mut Progress,
    ) -> Result<Option<InstalledFile>, HubError> {
        let Some(path) = cached.file(commit, &self.wanted.path(&file.name)) else {
            return Ok(None);
        };
        let opened = File::open(&path).and_then(|file| Ok((file.metadata()?.len(), file)));
        let Ok((size, opened)) = opened else {
            return Ok(None);
        };
        progress.stage(Stage::Checking, 0, size);
        let Ok(hash) = hash_file(opened, |bytes| progress.advance(bytes)) else {
            return Ok(None);
        };
        let sha256 = hash.ok_or(HubError::Stopped)?;
        let pin = self
            .pinned
            .as_ref()
            .and_then(|pinned| pinned.file(&file.name));
        let hash_is_expected = [
            file.sha256.as_deref(),
            pin.map(|pin| &*pin.sha256),
            linked,
            blob_hash(&path).as_deref(),
        ]
        .into_iter()
        .flatten()
        .all(|pin| pin.eq_ignore_ascii_case(&sha256));
        let is_expected = hash_is_expected && file.size.is_none_or(|expected| expected == size);
        Ok(is_expected.then(|| InstalledFile {
            name: file.name.clone(),
            path,
            size,
            sha256,
        }))
    }

    fn installed(
        &self,
        commit: String,
        files: Vec<InstalledFile>,
        source: &str,
    ) -> Result<Installed, HubError> {
        fs::create_dir_all(self.folder).map_err(StoreError::system("made", self.folder))?;
        Ok(Installed {
            id: self.wanted.id.to_owned(),
            folder: self.folder.to_owned(),
            revision: Some(commit),
            source: source.to_owned(),
            files,
        })
    }
}

/// The SHA-256 of a large file of the cache, which is a link to a blob with that name.
fn blob_hash(path: &Path) -> Option<String> {
    let blob = dunce::canonicalize(path).ok()?;
    let name = blob.file_name()?.to_str()?;
    let hash = name.len() == 64 && name.chars().all(|c| c.is_ascii_hexdigit());
    hash.then(|| name.to_owned())
}
