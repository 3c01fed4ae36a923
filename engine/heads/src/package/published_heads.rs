//! The heads that were published for a model and fetched with it: training checkpoints, turned into heads when the
//! model is opened.

use std::fs;
use std::path::Path;

use mertscope_model::catalogue::{CatalogueEntry, PublishedHead, PublishedHeads};
use mertscope_model::store::{self, Installed, InstalledFile};
use mertscope_model::{Manifest, hash_of_file};

use crate::head::Head;
use crate::head::marble::{self, HeadDescription, Labels};

/// A model's published heads, as far as they are installed.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct InstalledHeads {
    entry: &'static CatalogueEntry,
    files: Installed,
}

/// A published head, and the bytes of a head's file that were made of it.
pub(super) struct ImportedHead {
    pub head: Head,
    pub bytes: Vec<u8>,
}

impl InstalledHeads {
    /// The installed heads of a published model; `None` without any. Reads the receipt alone.
    ///
    /// # Errors
    /// A sentence, when the receipt or a file's length is not as it was.
    pub(super) fn of(entry: &'static CatalogueEntry) -> Result<Option<Self>, String> {
        if entry.heads.is_none() {
            return Ok(None);
        }
        let files = store::installed_heads(&entry.id).map_err(|error| error.to_string())?;
        Ok(files.map(|files| Self { entry, files }))
    }

    /// Imports them, the first of a task first. A head that can't be used is a sentence.
    pub(super) fn import(
        &self,
        manifest: &Manifest,
    ) -> impl Iterator<Item = Result<ImportedHead, String>> {
        let published = self.entry.heads.iter();
        let heads = published.flat_map(|all| all.head.iter().map(move |head| (all, head)));
        heads.filter_map(|(all, head)| {
            let files = head.files().map(|file| self.files.file(&file.name));
            let files: Vec<&InstalledFile> = files.collect::<Option<_>>()?;
            let imported = import(all, head, &files, manifest);
            Some(imported.map_err(|reason| {
                format!(
                    "The published head {} of {} can't be used: {reason}",
                    head.id(),
                    self.entry.id
                )
            }))
        })
    }
}

/// Imports one head; `files` are those of [`PublishedHead::files`].
fn import(
    all: &PublishedHeads,
    published: &PublishedHead,
    files: &[&InstalledFile],
    manifest: &Manifest,
) -> Result<ImportedHead, String> {
    for file in files {
        check_hash(file)?;
    }
    let checkpoint = files.last().ok_or("it has no file.")?.path.as_path();
    let labels = match &published.labels {
        Some(_) => labels(&files[0].path, &published.task)?,
        None => Labels::of_task(&published.task).ok_or("its labels are not known.")?,
    };
    let license = all
        .license
        .as_deref()
        .unwrap_or("none stated by its authors");
    let description = HeadDescription {
        task: &published.task,
        labels: &labels,
        outputs: labels.outputs,
        layer: published.layer,
        usual_layer: None,
        license,
    };
    let bytes = marble::import(checkpoint, &description, manifest).map_err(|e| e.to_string())?;
    let head = Head::parse(&bytes, checkpoint).map_err(|error| error.to_string())?;
    head.check(manifest).map_err(|error| error.to_string())?;
    Ok(ImportedHead { head, bytes })
}

fn labels(path: &Path, task: &str) -> Result<Labels, String> {
    let name = path.display();
    let text = fs::read_to_string(path)
        .map_err(|error| format!("{name} can't be read ({error}); check its permissions."))?;
    Labels::parse(&text, task)
        .map_err(|reason| format!("{name} is not a file of labels: {reason}."))
}

/// Nothing is parsed whose hash has changed since it was fetched.
fn check_hash(file: &InstalledFile) -> Result<(), String> {
    let name = file.path.display();
    match hash_of_file(&file.path) {
        Ok(hash) if hash == file.sha256 => Ok(()),
        Ok(_) => Err(format!(
            "{name} has changed since it was fetched; remove the model and fetch it again."
        )),
        Err(error) => Err(format!(
            "{name} can't be read ({error}); check its permissions."
        )),
    }
}
