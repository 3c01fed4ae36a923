//! Lessons as a project keeps them: the newest examples in itself, older ones in files of the
//! user's data folder, named by the SHA-256 of their content.
//!
//! A file is written once and never changed, so that a project of before still finds what it names.
//! One that is missing or damaged takes nothing else with it.

use std::fs;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::{LabeledExamples, Marked};
use mertscope_model::{runtime, sha256};

/// Examples that a project keeps in itself at most.
const MOST_INSIDE: usize = 400;
/// Values that those may have together: four letters each, so that they stay at half of a
/// project's 2 MB.
const MOST_VALUES: usize = 262_144;
/// Largest file that is read, in bytes: more than any that is written.
const LARGEST: u64 = 8 * 1024 * 1024;

/// What a project holds.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct SavedExamples {
    encoder_sha256: String,
    layer: usize,
    labels: Vec<String>,
    /// Names of files with older examples.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    files: Vec<String>,
    examples: Vec<Marked>,
}

impl SavedExamples {
    /// Whether all of it is in the project, so that no file has to be read.
    #[must_use]
    pub fn is_whole(&self) -> bool {
        self.files.is_empty()
    }

    /// The lessons, with the examples of all files that can be read.
    #[must_use]
    pub fn load(self, store: Option<&Store>) -> LabeledExamples {
        let (mut examples, mut missing) = (Vec::new(), Vec::new());
        for (at, file) in self.files.into_iter().enumerate() {
            match store.map(|store| store.read(&file)) {
                Some(Ok(more)) => examples.extend(more),
                _ => missing.push((at, file)),
            }
        }
        examples.extend(self.examples);
        LabeledExamples {
            encoder_sha256: self.encoder_sha256,
            layer: self.layer,
            labels: self.labels,
            examples,
            missing,
        }
    }
}

impl LabeledExamples {
    /// How many examples a file takes, and a project at most.
    fn most_inside(&self) -> usize {
        let width = self.examples.first().map_or(1, |first| first.values.len());
        (MOST_VALUES / width.max(1)).clamp(1, MOST_INSIDE)
    }

    /// What a project keeps, if that is all of it and nothing has to be written.
    #[must_use]
    pub fn save_inside(&self) -> Option<SavedExamples> {
        let fits = self.examples.len() <= self.most_inside();
        fits.then(|| self.saved(Vec::new(), &self.examples))
    }

    /// What a project keeps; older examples are written to `store` first, unless `packer` knows
    /// that they were.
    ///
    /// # Errors
    /// When a file can't be written; nothing of the project should change then.
    pub fn save(&self, store: &Store, packer: &mut Packer) -> io::Result<SavedExamples> {
        let size = self.most_inside();
        let sealed = self.examples.len().saturating_sub(1) / size;
        let (older, newer) = self.examples.split_at(sealed * size);
        let mut files = Vec::with_capacity(sealed + self.missing.len());
        for (number, examples) in older.chunks(size).enumerate() {
            files.push(packer.keep(number, examples, store)?);
        }
        Ok(self.saved(files, newer))
    }

    fn saved(&self, mut files: Vec<String>, inside: &[Marked]) -> SavedExamples {
        for (at, file) in &self.missing {
            files.insert((*at).min(files.len()), file.clone());
        }
        SavedExamples {
            encoder_sha256: self.encoder_sha256.clone(),
            layer: self.layer,
            labels: self.labels.clone(),
            files,
            examples: inside.to_vec(),
        }
    }
}

/// Remembers which examples are in which file, so that each is written once.
#[derive(Debug, Default)]
pub struct Packer(Vec<(Vec<Marked>, String)>);

impl Packer {
    fn keep(&mut self, number: usize, examples: &[Marked], store: &Store) -> io::Result<String> {
        let same = |(stored, _): &&(Vec<Marked>, String)| {
            let pairs = || stored.iter().zip(examples);
            stored.len() == examples.len() && pairs().all(|(a, b)| a.is(b))
        };
        if let Some((_, file)) = self.0.get(number).filter(same) {
            return Ok(file.clone());
        }
        let bytes = serde_json::to_vec(examples)?;
        let file = store.put(&bytes)?;
        self.0.truncate(number);
        self.0.push((examples.to_vec(), file.clone()));
        Ok(file)
    }
}

impl Marked {
    /// Whether it is the very same example.
    fn is(&self, other: &Self) -> bool {
        self.label == other.label && std::sync::Arc::ptr_eq(&self.values, &other.values)
    }
}

/// The folder with the files.
#[derive(Debug, Clone)]
pub struct Store(PathBuf);

impl Store {
    /// The user's; `None` for one without a data folder. Touches no file.
    #[must_use]
    pub fn present() -> Option<Self> {
        Some(Self(runtime::data_folder()?.join("lessons")))
    }

    /// The one in `folder`.
    #[must_use]
    pub fn at(folder: &Path) -> Self {
        Self(folder.to_owned())
    }

    /// Where the file of this name is.
    #[must_use]
    pub fn path(&self, file: &str) -> PathBuf {
        self.0.join(format!("{file}.json"))
    }

    /// Keeps `bytes`, and gives the file's name.
    fn put(&self, bytes: &[u8]) -> io::Result<String> {
        let name = sha256(bytes);
        let path = self.path(&name);
        if !fs::read(&path).is_ok_and(|there| there == bytes) {
            fs::create_dir_all(&self.0)?;
            let mut file = tempfile::NamedTempFile::new_in(&self.0)?;
            file.write_all(bytes)?;
            file.persist(path).map_err(|error| error.error)?;
        }
        Ok(name)
    }

    fn read(&self, file: &str) -> io::Result<Vec<Marked>> {
        // The name comes from a project: it must lead nowhere else.
        let is_hash = file.len() == 64 && file.bytes().all(|byte| byte.is_ascii_hexdigit());
        if !is_hash {
            return Err(io::ErrorKind::InvalidInput.into());
        }
        let mut bytes = Vec::new();
        fs::File::open(self.path(file))?
            .take(LARGEST)
            .read_to_end(&mut bytes)?;
        if sha256(&bytes) != file {
            return Err(io::ErrorKind::InvalidData.into());
        }
        Ok(serde_json::from_slice(&bytes)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labeled_examples(examples: usize, width: usize) -> LabeledExamples {
        let mut labeled_examples = LabeledExamples::default();
        for n in 0..examples {
            let values: Vec<f32> = (0..width).map(|k| ((n * 7 + k) as f32).sin()).collect();
            let label = ["one", "two"][n % 2];
            labeled_examples.mark(label, 4, &values, "abc").unwrap();
        }
        labeled_examples
    }

    fn files(folder: &Path) -> usize {
        fs::read_dir(folder).map_or(0, |entries| entries.flatten().count())
    }

    #[test]
    fn few_examples_stay_inside_and_many_go_to_files_and_come_back() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::at(&folder.path().join("lessons"));
        for (examples, width, expected) in
            [(0, 256, 0), (400, 256, 0), (401, 256, 1), (900, 1_024, 3)]
        {
            let (labeled_examples, mut packer) =
                (labeled_examples(examples, width), Packer::default());
            let before = files(&folder.path().join("lessons"));
            let saved = labeled_examples.save(&store, &mut packer).unwrap();
            assert_eq!(files(&folder.path().join("lessons")) - before, expected);
            assert_eq!(labeled_examples.save_inside().is_some(), expected == 0);
            assert_eq!(saved.is_whole(), expected == 0);
            let text = serde_json::to_string(&saved).unwrap();
            assert!(text.len() < 1_300_000, "{}", text.len());
            let read: SavedExamples = serde_json::from_str(&text).unwrap();
            assert_eq!(read, saved);
            let loaded = read.load(Some(&store));
            assert_eq!(loaded, labeled_examples);
            // Saved again, it is the same to the byte.
            let again = loaded.save(&store, &mut packer).unwrap();
            assert_eq!(serde_json::to_string(&again).unwrap(), text);
        }
    }

    #[test]
    fn a_file_that_is_gone_or_damaged_takes_nothing_else_with_it_and_is_found_again() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::at(folder.path());
        let labeled_examples = labeled_examples(1_000, 256);
        let saved = labeled_examples
            .save(&store, &mut Packer::default())
            .unwrap();
        let (gone, damaged) = (store.path(&saved.files[0]), store.path(&saved.files[1]));
        let stored = fs::read(&gone).unwrap();
        fs::remove_file(&gone).unwrap();
        let whole = fs::read(&damaged).unwrap();
        fs::write(&damaged, &whole[1..]).unwrap();
        let mut left = saved.clone().load(Some(&store));
        assert_eq!((left.examples(), left.missing().count()), (200, 2));
        assert!(left.undo() && left.labels.len() == 2);
        let mut without = left.save(&store, &mut Packer::default()).unwrap();
        assert_eq!(without.files, saved.files);
        // Copied back, all of it is there, but for what was taken back.
        fs::write(&gone, stored).unwrap();
        fs::write(&damaged, whole).unwrap();
        let back = without.clone().load(Some(&store));
        assert_eq!((back.examples(), back.missing().count()), (999, 0));
        for name in ["../../etc/passwd", "", "zz"] {
            without.files = vec![name.to_owned()];
            assert_eq!(without.clone().load(Some(&store)).missing().count(), 1);
        }
    }
}
