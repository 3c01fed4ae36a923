//! Fetching the heads that were published for a model.

use std::cell::OnceCell;
use std::fs;

use super::Fetch;
use crate::cache::Cached;
use crate::disk::Lock;
use crate::progress::Progress;
use crate::wanted::Wanted;
use crate::{HubError, Settings};
use mertscope_model::catalogue::{CatalogueEntry, PublishedHeads};
use mertscope_model::store::{Installed, Store};

/// Installs the published heads of `entry` that are not installed yet. A head that the hub does not have, or has with
/// other content, is left out; the others are installed.
///
/// # Errors
/// [`HubError::Heads`] with the reasons when some are left out; the model itself stays installed.
pub(crate) fn fetch_heads(
    entry: &CatalogueEntry,
    heads: &PublishedHeads,
    store: &Store,
    settings: &Settings,
    progress: &mut Progress,
) -> Result<(), HubError> {
    let _lock = Lock::wait(store, &entry.id, progress)?;
    let store = store.of_heads();
    let incomplete = |reasons: Vec<String>| HubError::Heads {
        id: entry.id.clone(),
        reasons: shortened(&reasons),
    };
    let mut reasons = Vec::new();
    let client = OnceCell::new();
    for head in &heads.head {
        let known = store.recorded(&entry.id)?;
        let is_here = |model: &Installed| {
            head.files().all(|file| {
                let installed = model.file(&file.name);
                installed.is_some_and(|file| {
                    fs::metadata(&file.path).is_ok_and(|found| found.len() == file.size)
                })
            })
        };
        if known.as_ref().is_some_and(is_here) {
            continue;
        }
        let wanted = Wanted::head(entry, heads, head);
        let fetch = Fetch {
            settings,
            client: &client,
            folder: &store.folder(&entry.id)?,
            pinned: known.clone(),
            cached: Cached::of(settings.cache.as_deref(), wanted.repo),
            wanted,
        };
        match fetch.get(progress) {
            // Each head is recorded once it is whole, so that a stop loses none.
            Ok(installed) => store.record(&joined(known, installed))?,
            Err(HubError::Stopped) => return Err(HubError::Stopped),
            Err(error) => {
                if !is_of_one_head(&error) {
                    // What ends all comes first.
                    reasons.insert(0, error.to_string());
                    return Err(incomplete(reasons));
                }
                reasons.push(error.to_string());
            }
        }
    }
    if reasons.is_empty() {
        Ok(())
    } else {
        Err(incomplete(reasons))
    }
}

/// Whether the error says something about one head's files only, so that the others may still be had.
fn is_of_one_head(error: &HubError) -> bool {
    matches!(
        error,
        HubError::NotFound { .. } | HubError::Changed { .. } | HubError::Hash { .. }
    )
}

/// The receipt with the files of another head.
fn joined(known: Option<Installed>, mut installed: Installed) -> Installed {
    let known = known.into_iter().flat_map(|known| known.files);
    let is_new = |name: &str| installed.file(name).is_some();
    let mut files: Vec<_> = known.filter(|file| !is_new(&file.name)).collect();
    files.append(&mut installed.files);
    Installed { files, ..installed }
}

/// The first two reasons, and the number of the others.
fn shortened(reasons: &[String]) -> String {
    let shown = reasons.iter().take(2).cloned().collect::<Vec<_>>();
    let shown = shown.join(" ");
    match reasons.len() {
        0..=2 => shown,
        all => format!("{shown} There are {} more such files.", all - 2),
    }
}
