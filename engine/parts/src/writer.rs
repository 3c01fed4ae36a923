//! One Parquet file on its way to disk: under a temporary name, then under its own.

use std::fs::{self, File};
use std::io;
use std::path::Path;
use std::time::{Duration, Instant};

use arrow_array::RecordBatch;
use arrow_schema::SchemaRef;
use mertscope_model::hash_of_file;
use parquet::arrow::ArrowWriter;
use parquet::basic::Compression;
use parquet::file::metadata::KeyValue;
use parquet::file::properties::WriterProperties;
use tempfile::NamedTempFile;

use crate::error::PartsError;
use crate::run::{METADATA_KEY, PartRun};

/// Bytes after which a row group ends, so that memory does not grow with a part.
const ROW_GROUP_BYTES: usize = 64 << 20;

/// When a part ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// The most files in a part.
    pub files: usize,
    /// The longest time that finished files wait for their part to end; it ends with the file in work then.
    pub time: Duration,
}

/// A Parquet file that is being written.
#[derive(Debug)]
pub(crate) struct ParquetFile {
    writer: ArrowWriter<File>,
    temporary: NamedTempFile,
    pub(crate) files: usize,
    pub(crate) rows: usize,
    begun: Instant,
}

impl ParquetFile {
    /// Begins a file in `folder`, under a hidden name with this beginning, which readers of the folder pass over.
    pub(crate) fn begin(
        folder: &Path,
        stem: &str,
        schema: SchemaRef,
        run: &PartRun,
    ) -> Result<Self, PartsError> {
        let failed = |source| PartsError::Write {
            path: folder.to_owned(),
            source,
        };
        let temporary = temporary(folder, stem).map_err(failed)?;
        let description = KeyValue::new(METADATA_KEY.to_owned(), run.to_json());
        // Readers that know Arrow look for it in Arrow's schema, the others in Parquet's own metadata.
        let schema = run.described(&schema);
        let properties = WriterProperties::builder()
            .set_compression(Compression::SNAPPY)
            .set_created_by(format!("mertscope {}", env!("CARGO_PKG_VERSION")))
            .set_max_row_group_bytes(Some(ROW_GROUP_BYTES))
            .set_key_value_metadata(Some(vec![description]))
            .build();
        let file = temporary.as_file().try_clone().map_err(failed)?;
        let writer = ArrowWriter::try_new(file, schema, Some(properties))
            .map_err(|error| PartsError::from_parquet(folder, error))?;
        Ok(Self {
            writer,
            temporary,
            files: 0,
            rows: 0,
            begun: Instant::now(),
        })
    }

    /// Adds rows.
    pub(crate) fn write(&mut self, rows: &RecordBatch) -> Result<(), PartsError> {
        self.rows += rows.num_rows();
        let written = self.writer.write(rows);
        written.map_err(|error| PartsError::from_parquet(self.temporary.path(), error))
    }

    /// Whether one of the limits is reached.
    pub(crate) fn is_full(&self, limits: Limits) -> bool {
        self.files >= limits.files || self.begun.elapsed() >= limits.time
    }

    /// Ends the file and gives it the name that `name` makes of its bytes' SHA-256.
    pub(crate) fn finish(
        self,
        name: impl FnOnce(&str) -> std::path::PathBuf,
    ) -> Result<std::path::PathBuf, PartsError> {
        let Self {
            writer, temporary, ..
        } = self;
        let at = temporary.path().to_owned();
        let failed = |source| PartsError::Write {
            path: at.clone(),
            source,
        };
        writer
            .close()
            .map_err(|error| PartsError::from_parquet(&at, error))?;
        // On disk before it has its name: a power cut must not leave an empty part.
        temporary.as_file().sync_all().map_err(failed)?;
        let path = name(&hash_of_file(&at).map_err(failed)?);
        temporary
            .persist(&path)
            .map_err(|error| PartsError::Write {
                path: path.clone(),
                source: error.error,
            })?;
        Ok(path)
    }
}

/// The end of the names of files that are being written.
const TEMPORARY: &str = ".tmp";

fn temporary(folder: &Path, stem: &str) -> io::Result<NamedTempFile> {
    let prefix = format!(".{stem}-");
    let mut builder = tempfile::Builder::new();
    builder.prefix(&prefix).suffix(TEMPORARY);
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        // As readable as the user's other files; the system takes off what the user's mask says.
        builder.permissions(fs::Permissions::from_mode(0o666));
    }
    builder.tempfile_in(folder)
}

/// Removes what runs that were killed left of files with this beginning.
pub(crate) fn remove_leftovers(folder: &Path, stem: &str) -> io::Result<()> {
    let prefix = format!(".{stem}-");
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let name = entry.file_name();
        let name = name.to_string_lossy();
        if name.starts_with(&prefix) && name.ends_with(TEMPORARY) {
            fs::remove_file(entry.path())?;
        }
    }
    Ok(())
}
