//! Files of a data set's folder.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Context;

use crate::inputs::{self, Input};
use mertscope_engine::labeled::LabeledFile;

/// Folders in folders that are searched for labels.
const MAX_DEPTH: usize = 8;

/// The files below `folder` whose name `is_wanted`, sorted.
pub(super) fn files_named(
    folder: &Path,
    is_wanted: &dyn Fn(&str) -> bool,
) -> anyhow::Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    search(folder, is_wanted, MAX_DEPTH, &mut found)?;
    found.sort();
    Ok(found)
}

fn search(
    folder: &Path,
    is_wanted: &dyn Fn(&str) -> bool,
    depth: usize,
    found: &mut Vec<PathBuf>,
) -> anyhow::Result<()> {
    let failed = || format!("The folder {} can't be read", folder.display());
    for entry in fs::read_dir(folder).with_context(failed)? {
        let entry = entry.with_context(failed)?;
        let (path, name) = (entry.path(), entry.file_name());
        // Links are not followed: they may lead in circles.
        let kind = entry.file_type().with_context(failed)?;
        if kind.is_dir() && depth > 0 {
            search(&path, is_wanted, depth - 1, found)?;
        } else if kind.is_file() && name.to_str().is_some_and(is_wanted) {
            found.push(path);
        }
    }
    Ok(())
}

/// The audio files below `folder` by their names without extension; the first of equal names.
pub(super) fn audio_by_stem(folder: &Path) -> BTreeMap<String, PathBuf> {
    let mut audio = BTreeMap::new();
    for input in inputs::find(&[folder.to_owned()]).list {
        if let Input::File(path) = input {
            audio.entry(stem(&path)).or_insert(path);
        }
    }
    audio
}

/// A file's name without its extension.
pub(super) fn stem(path: &Path) -> String {
    path.file_stem()
        .unwrap_or_default()
        .to_string_lossy()
        .into_owned()
}

/// A file with its label, in a group of its own.
pub(super) fn labeled(path: &Path, label: &str) -> LabeledFile {
    LabeledFile {
        path: path.to_owned(),
        label: label.to_owned(),
        group: path.display().to_string(),
    }
}

/// A sentence on labels without audio.
pub(super) fn missing_notice(missing: &[String]) -> Vec<String> {
    let Some(first) = missing.first() else {
        return Vec::new();
    };
    let count = missing.len();
    vec![format!(
        "{count} labeled tracks have no audio in the folder, such as {first}; they were left out."
    )]
}
