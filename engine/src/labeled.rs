//! Labeled music for fitting and judging heads: files with their labels and groups, which of them can be used, and the
//! examples that they give.
//!
//! Pure: the files were found and embedded before.

use std::collections::BTreeMap;
use std::path::PathBuf;

use mertscope_heads::head::Head;
use mertscope_heads::head::fit::Example;
use mertscope_music::Key;

use crate::embedding_dataset::FileEmbeddings;

/// A file with its label.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LabeledFile {
    /// The file.
    pub path: PathBuf,
    /// Empty without a label.
    pub label: String,
    /// A test never splits a group of files.
    pub group: String,
}

impl LabeledFile {
    /// The index of its label among the head's.
    ///
    /// # Errors
    /// A sentence that says why the file is left out.
    pub fn truth(&self, head: &Head) -> Result<usize, String> {
        let label = &self.label;
        // A key may be written in any notation.
        let key = label.parse::<Key>().map(Key::label);
        let index = |label: &String| head.labels.iter().position(|other| other == label);
        let truth = index(label).or_else(|| key.ok().as_ref().and_then(index));
        truth.ok_or_else(|| {
            let path = self.path.display();
            if label.is_empty() {
                format!("{path} has no label; it was left out.")
            } else {
                format!(
                    "{path}: the head does not know the label “{label}”; the file was left out."
                )
            }
        })
    }
}

/// A file with its embeddings.
#[derive(Debug, Clone)]
pub struct EmbeddedFile {
    /// The file.
    pub file: LabeledFile,
    /// Its windows.
    pub embeddings: FileEmbeddings,
}

/// Leaves out equal files: all of them when their labels differ, else all but the first. A sentence per file that is left
/// out is added to `left_out`.
#[must_use]
pub fn once_each(examples: Vec<EmbeddedFile>, left_out: &mut Vec<String>) -> Vec<EmbeddedFile> {
    let mut labels: BTreeMap<String, Vec<(String, PathBuf)>> = BTreeMap::new();
    for example in &examples {
        let file = (example.file.label.clone(), example.file.path.clone());
        let same = labels.entry(example.embeddings.sha256.clone()).or_default();
        same.push(file);
    }
    examples
        .into_iter()
        .filter(|example| {
            let same = &labels[&example.embeddings.sha256];
            let path = example.file.path.display();
            if let Some((label, other)) = same.iter().find(|(l, _)| *l != example.file.label) {
                left_out.push(format!(
                    "{path} is labeled “{}”, but {} with the same content is labeled “{label}”; \
                     both were left out.",
                    example.file.label,
                    other.display()
                ));
                return false;
            }
            let (_, first) = &same[0];
            if *first != example.file.path {
                left_out.push(format!(
                    "{path} has the same content as {}; it was left out.",
                    first.display()
                ));
                return false;
            }
            true
        })
        .collect()
}

/// The labels and the files to fit on. Files without a label, and labels with fewer than two groups of
/// files, which can't be tested, are left out with a notice. The labels of the task `key` are the 24 keys.
#[must_use]
pub fn examples(
    task: &str,
    music: Vec<EmbeddedFile>,
    notices: &mut Vec<String>,
) -> (Vec<String>, Vec<Example>) {
    let is_key = task == "key";
    let mut labeled: Vec<(String, EmbeddedFile)> = Vec::new();
    for example in music {
        let label = example.file.label.clone();
        let path = example.file.path.display();
        if label.is_empty() {
            notices.push(format!("{path} has no label; it was left out."));
        } else if !is_key {
            labeled.push((label, example));
        } else if let Ok(key) = label.parse::<Key>() {
            labeled.push((key.label(), example));
        } else {
            notices.push(format!("{path}: “{label}” is not a key; it was left out."));
        }
    }
    let mut groups: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for (label, example) in &labeled {
        let of_label = groups.entry(label).or_default();
        if !of_label.contains(&example.file.group.as_str()) {
            of_label.push(&example.file.group);
        }
    }
    let few: Vec<String> = groups
        .iter()
        .filter(|(_, groups)| groups.len() < 2 && !is_key)
        .map(|(label, _)| (*label).to_owned())
        .collect();
    let labels: Vec<String> = if is_key {
        Key::all().map(Key::label).collect()
    } else {
        let labels = groups.keys().map(|label| (*label).to_owned());
        labels.filter(|label| !few.contains(label)).collect()
    };
    for label in &few {
        notices.push(format!(
            "The label “{label}” has one file or group only, so it can't be tested; it was left out."
        ));
    }
    let mut numbers: BTreeMap<String, usize> = BTreeMap::new();
    let examples = labeled
        .into_iter()
        .filter_map(|(label, example)| {
            let label = labels.iter().position(|other| *other == label)?;
            let next = numbers.len();
            Some(Example {
                label,
                group: *numbers.entry(example.file.group).or_insert(next),
                windows: example.embeddings.windows,
            })
        })
        .collect();
    (labels, examples)
}
