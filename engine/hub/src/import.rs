//! Importing a model from a folder, without a network: its files are copied and hashed, when
//! `mertscope-model` finds that they fit the model.

use std::fs::{self, File};
use std::io::{Read, Write};
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use super::HubError;
use super::disk::{self, Lock, write_failed};
use super::progress::{Progress, Stage};
use mertscope_model::catalogue::{self, CatalogueEntry, CatalogueFile};
use mertscope_model::checkpoint::{WEIGHTS, shard_names};
use mertscope_model::store::{Installed, InstalledFile, Store, StoreError};
use mertscope_model::{ModelError, check_fits, hexadecimal};

/// A folder that can be imported.
#[derive(Debug, Clone)]
pub(super) struct ImportSource {
    folder: PathBuf,
    weights: String,
}

impl ImportSource {
    /// Finds the weights at `path`: a folder with weights and their configuration, or the weights' file
    /// in that folder.
    pub(crate) fn find(path: &Path) -> Result<Self, HubError> {
        let unusable = |reason: &str| HubError::Import {
            path: path.to_owned(),
            reason: reason.to_owned(),
        };
        if path.is_dir() {
            let mut weights = WEIGHTS.iter().filter(|name| path.join(name).is_file());
            let weights = weights.next().ok_or_else(|| {
                unusable(
                    "it holds neither model.safetensors nor pytorch_model.bin, an index of them, or \
                     MusicFM's pretrained_*.pt; name the folder with the files of the model's page on the hub",
                )
            })?;
            return Ok(Self {
                folder: path.to_owned(),
                weights: (*weights).to_owned(),
            });
        }
        if !path.is_file() {
            return Err(unusable("there is no such file or folder"));
        }
        let name = path.file_name().and_then(|name| name.to_str());
        let name = name.filter(|name| WEIGHTS.contains(name)).ok_or_else(|| {
            unusable(
                "a file of weights is called model.safetensors or pytorch_model.bin; name the folder \
                 that holds it",
            )
        })?;
        let folder = path.parent().unwrap_or(Path::new(""));
        Ok(Self {
            // A file name without a folder has an empty parent.
            folder: if folder.as_os_str().is_empty() {
                ".".into()
            } else {
                folder.to_owned()
            },
            weights: name.to_owned(),
        })
    }

    /// The model that the folder's name gives: that of a clone of the repository, or of a snapshot in
    /// the hub's cache.
    pub(crate) fn guess(&self) -> Result<&'static CatalogueEntry, HubError> {
        let folder = dunce::canonicalize(&self.folder).unwrap_or(self.folder.clone());
        for part in folder.iter().rev().filter_map(|part| part.to_str()) {
            let name = part.rsplit("--").next().unwrap_or(part);
            if let Some(entry) = catalogue::find(name)? {
                return Ok(entry);
            }
        }
        Err(HubError::Import {
            path: self.folder.clone(),
            reason: "its name is not a model's; name the model with --as ID, as in \
                     `mertscope models list`"
                .to_owned(),
        })
    }

    /// The same folder with the weights that the entry names, when they are there: a repository may hold
    /// several models.
    fn preferring(&self, entry: &CatalogueEntry) -> Self {
        let mut source = self.clone();
        if source.folder.join(entry.weights()).is_file() {
            entry.weights().clone_into(&mut source.weights);
        }
        source
    }

    /// The files to copy, with their facts from the catalogue.
    fn files(&self, entry: &CatalogueEntry) -> Result<Vec<CatalogueFile>, HubError> {
        let mut files = Vec::new();
        for file in entry.files.iter().filter(|file| !is_weights(&file.name)) {
            if self.folder.join(&file.name).is_file() {
                files.push(file.clone());
            } else if !file.optional {
                return Err(HubError::Import {
                    path: self.folder.clone(),
                    reason: format!(
                        "it has no {}; save that file from the model's page too",
                        file.name
                    ),
                });
            }
        }
        let listed = entry.files.iter().find(|file| file.name == self.weights);
        files.push(listed.cloned().unwrap_or_else(|| CatalogueFile {
            name: self.weights.clone(),
            size: None,
            sha256: None,
            optional: false,
        }));
        // An index comes with the files that it names.
        let shards = shard_names(&self.folder.join(&self.weights)).map_err(ModelError::from)?;
        files.extend(shards.into_iter().map(|name| CatalogueFile {
            name,
            size: None,
            sha256: None,
            optional: false,
        }));
        Ok(files)
    }
}

fn is_weights(name: &str) -> bool {
    WEIGHTS.contains(&name)
}

/// Copies `source` into the store as `entry`.
pub(super) fn import(
    source: &ImportSource,
    entry: &CatalogueEntry,
    store: &Store,
    progress: &mut Progress,
) -> Result<Installed, HubError> {
    let _lock = Lock::wait(store, &entry.id, progress)?;
    let source = &source.preferring(entry);
    let id = &entry.id;
    if store.recorded(id)?.is_some() {
        return Err(HubError::Installed { id: id.clone() });
    }
    let folder = store.folder(id)?;
    let listed = source.files(entry)?;
    let mut total = 0;
    for file in &listed {
        let path = source.folder.join(&file.name);
        let metadata = fs::metadata(&path).map_err(StoreError::system("read", &path))?;
        if let Some(size) = file.size.filter(|size| *size != metadata.len()) {
            let found = metadata.len();
            let reason = format!("it has {found} bytes, but the file of {id} has {size}");
            return Err(HubError::Import { path, reason });
        }
        total += metadata.len();
    }
    check_fits(entry, &source.folder, &source.weights)?;
    fs::create_dir_all(&folder).map_err(StoreError::system("made", &folder))?;
    disk::check_space(&folder, total)?;
    progress.stage(Stage::Copying, 0, total);
    let files = listed.iter().map(|file| {
        let copied = copy(&source.folder, &folder, &file.name, progress)?;
        match &file.sha256 {
            Some(expected) if *expected != copied.sha256 => {
                // There is no receipt yet, so nothing refers to it.
                let _ = fs::remove_file(&copied.path);
                Err(HubError::Hash {
                    id: id.clone(),
                    name: file.name.clone(),
                    expected: expected.clone(),
                    actual: copied.sha256,
                })
            }
            _ => Ok(copied),
        }
    });
    let installed = Installed {
        id: id.clone(),
        files: files.collect::<Result<_, HubError>>()?,
        folder: folder.clone(),
        revision: None,
        source: source.folder.display().to_string(),
    };
    store.record(&installed)?;
    Ok(installed)
}

/// Copies one file and hashes the copied bytes.
fn copy(
    from: &Path,
    folder: &Path,
    name: &str,
    progress: &mut Progress,
) -> Result<InstalledFile, HubError> {
    let (from, path) = (from.join(name), folder.join(name));
    let part = folder.join(format!("{name}.part"));
    let mut source = File::open(&from).map_err(StoreError::system("read", &from))?;
    let mut target = File::create(&part).map_err(StoreError::system("written", &part))?;
    let (mut hash, mut size, mut chunk) = (Sha256::new(), 0, vec![0; 1 << 20]);
    loop {
        let read = source.read(&mut chunk);
        let count = read.map_err(StoreError::system("read", &from))?;
        if count == 0 {
            break;
        }
        hash.update(&chunk[..count]);
        let written = target.write_all(&chunk[..count]);
        written.map_err(write_failed(&part, count as u64))?;
        size += count as u64;
        if progress.advance(count as u64).is_break() {
            // A copy is not resumed: it is quick, and the source may change.
            let _ = fs::remove_file(&part);
            return Err(HubError::Stopped);
        }
    }
    target.sync_all().map_err(write_failed(&part, 0))?;
    disk::put(&part, &path)?;
    Ok(InstalledFile {
        name: name.to_owned(),
        path,
        size,
        sha256: hexadecimal(&hash.finalize()),
    })
}
