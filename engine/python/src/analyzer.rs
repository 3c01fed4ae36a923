//! The analyzer: one model with its heads, which analyzes and embeds audio.

use std::cell::RefCell;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::{fs, io};

use mertscope_engine::embed::head_weights;
use mertscope_engine::export::{AnalysisRun, FileEnd};
use mertscope_engine::heads::head::Head;
use mertscope_engine::model::{Runtime, lock};
use mertscope_engine::{
    Analyzer as FileAnalyzer, Embedder, HiddenStates, ModelPackage, Pool, TimedResult,
};
use numpy::{PyArray1, PyArrayDyn, PyArrayMethods};
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;

use crate::audio::Audio;
use crate::errors::{self, HeadError, InferenceError, MertscopeError};
use crate::process_bound::ProcessBound;
use crate::report;
use crate::settings::Settings;
use crate::watch::Watch;

/// A model with its heads. Sessions are opened when they are first used, and again in a fork.
#[pyclass(frozen, module = "mertscope._native")]
pub(crate) struct Analyzer {
    settings: Settings,
    runtime: &'static Runtime,
    package: Arc<ModelPackage>,
    files: Mutex<Option<ProcessBound<Arc<OpenAnalyzer>>>>,
    /// The embedder that was used last, with its layers and pooling.
    embedder: Mutex<Option<ProcessBound<OpenEmbedder>>>,
}

/// An encoder for the layers that the heads read.
pub(crate) struct OpenAnalyzer {
    pub(crate) analyzer: Arc<FileAnalyzer>,
    pub(crate) run: AnalysisRun,
}

struct OpenEmbedder {
    layers: Option<Vec<usize>>,
    pool: Pool,
    embedder: Arc<Embedder>,
}

/// The hidden states to give.
#[derive(FromPyObject)]
#[pyo3(from_item_all)]
pub(crate) struct Wanted {
    /// Their numbers; all when `None`.
    pub(crate) layers: Option<Vec<usize>>,
    /// `mean`, `none` or `weighted`.
    pool: String,
    /// The head, by name or file, whose weights `weighted` uses.
    pub(crate) head: Option<String>,
    /// The longest audio to take in one pass, in seconds; windows when `None`.
    pub(crate) whole_s: Option<f64>,
}

#[pymethods]
impl Analyzer {
    #[new]
    fn new(py: Python<'_>, settings: Settings) -> PyResult<Self> {
        settings.options()?;
        let (runtime, package) = py.detach(|| settings.open())?;
        Ok(Self {
            settings,
            runtime,
            package,
            files: Mutex::new(None),
            embedder: Mutex::new(None),
        })
    }

    /// The results of `audio` as one line of JSON.
    fn analyze(
        &self,
        py: Python<'_>,
        audio: &Bound<'_, PyAny>,
        progress: Option<Py<PyAny>>,
    ) -> PyResult<String> {
        let audio = Audio::take(audio)?;
        py.detach(|| self.line(audio, Watch::new(progress)))
    }

    /// The hidden states of `audio`: `[layers, width]`, `[layers, frames, width]` without pooling, `[width]` as the
    /// weighted sum of a head.
    fn embed<'py>(
        &self,
        py: Python<'py>,
        audio: &Bound<'py, PyAny>,
        wanted: Wanted,
        progress: Option<Py<PyAny>>,
    ) -> PyResult<Bound<'py, PyArrayDyn<f32>>> {
        let audio = Audio::take(audio)?;
        let pool = self.pool(&wanted)?;
        let squeeze = matches!(pool, Pool::Weighted(_));
        let watch = Watch::new(progress);
        let states = py.detach(|| self.states(audio, &wanted, pool, watch))?;
        let mut shape = vec![states.layers.len()];
        shape.extend(states.frames);
        shape.push(states.width);
        if squeeze {
            shape.remove(0);
        }
        PyArray1::from_vec(py, states.joined()).reshape(shape)
    }

    /// The name of the device that runs the model, and why better ones don't.
    fn device(&self, py: Python<'_>) -> PyResult<(String, Vec<String>)> {
        let open = py.detach(|| self.open())?;
        let device = open.analyzer.device();
        let fallbacks = device.notable_fallbacks().map(ToString::to_string);
        Ok((device.name.clone(), fallbacks.collect()))
    }

    /// The model and its heads as JSON.
    fn describe(&self) -> String {
        let manifest = &self.package.model.manifest;
        let layers = manifest.layers.iter();
        let notices = self.package.notices.iter();
        serde_json::json!({
            "id": manifest.id,
            "title": manifest.title,
            "sha256": self.package.sha256(),
            "license": manifest.license,
            "sample_rate_hz": manifest.sample_rate_hz,
            "window_s": manifest.window_s(),
            "width": manifest.width,
            "layers": layers.map(|layer| layer.name.as_str()).collect::<Vec<_>>(),
            "frame_rate_hz": frame_rate_hz(&self.package),
            "heads": self.package.heads.iter().map(|head| serde_json::json!({
                "id": head.id(), "task": head.task, "labels": head.labels, "sha256": head.sha256,
            })).collect::<Vec<_>>(),
            "onnxruntime": self.runtime.version,
            "notes": notices.map(|notice| notice.text.as_str()).collect::<Vec<_>>(),
        })
        .to_string()
    }
}

/// Frames per second, rounded as the command does; `None` for a model without frames.
fn frame_rate_hz(package: &ModelPackage) -> Option<f64> {
    let manifest = &package.model.manifest;
    let rate = 1.0 / manifest.frame_s();
    (!manifest.graph.frames.is_empty()).then(|| (rate * 1e6).round() / 1e6)
}

impl Analyzer {
    /// Its settings.
    pub(crate) fn settings(&self) -> &Settings {
        &self.settings
    }

    /// The model with its heads.
    pub(crate) fn package(&self) -> &ModelPackage {
        &self.package
    }

    /// ONNX Runtime.
    pub(crate) fn runtime(&self) -> &'static Runtime {
        self.runtime
    }

    /// The analyzer for files of this process, opened when it is first used.
    ///
    /// # Errors
    /// `InferenceError`, when the model can't be started.
    pub(crate) fn open(&self) -> PyResult<Arc<OpenAnalyzer>> {
        let mut files = lock(&self.files);
        if let Some(open) = files.as_ref().and_then(ProcessBound::get) {
            return Ok(Arc::clone(open));
        }
        let options = self.settings.options()?;
        let analyzer = FileAnalyzer::new(self.runtime, Arc::clone(&self.package), options)
            .map_err(errors::raised::<InferenceError>)?;
        let run = analyzer.describe(self.runtime);
        let analyzer = Arc::new(analyzer);
        let open = Arc::new(OpenAnalyzer { analyzer, run });
        *files = Some(ProcessBound::new(Arc::clone(&open)));
        Ok(open)
    }

    fn line(&self, audio: Audio, watch: Watch) -> PyResult<String> {
        let file = audio.name();
        let open = self.open()?;
        let decoder = audio.open()?;
        let mut windows: Vec<TimedResult> = Vec::new();
        let mut sink = |timed| {
            windows.push(timed);
            watch.go_on()
        };
        let mut progress = |done_s, promised_s| watch.step(done_s, promised_s);
        let streamed = open
            .analyzer
            .stream(decoder, &file, &mut sink, &mut progress);
        if let Ok(end) = &streamed {
            watch.step(end.duration_s, Some(end.duration_s));
        }
        let end = watch.outcome(streamed, |error| errors::of_analysis(&error))?;
        let end = FileEnd {
            duration_s: Some(end.duration_s),
            notices: end.notices,
            outcome: Ok(end.summary),
        };
        report::line(&open.run, &file, &windows, &end).map_err(errors::raised::<MertscopeError>)
    }

    /// The pooling that is wanted.
    ///
    /// # Errors
    /// `ValueError` for settings that don't go together, `HeadError` for a head that is missing or mixes no layers.
    pub(crate) fn pool(&self, wanted: &Wanted) -> PyResult<Pool> {
        match (wanted.pool.as_str(), wanted.head.as_deref()) {
            ("weighted", _) if wanted.layers.is_some() => Err(PyValueError::new_err(
                "pool=\"weighted\" takes the layers that the head names; leave layers out.",
            )),
            ("weighted", Some(head)) => {
                let head = self.head(head)?;
                let weights = head_weights(&head).map_err(|error| errors::of_embedding(&error))?;
                Ok(Pool::Weighted(weights))
            }
            ("weighted", None) => Err(PyValueError::new_err(
                "pool=\"weighted\" needs the head whose layer weights it uses; name it with head.",
            )),
            (_, Some(_)) => Err(PyValueError::new_err(
                "A head goes with pool=\"weighted\" only; leave head out.",
            )),
            ("mean", None) => Ok(Pool::Mean),
            ("none", None) => Ok(Pool::None),
            (other, None) => Err(PyValueError::new_err(format!(
                "There is no pooling “{other}”; give mean, none or weighted."
            ))),
        }
    }

    /// The head of this name, or in this file.
    fn head(&self, name: &str) -> PyResult<Head> {
        if let Some(head) = self.package.heads.iter().find(|head| head.id() == name) {
            return Ok(head.clone());
        }
        let bytes = fs::read(name).map_err(|error| {
            errors::raised::<HeadError>(format!(
                "The model {} has no head “{name}”, and no file of that name can be read ({error}); check the name.",
                self.package.model.manifest.id
            ))
        })?;
        let head = Head::parse(&bytes, Path::new(name)).map_err(errors::raised::<HeadError>)?;
        head.check(&self.package.model.manifest)
            .map_err(errors::raised::<HeadError>)?;
        Ok(head)
    }

    fn states(&self, audio: Audio, wanted: &Wanted, pool: Pool, watch: Watch) -> PyResult<States> {
        let file = audio.name();
        let embedder = self.embedder(wanted.layers.clone(), pool)?;
        let decoder = audio.open()?;
        let states = RefCell::new(States::default());
        let mut sink = |hidden: HiddenStates| -> io::Result<()> {
            states.borrow_mut().push(&hidden);
            Ok(())
        };
        let embedded = match wanted.whole_s {
            Some(limit_s) => embedder.whole(decoder, &file, limit_s, &mut sink),
            None => {
                let mut progress = |done_s, promised_s| watch.step(done_s, promised_s);
                let stopped = watch.stopped();
                embedder.windows_until(decoder, &file, &mut sink, &mut progress, stopped)
            }
        };
        watch.outcome(embedded, |error| errors::of_embedding(&error))?;
        Ok(states.into_inner())
    }

    /// The embedder for these layers and this pooling, opened unless it was the last one.
    ///
    /// # Errors
    /// `InferenceError`, when the model can't be started; `ModelError` for a layer that it lacks.
    pub(crate) fn embedder(
        &self,
        layers: Option<Vec<usize>>,
        pool: Pool,
    ) -> PyResult<Arc<Embedder>> {
        let mut last = lock(&self.embedder);
        if let Some(open) = last.as_ref().and_then(ProcessBound::get)
            && (&open.layers, &open.pool) == (&layers, &pool)
        {
            return Ok(Arc::clone(&open.embedder));
        }
        // The one before is closed first: two sessions of a large model may not fit into memory.
        *last = None;
        let model = Arc::clone(&self.package.model);
        let session = self.settings.session()?;
        let embedder = Embedder::new(self.runtime, model, layers.clone(), pool.clone(), session)
            .map_err(|error| errors::of_embedding(&error))?;
        let embedder = Arc::new(embedder);
        *last = Some(ProcessBound::new(OpenEmbedder {
            layers,
            pool,
            embedder: Arc::clone(&embedder),
        }));
        Ok(embedder)
    }
}

/// Hidden states of one file, layer by layer.
#[derive(Default)]
struct States {
    layers: Vec<Vec<f32>>,
    frames: Option<usize>,
    width: usize,
}

impl States {
    /// Appends the frames of a window, or takes the one pooled result.
    fn push(&mut self, hidden: &HiddenStates) {
        self.layers.resize(hidden.layers, Vec::new());
        for (number, layer) in self.layers.iter_mut().enumerate() {
            layer.extend_from_slice(hidden.layer(number));
        }
        self.width = hidden.width;
        if let Some(frames) = hidden.frames {
            *self.frames.get_or_insert(0) += frames;
        }
    }

    /// All layers after each other; of one layer the values themselves.
    fn joined(mut self) -> Vec<f32> {
        if self.layers.len() == 1 {
            return self.layers.remove(0);
        }
        self.layers.concat()
    }
}
