//! Embeddings on disk, one file for each file of music, in a folder for each model, number of windows and
//! kind. A folder that no run has used for half a year is removed.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use super::DatasetError;
use mertscope_heads::head::Reads;
use mertscope_model::tensors::{TensorFile, serialize};
use mertscope_model::{HiddenStates, LayerSet, Model, write_whole};

/// The time after its last use when a folder goes.
const UNUSED: Duration = Duration::from_secs(182 * 24 * 60 * 60);

/// The empty file whose time is that of the last use of its folder.
const USED: &str = "used";

/// The cache of one model, number of windows and what is kept of them.
pub(super) struct Cache {
    folder: PathBuf,
    fingerprint: String,
    layers: usize,
    width: usize,
}

impl Cache {
    pub(super) fn new(root: &Path, model: &Model, reads: Reads, windows: usize) -> Self {
        let fingerprint = model.fingerprint();
        // The file holds the whole hash.
        let short = fingerprint.get(..16).unwrap_or(&fingerprint);
        remove_unused(root, SystemTime::now());
        Self {
            folder: root.join(match reads {
                Reads::Window => format!("{short}-{windows}"),
                Reads::Frames => format!("{short}-{windows}-frames"),
            }),
            layers: model.manifest.layers.len(),
            width: model.manifest.width,
            fingerprint,
        }
    }

    fn path(&self, sha256: &str) -> PathBuf {
        self.folder.join(format!("{sha256}.safetensors"))
    }

    /// The windows of the file with this hash; `None` when they are missing or damaged.
    pub(super) fn get(&self, sha256: &str) -> Option<Vec<HiddenStates>> {
        let bytes = fs::read(self.path(sha256)).ok()?;
        let file = TensorFile::parse(&bytes).ok()?;
        let ours = file.text("fingerprint") == Ok(&self.fingerprint)
            && file.text("file_sha256") == Ok(sha256);
        let (shape, values) = file.floats("windows").ok()??;
        let size = self.layers * self.width;
        if !ours || values.is_empty() || shape[1..] != [self.layers, self.width] {
            return None;
        }
        let windows = values.chunks_exact(size).map(|data| HiddenStates {
            layers: self.layers,
            which: LayerSet::All,
            frames: None,
            window: None,
            width: self.width,
            data: data.to_vec(),
        });
        self.mark_used();
        Some(windows.collect())
    }

    /// Keeps the windows of a file; whole or not at all.
    pub(super) fn put(&self, sha256: &str, windows: &[HiddenStates]) -> Result<(), DatasetError> {
        self.put_file(sha256, windows)
            .map_err(|source| DatasetError::Cache {
                folder: self.folder.clone(),
                source,
            })
    }

    fn put_file(&self, sha256: &str, windows: &[HiddenStates]) -> io::Result<()> {
        let metadata: BTreeMap<String, String> = [
            ("fingerprint", self.fingerprint.as_str()),
            ("file_sha256", sha256),
        ]
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .into();
        let values: Vec<f32> = windows.iter().flat_map(|w| &w.data).copied().collect();
        let shape = [windows.len(), self.layers, self.width];
        let bytes = serialize(&metadata, &[("windows", &shape, &values)]);
        write_whole(&self.path(sha256), &bytes)?;
        self.mark_used();
        Ok(())
    }

    fn mark_used(&self) {
        // A cache on a read-only disk can be used without that.
        let _ = fs::write(self.folder.join(USED), "used\n");
    }
}

/// Removes the folders of this cache in `root` that were not used for [`UNUSED`] before `now`. What can't
/// be removed stays.
fn remove_unused(root: &Path, now: SystemTime) {
    let modified = |path: &Path| fs::metadata(path).and_then(|metadata| metadata.modified());
    for folder in fs::read_dir(root).into_iter().flatten().flatten() {
        let name = folder.file_name();
        let path = folder.path();
        let last_use = modified(&path.join(USED)).or_else(|_| modified(&path));
        let age = last_use.ok().and_then(|at| now.duration_since(at).ok());
        if name.to_str().is_some_and(is_ours) && age.is_some_and(|age| age > UNUSED) {
            let _ = fs::remove_dir_all(&path);
        }
    }
}

/// Whether a folder of this or an older version has this name: sixteen digits of a hash, the number of
/// windows, and the kind.
fn is_ours(name: &str) -> bool {
    let mut parts = name.split('-');
    let is_digit = |byte: u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
    let hash = parts.next().unwrap_or_default();
    let windows = parts.next().unwrap_or_default();
    hash.len() == 16
        && hash.bytes().all(is_digit)
        && windows.parse::<usize>().is_ok()
        && parts.next().is_none_or(|kind| kind == "frames")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_folders_of_the_cache_go_and_only_when_nobody_uses_them() {
        let root = tempfile::tempdir().unwrap();
        let now = SystemTime::now() + UNUSED + Duration::from_secs(60);
        let folder = |name: &str| {
            let folder = root.path().join(name);
            fs::create_dir(&folder).unwrap();
            fs::write(folder.join("x.safetensors"), "x").unwrap();
            folder
        };
        let unused = ["0123456789abcdef-6", "0123456789abcdef-6-frames-01234567"].map(folder);
        let used = folder("fedcba9876543210-6");
        fs::write(used.join(USED), "").unwrap();
        let file = fs::File::options().write(true).open(used.join(USED));
        file.unwrap().set_modified(now).unwrap();
        let others = ["my music", "0123456789abcdef", "0123456789abcdef-6-mine"].map(folder);
        remove_unused(root.path(), now);
        assert!(unused.iter().all(|folder| !folder.exists()));
        assert!(used.exists() && others.iter().all(|folder| folder.exists()));
    }
}
