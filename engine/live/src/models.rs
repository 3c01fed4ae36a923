//! The models that streams ask for: one slot each, shared by all streams that ask for the same.
//! Reading, hashing, loading and warming up happen on the encoder thread; the worker keeps score.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::sync::Arc;

use super::schedule;
use super::snapshot::RunningModel;
use mertscope_heads::head::HeadInfo;
use mertscope_heads::package::{HeadChoice, ModelPackage, PackageError};
use mertscope_model::device::{self, Choice, Report};
use mertscope_model::{
    EncodeError, EncoderThread, Opened, Precision, Runtime, RuntimeError, SessionId,
    SessionOptions, Sessions, panic_message, runtime,
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
         SHA-256 of its weights is {actual} instead of {expected}. Install that version, or choose \
         the model again to use the installed one."
    )]
    Other {
        name: String,
        expected: String,
        actual: String,
    },
}

/// What is asked for.
#[derive(Debug, Clone, PartialEq, Default)]
pub(super) struct ModelRequest {
    pub(super) name: Option<String>,
    pub(super) sha256: Option<String>,
    /// Never NaN, as what is wanted is found by equality.
    pub(super) window_s: Option<f64>,
    pub(super) device: Choice,
    pub(super) precision: Option<Precision>,
    pub(super) library_folder: Option<PathBuf>,
}

impl ModelRequest {
    /// The embedded model, which goes on in place of a missing one.
    pub(super) fn fallback(&self) -> Self {
        Self {
            library_folder: self.library_folder.clone(),
            device: self.device.clone(),
            precision: self.precision,
            ..Self::default()
        }
    }

    /// How a model is run for whoever asks for this.
    pub(super) fn options(&self, package: &ModelPackage) -> SessionOptions {
        SessionOptions {
            threads: THREADS,
            layers: package.layers_in_use(),
            frames: package.frames_in_use(),
            precision: self.precision,
            device: self.device.clone(),
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

    /// Opens what `find` gives, on the encoder thread; a panic becomes an error.
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
    /// How long a window usually takes, in seconds.
    pub(super) usual_s: f64,
}

impl Loaded {
    fn new(package: Arc<ModelPackage>, opened: &Opened, runtime: &Runtime) -> Self {
        Self {
            running: RunningModel {
                id: package.model.manifest.id.clone(),
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
            usual_s: opened.warm_up.as_secs_f64(),
            package,
        }
    }
}

impl Loaded {
    /// What runs for a stream that chose these heads.
    pub(super) fn running(&self, chosen: &HeadChoice, user_head: Option<&HeadInfo>) -> RunningModel {
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

/// What became of a model that is loaded or looked for on the encoder thread.
pub(super) enum ModelEvent {
    /// It was opened, or can't be.
    Opened(ModelRequest, Box<Result<Loaded, OpenError>>),
    /// It has other heads or another map now, which its session does not know.
    Refreshed(ModelRequest, Arc<ModelPackage>),
}

/// How far a slot is.
#[derive(Debug)]
pub(super) enum ModelSlot {
    Loading,
    Ready(Box<Loaded>),
    Missing(OpenError),
}

/// All the slots.
#[derive(Debug, Default)]
pub(super) struct Models(Vec<(ModelRequest, ModelSlot)>);

impl Models {
    pub(super) fn get(&self, wanted: &ModelRequest) -> Option<&ModelSlot> {
        self.0
            .iter()
            .find(|(other, _)| other == wanted)
            .map(|(_, slot)| slot)
    }

    pub(super) fn loaded(&self, wanted: &ModelRequest) -> Option<&Loaded> {
        match self.get(wanted) {
            Some(ModelSlot::Ready(loaded)) => Some(loaded),
            _ => None,
        }
    }

    pub(super) fn is_missing(&self, wanted: &ModelRequest) -> bool {
        matches!(self.get(wanted), Some(ModelSlot::Missing(_)))
    }

    /// Starts loading what is wanted and not there yet. With `retry`, what is missing is looked for
    /// again; it stays missing until it is found, so that streams that go on without it do so.
    pub(super) fn want(
        &mut self,
        wanted: &ModelRequest,
        retry: bool,
        encoder: &EncoderThread,
        report: impl FnOnce(ModelEvent) + Send + 'static,
    ) {
        match self.get(wanted) {
            None => self.0.push((wanted.clone(), ModelSlot::Loading)),
            Some(ModelSlot::Missing(_)) if retry => {}
            Some(_) => return,
        }
        let wanted = wanted.clone();
        encoder.live(move |sessions| {
            let result = wanted.open(sessions, || wanted.find());
            report(ModelEvent::Opened(wanted, Box::new(result)));
        });
    }

    /// Has the models refreshed that have other heads or another map on this machine by now; opened anew
    /// only if these read what the session does not give, since that costs the window that fills.
    pub(super) fn refresh(
        &self,
        encoder: &EncoderThread,
        report: &(impl Fn(ModelEvent) + Clone + Send + 'static),
    ) {
        for (wanted, slot) in &self.0 {
            let ModelSlot::Ready(loaded) = slot else {
                continue;
            };
            let (wanted, report) = (wanted.clone(), report.clone());
            let package = Arc::clone(&loaded.package);
            encoder.live(move |sessions| {
                let Some(refreshed) = package.refreshed() else {
                    return;
                };
                let event = if wanted.options(&refreshed) == wanted.options(&package) {
                    ModelEvent::Refreshed(wanted, Arc::new(refreshed))
                } else {
                    let result = wanted.open(sessions, || Ok(refreshed));
                    ModelEvent::Opened(wanted, Box::new(result))
                };
                report(event);
            });
        }
    }

    /// Takes in the answer to [`Models::want`] or [`Models::refresh`].
    pub(super) fn opened(
        &mut self,
        wanted: &ModelRequest,
        result: Result<Loaded, OpenError>,
        encoder: &EncoderThread,
    ) {
        let slot = self.0.iter_mut().find(|(other, _)| other == wanted);
        match (slot, result) {
            (Some((_, ModelSlot::Ready(old))), Ok(loaded)) => {
                let session = std::mem::replace(&mut **old, loaded).session;
                encoder.live(move |sessions| sessions.close(session));
            }
            (Some((_, ModelSlot::Ready(_))), Err(_)) => {}
            (Some((_, slot)), Ok(loaded)) => *slot = ModelSlot::Ready(Box::new(loaded)),
            (Some((_, slot)), Err(error)) => *slot = ModelSlot::Missing(error),
            // Nobody wants it any more.
            (_, Ok(loaded)) => encoder.live(move |sessions| sessions.close(loaded.session)),
            (_, Err(_)) => {}
        }
    }

    /// Takes in a model that differs from the one that runs only in what its session does not know.
    pub(super) fn refreshed(&mut self, wanted: &ModelRequest, package: Arc<ModelPackage>) {
        let slot = self.0.iter_mut().find(|(other, _)| other == wanted);
        if let Some((_, ModelSlot::Ready(loaded))) = slot {
            loaded.running.offered = package.heads.iter().map(HeadInfo::from).collect();
            loaded.running.map.clone_from(&package.map);
            loaded.package = package;
        }
    }

    /// Follows the measured duration of a window.
    pub(super) fn measured(&mut self, session: SessionId, took_s: f64) {
        for (_, slot) in &mut self.0 {
            if let ModelSlot::Ready(loaded) = slot
                && loaded.session == session
            {
                loaded.usual_s = schedule::follow(loaded.usual_s, took_s);
            }
        }
    }

    /// Takes note of what a session runs on: a device that fails gives way to the CPU.
    pub(super) fn runs_on(&mut self, session: SessionId, device: &Arc<Report>) {
        for (_, slot) in &mut self.0 {
            if let ModelSlot::Ready(loaded) = slot
                && loaded.session == session
            {
                loaded.running.device = Arc::clone(device);
            }
        }
    }

    /// Frees what nobody wants.
    pub(super) fn keep(&mut self, encoder: &EncoderThread, is_wanted: impl Fn(&ModelRequest) -> bool) {
        self.0.retain(|(wanted, slot)| {
            let keep = is_wanted(wanted);
            if let (false, ModelSlot::Ready(loaded)) = (keep, slot) {
                let session = loaded.session;
                encoder.live(move |sessions| sessions.close(session));
            }
            keep
        });
    }
}
