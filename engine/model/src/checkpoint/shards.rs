//! Weights over several files: an index in JSON names the file of each tensor
//! (`model.safetensors.index.json`, `pytorch_model.bin.index.json`, the format of transformers).

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::{Path, PathBuf};

use serde::Deserialize;

use super::{CheckpointError, json, small_file};
use crate::hash::{hash_of_file, sha256_of_parts};

/// How the name of an index ends.
const ENDING: &str = ".index.json";

#[derive(Deserialize)]
struct Index {
    weight_map: BTreeMap<String, String>,
}

/// Whether a file of this name is an index.
pub(crate) fn is_index(name: &str) -> bool {
    name.ends_with(ENDING)
}

/// The names of the files that the index at `path` names; they lie beside it.
///
/// # Errors
/// [`CheckpointError`], when it can't be read, is no index, or leads out of its folder.
pub(super) fn names(path: &Path) -> Result<Vec<String>, CheckpointError> {
    let bytes = small_file(path)?;
    json(path, &bytes)?;
    let invalid = |reason: String| CheckpointError::invalid(path, reason);
    let index: Index = serde_json::from_slice(&bytes)
        .map_err(|error| invalid(format!("it is no index of weights ({error})")))?;
    let names: BTreeSet<String> = index.weight_map.into_values().collect();
    let is_plain = |name: &String| {
        !name.contains(['/', '\\', ':'])
            && (name.ends_with(".safetensors") || name.ends_with(".bin"))
    };
    if let Some(name) = names.iter().find(|name| !is_plain(name)) {
        let name = name.escape_debug();
        return Err(invalid(format!(
            "it names “{name}”, which is no file of weights beside it"
        )));
    }
    if names.is_empty() {
        return Err(invalid("it names no file".to_owned()));
    }
    Ok(names.into_iter().collect())
}

/// The names of the files over which the weights at `path` are spread; none for weights in one file.
///
/// # Errors
/// [`CheckpointError`], when `path` is an index that can't be read or used.
pub fn shard_names(path: &Path) -> Result<Vec<String>, CheckpointError> {
    if is_index(&path.to_string_lossy()) {
        names(path)
    } else {
        Ok(Vec::new())
    }
}

/// The files of the weights at `path`: the file itself, or the index and all that it names.
///
/// # Errors
/// Those of [`shard_names`].
pub(crate) fn files(path: &Path) -> Result<Vec<PathBuf>, CheckpointError> {
    let folder = path.parent().unwrap_or(Path::new(""));
    let shards = shard_names(path)?;
    let shards = shards.iter().map(|name| folder.join(name));
    Ok([path.to_owned()].into_iter().chain(shards).collect())
}

/// The hash that names weights, of the hashes of their `files`: a file's own, or one over all of them.
pub(crate) fn joined_hash(files: &[String]) -> String {
    match files {
        [one] => one.clone(),
        several => sha256_of_parts(&several),
    }
}

/// The hash that names the weights at `path`, over all of their files.
///
/// # Errors
/// [`CheckpointError`], when one of them can't be read.
pub(crate) fn hash(path: &Path) -> Result<String, CheckpointError> {
    let hash = |file: PathBuf| {
        hash_of_file(&file).map_err(|source: io::Error| CheckpointError::unreadable(&file, source))
    };
    let hashes: Result<Vec<_>, _> = files(path)?.into_iter().map(hash).collect();
    Ok(joined_hash(&hashes?))
}
