//! Rows as a stream of Arrow's format for exchange between programs, for a program that writes them itself.

use arrow_array::RecordBatch;
use arrow_ipc::writer::StreamWriter;
use arrow_schema::{ArrowError, SchemaRef};

use crate::error::PartsError;
use crate::run::PartRun;

/// The batches of `rows`, all of the columns `schema`, as a stream whose schema carries the description `run`.
///
/// # Errors
/// [`PartsError::Rows`], which would be a defect.
pub fn ipc_stream(
    run: &PartRun,
    schema: &SchemaRef,
    rows: &[RecordBatch],
) -> Result<Vec<u8>, PartsError> {
    let bytes = || -> Result<Vec<u8>, ArrowError> {
        let mut writer = StreamWriter::try_new(Vec::new(), &run.described(schema))?;
        for batch in rows {
            writer.write(batch)?;
        }
        writer.into_inner()
    };
    bytes().map_err(|error| PartsError::Rows {
        path: "a batch".to_owned(),
        reason: error.to_string(),
    })
}
