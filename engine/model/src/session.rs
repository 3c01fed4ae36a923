//! A session: one model in ONNX Runtime, audio in, hidden states out. Only the encoder thread uses it.

mod builder;
mod calibrate;
mod cheapest;
mod export;
mod guard;
mod input;
mod load;
mod outputs;
mod place;
mod request;
mod server;
mod together;

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::device::{self, Choice, Report};
use super::interrupt::Interrupt;
use super::{EncodeError, HiddenStates, LayerSet, Model, Precision, Runtime};
use builder::check_run_memory;
pub use cheapest::{DEFAULT_MOST_ERR, measure_forms, measured_form};
pub use export::served_graph;
#[cfg(test)]
pub(super) use input::normalize;
use input::prepared;
use load::Loaded;
use outputs::Outputs;
use place::{Place, Silence, Slot};
use request::Request;
use server::Remote;

/// Length of audio in seconds beyond which a run gives its memory back to the system. 30 s of music2vec
/// take 1.7 GB during the run, which would stay with the session; giving it back costs nothing
/// measurable there, but a seventh of the time with windows of 5 s, whose memory is small.
const LONG_S: f64 = 10.0;

/// The options of a session.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct SessionOptions {
    /// Threads that share one window's work.
    pub threads: usize,
    /// Whether hidden states have frames; otherwise they are averaged over time.
    pub frames: bool,
    /// The requested hidden states; layers above the highest are not computed. A model with one output
    /// for all layers gives all.
    pub layers: LayerSet,
    /// The precision, for models that have several; `None` means the device's default.
    pub precision: Option<Precision>,
    /// The most [`err`](crate::err) of an 8-bit form that may run on the CPU when no precision is requested and the forms
    /// were measured ([`measure_forms`]); `None` for single precision.
    pub most_err: Option<f32>,
    /// The requested device.
    pub device: Choice,
    /// The time that a device may take to start, and again for its first window; `None` means the usual one.
    /// The CPU has no limit.
    pub start_limit: Option<Duration>,
}

/// A model in ONNX Runtime, ready to run.
///
/// # Examples
/// ```no_run
/// use std::sync::Arc;
/// use mertscope_model::{Model, Session, SessionOptions, runtime};
///
/// let model = Arc::new(Model::embedded()?);
/// let mut session = Session::new(runtime::load(None)?, model, SessionOptions::default())?;
/// let hidden = session.run(&vec![0.1; 80_000])?;
/// println!("on {}: {} layers of {} values", session.device().name, hidden.layers, hidden.width);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Session {
    model: Arc<Model>,
    options: SessionOptions,
    outputs: Arc<Outputs>,
    place: Place,
    /// The server that was chosen.
    remote: Option<Remote>,
    /// The device in the server's place, once the model was loaded here.
    here: Option<Arc<Report>>,
    device: Arc<Report>,
    /// Number of windows that it runs at once.
    at_once: usize,
    /// The time after which a device counts as hanging, where a run has no limit of its own: that of its start
    /// for its first window, then the usual one.
    patience: Duration,
    usual_patience: Duration,
    runtime: &'static Runtime,
    interrupt: Arc<Interrupt>,
}

impl Session {
    /// Loads `model` for `options`, and checks its inputs and outputs against the manifest.
    ///
    /// # Errors
    /// [`EncodeError::Load`], [`EncodeError::Graph`], [`EncodeError::Contract`] and
    /// [`EncodeError::NoFrames`].
    pub fn new(
        runtime: &'static Runtime,
        model: Arc<Model>,
        options: SessionOptions,
    ) -> Result<Self, EncodeError> {
        Self::interruptible(runtime, model, options, Arc::default())
    }

    /// Like [`Session::new`], for a session that `interrupt` can stop from another thread.
    pub(super) fn interruptible(
        runtime: &'static Runtime,
        model: Arc<Model>,
        options: SessionOptions,
        interrupt: Arc<Interrupt>,
    ) -> Result<Self, EncodeError> {
        if options.frames && model.manifest.graph.frames.is_empty() {
            return Err(EncodeError::NoFrames {
                model: model.manifest.id.clone(),
            });
        }
        let outputs = Arc::new(Outputs::of(&model, &options));
        let options = SessionOptions {
            frames: outputs.frames(),
            ..options
        };
        let remote = Remote::of(&model, &options, &outputs, &|| interrupt.is_closed());
        if let Some((remote, Some(facts))) = remote {
            return Ok(Self {
                device: remote.report(&options.device, &facts),
                at_once: facts.at_once,
                remote: Some(remote),
                here: None,
                place: Place::Here(None),
                patience: Duration::MAX,
                usual_patience: Duration::MAX,
                model,
                options,
                outputs,
                runtime,
                interrupt,
            });
        }
        let remote = remote.map(|(remote, _)| remote);
        let loaded = Request {
            runtime,
            model: &model,
            options: &options,
            outputs: &outputs,
            interrupt: &interrupt,
            replaces: remote.is_some(),
        }
        .on(&options.device)?;
        let Loaded {
            place,
            device,
            at_once,
            start_limit,
            patience,
        } = loaded;
        Ok(Self {
            here: remote.as_ref().map(|_| Arc::clone(&device)),
            device: match &remote {
                Some(remote) => remote.instead(&options.device, &device),
                None => device,
            },
            remote,
            model,
            options,
            outputs,
            place,
            at_once,
            patience: start_limit.max(patience),
            usual_patience: patience,
            runtime,
            interrupt,
        })
    }

    /// The device that runs it.
    #[must_use]
    pub fn device(&self) -> &Arc<Report> {
        &self.device
    }

    /// Number of windows of equal length that it runs at once: 1 on the CPU, where more at once gain nothing.
    #[must_use]
    pub fn at_once(&self) -> usize {
        self.at_once
    }

    /// Moves to the CPU after the device failed for `reason`, with a graph made for the CPU.
    fn move_to_cpu(&mut self, reason: &str) -> Result<(), EncodeError> {
        // The device's memory is free before the CPU's session takes its own.
        self.place = Place::Here(None);
        let loaded = Request {
            runtime: self.runtime,
            model: &self.model,
            options: &self.options,
            outputs: &self.outputs,
            interrupt: &self.interrupt,
            replaces: true,
        }
        .on(&Choice::Cpu)?;
        self.device = Arc::new(self.device.failed(reason, &loaded.device));
        self.place = loaded.place;
        self.at_once = loaded.at_once;
        Ok(())
    }

    fn failed(&self, reason: &str) -> EncodeError {
        EncodeError::Run {
            model: self.model.manifest.id.clone(),
            reason: reason.trim_end_matches('.').to_owned(),
        }
    }

    /// Runs the model on mono samples at its own rate, `[samples]`, and returns the hidden states
    /// that were requested; with frames only when the session's options ask for them.
    ///
    /// The manifest sets the treatment of audio shorter than a window; only dynamic graphs take longer
    /// audio. When a device other than the CPU fails, hangs or gives numbers that are none, the CPU takes
    /// over for good, from this window on.
    ///
    /// # Errors
    /// [`EncodeError::TooShort`], [`EncodeError::Run`] and [`EncodeError::Contract`].
    pub fn run(&mut self, samples: &[f32]) -> Result<HiddenStates, EncodeError> {
        self.run_within(samples, None).0
    }

    /// Like [`Session::run`], with the duration of the successful run; with a limit,
    /// [`Interrupt::end_overlong`] ends a run that exceeds it.
    pub(super) fn run_within(
        &mut self,
        samples: &[f32],
        limit: Option<Duration>,
    ) -> (Result<HiddenStates, EncodeError>, Duration) {
        let start = Instant::now();
        if let Some(all) = self.on_server(&[samples], limit) {
            return (all.and_then(|all| self.only(all)), start.elapsed());
        }
        let start = Instant::now();
        let hidden = self.run_once(samples, limit);
        let took = start.elapsed();
        let reason = match &hidden {
            Err(EncodeError::Run { reason, .. }) => reason.clone(),
            Err(EncodeError::Overlong { limit_s, .. }) => {
                format!("it gave no answer within {limit_s:.0} s")
            }
            _ => return (hidden, took),
        };
        if !self.may_move() {
            return (hidden, took);
        }
        if let Err(error) = self.move_to_cpu(&reason) {
            return (Err(error), took);
        }
        // A live window that exceeded its limit is stale; the next one runs on the CPU.
        if matches!(hidden, Err(EncodeError::Overlong { .. })) && limit.is_some() {
            return (hidden, took);
        }
        let start = Instant::now();
        (self.run_once(samples, limit), start.elapsed())
    }

    /// Whether a failure may be the device's and the CPU can take over.
    fn may_move(&self) -> bool {
        !self.device.is_cpu() && !self.interrupt.is_closed()
    }

    fn run_once(
        &mut self,
        samples: &[f32],
        limit: Option<Duration>,
    ) -> Result<HiddenStates, EncodeError> {
        let audio = prepared(&self.model.manifest, samples)?;
        if let Place::Here(Some(session)) = &mut self.place {
            let id = &self.model.manifest.id;
            let seconds = audio.len() as f64 / f64::from(self.model.manifest.sample_rate_hz);
            if seconds > LONG_S {
                check_run_memory(&self.model, audio.len())?;
            }
            let run = self.interrupt.run(limit, seconds > LONG_S);
            let run = run.map_err(|reason| EncodeError::Run {
                model: id.clone(),
                reason,
            })?;
            let ran = self.outputs.run(session, &audio, 1, &run.options);
            return match (ran, limit) {
                (Err(EncodeError::Run { model, .. }), Some(limit)) if run.was_overlong() => {
                    let limit_s = limit.as_secs_f64();
                    Err(EncodeError::Overlong { model, limit_s })
                }
                (ran, _) => ran.and_then(|all| self.only(all)),
            };
        }
        let audio = audio.into_owned();
        self.ask_device(audio, 1, limit)
            .and_then(|all| self.only(all))
    }

    fn only(&self, mut all: Vec<HiddenStates>) -> Result<HiddenStates, EncodeError> {
        all.pop()
            .ok_or_else(|| self.failed("it gave no hidden states"))
    }

    /// Runs the device on `count` windows of equal length, `audio`, `[count, samples]`.
    fn ask_device(
        &mut self,
        audio: Vec<f32>,
        count: usize,
        limit: Option<Duration>,
    ) -> Result<Vec<HiddenStates>, EncodeError> {
        let limit = limit.unwrap_or(self.patience);
        let run = self.interrupt.run(Some(limit), false);
        let run = run.map_err(|reason| self.failed(&reason))?;
        let (outputs, options) = (Arc::clone(&self.outputs), Arc::clone(&run.options));
        let answer = match self.place.apart() {
            Some(apart) => apart.ask(limit, &self.interrupt, move |slot| match slot {
                Slot::Session(session) => Some(outputs.run(session, &audio, count, &options)),
                _ => None,
            }),
            None => Err(Silence::Ended),
        };
        let overlong = |model: &Model| EncodeError::Overlong {
            model: model.manifest.id.clone(),
            limit_s: limit.as_secs_f64(),
        };
        match answer {
            Ok(Some(Err(EncodeError::Run { .. }))) if run.was_overlong() => {
                Err(overlong(&self.model))
            }
            Ok(Some(Ok(all))) if all.iter().any(|hidden| !is_finite(hidden)) => {
                Err(self.failed("it answered with numbers that are not finite"))
            }
            Ok(Some(ran)) => {
                self.patience = self.usual_patience;
                ran
            }
            Ok(None) | Err(Silence::Ended) => Err(self.failed("its thread ended")),
            Err(Silence::Hangs(_)) => {
                device::avoid(&self.device.name);
                Err(overlong(&self.model))
            }
        }
    }
}

/// Whether all values are finite numbers.
fn is_finite(hidden: &HiddenStates) -> bool {
    let windows = hidden.window.iter().flatten();
    hidden.data.iter().chain(windows).all(|x| x.is_finite())
}
