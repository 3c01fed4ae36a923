//! The removal of graphs that nobody uses any more, so that the cache does not grow for ever.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use super::REVISION;

/// The time after its last use when a graph goes. Another use makes it again, in seconds.
const UNUSED: Duration = Duration::from_secs(60 * 24 * 60 * 60);

/// Removes from the folder of graphs `root` what older versions made of the weights `sha256`, and what
/// was not used for [`UNUSED`] before `now`. What can't be removed stays.
pub(super) fn old_graphs(root: &Path, sha256: &str, now: SystemTime) {
    let own = root.join(sha256);
    for folder in entries(root) {
        let is_folder_of_weights = folder.file_name().is_some_and(|name| name.len() == 64);
        if !is_folder_of_weights || !folder.is_dir() {
            continue;
        }
        for file in entries(&folder) {
            if (folder == own && is_older_revision(&file)) || is_unused(&file, now) {
                let _ = fs::remove_file(&file);
            }
        }
        // Only an empty folder can be removed.
        let _ = fs::remove_dir(&folder);
    }
}

fn entries(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    entries.map(|entry| entry.path()).collect()
}

/// Whether the file's name ends in the number of an older revision.
fn is_older_revision(file: &Path) -> bool {
    let stem = file.file_stem().and_then(|stem| stem.to_str());
    let revision = stem.and_then(|stem| stem.rsplit_once("-v")?.1.parse::<u32>().ok());
    revision.is_some_and(|revision| revision < REVISION)
}

/// Whether a graph, its hash, or the unfinished file of a process that was killed is no longer used.
fn is_unused(file: &Path, now: SystemTime) -> bool {
    let modified = |path: &Path| fs::metadata(path).and_then(|metadata| metadata.modified());
    let last_use = modified(&file.with_extension("sha256")).or_else(|_| modified(file));
    let age = last_use.ok().and_then(|at| now.duration_since(at).ok());
    age.is_some_and(|age| age > UNUSED)
}
