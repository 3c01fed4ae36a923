//! The settings of an analyzer, and the model that they name.

use std::path::PathBuf;
use std::sync::Arc;
use std::thread;

use mertscope_engine::model::Runtime;
use mertscope_engine::{
    AnalyzeOptions, DeviceChoice, ModelPackage, Precision, SessionOptions, runtime,
};
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;

use crate::errors::{self, InferenceError, ModelError};

/// The settings, as Python gives them.
#[derive(FromPyObject)]
#[pyo3(from_item_all)]
pub(crate) struct Settings {
    /// ONNX Runtime's file.
    onnxruntime: PathBuf,
    /// The model's id or folder; the embedded model when `None`.
    model: Option<String>,
    device: String,
    /// Heads that answer for their tasks.
    heads: Vec<String>,
    hop_s: f64,
    smoothing: bool,
    /// Threads that share the work on one window; as many as the command takes when `None`.
    threads: Option<usize>,
    window_s: Option<f64>,
    precision: String,
}

/// The longest hop and window in seconds, as for the command.
const LONGEST_S: f64 = 86_400.0;

impl Settings {
    /// Loads ONNX Runtime, and opens the model with its heads and map.
    ///
    /// # Errors
    /// `InferenceError`, `ModelError` or `HeadError` with the engine's sentence.
    pub(crate) fn open(&self) -> PyResult<(&'static Runtime, Arc<ModelPackage>)> {
        let mut package =
            ModelPackage::find(self.model.as_deref()).map_err(|e| errors::of_package(&e))?;
        if let Some(window_s) = self.window_s {
            let with_window = package.with_window_s(seconds("window", window_s)?);
            package = with_window.map_err(errors::raised::<ModelError>)?;
        }
        for head in &self.heads {
            package = package
                .with_head(head)
                .map_err(|e| errors::of_package(&e))?;
        }
        let runtime =
            runtime::load_file(&self.onnxruntime).map_err(errors::raised::<InferenceError>)?;
        Ok((runtime, Arc::new(package)))
    }

    /// How files are analyzed.
    ///
    /// # Errors
    /// `ValueError` for a device, a precision or a hop that does not exist.
    pub(crate) fn options(&self) -> PyResult<AnalyzeOptions> {
        Ok(AnalyzeOptions {
            hop_s: seconds("hop", self.hop_s)?,
            smoothing: self.smoothing,
            threads: self.threads(),
            precision: self.precision()?,
            device: self.device()?,
        })
    }

    /// How sessions for hidden states are made.
    ///
    /// # Errors
    /// As [`Settings::options`].
    pub(crate) fn session(&self) -> PyResult<SessionOptions> {
        Ok(SessionOptions {
            threads: self.threads(),
            precision: self.precision()?,
            device: self.device()?,
            ..SessionOptions::default()
        })
    }

    /// Whether results are smoothed over time.
    pub(crate) fn smoothing(&self) -> bool {
        self.smoothing
    }

    /// The given threads, or one per core, at most 4: a 5-s window is too little work to share among more.
    fn threads(&self) -> usize {
        let cores = || thread::available_parallelism().map_or(1, |cores| cores.get().min(4));
        self.threads.map_or_else(cores, |threads| threads.max(1))
    }

    fn device(&self) -> PyResult<DeviceChoice> {
        self.device.parse().map_err(errors::raised::<PyValueError>)
    }

    fn precision(&self) -> PyResult<Option<Precision>> {
        let all = [
            Precision::Fp32,
            Precision::Fp16,
            Precision::Int8,
            Precision::Int8Fast,
        ];
        match self.precision.as_str() {
            "auto" => Ok(None),
            name => match all.into_iter().find(|precision| precision.id() == name) {
                Some(precision) => Ok(Some(precision)),
                None => Err(PyValueError::new_err(format!(
                    "There is no precision “{name}”; give auto, fp32, fp16, int8 or int8-fast."
                ))),
            },
        }
    }
}

fn seconds(what: &str, value: f64) -> PyResult<f64> {
    if value > 0.0 && value <= LONGEST_S {
        return Ok(value);
    }
    Err(PyValueError::new_err(format!(
        "The {what} is {value} s; give seconds above 0, at most 86400 (a day)."
    )))
}
