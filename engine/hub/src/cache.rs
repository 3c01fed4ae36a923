//! Files that other programs fetched from the hub already: read in place, never changed.
//!
//! The layout is that of `huggingface_hub`: `models--OWNER--NAME/refs/BRANCH` names a commit (`spaces--…` in a space), and
//! `snapshots/COMMIT/FILE` is a file of it (a link to `blobs/`, on systems that have links).

use std::fs;
use std::path::{Path, PathBuf};

/// The folder of one repository in the hub's own cache.
pub(super) struct Cached {
    folder: PathBuf,
}

impl Cached {
    /// The repository's folder in the cache; `None` when there is none.
    pub(crate) fn of(cache: Option<&Path>, repo: &str) -> Option<Self> {
        let kind = if repo.starts_with("spaces/") {
            ""
        } else {
            "models--"
        };
        let name = format!("{kind}{}", repo.replace('/', "--"));
        let folder = cache?.join(name);
        // Absolute, because it is written into a receipt.
        let folder = std::path::absolute(folder).ok()?;
        folder.is_dir().then_some(Self { folder })
    }

    /// The commit of a branch in the cache; a commit's own name is returned unchanged.
    pub(crate) fn commit(&self, revision: &str) -> Option<String> {
        if is_commit(revision) {
            return Some(revision.to_owned());
        }
        let text = fs::read_to_string(self.folder.join("refs").join(revision)).ok()?;
        let commit = text.trim();
        is_commit(commit).then(|| commit.to_owned())
    }

    /// The path of a commit's file, if the cache has it.
    pub(crate) fn file(&self, commit: &str, name: &str) -> Option<PathBuf> {
        let path = self.folder.join("snapshots").join(commit).join(name);
        path.is_file().then_some(path)
    }
}

fn is_commit(text: &str) -> bool {
    text.len() == 40 && text.chars().all(|c| c.is_ascii_hexdigit())
}
