//! What the user made for a model, beside what came with it: heads, and a map of one's own.

use std::sync::Arc;

use super::{Manifest, Model};
use crate::head::Head;
use crate::map::Map;
use crate::shelf::{Kept, Kind, MAP, Shelf};

impl Model {
    /// Adds the heads and the map that were fitted or imported here. What can't be used is left
    /// aside and told in [`Model::remarks`]: the model itself is whole.
    pub(super) fn with_own(mut self) -> Self {
        let shelf = |kind| Shelf::of(kind, &self.manifest).ok();
        let heads = shelf(Kind::Heads).map(|shelf| shelf.list());
        let map = shelf(Kind::Maps).and_then(|shelf| shelf.find(MAP));
        for kept in heads.unwrap_or_default() {
            match own_head(&kept, &self) {
                Ok(head) => self.heads.push(head),
                Err(remark) => self.remarks.push(remark),
            }
        }
        match map.map(|kept| own_map(&kept, &self.manifest)).transpose() {
            Ok(Some(map)) => self.map = Some(Arc::new(map)),
            Ok(None) => {}
            Err(remark) => self.remarks.push(remark),
        }
        self
    }
}

fn own_head(kept: &Kept, model: &Model) -> Result<Head, String> {
    let bytes = kept.read().map_err(|error| error.to_string())?;
    let head = Head::parse(&bytes, &kept.path).map_err(|error| error.to_string())?;
    head.check(&model.manifest)
        .map_err(|error| error.to_string())?;
    if model.heads.iter().any(|other| other.id() == head.id()) {
        return Err(format!(
            "The head {} has the name of one that came with the model, so it is not used. Import \
             it again under another name.",
            kept.path.display()
        ));
    }
    Ok(head)
}

fn own_map(kept: &Kept, manifest: &Manifest) -> Result<Map, String> {
    let bytes = kept.read().map_err(|error| error.to_string())?;
    Map::parse(&bytes, &kept.path, manifest).map_err(|error| error.to_string())
}
