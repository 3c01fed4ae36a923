//! The engine's errors as Python exceptions, by kind, with the engine's sentences.

use std::fmt::Display;

use mertscope_engine::analyze::AnalyzeError;
use mertscope_engine::embed::EmbedError;
use mertscope_engine::heads::package::PackageError;
use pyo3::create_exception;
use pyo3::exceptions::PyException;
use pyo3::prelude::*;

create_exception!(
    mertscope,
    MertscopeError,
    PyException,
    "Any error of Mertscope: a sentence that names the file or model and the remedy."
);
create_exception!(
    mertscope,
    AudioError,
    MertscopeError,
    "Audio that can't be read."
);
create_exception!(
    mertscope,
    ModelError,
    MertscopeError,
    "A model that is missing or can't be used."
);
create_exception!(
    mertscope,
    HeadError,
    MertscopeError,
    "A head that is missing, does not fit the model or can't be fitted."
);
create_exception!(
    mertscope,
    InferenceError,
    MertscopeError,
    "ONNX Runtime is missing, or can't load or run a model."
);
create_exception!(
    mertscope,
    HubError,
    MertscopeError,
    "A model can't be fetched, imported, checked or removed."
);

/// An exception of the type `E` with the sentence of `error`.
pub(crate) fn raised<E: pyo3::PyTypeInfo>(error: impl Display) -> PyErr {
    PyErr::new::<E, _>(error.to_string())
}

/// The exception for a model, head or map that can't be used.
pub(crate) fn of_package(error: &PackageError) -> PyErr {
    match error {
        PackageError::Head(_) | PackageError::NoHead { .. } => raised::<HeadError>(error),
        PackageError::Model(_) | PackageError::Map(_) => raised::<ModelError>(error),
    }
}

/// The exception for a file that has no results.
pub(crate) fn of_analysis(error: &AnalyzeError) -> PyErr {
    match error {
        AnalyzeError::Encode { .. } => raised::<InferenceError>(error),
        AnalyzeError::Sink { .. } => raised::<MertscopeError>(error),
        AnalyzeError::ModelRateSource(_) | AnalyzeError::Empty { .. } => {
            raised::<AudioError>(error)
        }
    }
}

/// The exception for a file that has no hidden states.
pub(crate) fn of_embedding(error: &EmbedError) -> PyErr {
    match error {
        EmbedError::Encode { .. } => raised::<InferenceError>(error),
        EmbedError::NotWeighted { .. } => raised::<HeadError>(error),
        EmbedError::NoLayer { .. } | EmbedError::NotWhole { .. } => raised::<ModelError>(error),
        EmbedError::Stopped { .. } | EmbedError::Write(_) => raised::<MertscopeError>(error),
        EmbedError::ModelRateSource(_) | EmbedError::Empty { .. } | EmbedError::TooLong { .. } => {
            raised::<AudioError>(error)
        }
    }
}
