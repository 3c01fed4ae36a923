//! What the user made for a model, beside what came with it: heads, and a map of one's own.

use mertscope_audio::Notice;
use std::sync::Arc;

use mertscope_model::Manifest;

use super::ModelPackage;
use crate::head::Head;
use crate::map::Map;
use crate::user_store::{Kind, MAP, StoredFile, UserStore};

/// What was on the shelves when a model was found, and what it had before.
#[derive(Debug, Clone)]
pub(super) struct UserFiles {
    stored: StoredFiles,
    heads_before: usize,
    map_before: Option<Arc<Map>>,
}

/// What is kept for a model now.
#[derive(Debug, Clone, PartialEq, Eq)]
struct StoredFiles {
    heads: Vec<StoredFile>,
    map: Option<StoredFile>,
}

impl StoredFiles {
    /// Lists folders; opens no file.
    fn look(manifest: &Manifest) -> Self {
        let store = |kind| UserStore::of(kind, manifest).ok();
        Self {
            heads: store(Kind::Heads).map_or_else(Vec::new, |store| store.list()),
            map: store(Kind::Maps).and_then(|store| store.find(MAP)),
        }
    }
}

impl ModelPackage {
    /// Adds the heads and the map that were fitted or imported here. What can't be used is left
    /// aside and told in [`ModelPackage::notices`]: the model itself is whole.
    pub(super) fn with_own(mut self) -> Self {
        let stored = StoredFiles::look(&self.model.manifest);
        let own = UserFiles {
            stored: stored.clone(),
            heads_before: self.heads.len(),
            map_before: self.map.clone(),
        };
        for stored in stored.heads {
            match own_head(&stored, &self) {
                Ok(head) => self.heads.push(head),
                Err(reason) => self.notices.push(Notice::warning(reason)),
            }
        }
        match stored
            .map
            .map(|stored| own_map(&stored, &self.model.manifest))
            .transpose()
        {
            Ok(Some(map)) => self.map = Some(Arc::new(map)),
            Ok(None) => {}
            Err(reason) => self.notices.push(Notice::warning(reason)),
        }
        self.own = Some(own);
        self
    }

    /// The same model with the heads and the map that are kept here now; `None` when they are what
    /// it has, or when it was opened without any. Reads only what is kept, not the model.
    pub fn looked_again(&self) -> Option<Self> {
        let own = self.own.as_ref()?;
        if own.stored == StoredFiles::look(&self.model.manifest) {
            return None;
        }
        let mut package = self.clone();
        package.heads.truncate(own.heads_before);
        package.map.clone_from(&own.map_before);
        package.notices.clear();
        Some(package.with_own())
    }
}

fn own_head(stored: &StoredFile, package: &ModelPackage) -> Result<Head, String> {
    let bytes = stored.read().map_err(|error| error.to_string())?;
    let head = Head::parse(&bytes, &stored.path).map_err(|error| error.to_string())?;
    head.check(&package.model.manifest)
        .map_err(|error| error.to_string())?;
    if package.heads.iter().any(|other| other.id() == head.id()) {
        return Err(format!(
            "The head {} has the name of one that came with the model, so it is not used. Import \
             it again under another name.",
            stored.path.display()
        ));
    }
    Ok(head)
}

fn own_map(stored: &StoredFile, manifest: &Manifest) -> Result<Map, String> {
    let bytes = stored.read().map_err(|error| error.to_string())?;
    Map::parse(&bytes, &stored.path, manifest).map_err(|error| error.to_string())
}
