//! The graphs that are kept: listed, removed, and bounded in size. Beyond the bound those go that were not
//! used for longest.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use super::user_folder;

/// The size of the cache in gigabytes (10⁹ bytes), when the user sets no other: all published models in
/// single precision and one more form fit in.
const USUAL_GB: f64 = 20.0;

/// A kept graph with its data and its hash.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeptGraph {
    /// The SHA-256 of the weights that it was made of, hexadecimal.
    pub weights: String,
    /// Its form: precision, operators, outputs, layers.
    pub form: String,
    /// Bytes of its files.
    pub bytes: u64,
    /// The time of its last use.
    pub last_use: SystemTime,
    files: Vec<PathBuf>,
}

/// The cache of graphs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeptGraphs {
    /// Its folder.
    pub folder: PathBuf,
    /// Its graphs, the last used first.
    pub graphs: Vec<KeptGraph>,
    /// The bytes beyond which the graphs go that were not used for longest.
    pub most_bytes: u64,
}

/// The graphs in the user's cache; `None` without a cache folder.
#[must_use]
pub fn kept_graphs() -> Option<KeptGraphs> {
    let folder = user_folder().ok()?;
    Some(KeptGraphs {
        graphs: graphs(&folder),
        folder,
        most_bytes: most_bytes(),
    })
}

impl KeptGraphs {
    /// Bytes of all graphs.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.graphs.iter().map(|graph| graph.bytes).sum()
    }

    /// Removes all graphs. Each is made again when it is needed.
    ///
    /// # Errors
    /// The system's error for the first file that can't be removed; the others are removed all the same.
    pub fn clear(&self) -> io::Result<()> {
        let removed = self.graphs.iter().map(KeptGraph::remove);
        removed.fold(Ok(()), io::Result::and)
    }
}

impl KeptGraph {
    fn remove(&self) -> io::Result<()> {
        let mut result = Ok(());
        for file in &self.files {
            match fs::remove_file(file) {
                // Another process may have removed it.
                Err(error) if error.kind() != io::ErrorKind::NotFound => result = Err(error),
                _ => {}
            }
        }
        // Only an empty folder can be removed.
        if let Some(folder) = self.files.first().and_then(|file| file.parent()) {
            let _ = fs::remove_dir(folder);
        }
        result
    }
}

/// The bound that the user sets with `MERTSCOPE_GRAPH_CACHE_GB`, or the usual one.
fn most_bytes() -> u64 {
    let text = std::env::var("MERTSCOPE_GRAPH_CACHE_GB").ok();
    let gigabytes = text.and_then(|text| text.trim().parse::<f64>().ok());
    let gigabytes = gigabytes.filter(|gb| *gb >= 0.0).unwrap_or(USUAL_GB);
    (gigabytes * 1e9) as u64
}

/// Removes graphs from the folder `root`, those first that were not used for longest, until the rest fits into
/// the bound. The graph `made`, which is about to be loaded, stays. What can't be removed stays too.
pub(super) fn bound(root: &Path, made: &Path) {
    bound_to(root, made, most_bytes());
}

fn bound_to(root: &Path, made: &Path, most_bytes: u64) {
    let mut graphs = graphs(root);
    let mut bytes: u64 = graphs.iter().map(|graph| graph.bytes).sum();
    while bytes > most_bytes {
        let Some(oldest) = graphs.pop() else {
            return;
        };
        if oldest.files.iter().any(|file| file == made) {
            continue;
        }
        if oldest.remove().is_ok() {
            bytes -= oldest.bytes;
        }
    }
}

/// The graphs in the folder `root`, the last used first.
fn graphs(root: &Path) -> Vec<KeptGraph> {
    let entries = |folder: &Path| {
        let entries = fs::read_dir(folder).into_iter().flatten().flatten();
        entries.map(|entry| entry.path()).collect::<Vec<_>>()
    };
    let mut graphs = Vec::new();
    for folder in entries(root) {
        let weights = folder.file_name().and_then(|name| name.to_str());
        let Some(weights) = weights.filter(|name| name.len() == 64 && folder.is_dir()) else {
            continue;
        };
        let mut by_stem = BTreeMap::<PathBuf, Vec<PathBuf>>::new();
        for file in entries(&folder) {
            let extension = file.extension().and_then(|extension| extension.to_str());
            if matches!(extension, Some("onnx" | "data" | "sha256")) {
                by_stem
                    .entry(file.with_extension(""))
                    .or_default()
                    .push(file);
            }
        }
        let of_stem = by_stem
            .into_iter()
            .map(|(stem, files)| kept(weights, &stem, files));
        graphs.extend(of_stem);
    }
    graphs.sort_by_key(|graph| std::cmp::Reverse(graph.last_use));
    graphs
}

fn kept(weights: &str, stem: &Path, files: Vec<PathBuf>) -> KeptGraph {
    let metadata = |file: &PathBuf| fs::metadata(file).ok();
    let bytes = files.iter().filter_map(metadata).map(|file| file.len());
    // The time of the hash's file is that of the last use.
    let is_hash = |file: &&PathBuf| file.extension().is_some_and(|it| it == "sha256");
    let of_hash = files.iter().find(is_hash).and_then(metadata);
    let of_any = of_hash.or_else(|| files.iter().find_map(metadata));
    let last_use = of_any.and_then(|metadata| metadata.modified().ok());
    let name = stem.file_name().unwrap_or_default().to_string_lossy();
    // The rest of the name is the network's hash and the revision.
    let form = name.rsplitn(3, '-').last().unwrap_or_default();
    KeptGraph {
        weights: weights.to_owned(),
        form: form.to_owned(),
        bytes: bytes.sum(),
        last_use: last_use.unwrap_or(SystemTime::UNIX_EPOCH),
        files,
    }
}

#[cfg(test)]
mod tests {
    use std::fs::File;
    use std::time::Duration;

    use super::*;

    /// A graph of 100 bytes in all, used `age` days ago.
    fn graph(root: &Path, weights: char, name: &str, age: u64) -> PathBuf {
        let folder = root.join(weights.to_string().repeat(64));
        fs::create_dir_all(&folder).unwrap();
        let path = folder.join(format!("{name}-0123abc-v2.onnx"));
        fs::write(&path, [0; 60]).unwrap();
        let hash = path.with_extension("sha256");
        fs::write(&hash, [0; 40]).unwrap();
        let then = SystemTime::now() - Duration::from_secs(age * 24 * 60 * 60);
        let hash = File::options().write(true).open(hash).unwrap();
        hash.set_modified(then).unwrap();
        path
    }

    #[test]
    fn what_was_not_used_for_longest_goes_first_and_the_new_graph_stays() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path();
        let oldest = graph(root, 'a', "fp32-fused-pooled-all", 9);
        let middle = graph(root, 'a', "int8-avx2-fused-pooled-all", 5);
        let newest = graph(root, 'b', "fp32-plain-frames-0.1.2", 1);
        fs::write(root.join("notes"), [0; 500]).unwrap();
        let found = graphs(root);
        let forms: Vec<_> = found.iter().map(|graph| graph.form.as_str()).collect();
        let expected = [
            "fp32-plain-frames-0.1.2",
            "int8-avx2-fused-pooled-all",
            "fp32-fused-pooled-all",
        ];
        assert_eq!(forms, expected);
        assert!(found.iter().all(|graph| graph.bytes == 100));

        bound_to(root, &newest, 300);
        assert!(oldest.exists() && middle.exists() && newest.exists());
        bound_to(root, &newest, 250);
        assert!(!oldest.exists() && middle.exists() && newest.exists());
        assert!(!oldest.with_extension("sha256").exists());
        // The graph that was made stays, even alone beyond the bound, and even when it is the oldest.
        bound_to(root, &middle, 10);
        assert!(middle.exists() && !newest.exists());
        assert!(!newest.parent().unwrap().exists());
        assert!(root.join("notes").exists());
    }

    #[test]
    fn a_cache_is_cleared_and_nothing_else_is() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path();
        graph(root, 'a', "fp32-fused-pooled-all", 0);
        graph(root, 'b', "fp32-fused-pooled-all", 0);
        let other = root.join("a".repeat(64)).join("notes.txt");
        fs::write(&other, "mine").unwrap();
        let cache = KeptGraphs {
            folder: root.to_owned(),
            graphs: graphs(root),
            most_bytes: 0,
        };
        assert_eq!(cache.bytes(), 200);
        cache.clear().unwrap();
        assert!(graphs(root).is_empty() && other.exists());
        assert!(!root.join("b".repeat(64)).exists());
        // A second time there is nothing to remove, and that is no error.
        cache.clear().unwrap();
    }
}
