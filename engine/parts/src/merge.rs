//! One file from the parts of all shards.

use std::collections::HashSet;
use std::path::Path;

use serde_json::{Map, Value};

use crate::error::PartsError;
use crate::folder::is_locked;
use crate::reader::{self, Part};
use crate::shard::Shard;
use crate::writer::ParquetFile;

/// What was merged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Merged {
    /// Parts.
    pub parts: usize,
    /// Files that have rows.
    pub files: usize,
    /// Rows.
    pub rows: usize,
    /// Sentences that a user should read: shards that are missing, versions that differ.
    pub remarks: Vec<String>,
}

/// Joins the parts in `folder` into the file `out`, which appears whole or not at all. Rows are in the order of the
/// shards and, within one, of its parts.
///
/// # Errors
/// [`PartsError`]: when a part is broken, or made with another model, other heads or settings than the first, when two
/// have rows of one file, or when a shard is being written.
pub fn merge(folder: &Path, out: &Path) -> Result<Merged, PartsError> {
    let parts = checked(folder)?;
    let Some(first) = parts.first() else {
        return Err(PartsError::NoParts {
            folder: folder.to_owned(),
        });
    };
    let mut remarks = missing_shards(&parts, first.name.shard.count);
    let mut run = first.run.clone();
    let writers: HashSet<String> = parts
        .iter()
        .map(|part| Value::from(part.run.written_by.clone()).to_string())
        .collect();
    if writers.len() > 1 {
        let mut writers: Vec<String> = writers.into_iter().collect();
        writers.sort();
        remarks.push(format!(
            "The parts were written by different versions or devices: {}.",
            writers.join(" and ")
        ));
        let each = writers
            .iter()
            .filter_map(|writer| serde_json::from_str(writer).ok())
            .collect();
        run.written_by = Map::from_iter([("several".to_owned(), Value::Array(each))]);
    }
    let out_folder = match out.parent() {
        Some(folder) if folder != Path::new("") => folder,
        _ => Path::new("."),
    };
    let mut file = ParquetFile::begin(out_folder, "merge", first.schema.clone(), &run)?;
    let mut files = HashSet::new();
    for part in &parts {
        add(part, &mut files, &mut file)?;
    }
    let rows = file.rows;
    file.finish(|_| out.to_owned())?;
    Ok(Merged {
        parts: parts.len(),
        files: files.len(),
        rows,
        remarks,
    })
}

fn add(part: &Part, files: &mut HashSet<String>, file: &mut ParquetFile) -> Result<(), PartsError> {
    for (source, _) in part.files()? {
        if !files.insert(source.path.clone()) {
            return Err(PartsError::Twice {
                part: part.path.clone(),
                path: source.path,
            });
        }
    }
    part.read(|batch| file.write(&batch))
}

/// The parts, which are whole, of one run, and not being written.
fn checked(folder: &Path) -> Result<Vec<Part>, PartsError> {
    let mut parts: Vec<Part> = Vec::new();
    for (path, name) in reader::list(folder)? {
        if is_locked(folder, name.shard) {
            return Err(PartsError::Locked {
                folder: folder.to_owned(),
                shard: name.shard,
            });
        }
        let part = reader::check(&path, &name).map_err(|reason| PartsError::Broken {
            part: path.clone(),
            reason,
        })?;
        if let Some(first) = parts.first() {
            fits(&part, first)?;
        }
        parts.push(part);
    }
    Ok(parts)
}

/// Whether the rows of both may stand in one table.
fn fits(part: &Part, first: &Part) -> Result<(), PartsError> {
    if part.name.shard.count != first.name.shard.count {
        return Err(PartsError::OtherCount {
            part: part.path.clone(),
            found: part.name.shard.count,
            wanted: first.name.shard.count,
        });
    }
    let columns = || {
        let differ = part.schema.fields() != first.schema.fields();
        differ.then(|| "has other columns than the first part".to_owned())
    };
    match part.run.difference(&first.run).or_else(columns) {
        None => Ok(()),
        Some(difference) => Err(PartsError::Different {
            part: part.path.clone(),
            difference,
        }),
    }
}

/// A sentence on the shards that no part is of.
fn missing_shards(parts: &[Part], count: u32) -> Vec<String> {
    let present: HashSet<u32> = parts.iter().map(|part| part.name.shard.index).collect();
    let missing: Vec<String> = (0..count)
        .filter(|index| !present.contains(index))
        .map(|index| Shard { index, count }.to_string())
        .collect();
    if missing.is_empty() {
        return Vec::new();
    }
    vec![format!(
        "Shards without a part, whose files are missing here: {}.",
        missing.join(", ")
    )]
}
