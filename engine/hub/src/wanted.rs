//! The files to get together from one repository: a model, or one of its published heads.

use mertscope_model::catalogue::{CatalogueEntry, CatalogueFile, PublishedHead, PublishedHeads};

/// Files of one repository.
pub(super) struct Wanted<'a> {
    /// The model's id, for messages.
    pub id: &'a str,
    pub repo: &'a str,
    /// The commit that the catalogue pins.
    pub revision: Option<&'a str>,
    pub files: Vec<&'a CatalogueFile>,
    /// The files' folder in the repository; empty for its root.
    folder: &'a str,
}

impl<'a> Wanted<'a> {
    pub(crate) fn model(entry: &'a CatalogueEntry) -> Self {
        Self {
            id: &entry.id,
            repo: &entry.repo,
            revision: entry.revision.as_deref(),
            files: entry.files.iter().collect(),
            folder: "",
        }
    }

    pub(crate) fn head(
        entry: &'a CatalogueEntry,
        heads: &'a PublishedHeads,
        head: &'a PublishedHead,
    ) -> Self {
        Self {
            id: &entry.id,
            repo: &heads.repo,
            revision: heads.revision.as_deref(),
            files: head.files().collect(),
            folder: &heads.folder,
        }
    }

    /// The path in the repository of a file of this name.
    pub(crate) fn path(&self, name: &str) -> String {
        if self.folder.is_empty() {
            name.to_owned()
        } else {
            format!("{}/{name}", self.folder)
        }
    }
}
