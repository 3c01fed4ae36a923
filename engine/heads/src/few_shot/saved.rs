//! Labeled examples in a saved project: the project itself holds the newest examples, files of the
//! user's data folder hold older ones, named by the SHA-256 of their content.
//!
//! A file is written once and never changed, so that an older project still finds its files. A missing
//! or damaged file affects no other examples.

use std::fs;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::{LabeledExamples, MarkedWindow};
use mertscope_model::{runtime, sha256, write_whole};

/// The most examples inside a project.
const MAX_INSIDE: usize = 400;
/// The most values of those examples together: at four letters each, half of a project's 2 MB.
const MAX_VALUES: usize = 262_144;
/// Size of the largest file that is read, in bytes; no written file is that large.
const MAX_FILE_BYTES: u64 = 8 * 1024 * 1024;

/// The part of labeled examples that a project stores.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct SavedExamples {
    encoder_sha256: String,
    layer: usize,
    labels: Vec<String>,
    /// Names of files with older examples.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    files: Vec<String>,
    examples: Vec<MarkedWindow>,
}

impl SavedExamples {
    /// Whether the project holds all examples, so that no file has to be read.
    #[must_use]
    pub fn is_whole(&self) -> bool {
        self.files.is_empty()
    }

    /// The labeled examples, including those of all files that can be read.
    #[must_use]
    pub fn load(self, folder: Option<&ExampleFolder>) -> LabeledExamples {
        let (mut examples, mut missing) = (Vec::new(), Vec::new());
        for (at, file) in self.files.into_iter().enumerate() {
            match folder.map(|folder| folder.read(&file)) {
                Some(Ok(older)) => examples.extend(older),
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
    /// The number of examples in a file, and the most examples inside a project.
    fn max_inside(&self) -> usize {
        let width = self.examples.first().map_or(1, |first| first.values.len());
        (MAX_VALUES / width.max(1)).clamp(1, MAX_INSIDE)
    }

    /// The part that a project stores, if it is all of the examples and no file has to be written.
    #[must_use]
    pub fn save_inside(&self) -> Option<SavedExamples> {
        let fits = self.examples.len() <= self.max_inside();
        fits.then(|| self.saved(Vec::new(), &self.examples))
    }

    /// The part that a project stores. Older examples are written to `folder` first, unless `packer`
    /// remembers their file.
    ///
    /// # Errors
    /// The system's error when a file can't be written; then the project should not change.
    pub fn save(&self, folder: &ExampleFolder, packer: &mut Packer) -> io::Result<SavedExamples> {
        let size = self.max_inside();
        let sealed = self.examples.len().saturating_sub(1) / size;
        let (older, newer) = self.examples.split_at(sealed * size);
        let mut files = Vec::with_capacity(sealed + self.missing.len());
        for (number, examples) in older.chunks(size).enumerate() {
            files.push(packer.keep(number, examples, folder)?);
        }
        Ok(self.saved(files, newer))
    }

    fn saved(&self, mut files: Vec<String>, inside: &[MarkedWindow]) -> SavedExamples {
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

/// Remembers the file of each group of examples, so that each group is written once.
#[derive(Debug, Default)]
pub struct Packer(Vec<(Vec<MarkedWindow>, String)>);

impl Packer {
    fn keep(
        &mut self,
        number: usize,
        examples: &[MarkedWindow],
        folder: &ExampleFolder,
    ) -> io::Result<String> {
        let same = |(stored, _): &&(Vec<MarkedWindow>, String)| {
            let pairs = || stored.iter().zip(examples);
            stored.len() == examples.len() && pairs().all(|(a, b)| a.is(b))
        };
        if let Some((_, file)) = self.0.get(number).filter(same) {
            return Ok(file.clone());
        }
        let bytes = serde_json::to_vec(examples)?;
        let file = folder.put(&bytes)?;
        self.0.truncate(number);
        self.0.push((examples.to_vec(), file.clone()));
        Ok(file)
    }
}

impl MarkedWindow {
    /// Whether both are the same example, by identity of their values.
    fn is(&self, other: &Self) -> bool {
        self.label == other.label && std::sync::Arc::ptr_eq(&self.values, &other.values)
    }
}

/// The folder with the files of older examples.
#[derive(Debug, Clone)]
pub struct ExampleFolder(PathBuf);

impl ExampleFolder {
    /// The folder in the user's data folder; `None` for a user without one. Touches no file.
    #[must_use]
    pub fn present() -> Option<Self> {
        Some(Self(runtime::data_folder()?.join("lessons")))
    }

    /// The folder at this path.
    #[must_use]
    pub fn at(folder: &Path) -> Self {
        Self(folder.to_owned())
    }

    /// The path of the file with this name.
    #[must_use]
    pub fn path(&self, file: &str) -> PathBuf {
        self.0.join(format!("{file}.json"))
    }

    /// Stores `bytes` and returns the file's name, their SHA-256.
    fn put(&self, bytes: &[u8]) -> io::Result<String> {
        let name = sha256(bytes);
        let path = self.path(&name);
        if !fs::read(&path).is_ok_and(|stored| stored == bytes) {
            write_whole(&path, bytes)?;
        }
        Ok(name)
    }

    fn read(&self, file: &str) -> io::Result<Vec<MarkedWindow>> {
        // The name comes from a project: it must not lead to another folder.
        let is_hash = file.len() == 64 && file.bytes().all(|byte| byte.is_ascii_hexdigit());
        if !is_hash {
            return Err(io::ErrorKind::InvalidInput.into());
        }
        let mut bytes = Vec::new();
        fs::File::open(self.path(file))?
            .take(MAX_FILE_BYTES)
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

    fn labeled(count: usize, width: usize) -> LabeledExamples {
        let mut examples = LabeledExamples::default();
        for n in 0..count {
            let values: Vec<f32> = (0..width).map(|k| ((n * 7 + k) as f32).sin()).collect();
            let label = ["one", "two"][n % 2];
            examples.mark(label, 4, &values, "abc").unwrap();
        }
        examples
    }

    fn files(folder: &Path) -> usize {
        fs::read_dir(folder).map_or(0, |entries| entries.flatten().count())
    }

    #[test]
    fn few_examples_stay_inside_and_many_go_to_files_and_come_back() {
        let data = tempfile::tempdir().unwrap();
        let folder = ExampleFolder::at(&data.path().join("lessons"));
        for (count, width, expected) in [(0, 256, 0), (400, 256, 0), (401, 256, 1), (900, 1_024, 3)]
        {
            let (examples, mut packer) = (labeled(count, width), Packer::default());
            let before = files(&data.path().join("lessons"));
            let saved = examples.save(&folder, &mut packer).unwrap();
            assert_eq!(files(&data.path().join("lessons")) - before, expected);
            assert_eq!(examples.save_inside().is_some(), expected == 0);
            assert_eq!(saved.is_whole(), expected == 0);
            let text = serde_json::to_string(&saved).unwrap();
            assert!(text.len() < 1_300_000, "{}", text.len());
            let read: SavedExamples = serde_json::from_str(&text).unwrap();
            assert_eq!(read, saved);
            let loaded = read.load(Some(&folder));
            assert_eq!(loaded, examples);
            // Saved again, it is the same to the byte.
            let again = loaded.save(&folder, &mut packer).unwrap();
            assert_eq!(serde_json::to_string(&again).unwrap(), text);
        }
    }

    #[test]
    fn a_missing_or_damaged_file_affects_no_other_examples_and_is_found_again() {
        let data = tempfile::tempdir().unwrap();
        let folder = ExampleFolder::at(data.path());
        let examples = labeled(1_000, 256);
        let saved = examples.save(&folder, &mut Packer::default()).unwrap();
        let (gone, damaged) = (folder.path(&saved.files[0]), folder.path(&saved.files[1]));
        let stored = fs::read(&gone).unwrap();
        fs::remove_file(&gone).unwrap();
        let whole = fs::read(&damaged).unwrap();
        fs::write(&damaged, &whole[1..]).unwrap();
        let mut left = saved.clone().load(Some(&folder));
        assert_eq!((left.examples(), left.missing().count()), (200, 2));
        assert!(left.undo() && left.labels.len() == 2);
        let mut without = left.save(&folder, &mut Packer::default()).unwrap();
        assert_eq!(without.files, saved.files);
        // With the files back, all examples are there but the removed one.
        fs::write(&gone, stored).unwrap();
        fs::write(&damaged, whole).unwrap();
        let back = without.clone().load(Some(&folder));
        assert_eq!((back.examples(), back.missing().count()), (999, 0));
        for name in ["../../etc/passwd", "", "zz"] {
            without.files = vec![name.to_owned()];
            assert_eq!(without.clone().load(Some(&folder)).missing().count(), 1);
        }
    }
}
