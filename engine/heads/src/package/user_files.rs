//! The heads that were fetched with a model, and the heads and the map that the user fitted or imported for it, beside
//! the shipped ones.

use std::sync::Arc;

use mertscope_audio::Notice;
use mertscope_model::Manifest;
use mertscope_model::catalogue::CatalogueEntry;

use super::ModelPackage;
use super::published_heads::InstalledHeads;
use crate::head::Head;
use crate::map::Map;
use crate::user_store::{MAP, StoredFile, StoredKind, UserStore};

/// The stored files that were loaded into a package, and what the package had before.
#[derive(Debug, Clone)]
pub(super) struct LoadedUserFiles {
    /// The published model that it is.
    entry: Option<&'static CatalogueEntry>,
    stored: StoredFiles,
    shipped_heads: usize,
    shipped_map: Option<Arc<Map>>,
}

/// The fetched heads, and the files that the user store holds for a model.
#[derive(Debug, Clone, PartialEq)]
struct StoredFiles {
    published: Result<Option<InstalledHeads>, String>,
    heads: Vec<StoredFile>,
    map: Option<StoredFile>,
}

impl StoredFiles {
    /// Lists folders and reads the receipt of fetched heads; opens no other file.
    fn list(manifest: &Manifest, entry: Option<&'static CatalogueEntry>) -> Self {
        let store = |kind| UserStore::of(kind, manifest).ok();
        Self {
            published: entry.map_or(Ok(None), InstalledHeads::of),
            heads: store(StoredKind::Heads).map_or_else(Vec::new, |store| store.list()),
            map: store(StoredKind::Maps).and_then(|store| store.find(MAP)),
        }
    }
}

impl ModelPackage {
    /// Adds the heads that were fetched with the model `entry`, and the heads and the map that the user fitted or
    /// imported. A file that can't be used becomes
    /// a warning in [`ModelPackage::notices`]; the model itself stays usable.
    pub(super) fn with_user_files(mut self, entry: Option<&'static CatalogueEntry>) -> Self {
        let stored = StoredFiles::list(&self.model.manifest, entry);
        let loaded = LoadedUserFiles {
            entry,
            stored: stored.clone(),
            shipped_heads: self.heads.len(),
            shipped_map: self.map.clone(),
        };
        self.add_published(&stored);
        for stored in stored.heads {
            match read_head(&stored, &self) {
                Ok(head) => self.heads.push(head),
                Err(reason) => self.notices.push(Notice::warning(reason)),
            }
        }
        match stored
            .map
            .map(|stored| read_map(&stored, &self.model.manifest))
            .transpose()
        {
            Ok(Some(map)) => self.map = Some(Arc::new(map)),
            Ok(None) => {}
            Err(reason) => self.notices.push(Notice::warning(reason)),
        }
        self.user_files = Some(loaded);
        self
    }

    /// The same model with the heads and the map that the user store holds now; `None` when they are
    /// unchanged, or when the package was opened without the user's files. Reads only stored files, not
    /// the model.
    pub fn refreshed(&self) -> Option<Self> {
        let loaded = self.user_files.as_ref()?;
        if loaded.stored == StoredFiles::list(&self.model.manifest, loaded.entry) {
            return None;
        }
        let mut package = self.clone();
        package.heads.truncate(loaded.shipped_heads);
        package.map.clone_from(&loaded.shipped_map);
        package.notices.clear();
        Some(package.with_user_files(loaded.entry))
    }

    /// Adds the fetched heads, without those whose name the user gave to a head of their own.
    fn add_published(&mut self, stored: &StoredFiles) {
        let published = match &stored.published {
            Ok(published) => published.as_ref(),
            Err(reason) => {
                self.notices.push(Notice::warning(reason.clone()));
                None
            }
        };
        let is_own = |head: &Head| stored.heads.iter().any(|own| own.name == head.id());
        let imported = published.map(|published| published.import(&self.model.manifest));
        for imported in imported.into_iter().flatten() {
            match imported {
                Ok(imported) if is_own(&imported.head) => {}
                Ok(imported) => self.heads.push(imported.head),
                Err(reason) => self.notices.push(Notice::warning(reason)),
            }
        }
    }

    /// The bytes of the file of a fetched head, made again; `None` for any other head.
    pub(super) fn published_bytes(&self, head: &Head) -> Option<Vec<u8>> {
        let stored = &self.user_files.as_ref()?.stored;
        let published = stored.published.as_ref().ok()?.as_ref()?;
        let imported = published.import(&self.model.manifest).flatten();
        let mut same = imported.filter(|imported| imported.head.sha256 == head.sha256);
        same.next().map(|imported| imported.bytes)
    }
}

fn read_head(stored: &StoredFile, package: &ModelPackage) -> Result<Head, String> {
    let bytes = stored.read().map_err(|error| error.to_string())?;
    let head = Head::parse(&bytes, &stored.path).map_err(|error| error.to_string())?;
    head.check(&package.model.manifest)
        .map_err(|error| error.to_string())?;
    if package.heads.iter().any(|other| other.id() == head.id()) {
        return Err(format!(
            "The head {} has the same name as a head of the model, so it is not used. Import it again \
             under another name.",
            stored.path.display()
        ));
    }
    Ok(head)
}

fn read_map(stored: &StoredFile, manifest: &Manifest) -> Result<Map, String> {
    let bytes = stored.read().map_err(|error| error.to_string())?;
    Map::parse(&bytes, &stored.path, manifest).map_err(|error| error.to_string())
}
