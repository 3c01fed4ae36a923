//! Arrow arrays of rows, and the columns that all kinds of parts begin with.

use std::sync::Arc;

use arrow_array::builder::{Float32Builder, ListBuilder, StringBuilder};
use arrow_array::{
    ArrayRef, Float64Array, Int64Array, ListArray, StringArray, StructArray,
    TimestampMicrosecondArray,
};
use arrow_buffer::OffsetBuffer;
use arrow_schema::{ArrowError, DataType, Field, Fields, TimeUnit};

use crate::source::FileOutcome;

/// The name of the items of a list, as Parquet's specification has it.
const ELEMENT: &str = "element";

/// A field that may be null.
pub(crate) fn field(name: &str, kind: DataType) -> Field {
    Field::new(name, kind, true)
}

/// A field that is never null.
pub(crate) fn required(name: &str, kind: DataType) -> Field {
    Field::new(name, kind, false)
}

/// A list of items that are never null.
pub(crate) fn list_of(item: DataType) -> DataType {
    DataType::List(Arc::new(Field::new(ELEMENT, item, false)))
}

pub(crate) fn structure(fields: Vec<Field>) -> DataType {
    DataType::Struct(Fields::from(fields))
}

/// The columns of the file and the model, which every row has.
pub(crate) fn file_fields() -> Vec<Field> {
    vec![
        required("path", DataType::Utf8),
        field("size", DataType::Int64),
        field(
            "modified",
            DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into())),
        ),
        field("sha256", DataType::Utf8),
        field("duration_s", DataType::Float64),
        required("model_id", DataType::Utf8),
        required("model_sha256", DataType::Utf8),
        field("error", DataType::Utf8),
        required("notes", list_of(DataType::Utf8)),
    ]
}

/// The arrays for [`file_fields`], the same in each of `rows` rows.
pub(crate) fn file_arrays(file: &FileOutcome, model: (&str, &str), rows: usize) -> Vec<ArrayRef> {
    let text = |value: Option<&str>| -> ArrayRef { Arc::new(StringArray::from(vec![value; rows])) };
    let modified = TimestampMicrosecondArray::from(vec![file.source.modified_us; rows]);
    vec![
        text(Some(&file.source.path)),
        Arc::new(Int64Array::from(vec![file.source.size; rows])),
        Arc::new(modified.with_timezone("UTC")),
        text(file.source.sha256.as_deref()),
        Arc::new(Float64Array::from(vec![file.duration_s; rows])),
        text(Some(model.0)),
        text(Some(model.1)),
        text(file.error.as_deref()),
        Arc::new(texts(rows, |_| &file.notes)),
    ]
}

/// A column of lists of texts.
pub(crate) fn texts<'a>(rows: usize, row: impl Fn(usize) -> &'a [String]) -> ListArray {
    let item = Field::new(ELEMENT, DataType::Utf8, false);
    let mut builder = ListBuilder::new(StringBuilder::new()).with_field(item);
    for index in 0..rows {
        for text in row(index) {
            builder.values().append_value(text);
        }
        builder.append(true);
    }
    builder.finish()
}

/// A column of lists of numbers; a row that holds NaN or an infinite value is null.
pub(crate) fn numbers<'a>(rows: impl Iterator<Item = Option<&'a [f32]>>) -> ArrayRef {
    let item = Field::new(ELEMENT, DataType::Float32, false);
    let mut builder = ListBuilder::new(Float32Builder::new()).with_field(item);
    for row in rows {
        match row.filter(|row| row.iter().all(|value| value.is_finite())) {
            Some(row) => {
                builder.values().append_slice(row);
                builder.append(true);
            }
            None => builder.append(false),
        }
    }
    Arc::new(builder.finish())
}

/// One row with the list of all of `items`.
pub(crate) fn one_list(items: ArrayRef) -> Result<ArrayRef, ArrowError> {
    let item = Arc::new(Field::new(ELEMENT, items.data_type().clone(), false));
    let offsets = OffsetBuffer::from_lengths([items.len()]);
    Ok(Arc::new(ListArray::try_new(item, offsets, items, None)?))
}

/// A structure of arrays of one length.
pub(crate) fn structured(
    fields: Vec<Field>,
    arrays: Vec<ArrayRef>,
) -> Result<ArrayRef, ArrowError> {
    Ok(Arc::new(StructArray::try_new(
        Fields::from(fields),
        arrays,
        None,
    )?))
}
