//! Public data sets in the layouts in which they are published: files, labels, and what to compare first.
//!
//! | recipe | files | labels |
//! |---|---|---|
//! | `giantsteps` | audio anywhere in the folder | `NAME.key` of each, in `annotations/key/` or beside the audio |
//! | `gtzan` | `GENRE.NUMBER` with an audio extension | the three lists of the fault-filtered split |
//! | `fmak` | six-digit track numbers | `fmakv2.csv`, `fmakv2_metadata.csv` or `fma_keys_metadata.csv` |

mod layout;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, bail, ensure};
use mertscope_heads::package::ModelPackage;
use mertscope_model::catalogue;

use crate::arguments::Recipe;
use layout::{audio_by_stem, files_named, labeled, missing_notice, stem};
use mertscope_engine::labeled::LabeledFile;

/// The files of a data set.
pub(crate) struct RecipeFiles {
    /// Files to fit on.
    pub fit: Vec<LabeledFile>,
    /// Files of the published test split; empty for a set without one.
    pub test: Vec<LabeledFile>,
    /// Sentences on files that are missing or left out.
    pub notices: Vec<String>,
    /// The revision of the labels, a phrase.
    pub labels: String,
}

/// The lists of GTZAN's fault-filtered split, and whether a list is of the test.
const GTZAN_LISTS: [(&str, bool); 3] = [
    ("train_filtered.txt", false),
    ("valid_filtered.txt", false),
    ("test_filtered.txt", true),
];

/// The tables of FMA-keys, with the revision of each.
const FMAK_TABLES: [(&str, &str); 3] = [
    ("fmakv2.csv", "FMAKv2"),
    ("fmakv2_metadata.csv", "FMAKv2"),
    ("fma_keys_metadata.csv", "FMAK, first revision"),
];

/// Layers on each side of the recommended one that are compared too.
const NEIGHBORS: usize = 2;

impl Recipe {
    /// The hidden states to compare first: those around the one that the model's card or MARBLE's configuration
    /// recommends for the task; `None` when none is recommended.
    pub(crate) fn layers(self, package: &ModelPackage) -> Option<Vec<usize>> {
        let manifest = &package.model.manifest;
        let entry = catalogue::find(&manifest.id).ok().flatten()?;
        let data_set = match self {
            Self::Giantsteps | Self::Fmak => "GS",
            Self::Gtzan => "GTZAN",
        };
        let layer = *entry.best_layers.get(data_set)?;
        let last = manifest.layers.len().saturating_sub(1);
        let around = layer.saturating_sub(NEIGHBORS)..=(layer + NEIGHBORS).min(last);
        // A folder may have the name of a model with more layers.
        Some(around.collect()).filter(|layers: &Vec<usize>| !layers.is_empty())
    }

    /// The files of the set in `folder`.
    ///
    /// # Errors
    /// A sentence, when the folder is not laid out as published, or mixes revisions of labels.
    pub(crate) fn find(self, folder: &Path) -> anyhow::Result<RecipeFiles> {
        ensure!(
            folder.is_dir(),
            "{} is not a folder; --recipe reads a data set's folder, as it is published.",
            folder.display()
        );
        let files = match self {
            Self::Giantsteps => giantsteps(folder),
            Self::Gtzan => gtzan(folder),
            Self::Fmak => fmak(folder),
        }?;
        ensure!(
            !files.fit.is_empty(),
            "{} holds no audio for its labels. {}",
            folder.display(),
            files.notices.join(" ")
        );
        Ok(files)
    }
}

fn giantsteps(folder: &Path) -> anyhow::Result<RecipeFiles> {
    let annotations = files_named(folder, &|name| name.ends_with(".key"))?;
    ensure!(
        !annotations.is_empty(),
        "{} holds no annotation: GiantSteps key has a file NAME.key per track, in annotations/key or beside the audio.",
        folder.display()
    );
    let mut of_track: BTreeMap<String, PathBuf> = BTreeMap::new();
    for path in annotations {
        if let Some(other) = of_track.insert(stem(&path), path.clone()) {
            bail!(
                "{} and {} are two annotations of one track. Revisions of labels are not mixed; move one of the \
                 folders away.",
                other.display(),
                path.display()
            );
        }
    }
    let audio = audio_by_stem(folder);
    let (mut fit, mut missing) = (Vec::new(), Vec::new());
    for (track, path) in of_track {
        let text = fs::read_to_string(&path)
            .with_context(|| format!("{} can't be read; check its permissions", path.display()))?;
        let label = text.lines().next().unwrap_or_default().trim();
        match audio.get(&track) {
            Some(audio) => fit.push(labeled(audio, label)),
            None => missing.push(track),
        }
    }
    Ok(RecipeFiles {
        fit,
        test: Vec::new(),
        notices: missing_notice(&missing),
        labels: "the annotations in the folder".to_owned(),
    })
}

fn gtzan(folder: &Path) -> anyhow::Result<RecipeFiles> {
    let audio = audio_by_stem(folder);
    let (mut fit, mut test, mut missing) = (Vec::new(), Vec::new(), Vec::new());
    for (name, is_test) in GTZAN_LISTS {
        let list = files_named(folder, &|other| other == name)?;
        let [list] = list.as_slice() else {
            bail!(
                "{} has {} of the list {name}, where it needs one: the fault-filtered split of GTZAN is the three \
                 lists train_filtered.txt, valid_filtered.txt and test_filtered.txt. Put them into the folder.",
                folder.display(),
                list.len()
            );
        };
        let text = fs::read_to_string(list)
            .with_context(|| format!("{} can't be read; check its permissions", list.display()))?;
        for line in text.lines().map(str::trim).filter(|line| !line.is_empty()) {
            // `blues/blues.00029.wav`, on every system.
            let track = line.rsplit('/').next().unwrap_or(line);
            let track = track.rsplit_once('.').map_or(track, |(track, _)| track);
            let genre = track.split('.').next().unwrap_or_default();
            match audio.get(track) {
                Some(audio) if is_test => test.push(labeled(audio, genre)),
                Some(audio) => fit.push(labeled(audio, genre)),
                None => missing.push(track.to_owned()),
            }
        }
    }
    Ok(RecipeFiles {
        fit,
        test,
        notices: missing_notice(&missing),
        labels: "the fault-filtered split".to_owned(),
    })
}

fn fmak(folder: &Path) -> anyhow::Result<RecipeFiles> {
    let mut tables = Vec::new();
    for (name, revision) in FMAK_TABLES {
        let found = files_named(folder, &|other| other == name)?;
        tables.extend(found.into_iter().map(|path| (path, revision)));
    }
    let [(table, revision)] = tables.as_slice() else {
        bail!(
            "{} has {} tables of keys, where it needs one: fmakv2.csv, fmakv2_metadata.csv or fma_keys_metadata.csv. \
             Revisions of labels are not mixed.",
            folder.display(),
            tables.len()
        );
    };
    let name = table.display();
    let broken = || format!("{name} is not a table of comma-separated values in UTF-8");
    let bytes =
        fs::read(table).with_context(|| format!("{name} can't be read; check its permissions"))?;
    let text = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&bytes);
    let mut reader = csv::ReaderBuilder::new().flexible(true).from_reader(text);
    let columns = reader.headers().with_context(broken)?.clone();
    let column = |title: &str| {
        let found = columns.iter().position(|column| column.trim() == title);
        found.with_context(|| {
            format!("{name} has no column “{title}”; FMAK's tables have track_id and key_and_mode.")
        })
    };
    let (id, key) = (column("track_id")?, column("key_and_mode")?);
    let audio = audio_by_stem(folder);
    let (mut fit, mut missing) = (Vec::new(), Vec::new());
    for row in reader.records() {
        let row = row.with_context(broken)?;
        let field = |column: usize| row.get(column).unwrap_or_default().trim();
        // The audio's names have six digits; a spreadsheet drops the leading zeros.
        let track = format!("{:0>6}", field(id));
        match audio.get(&track) {
            Some(audio) => fit.push(labeled(audio, field(key))),
            None => missing.push(track),
        }
    }
    Ok(RecipeFiles {
        fit,
        test: Vec::new(),
        notices: missing_notice(&missing),
        labels: (*revision).to_owned(),
    })
}

#[cfg(test)]
mod tests;
