//! The heads and the map that the user fitted or imported for a model, beside the shipped ones.

use std::sync::Arc;

use mertscope_audio::Notice;
use mertscope_model::Manifest;

use super::ModelPackage;
use crate::head::Head;
use crate::map::Map;
use crate::user_store::{MAP, StoredFile, StoredKind, UserStore};

/// The stored files that were loaded into a package, and what the package had before.
#[derive(Debug, Clone)]
pub(super) struct LoadedUserFiles {
    stored: StoredFiles,
    shipped_heads: usize,
    shipped_map: Option<Arc<Map>>,
}

/// The files that the user store holds for a model.
#[derive(Debug, Clone, PartialEq, Eq)]
struct StoredFiles {
    heads: Vec<StoredFile>,
    map: Option<StoredFile>,
}

impl StoredFiles {
    /// Lists folders; opens no file.
    fn list(manifest: &Manifest) -> Self {
        let store = |kind| UserStore::of(kind, manifest).ok();
        Self {
            heads: store(StoredKind::Heads).map_or_else(Vec::new, |store| store.list()),
            map: store(StoredKind::Maps).and_then(|store| store.find(MAP)),
        }
    }
}

impl ModelPackage {
    /// Adds the heads and the map that the user fitted or imported. A file that can't be used becomes
    /// a warning in [`ModelPackage::notices`]; the model itself stays usable.
    pub(super) fn with_user_files(mut self) -> Self {
        let stored = StoredFiles::list(&self.model.manifest);
        let loaded = LoadedUserFiles {
            stored: stored.clone(),
            shipped_heads: self.heads.len(),
            shipped_map: self.map.clone(),
        };
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
        if loaded.stored == StoredFiles::list(&self.model.manifest) {
            return None;
        }
        let mut package = self.clone();
        package.heads.truncate(loaded.shipped_heads);
        package.map.clone_from(&loaded.shipped_map);
        package.notices.clear();
        Some(package.with_user_files())
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
