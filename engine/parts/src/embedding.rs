//! Rows of `mertscope embed`: one per vector, which is a layer's mean, a layer's frame, or a weighted sum of layers.
//!
//! ```
//! use mertscope_parts::embedding::{Precision, Rows};
//! use mertscope_parts::{FileOutcome, Source};
//!
//! let rows = Rows {
//!     dim: 2,
//!     precision: Precision::Float32,
//!     model_id: "tiny".to_owned(),
//!     model_sha256: "00".to_owned(),
//! };
//! let file = FileOutcome {
//!     source: Source::unknown("song.flac"),
//!     duration_s: Some(3.0),
//!     error: None,
//!     notes: Vec::new(),
//! };
//! let of_layers = |layer| (Some(layer), None);
//! let batch = rows.of(&file, &[of_layers(0), of_layers(1)], &[0.0, 1.0, 2.0, 3.0])?;
//! assert_eq!(batch.num_rows(), 2);
//! # Ok::<(), mertscope_parts::PartsError>(())
//! ```

use std::collections::HashMap;
use std::sync::Arc;

use arrow_array::{
    ArrayRef, Float16Array, Float32Array, Int32Array, ListArray, RecordBatch, new_null_array,
};
use arrow_buffer::OffsetBuffer;
use arrow_schema::{ArrowError, DataType, Field, Schema, SchemaRef};
use half::f16;

use crate::columns::{field, file_arrays, file_fields};
use crate::error::PartsError;
use crate::source::FileOutcome;

/// The precision in which vectors are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Precision {
    /// 32 bits, as they are computed.
    Float32,
    /// 16 bits, each value rounded to the nearest.
    Float16,
}

impl Precision {
    /// Its name, as in the settings.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Float32 => "float32",
            Self::Float16 => "float16",
        }
    }
}

/// The layer and the frame that a vector is of: no layer for a weighted sum, no frame for a mean over time.
pub type Place = (Option<i32>, Option<i32>);

/// Makes the rows of files.
#[derive(Debug, Clone)]
pub struct Rows {
    /// Values per vector.
    pub dim: usize,
    /// The precision in which they are kept.
    pub precision: Precision,
    /// The model's id.
    pub model_id: String,
    /// SHA-256 of the model's file.
    pub model_sha256: String,
}

impl Rows {
    /// The columns; `vector` has the number of its values as `dim` in its metadata.
    #[must_use]
    pub fn schema(&self) -> SchemaRef {
        let mut fields = file_fields();
        fields.push(field("layer", DataType::Int32));
        fields.push(field("frame", DataType::Int32));
        let dim = HashMap::from([("dim".to_owned(), self.dim.to_string())]);
        fields.push(field("vector", DataType::List(self.item())).with_metadata(dim.clone()));
        Arc::new(Schema::new_with_metadata(fields, dim))
    }

    fn item(&self) -> Arc<Field> {
        let kind = match self.precision {
            Precision::Float32 => DataType::Float32,
            Precision::Float16 => DataType::Float16,
        };
        Arc::new(Field::new("element", kind, false))
    }

    /// The rows of one file: the vectors at `places`, their `values` one after another; without vectors a single row
    /// with its error.
    ///
    /// # Errors
    /// [`PartsError::Rows`], which would be a defect.
    pub fn of(
        &self,
        file: &FileOutcome,
        places: &[Place],
        values: &[f32],
    ) -> Result<RecordBatch, PartsError> {
        let rows = || -> Result<RecordBatch, ArrowError> {
            let count = places.len().max(1);
            let mut arrays = file_arrays(file, (&self.model_id, &self.model_sha256), count);
            if places.is_empty() {
                let empty = [
                    DataType::Int32,
                    DataType::Int32,
                    DataType::List(self.item()),
                ];
                arrays.extend(empty.map(|kind| new_null_array(&kind, 1)));
            } else {
                let layers = places.iter().map(|place| place.0);
                arrays.push(Arc::new(layers.collect::<Int32Array>()));
                let frames = places.iter().map(|place| place.1);
                arrays.push(Arc::new(frames.collect::<Int32Array>()));
                arrays.push(self.vectors(count, values)?);
            }
            RecordBatch::try_new(self.schema(), arrays)
        };
        rows().map_err(|error| PartsError::Rows {
            path: file.source.path.clone(),
            reason: error.to_string(),
        })
    }

    fn vectors(&self, count: usize, values: &[f32]) -> Result<ArrayRef, ArrowError> {
        let values: ArrayRef = match self.precision {
            Precision::Float32 => Arc::new(Float32Array::from(values.to_vec())),
            Precision::Float16 => {
                let rounded = values.iter().map(|value| f16::from_f32(*value));
                Arc::new(Float16Array::from_iter_values(rounded))
            }
        };
        let offsets = OffsetBuffer::from_lengths(std::iter::repeat_n(self.dim, count));
        Ok(Arc::new(ListArray::try_new(
            self.item(),
            offsets,
            values,
            None,
        )?))
    }
}
