//! The heads that were published for a model, beside it: repository, files, tasks and layers.

use serde::Deserialize;

use super::CatalogueFile;

/// The published heads of a model.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PublishedHeads {
    /// The name under which they are known.
    pub title: String,
    /// Their repository on the hub: `owner/name`, or `spaces/owner/name`.
    pub repo: String,
    /// The folder of the files in the repository.
    pub folder: String,
    /// The commit to fetch; without one, the first verified download pins it.
    #[serde(default)]
    pub revision: Option<String>,
    /// Their license, an SPDX identifier; `None` when their authors state none.
    #[serde(default, rename = "licence")]
    pub license: Option<String>,
    /// The page that states the license, or on which none is stated.
    #[serde(rename = "licence_url")]
    pub license_url: String,
    /// Approximate bytes of all files.
    pub about_bytes: u64,
    /// What they were fitted on, a phrase.
    pub fitted_on: String,
    /// The heads, in display order: the first one of a task answers for it.
    pub head: Vec<PublishedHead>,
}

/// A published head.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PublishedHead {
    /// Its training checkpoint; the name without its extension is the head's id.
    pub file: CatalogueFile,
    /// Its file of labels; `None` when the published one is empty, and its labels are those of the task.
    #[serde(default)]
    pub labels: Option<CatalogueFile>,
    /// The question that it answers.
    pub task: String,
    /// The hidden state that it reads; `None` when it mixes all but the first.
    #[serde(default)]
    pub layer: Option<usize>,
}

impl PublishedHeads {
    /// The words for their license in a sentence and in the record of consent.
    #[must_use]
    pub fn license_words(&self) -> String {
        self.license
            .clone()
            .unwrap_or_else(|| format!("no stated license ({})", self.repo))
    }

    /// The tasks that they answer, in order.
    pub fn tasks(&self) -> impl Iterator<Item = &str> {
        self.head.iter().map(|head| &*head.task)
    }
}

impl PublishedHead {
    /// Its id: the name of its file without the extension.
    #[must_use]
    pub fn id(&self) -> &str {
        let name = &self.file.name;
        name.split_once('.').map_or(name, |(id, _)| id)
    }

    /// Its files: its labels first.
    pub fn files(&self) -> impl Iterator<Item = &CatalogueFile> {
        self.labels.iter().chain([&self.file])
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use crate::catalogue::{all, find};

    #[test]
    fn the_published_heads_fit_their_model() {
        let entry = find("MERT-v1-95M").unwrap().unwrap();
        let heads = entry.heads.as_ref().unwrap();
        assert_eq!(heads.head.len(), 11);
        let ids: BTreeSet<&str> = heads.head.iter().map(|head| head.id()).collect();
        assert_eq!(ids.len(), heads.head.len());
        let of = |task: &str| heads.head.iter().find(|head| head.task == task).unwrap();
        assert_eq!((of("key").id(), of("key").layer), ("GS", Some(8)));
        assert_eq!((of("genre").id(), of("genre").layer), ("GTZAN", Some(7)));
        assert!(of("genre").labels.is_none() && of("MTG-Instrument").layer.is_none());
        assert!(heads.license_words().contains("no stated license"));
        for entry in all().unwrap() {
            let Some(heads) = &entry.heads else { continue };
            assert!(heads.repo.contains('/') && !heads.folder.ends_with('/'));
            for head in &heads.head {
                assert!(head.layer < Some(entry.hidden_states()), "{}", head.id());
                // The receipt allows plain names only.
                assert!(
                    head.files()
                        .all(|file| !file.name.contains('/') && !file.optional)
                );
                let marble = match &*head.task {
                    "key" => "GS",
                    "genre" => "GTZAN",
                    other => other,
                };
                assert_eq!(
                    entry.best_layers.get(marble).copied(),
                    head.layer,
                    "{marble}"
                );
            }
        }
    }
}
