//! The models that streams request: one slot per request, shared by all streams with equal requests.
//! The encoder thread reads, hashes, loads and warms up models; the worker tracks their state here.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::sync::Arc;

use super::schedule;
use super::snapshot::RunningModel;
use mertscope_heads::head::HeadInfo;
use mertscope_heads::package::{HeadChoice, ModelPackage, PackageError};
use mertscope_model::device::{self, Choice, Report};
use mertscope_model::interrupt::Interrupt;
use mertscope_model::{
    EncodeError, EncoderThread, OpenedSession, Precision, Runtime, RuntimeError, SessionId,
    SessionOptions, Sessions, measure_forms, measured_form, panic_message, runtime,
};

/// Threads of one live window. One: analysis stays within a share of one core.
const THREADS: usize = 1;

/// Why a stream has no model.
#[derive(Debug, Clone, thiserror::Error)]
pub(super) enum OpenError {
    #[error(transparent)]
    Runtime(#[from] RuntimeError),
    #[error("{0}")]
    Model(Arc<PackageError>),
    #[error(transparent)]
    Encode(#[from] EncodeError),
    #[error(
        "The model “{name}” that is installed is not the one this project was saved with: the \
         SHA-256 of its weights and configuration is {actual} instead of {expected}. Install that \
         version, or choose the model again to use the installed one."
    )]
    Other {
        name: String,
        expected: String,
        actual: String,
    },
}

/// A stream's request for a model.
#[derive(Debug, Clone, PartialEq, Default)]
pub(super) struct ModelRequest {
    pub(super) name: Option<String>,
    pub(super) sha256: Option<String>,
    /// Never NaN, since requests are compared by equality.
    pub(super) window_s: Option<f64>,
    pub(super) device: Choice,
    pub(super) precision: Option<Precision>,
    /// Never NaN.
    pub(super) most_err: Option<f32>,
    pub(super) library_folder: Option<PathBuf>,
}

impl ModelRequest {
    /// The request for the embedded model, which replaces a missing one.
    pub(super) fn fallback(&self) -> Self {
        Self {
            library_folder: self.library_folder.clone(),
            device: self.device.clone(),
            precision: self.precision,
            ..Self::default()
        }
    }

    /// The options of a session for this request.
    pub(super) fn options(&self, package: &ModelPackage) -> SessionOptions {
        SessionOptions {
            threads: THREADS,
            layers: package.layers_in_use(),
            frames: package.frames_in_use(),
            precision: self.precision,
            most_err: self.most_err,
            device: self.device.clone(),
            start_limit: None,
        }
    }

    fn find(&self) -> Result<ModelPackage, OpenError> {
        let failed = |error: PackageError| OpenError::Model(Arc::new(error));
        let package = ModelPackage::find(self.name.as_deref()).map_err(failed)?;
        let actual = package.sha256();
        match &self.sha256 {
            Some(expected) if expected.as_str() != actual => Err(OpenError::Other {
                name: package.model.manifest.id.clone(),
                expected: expected.clone(),
                actual: actual.to_owned(),
            }),
            _ => match self.window_s {
                Some(window_s) => {
                    let other = package.with_window_s(window_s);
                    other.map_err(|error| failed(error.into()))
                }
                None => Ok(package),
            },
        }
    }

    /// Opens the package that `find` returns, on the encoder thread; a panic becomes an error.
    fn open(
        &self,
        sessions: &mut Sessions,
        find: impl FnOnce() -> Result<ModelPackage, OpenError>,
    ) -> Result<Loaded, OpenError> {
        let open = || {
            let runtime = runtime::load(self.library_folder.as_deref())?;
            let package = Arc::new(find()?);
            let options = self.options(&package);
            let opened = sessions.open(runtime, &package.model, options)?;
            Ok(Loaded::new(package, &opened, runtime))
        };
        catch_unwind(AssertUnwindSafe(open)).unwrap_or_else(|panic| {
            let error = EncodeError::Panic {
                model: self.name.clone().unwrap_or_else(|| "embedded".to_owned()),
                reason: panic_message(&*panic).to_owned(),
            };
            Err(error.into())
        })
    }
}

/// A model that runs.
#[derive(Debug, Clone)]
pub(super) struct Loaded {
    pub(super) package: Arc<ModelPackage>,
    pub(super) running: RunningModel,
    pub(super) session: SessionId,
    /// Number of windows that its device runs at once.
    at_once: usize,
    /// The usual duration of a window's inference, in seconds.
    pub(super) usual_s: f64,
    /// The measurement of its forms that runs.
    measuring: Option<Arc<Measuring>>,
}

impl Loaded {
    fn new(package: Arc<ModelPackage>, opened: &OpenedSession, runtime: &Runtime) -> Self {
        Self {
            running: RunningModel {
                id: package.model.manifest.id.clone(),
                depth: package.model.depth(&package.layers_in_use()),
                sha256: package.sha256().to_owned(),
                genre_labels: Arc::default(),
                device: Arc::clone(&opened.device),
                devices: device::offers(runtime).into(),
                map: package.map.clone(),
                heads: Arc::default(),
                offered: package.heads.iter().map(HeadInfo::from).collect(),
                genre_head: None,
                key_head: None,
                window_s: package.model.manifest.window_s(),
                windows_s: package.model.manifest.windows_s().into(),
            },
            session: opened.session,
            at_once: opened.at_once,
            usual_s: opened.warm_up.as_secs_f64(),
            measuring: None,
            package,
        }
    }
}

impl Loaded {
    /// The running model as a stream with these heads shows it.
    pub(super) fn running(
        &self,
        chosen: &HeadChoice,
        user_head: Option<&HeadInfo>,
    ) -> RunningModel {
        let in_use = |task| self.package.head_in_use(task, chosen).map(HeadInfo::from);
        let further = self.package.further_heads(chosen).into_iter();
        let genre_head = in_use("genre");
        let labels = genre_head.as_ref().map(|head| Arc::clone(&head.labels));
        RunningModel {
            genre_labels: labels.unwrap_or_default(),
            heads: further
                .map(HeadInfo::from)
                .chain(user_head.cloned())
                .collect(),
            genre_head,
            key_head: in_use("key"),
            ..self.running.clone()
        }
    }
}

impl RunningModel {
    /// The model with the form in which it runs, such as `MERT-v2-30s, layers ≤ 4, int8, err 0.12`; a model that has
    /// only one form is its id.
    #[must_use]
    pub fn form(&self) -> String {
        form(&self.id, self.depth, &self.device)
    }
}

fn form(id: &str, depth: Option<(usize, usize)>, device: &Report) -> String {
    let Some((layers, all)) = depth else {
        return id.to_owned();
    };
    let mut form = id.to_owned();
    if layers < all {
        form += &format!(", layers ≤ {layers}");
    }
    form += &format!(", {}", device.precision.id());
    if let Some(err) = device.err {
        form += &format!(", err {err:.2}");
    }
    form
}

/// The result of loading or refreshing a model on the encoder thread.
pub(super) enum ModelEvent {
    /// The model was opened, or can't be.
    Opened(ModelRequest, Box<Result<Loaded, OpenError>>),
    /// The model has other heads or another map now; its session stays.
    Refreshed(ModelRequest, Arc<ModelPackage>),
    /// The model's 8-bit forms were measured.
    Measured(ModelRequest),
}

/// A measurement of a model's 8-bit forms, which ends when this is dropped.
#[derive(Debug)]
struct Measuring(Arc<Interrupt>);

impl Drop for Measuring {
    fn drop(&mut self) {
        self.0.close();
    }
}

/// The state of a requested model.
#[derive(Debug)]
pub(super) enum ModelSlot {
    Loading,
    Ready(Box<Loaded>),
    Missing(OpenError),
}

/// All requested models.
#[derive(Debug, Default)]
pub(super) struct Models(Vec<(ModelRequest, ModelSlot)>);

impl Models {
    pub(super) fn get(&self, request: &ModelRequest) -> Option<&ModelSlot> {
        self.0
            .iter()
            .find(|(other, _)| other == request)
            .map(|(_, slot)| slot)
    }

    pub(super) fn loaded(&self, request: &ModelRequest) -> Option<&Loaded> {
        match self.get(request) {
            Some(ModelSlot::Ready(loaded)) => Some(loaded),
            _ => None,
        }
    }

    pub(super) fn is_missing(&self, request: &ModelRequest) -> bool {
        matches!(self.get(request), Some(ModelSlot::Missing(_)))
    }

    /// Starts loading a model that was not requested yet. With `retry`, a missing model is loaded again;
    /// it stays missing until that succeeds, so that streams keep running the model in its place.
    pub(super) fn request(
        &mut self,
        request: &ModelRequest,
        retry: bool,
        encoder: &EncoderThread,
        report: impl FnOnce(ModelEvent) + Send + 'static,
    ) {
        match self.get(request) {
            None => self.0.push((request.clone(), ModelSlot::Loading)),
            Some(ModelSlot::Missing(_)) if retry => {}
            Some(_) => return,
        }
        let request = request.clone();
        encoder.live(move |sessions| {
            let result = request.open(sessions, || request.find());
            report(ModelEvent::Opened(request, Box::new(result)));
        });
    }

    /// Loads changes of the user's heads and maps. A model is opened again only if the new heads read
    /// hidden states that its session does not give, since that drops the window being filled.
    pub(super) fn refresh(
        &self,
        encoder: &EncoderThread,
        report: &(impl Fn(ModelEvent) + Clone + Send + 'static),
    ) {
        for (request, slot) in &self.0 {
            let ModelSlot::Ready(loaded) = slot else {
                continue;
            };
            let (request, report) = (request.clone(), report.clone());
            let package = Arc::clone(&loaded.package);
            encoder.live(move |sessions| {
                let Some(refreshed) = package.refreshed() else {
                    return;
                };
                let event = if request.options(&refreshed) == request.options(&package) {
                    ModelEvent::Refreshed(request, Arc::new(refreshed))
                } else {
                    let result = request.open(sessions, || Ok(refreshed));
                    ModelEvent::Opened(request, Box::new(result))
                };
                report(event);
            });
        }
    }

    /// Takes the result of [`Models::request`] or [`Models::refresh`].
    pub(super) fn opened(
        &mut self,
        request: &ModelRequest,
        result: Result<Loaded, OpenError>,
        encoder: &EncoderThread,
    ) {
        let slot = self.0.iter_mut().find(|(other, _)| other == request);
        match (slot, result) {
            (Some((_, ModelSlot::Ready(old))), Ok(loaded)) => {
                let session = std::mem::replace(&mut **old, loaded).session;
                encoder.live(move |sessions| sessions.close(session));
            }
            (Some((_, ModelSlot::Ready(_))), Err(_)) => {}
            (Some((_, slot)), Ok(loaded)) => *slot = ModelSlot::Ready(Box::new(loaded)),
            (Some((_, slot)), Err(error)) => *slot = ModelSlot::Missing(error),
            // No stream requests it any more.
            (_, Ok(loaded)) => encoder.live(move |sessions| sessions.close(loaded.session)),
            (_, Err(_)) => {}
        }
    }

    /// The measurement of the 8-bit forms of a model that was opened, to be run on a thread of low priority; `None` when
    /// its form was asked for or is known. It ends early when the model goes.
    pub(super) fn measurement(
        &mut self,
        request: &ModelRequest,
        report: impl FnOnce(ModelEvent) + Send + 'static,
    ) -> Option<impl FnOnce() + Send + 'static> {
        let most_err = request.most_err.filter(|_| request.precision.is_none())?;
        let slot = self.0.iter_mut().find(|(other, _)| other == request);
        let Some((_, ModelSlot::Ready(loaded))) = slot else {
            return None;
        };
        let (running, package) = (&loaded.running, Arc::clone(&loaded.package));
        let has_forms = running.device.is_cpu() && running.depth.is_some();
        let runtime = runtime::load(request.library_folder.as_deref()).ok()?;
        let layers = package.layers_in_use();
        let is_known = measured_form(runtime, &package.model, &layers, most_err).is_some();
        if !has_forms || package.frames_in_use() || is_known {
            return None;
        }
        let interrupt = Arc::<Interrupt>::default();
        loaded.measuring = Some(Arc::new(Measuring(Arc::clone(&interrupt))));
        let request = request.clone();
        Some(move || {
            let measure = || measure_forms(runtime, &package.model, &layers, most_err, &interrupt);
            // After a panic the forms stay unknown, and the model runs as it does.
            if catch_unwind(AssertUnwindSafe(measure)).unwrap_or(false) {
                report(ModelEvent::Measured(request));
            }
        })
    }

    /// Opens a model again whose forms were measured, unless it runs in the form that was chosen. That drops the window
    /// being filled.
    pub(super) fn reopen(
        &self,
        request: &ModelRequest,
        encoder: &EncoderThread,
        report: impl FnOnce(ModelEvent) + Send + 'static,
    ) {
        let Some(loaded) = self.loaded(request) else {
            return;
        };
        let (package, precision) = (Arc::clone(&loaded.package), loaded.running.device.precision);
        let request = request.clone();
        encoder.live(move |sessions| {
            let chosen = request.most_err.and_then(|most_err| {
                let runtime = runtime::load(request.library_folder.as_deref()).ok()?;
                measured_form(runtime, &package.model, &package.layers_in_use(), most_err)
            });
            if chosen.is_some_and(|(form, _)| form != precision) {
                let result = request.open(sessions, || request.find());
                report(ModelEvent::Opened(request, Box::new(result)));
            }
        });
    }

    /// Takes new heads and a new map for a model whose session stays.
    pub(super) fn refreshed(&mut self, request: &ModelRequest, package: Arc<ModelPackage>) {
        let slot = self.0.iter_mut().find(|(other, _)| other == request);
        if let Some((_, ModelSlot::Ready(loaded))) = slot {
            loaded.running.offered = package.heads.iter().map(HeadInfo::from).collect();
            loaded.running.map.clone_from(&package.map);
            loaded.package = package;
        }
    }

    /// Number of windows that a session runs at once: 1 on the CPU, which may have replaced a device.
    pub(super) fn at_once(&self, session: SessionId) -> usize {
        let mut loaded = self.0.iter().filter_map(|(_, slot)| match slot {
            ModelSlot::Ready(loaded) => Some(loaded),
            _ => None,
        });
        let loaded = loaded.find(|loaded| loaded.session == session);
        let on_device = loaded.filter(|loaded| !loaded.running.device.is_cpu());
        on_device.map_or(1, |loaded| loaded.at_once)
    }

    /// Updates the usual duration with a measured one.
    pub(super) fn measured(&mut self, session: SessionId, took_s: f64) {
        for (_, slot) in &mut self.0 {
            if let ModelSlot::Ready(loaded) = slot
                && loaded.session == session
            {
                loaded.usual_s = schedule::follow(loaded.usual_s, took_s);
            }
        }
    }

    /// Updates a session's device, since the CPU replaces a device that fails.
    pub(super) fn runs_on(&mut self, session: SessionId, device: &Arc<Report>) {
        for (_, slot) in &mut self.0 {
            if let ModelSlot::Ready(loaded) = slot
                && loaded.session == session
            {
                loaded.running.device = Arc::clone(device);
            }
        }
    }

    /// Frees the models that no stream requests.
    pub(super) fn keep(
        &mut self,
        encoder: &EncoderThread,
        is_requested: impl Fn(&ModelRequest) -> bool,
    ) {
        self.0.retain(|(request, slot)| {
            let keep = is_requested(request);
            if let (false, ModelSlot::Ready(loaded)) = (keep, slot) {
                let session = loaded.session;
                encoder.live(move |sessions| sessions.close(session));
            }
            keep
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use mertscope_model::Operators;

    #[test]
    fn a_model_is_told_with_its_layers_and_precision() {
        let mut device = Report {
            name: "CPU".to_owned(),
            asked: Choice::Auto,
            used: Choice::Cpu,
            operators: Operators::Fused,
            precision: Precision::Int8,
            err: None,
            share: None,
            fallbacks: Vec::new(),
            notice: None,
        };
        let form = |depth, device: &Report| form("MERT-v2-30s", depth, device);
        assert_eq!(
            form(Some((4, 24)), &device),
            "MERT-v2-30s, layers ≤ 4, int8"
        );
        assert_eq!(form(Some((24, 24)), &device), "MERT-v2-30s, int8");
        assert_eq!(form(None, &device), "MERT-v2-30s");
        device.err = Some(0.123);
        assert_eq!(form(Some((24, 24)), &device), "MERT-v2-30s, int8, err 0.12");
    }
}
