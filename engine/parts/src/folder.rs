//! A shard's side of a folder of parts: the lock, the files that are done, the part in work.

use std::collections::{HashMap, HashSet};
use std::fs::{self, File, TryLockError};
use std::path::{Path, PathBuf};

use arrow_array::RecordBatch;
use arrow_schema::SchemaRef;

use crate::error::PartsError;
use crate::name::{PartName, stem};
use crate::reader::{self, Part};
use crate::run::PartRun;
use crate::shard::Shard;
use crate::source::Source;
use crate::writer::{Limits, ParquetFile, remove_leftovers};

/// What starts the parts of a shard.
#[derive(Debug)]
pub struct Start<'a> {
    /// The folder; it is made when there is none.
    pub folder: &'a Path,
    /// The shard.
    pub shard: Shard,
    /// The run that all parts share.
    pub run: PartRun,
    /// The columns.
    pub schema: SchemaRef,
    /// When a part ends.
    pub limits: Limits,
    /// Whether to go on with parts that are there.
    pub resume: bool,
}

/// How a file stands to the parts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Standing {
    /// Its rows are there and are of the file as it is; whether it had failed.
    Done {
        /// Whether its row is an error.
        failed: bool,
    },
    /// Its rows are there, and the file can't be read any more; they stay.
    Gone,
    /// There are no rows of the file as it is.
    Open,
}

/// The parts of one shard, locked for one run.
#[derive(Debug)]
pub struct OpenParts {
    folder: PathBuf,
    shard: Shard,
    run: PartRun,
    schema: SchemaRef,
    limits: Limits,
    /// The rows that are there, by the file's path inside the root: the file as it was, and whether it had failed.
    done: HashMap<String, (Source, bool)>,
    parts: Vec<Part>,
    next_number: u32,
    current: Option<ParquetFile>,
    remarks: Vec<String>,
    /// Held until the run ends, however it ends.
    _lock: File,
}

impl OpenParts {
    /// Locks the shard, checks what is there, and sets broken parts aside.
    ///
    /// # Errors
    /// [`PartsError`].
    pub fn open(start: Start<'_>) -> Result<Self, PartsError> {
        let (folder, shard) = (start.folder, start.shard);
        let failed = |source| PartsError::Folder {
            folder: folder.to_owned(),
            source,
        };
        fs::create_dir_all(folder).map_err(failed)?;
        let lock = lock(folder, shard)?;
        remove_leftovers(folder, &stem(shard)).map_err(failed)?;
        let mut open = Self {
            folder: folder.to_owned(),
            shard,
            run: start.run,
            schema: start.schema,
            limits: start.limits,
            done: HashMap::new(),
            parts: Vec::new(),
            next_number: 0,
            current: None,
            remarks: Vec::new(),
            _lock: lock,
        };
        let listed = reader::list(folder)?;
        for (path, name) in listed {
            if name.shard.count != shard.count {
                return Err(PartsError::OtherCount {
                    part: path,
                    found: name.shard.count,
                    wanted: shard.count,
                });
            }
            if name.shard != shard {
                continue;
            }
            if !start.resume {
                return Err(PartsError::NotEmpty {
                    folder: folder.to_owned(),
                    shard,
                });
            }
            open.take(&path, &name)?;
        }
        open.drop_repeated()?;
        Ok(open)
    }

    /// Sentences on what was found: broken parts.
    #[must_use]
    pub fn remarks(&self) -> &[String] {
        &self.remarks
    }

    /// Takes over a part of an earlier run, or sets it aside when it is broken.
    fn take(&mut self, path: &Path, name: &PartName) -> Result<(), PartsError> {
        self.next_number = self.next_number.max(name.number.saturating_add(1));
        let part = match reader::check(path, name) {
            Ok(part) => part,
            Err(reason) => return self.set_aside(path, &reason),
        };
        if let Some(difference) = part.run.difference(&self.run) {
            return Err(PartsError::Different {
                part: path.to_owned(),
                difference,
            });
        }
        if part.schema.fields() != self.schema.fields() {
            return Err(PartsError::Different {
                part: path.to_owned(),
                difference: "has other columns than this version writes".to_owned(),
            });
        }
        self.parts.push(part);
        Ok(())
    }

    fn set_aside(&mut self, path: &Path, reason: &str) -> Result<(), PartsError> {
        let mut aside = path.as_os_str().to_owned();
        aside.push(".broken");
        let aside = PathBuf::from(aside);
        fs::rename(path, &aside).map_err(|source| PartsError::Write {
            path: path.to_owned(),
            source,
        })?;
        self.remarks.push(format!(
            "{} is broken: {reason}. It is now {}, and its files are done again.",
            path.display(),
            aside.file_name().unwrap_or_default().to_string_lossy()
        ));
        Ok(())
    }

    /// Reads which files are done. Where two parts have rows of one file, as after a kill while a part was replaced, the
    /// later part holds.
    fn drop_repeated(&mut self) -> Result<(), PartsError> {
        let mut repeated: HashMap<usize, HashSet<String>> = HashMap::new();
        let mut holder: HashMap<String, usize> = HashMap::new();
        for (index, part) in self.parts.iter().enumerate() {
            for (source, is_failed) in part.files()? {
                if let Some(earlier) = holder.insert(source.path.clone(), index) {
                    repeated
                        .entry(earlier)
                        .or_default()
                        .insert(source.path.clone());
                }
                self.done.insert(source.path.clone(), (source, is_failed));
            }
        }
        self.rewrite(&repeated)
    }

    /// How the file at `file`, whose path inside the root is `path`, stands to the parts. It is hashed when it looks
    /// changed: one that was only touched or copied is done.
    #[must_use]
    pub fn standing(&self, path: &str, file: &Path) -> Standing {
        let Some((then, is_failed)) = self.done.get(path) else {
            return Standing::Open;
        };
        if then.sha256.is_none() {
            return Standing::Open;
        }
        let done = Standing::Done { failed: *is_failed };
        match Source::look(path, file) {
            Ok(now) if then.looks_like(&now) => done,
            Ok(now) => match now.hashed(file) {
                Ok(now) if now.sha256 == then.sha256 => done,
                Ok(_) => Standing::Open,
                Err(_) => Standing::Gone,
            },
            Err(_) => Standing::Gone,
        }
    }

    /// Removes the rows of files that are done again, if there are any.
    ///
    /// # Errors
    /// [`PartsError`].
    pub fn forget(&mut self, paths: &HashSet<String>) -> Result<(), PartsError> {
        let mut stale: HashMap<usize, HashSet<String>> = HashMap::new();
        for (index, part) in self.parts.iter().enumerate() {
            for (source, _) in part.files()? {
                if paths.contains(&source.path) {
                    stale.entry(index).or_default().insert(source.path);
                }
            }
        }
        self.done.retain(|path, _| !paths.contains(path));
        self.rewrite(&stale)
    }

    /// Writes each of these parts again without the rows of these files.
    fn rewrite(&mut self, without: &HashMap<usize, HashSet<String>>) -> Result<(), PartsError> {
        let mut parts = Vec::with_capacity(self.parts.len());
        for (index, part) in std::mem::take(&mut self.parts).into_iter().enumerate() {
            let Some(without) = without.get(&index) else {
                parts.push(part);
                continue;
            };
            let mut file = self.begin()?;
            part.read(|batch| {
                for kept in kept_rows(&batch, without) {
                    file.write(&kept)?;
                }
                Ok(())
            })?;
            if file.rows > 0 {
                let (path, name) = self.end(file)?;
                parts.push(Part {
                    path,
                    name,
                    ..part.clone()
                });
            }
            // After the new one is there: a kill in between leaves rows twice, which the next run mends.
            fs::remove_file(&part.path).map_err(|source| PartsError::Write {
                path: part.path.clone(),
                source,
            })?;
        }
        self.parts = parts;
        Ok(())
    }

    /// Adds the rows of one file. They are on disk when their part ends.
    ///
    /// # Errors
    /// [`PartsError`].
    pub fn add(&mut self, rows: &RecordBatch) -> Result<(), PartsError> {
        let mut file = match self.current.take() {
            Some(file) => file,
            None => self.begin()?,
        };
        file.write(rows)?;
        file.files += 1;
        if file.is_full(self.limits) {
            self.end(file)?;
        } else {
            self.current = Some(file);
        }
        Ok(())
    }

    /// Ends the part in work. A shard without any file gets an empty part, so that a merge does not miss it.
    ///
    /// # Errors
    /// [`PartsError`].
    pub fn finish(mut self, is_complete: bool) -> Result<(), PartsError> {
        if self.current.is_none() && self.next_number == 0 && is_complete {
            self.current = Some(self.begin()?);
        }
        if let Some(file) = self.current.take() {
            self.end(file)?;
        }
        Ok(())
    }

    fn begin(&self) -> Result<ParquetFile, PartsError> {
        let schema = self.schema.clone();
        ParquetFile::begin(&self.folder, &stem(self.shard), schema, &self.run)
    }

    fn end(&mut self, file: ParquetFile) -> Result<(PathBuf, PartName), PartsError> {
        let (folder, shard, number) = (&self.folder, self.shard, self.next_number);
        let path =
            file.finish(|sha256| folder.join(PartName::new(shard, number, sha256).file_name()))?;
        self.next_number += 1;
        let name = PartName::parse(&path).ok_or_else(|| PartsError::Rows {
            path: path.display().to_string(),
            reason: "its name can't be read back".to_owned(),
        })?;
        Ok((path, name))
    }
}

/// The rows of `batch` that are not of files in `without`, in runs of neighbors.
fn kept_rows(batch: &RecordBatch, without: &HashSet<String>) -> Vec<RecordBatch> {
    let mut kept = Vec::new();
    let mut from = 0;
    let paths = reader::paths(batch).unwrap_or_default();
    for (row, path) in paths.iter().enumerate() {
        if without.contains(*path) {
            if row > from {
                kept.push(batch.slice(from, row - from));
            }
            from = row + 1;
        }
    }
    if paths.len() > from {
        kept.push(batch.slice(from, paths.len() - from));
    }
    kept
}

/// The path of a shard's lock; the file stays, and only a lock on it means a run.
fn lock_path(folder: &Path, shard: Shard) -> PathBuf {
    folder.join(format!(".{}.lock", stem(shard)))
}

/// Locks the shard for as long as the file is open: the system unlocks it when the program ends, even if killed.
fn lock(folder: &Path, shard: Shard) -> Result<File, PartsError> {
    let path = lock_path(folder, shard);
    let failed = |source| PartsError::Write {
        path: path.clone(),
        source,
    };
    let mut options = File::options();
    let file = options
        .create(true)
        .append(true)
        .open(&path)
        .map_err(failed)?;
    match file.try_lock() {
        // Some network file systems know no locks; then nothing tells two runs of a shard.
        Ok(()) | Err(TryLockError::Error(_)) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(PartsError::Locked {
            folder: folder.to_owned(),
            shard,
        }),
    }
}

/// Whether a run is writing the shard.
pub(crate) fn is_locked(folder: &Path, shard: Shard) -> bool {
    let file = File::open(lock_path(folder, shard));
    file.is_ok_and(|file| matches!(file.try_lock_shared(), Err(TryLockError::WouldBlock)))
}

#[cfg(test)]
mod tests;
