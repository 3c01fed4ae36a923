//! Reads parts back: checks them, and says which files they have rows of.

use std::fs::{self, File};
use std::path::{Path, PathBuf};

use arrow_array::cast::AsArray;
use arrow_array::types::{Int64Type, TimestampMicrosecondType};
use arrow_array::{Array, RecordBatch, RecordBatchReader};
use arrow_schema::SchemaRef;
use mertscope_model::hash_of_file;
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::{ParquetRecordBatchReader, ParquetRecordBatchReaderBuilder};

use crate::error::PartsError;
use crate::name::PartName;
use crate::run::{METADATA_KEY, PartRun};
use crate::source::Source;

/// Rows that are in memory at once.
const BATCH_ROWS: usize = 256;

/// The columns of [`Source`], and the error.
const FILE_COLUMNS: [&str; 5] = ["path", "size", "modified", "sha256", "error"];

/// A part whose bytes are those that were written.
#[derive(Debug, Clone)]
pub(crate) struct Part {
    pub(crate) path: PathBuf,
    pub(crate) name: PartName,
    pub(crate) run: PartRun,
    pub(crate) schema: SchemaRef,
}

/// The parts in `folder` by their names, in order.
pub(crate) fn list(folder: &Path) -> Result<Vec<(PathBuf, PartName)>, PartsError> {
    let failed = |source| PartsError::Folder {
        folder: folder.to_owned(),
        source,
    };
    let mut parts = Vec::new();
    for entry in fs::read_dir(folder).map_err(failed)? {
        let path = entry.map_err(failed)?.path();
        if let Some(name) = PartName::parse(&path) {
            parts.push((path, name));
        }
    }
    parts.sort_by(|a, b| a.0.cmp(&b.0));
    Ok(parts)
}

/// Checks a part; the reason when it is broken.
pub(crate) fn check(path: &Path, name: &PartName) -> Result<Part, String> {
    let sha256 = hash_of_file(path).map_err(|error| format!("it can't be read ({error})"))?;
    if !name.fits(&sha256) {
        return Err("its bytes are not those that were written".to_owned());
    }
    let builder = builder(path)?;
    let metadata = builder.metadata().file_metadata().key_value_metadata();
    let description = metadata
        .and_then(|pairs| pairs.iter().find(|pair| pair.key == METADATA_KEY))
        .and_then(|pair| pair.value.as_deref());
    let run = PartRun::from_json(description.ok_or("it has no description of its run")?)?;
    // The description and the names of columns stand for themselves; see `run`.
    let schema = builder.build().map_err(|error| error.to_string())?.schema();
    Ok(Part {
        path: path.to_owned(),
        name: name.clone(),
        run,
        schema,
    })
}

fn builder(path: &Path) -> Result<ParquetRecordBatchReaderBuilder<File>, String> {
    let file = File::open(path).map_err(|error| format!("it can't be read ({error})"))?;
    ParquetRecordBatchReaderBuilder::try_new(file).map_err(|error| error.to_string())
}

impl Part {
    fn broken(&self, reason: String) -> PartsError {
        PartsError::Broken {
            part: self.path.clone(),
            reason,
        }
    }

    /// Hands on all of its rows.
    pub(crate) fn read(
        &self,
        mut take: impl FnMut(RecordBatch) -> Result<(), PartsError>,
    ) -> Result<(), PartsError> {
        let builder = builder(&self.path).map_err(|reason| self.broken(reason))?;
        self.batches(builder.with_batch_size(BATCH_ROWS).build(), &mut take)
    }

    fn batches(
        &self,
        reader: parquet::errors::Result<ParquetRecordBatchReader>,
        take: &mut dyn FnMut(RecordBatch) -> Result<(), PartsError>,
    ) -> Result<(), PartsError> {
        for batch in reader.map_err(|error| self.broken(error.to_string()))? {
            take(batch.map_err(|error| self.broken(error.to_string()))?)?;
        }
        Ok(())
    }

    /// The files that it has rows of, once each, in order, and whether they failed.
    pub(crate) fn files(&self) -> Result<Vec<(Source, bool)>, PartsError> {
        let builder = builder(&self.path).map_err(|reason| self.broken(reason))?;
        let mask = ProjectionMask::columns(builder.parquet_schema(), FILE_COLUMNS);
        let mut files: Vec<(Source, bool)> = Vec::new();
        let mut take = |batch: RecordBatch| {
            let rows =
                file_rows(&batch).ok_or_else(|| self.broken("columns are missing".to_owned()))?;
            for row in rows {
                if files.last().is_none_or(|last| last.0.path != row.0.path) {
                    files.push(row);
                }
            }
            Ok(())
        };
        self.batches(builder.with_projection(mask).build(), &mut take)?;
        Ok(files)
    }
}

/// The file of each row, and whether it failed.
fn file_rows(batch: &RecordBatch) -> Option<Vec<(Source, bool)>> {
    let [path, size, modified, sha256, error] = FILE_COLUMNS.map(|name| batch.column_by_name(name));
    let (path, sha256) = (
        path?.as_string_opt::<i32>()?,
        sha256?.as_string_opt::<i32>()?,
    );
    let size = size?.as_primitive_opt::<Int64Type>()?;
    let modified = modified?.as_primitive_opt::<TimestampMicrosecondType>()?;
    let error = error?;
    let row = |row: usize| {
        let source = Source {
            path: path.value(row).to_owned(),
            size: size.is_valid(row).then(|| size.value(row)),
            modified_us: modified.is_valid(row).then(|| modified.value(row)),
            sha256: sha256.is_valid(row).then(|| sha256.value(row).to_owned()),
        };
        (source, error.is_valid(row))
    };
    Some((0..batch.num_rows()).map(row).collect())
}

/// The path of each row's file.
pub(crate) fn paths(batch: &RecordBatch) -> Option<Vec<&str>> {
    let path = batch.column_by_name("path")?.as_string_opt::<i32>()?;
    Some((0..batch.num_rows()).map(|row| path.value(row)).collect())
}

/// The error in the first row, if it has one.
#[must_use]
pub fn error_of(rows: &RecordBatch) -> Option<String> {
    let error = rows.column_by_name("error")?.as_string_opt::<i32>()?;
    (rows.num_rows() > 0 && error.is_valid(0)).then(|| error.value(0).to_owned())
}
