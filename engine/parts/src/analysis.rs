//! Rows of `mertscope analyze`: one per file, with its summary and its windows as a nested list.
//!
//! ```
//! use mertscope_export::AnalysisRun;
//! use mertscope_parts::{FileOutcome, Source, analysis};
//!
//! let run = AnalysisRun::default();
//! let file = FileOutcome {
//!     source: Source::unknown("gone.flac"),
//!     duration_s: None,
//!     error: Some("There is no file gone.flac.".to_owned()),
//!     notes: Vec::new(),
//! };
//! let row = analysis::row(&run, &file, &[], None)?;
//! assert_eq!(row.num_rows(), 1);
//! assert_eq!(row.schema(), analysis::schema(&run));
//! # Ok::<(), mertscope_parts::PartsError>(())
//! ```

use std::sync::Arc;

use arrow_array::{
    ArrayRef, BooleanArray, Float32Array, Float64Array, RecordBatch, StringArray, StructArray,
};
use arrow_schema::{ArrowError, DataType, Field, Fields, Schema, SchemaRef};
use mertscope_export::{AnalysisRun, HeadRef};
use mertscope_heads::timeline::{KeySummary, Summary, TimedResult, WindowResult};
use mertscope_music::{Key, Tuning};

use crate::columns::{
    field, file_arrays, file_fields, list_of, numbers, one_list, required, structure, structured,
};
use crate::error::PartsError;
use crate::source::FileOutcome;

/// The columns; with a list of numbers per further head in each window.
#[must_use]
pub fn schema(run: &AnalysisRun) -> SchemaRef {
    let mut fields = file_fields();
    fields.push(required("heads", list_of(structure(head_fields()))));
    fields.push(field("summary", structure(summary_fields())));
    fields.push(required("timeline", list_of(structure(window_fields(run)))));
    Arc::new(Schema::new(fields))
}

/// The row of one file: its facts, its windows, and its summary if it has one.
///
/// # Errors
/// [`PartsError::Rows`], which would be a defect.
pub fn row(
    run: &AnalysisRun,
    file: &FileOutcome,
    windows: &[TimedResult],
    summary: Option<&Summary>,
) -> Result<RecordBatch, PartsError> {
    let arrays = || -> Result<RecordBatch, ArrowError> {
        let mut arrays = file_arrays(file, (&run.model_id, &run.model_sha256), 1);
        arrays.push(heads(run)?);
        arrays.push(summary_column(summary)?);
        arrays.push(one_list(structured(
            window_fields(run),
            window_arrays(run, windows),
        )?)?);
        RecordBatch::try_new(schema(run), arrays)
    };
    arrays().map_err(|error| PartsError::Rows {
        path: file.source.path.clone(),
        reason: error.to_string(),
    })
}

fn texts<T: Into<String>>(values: impl Iterator<Item = Option<T>>) -> ArrayRef {
    Arc::new(StringArray::from_iter(
        values.map(|value| value.map(Into::into)),
    ))
}

fn floats(values: impl Iterator<Item = Option<f32>>) -> ArrayRef {
    let finite = values.map(|value| value.filter(|value| value.is_finite()));
    Arc::new(finite.collect::<Float32Array>())
}

fn seconds(values: impl Iterator<Item = f64>) -> ArrayRef {
    Arc::new(Float64Array::from_iter_values(values))
}

fn head_fields() -> Vec<Field> {
    ["id", "task", "sha256"]
        .map(|name| required(name, DataType::Utf8))
        .to_vec()
}

fn heads(run: &AnalysisRun) -> Result<ArrayRef, ArrowError> {
    let all: Vec<&HeadRef> = run.heads.iter().chain(&run.further).collect();
    let column = |text: fn(&HeadRef) -> &String| texts(all.iter().map(|head| Some(text(head))));
    let arrays = vec![
        column(|head| &head.id),
        column(|head| &head.task),
        column(|head| &head.sha256),
    ];
    one_list(structured(head_fields(), arrays)?)
}

fn genre_fields() -> Vec<Field> {
    vec![
        required("label", DataType::Utf8),
        field("probability", DataType::Float32),
    ]
}

fn held_fields() -> Vec<Field> {
    vec![
        required("key", DataType::Utf8),
        required("seconds", DataType::Float64),
        required("share", DataType::Float64),
    ]
}

fn modulation_fields() -> Vec<Field> {
    vec![
        required("at_s", DataType::Float64),
        required("from", DataType::Utf8),
        required("to", DataType::Utf8),
    ]
}

fn summary_fields() -> Vec<Field> {
    vec![
        field("key", DataType::Utf8),
        field("key_pair", DataType::Utf8),
        field("key_best", DataType::Utf8),
        field("key_probability", DataType::Float32),
        field("key_runner_up", DataType::Utf8),
        field("key_runner_up_probability", DataType::Float32),
        required("keys", list_of(structure(held_fields()))),
        required("modulations", list_of(structure(modulation_fields()))),
        field("genre", DataType::Utf8),
        required("genres", list_of(structure(genre_fields()))),
        field("tuning_cents", DataType::Float32),
        field("tuning_certainty", DataType::Float32),
        field("tuning_is_clear", DataType::Boolean),
    ]
}

fn summary_column(summary: Option<&Summary>) -> Result<ArrayRef, ArrowError> {
    let fields = Fields::from(summary_fields());
    let Some(summary) = summary else {
        return Ok(Arc::new(StructArray::new_null(fields, 1)));
    };
    let mut arrays = key_arrays(summary.key.as_ref())?;
    let named = summary
        .genre_is_named
        .then(|| summary.genre.first())
        .flatten();
    arrays.push(texts([named.map(|(label, _)| label)].into_iter()));
    let genres = vec![
        texts(summary.genre.iter().map(|(label, _)| Some(label))),
        floats(
            summary
                .genre
                .iter()
                .map(|(_, probability)| Some(*probability)),
        ),
    ];
    arrays.push(one_list(structured(genre_fields(), genres)?)?);
    let tuning = summary.tuning;
    arrays.push(floats([tuning.map(|tuning| tuning.cents)].into_iter()));
    arrays.push(floats([tuning.map(|tuning| tuning.certainty)].into_iter()));
    arrays.push(Arc::new(BooleanArray::from(vec![
        tuning.map(Tuning::is_clear),
    ])));
    Ok(Arc::new(StructArray::try_new(fields, arrays, None)?))
}

/// The arrays of the summary up to the modulations.
fn key_arrays(key: Option<&KeySummary>) -> Result<Vec<ArrayRef>, ArrowError> {
    let answer = key.map(|key| key.answer);
    let label = |key: Option<Key>| texts([key.map(Key::label)].into_iter());
    let pair = answer.and_then(|answer| answer.pair());
    let (held, changes) = key.map_or((&[][..], &[][..]), |key| {
        (key.keys.as_slice(), key.modulations.as_slice())
    });
    let held = vec![
        texts(held.iter().map(|held| Some(held.key.label()))),
        seconds(held.iter().map(|held| held.seconds)),
        seconds(held.iter().map(|held| held.share)),
    ];
    let changes = vec![
        seconds(changes.iter().map(|change| change.at_s)),
        texts(changes.iter().map(|change| Some(change.from.label()))),
        texts(changes.iter().map(|change| Some(change.to.label()))),
    ];
    Ok(vec![
        label(answer.and_then(|answer| answer.named())),
        texts([pair.map(|[a, b]| format!("{} | {}", a.label(), b.label()))].into_iter()),
        label(answer.map(|answer| answer.best.0)),
        floats([answer.map(|answer| answer.best.1)].into_iter()),
        label(answer.map(|answer| answer.runner_up.0)),
        floats([answer.map(|answer| answer.runner_up.1)].into_iter()),
        one_list(structured(held_fields(), held)?)?,
        one_list(structured(modulation_fields(), changes)?)?,
    ])
}

fn window_fields(run: &AnalysisRun) -> Vec<Field> {
    let list = |name: &str| field(name, list_of(DataType::Float32));
    let mut fields = vec![
        required("start_s", DataType::Float64),
        required("end_s", DataType::Float64),
        required("status", DataType::Utf8),
        field("key_label", DataType::Utf8),
        list("key"),
        list("key_smoothed"),
        list("genre"),
        list("genre_smoothed"),
        field("tuning_cents", DataType::Float32),
        field("tuning_certainty", DataType::Float32),
        field("tuning_smoothed_cents", DataType::Float32),
        field("tuning_smoothed_certainty", DataType::Float32),
        list("map"),
    ];
    fields.extend(
        run.further
            .iter()
            .map(|head| list(&format!("head:{}", head.id))),
    );
    fields
}

fn window_arrays(run: &AnalysisRun, windows: &[TimedResult]) -> Vec<ArrayRef> {
    let results = || windows.iter().map(|window| window.result.as_ref());
    let tuning = |of: fn(&WindowResult) -> Option<Tuning>, part: fn(Tuning) -> f32| {
        floats(results().map(|result| result.and_then(of).map(part)))
    };
    let list = |of: fn(&WindowResult) -> Option<&[f32]>| {
        numbers(results().map(|result| result.and_then(of)))
    };
    let mut arrays = vec![
        seconds(windows.iter().map(|window| window.start_s)),
        seconds(windows.iter().map(|window| window.end_s)),
        texts(windows.iter().map(|window| Some(window.status.as_str()))),
        texts(results().map(|result| result.and_then(WindowResult::key_label).map(Key::label))),
        list(|result| result.key.as_ref().map(<[f32; Key::COUNT]>::as_slice)),
        list(|result| {
            result
                .key_smoothed
                .as_ref()
                .map(<[f32; Key::COUNT]>::as_slice)
        }),
        list(|result| result.genre.as_deref()),
        list(|result| result.genre_smoothed.as_deref()),
        tuning(|result| result.tuning, |tuning| tuning.cents),
        tuning(|result| result.tuning, |tuning| tuning.certainty),
        tuning(|result| result.tuning_smoothed, |tuning| tuning.cents),
        tuning(|result| result.tuning_smoothed, |tuning| tuning.certainty),
        list(|result| result.point.as_ref().map(<[f32; 2]>::as_slice)),
    ];
    arrays.extend(run.further.iter().map(|head| {
        numbers(
            results().map(|result| result.and_then(|result| result.prediction_of(&head.sha256))),
        )
    }));
    arrays
}
