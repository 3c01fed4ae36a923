//! A session: one model in ONNX Runtime, audio in, hidden states out. Only the encoder thread uses it.

mod builder;
mod calibrate;
mod load;

use std::borrow::Cow;
use std::sync::Arc;
use std::time::{Duration, Instant};

use ort::session::SessionOutputs;
use ort::value::TensorRef;

use super::device::{Choice, Report};
use super::interrupt::Interrupt;
use super::{
    EncodeError, HiddenStates, InputLength, LayerSet, Manifest, Model, Precision, Runtime,
    ShortInput,
};

/// Length of audio in seconds beyond which a run gives its memory back to the system. 30 s of music2vec
/// take 1.7 GB during the run, which would stay with the session; giving it back costs nothing
/// measurable there, but a seventh of the time with windows of 5 s, whose memory is small.
const LONG_S: f64 = 10.0;

/// The options of a session.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
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
    /// The requested device.
    pub device: Choice,
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
    frames: bool,
    /// The hidden states that it gives, and the outputs that hold them.
    layers: LayerSet,
    outputs: Vec<String>,
    /// The outputs that hold them for the window as a whole beside frames; often none.
    window_outputs: Vec<String>,
    session: ort::session::Session,
    device: Arc<Report>,
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
        let graph = &model.manifest.graph;
        if options.frames && graph.frames.is_empty() {
            return Err(EncodeError::NoFrames {
                model: model.manifest.id.clone(),
            });
        }
        let frames = options.frames || graph.pooled.is_empty();
        let names = if frames { &graph.frames } else { &graph.pooled };
        let window_names = if frames && model.gives_both() {
            &graph.pooled[..]
        } else {
            &[]
        };
        let count = model.manifest.layers.len();
        // A single output with all layers can't be selected in parts.
        let layers = if names.len() == count && [0, count].contains(&window_names.len()) {
            LayerSet::of(options.layers.indices(count), count)
        } else {
            LayerSet::All
        };
        let of_layers = |names: &[String]| match &layers {
            LayerSet::Some(some) if !names.is_empty() => {
                some.iter().map(|layer| names[*layer].clone()).collect()
            }
            _ => names.to_vec(),
        };
        let (outputs, window_outputs) = (of_layers(names), of_layers(window_names));
        let options = SessionOptions { frames, ..options };
        let (session, device) = load::on(&options.device, runtime, &model, &options, &interrupt)?;
        let this = Self {
            model,
            options,
            frames,
            layers,
            outputs,
            window_outputs,
            session,
            device,
            runtime,
            interrupt,
        };
        this.check_names()?;
        Ok(this)
    }

    /// The device that runs it.
    #[must_use]
    pub fn device(&self) -> &Arc<Report> {
        &self.device
    }

    /// Moves to the CPU after the device failed for `reason`.
    fn move_to_cpu(&mut self, reason: &str) -> Result<(), EncodeError> {
        let (session, cpu) = load::on(
            &Choice::Cpu,
            self.runtime,
            &self.model,
            &self.options,
            &self.interrupt,
        )?;
        self.session = session;
        self.device = Arc::new(self.device.failed(reason, &cpu));
        self.check_names()
    }

    fn contract(&self, reason: String) -> EncodeError {
        EncodeError::Contract {
            model: self.model.manifest.id.clone(),
            reason,
        }
    }

    fn check_names(&self) -> Result<(), EncodeError> {
        let graph = &self.model.manifest.graph;
        let inputs: Vec<_> = self
            .session
            .inputs()
            .iter()
            .map(|input| input.name())
            .collect();
        if inputs != [graph.input.as_str()] {
            let reason = format!("its inputs are {inputs:?} instead of {:?}", graph.input);
            return Err(self.contract(reason));
        }
        let outputs: Vec<_> = self
            .session
            .outputs()
            .iter()
            .map(|output| output.name())
            .collect();
        match self
            .outputs
            .iter()
            .chain(&self.window_outputs)
            .find(|name| !outputs.contains(&name.as_str()))
        {
            Some(name) => Err(self.contract(format!("it has no output {name:?}"))),
            None => Ok(()),
        }
    }

    /// Runs the model on mono samples at its own rate, `[samples]`, and returns the hidden states
    /// that were requested; with frames only when the session's options ask for them.
    ///
    /// The manifest sets the treatment of audio shorter than a window; only dynamic graphs take longer
    /// audio. When a device other than the CPU fails, the CPU takes over for good, from this window on.
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
        let hidden = self.run_once(samples, limit);
        let took = start.elapsed();
        match hidden {
            Err(EncodeError::Run { reason, .. }) if self.may_move() => {
                if let Err(error) = self.move_to_cpu(&reason) {
                    return (Err(error), took);
                }
                let start = Instant::now();
                (self.run_once(samples, limit), start.elapsed())
            }
            // This window exceeded its limit; the next one runs on the CPU.
            Err(EncodeError::Overlong { model, limit_s }) if self.may_move() => {
                let moved = self.move_to_cpu(&format!("no answer within {limit_s:.0} s"));
                let error = EncodeError::Overlong { model, limit_s };
                (Err(moved.err().unwrap_or(error)), took)
            }
            hidden => (hidden, took),
        }
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
        let audio = self.prepared(samples)?;
        let id = &self.model.manifest.id;
        let failed = |reason: String| EncodeError::Run {
            model: id.clone(),
            reason: reason.trim_end_matches('.').to_owned(),
        };
        let input = TensorRef::from_array_view(([1, audio.len()], &*audio))
            .map_err(|error| failed(error.to_string()))?;
        let seconds = audio.len() as f64 / f64::from(self.model.manifest.sample_rate_hz);
        let run = self.interrupt.run(limit, seconds > LONG_S);
        let run = run.map_err(failed)?;
        let outputs = self
            .session
            .run_with_options(
                ort::inputs![self.model.manifest.graph.input.as_str() => input],
                &*run.options,
            )
            .map_err(|error| match limit {
                Some(limit) if run.was_overlong() => EncodeError::Overlong {
                    model: id.clone(),
                    limit_s: limit.as_secs_f64(),
                },
                _ => failed(error.to_string()),
            })?;
        let contract = |reason| EncodeError::Contract {
            model: id.clone(),
            reason,
        };
        let (manifest, layers) = (&self.model.manifest, &self.layers);
        let mut hidden =
            collect(manifest, &self.outputs, layers, self.frames, &outputs).map_err(contract)?;
        if !self.window_outputs.is_empty() {
            let window = collect(manifest, &self.window_outputs, layers, false, &outputs);
            hidden.window = Some(window.map_err(contract)?.data);
        }
        Ok(hidden)
    }

    /// `samples` as the graph's input: long enough, and normalized when the model needs it.
    fn prepared<'a>(&self, samples: &'a [f32]) -> Result<Cow<'a, [f32]>, EncodeError> {
        let manifest = &self.model.manifest;
        let window = manifest.window_samples;
        let short = samples.len() < window;
        let needed = match (manifest.graph.short_input, manifest.graph.length) {
            (ShortInput::Loop, _) => 1,
            (ShortInput::TrueLength, _) => manifest.graph.min_samples.max(1),
            (ShortInput::Refuse, _) => window,
        };
        if samples.len() < needed {
            return Err(EncodeError::TooShort {
                model: manifest.id.clone(),
                samples: samples.len(),
                rate_hz: manifest.sample_rate_hz,
                needed,
            });
        }
        if manifest.graph.length == InputLength::Fixed && samples.len() > window {
            let reason = format!(
                "{} samples were given, but it takes {window}",
                samples.len()
            );
            return Err(self.contract(reason));
        }
        let mut audio = if short && manifest.graph.short_input == ShortInput::Loop {
            Cow::Owned(samples.iter().copied().cycle().take(window).collect())
        } else {
            Cow::Borrowed(samples)
        };
        if manifest.normalize {
            normalize(audio.to_mut());
        }
        Ok(audio)
    }
}

/// Zero mean and unit variance, as `Wav2Vec2FeatureExtractor` does it (variance + 1e-7).
pub(super) fn normalize(audio: &mut [f32]) {
    let count = audio.len().max(1) as f64;
    let mean = audio.iter().map(|x| f64::from(*x)).sum::<f64>() / count;
    let variance = audio
        .iter()
        .map(|x| (f64::from(*x) - mean).powi(2))
        .sum::<f64>()
        / count;
    let scale = 1.0 / (variance + 1e-7).sqrt();
    for sample in audio {
        *sample = ((f64::from(*sample) - mean) * scale) as f32;
    }
}

/// Joins the outputs as `[layers, (frames,) width]`; the error is a phrase.
fn collect(
    manifest: &Manifest,
    names: &[String],
    which: &LayerSet,
    with_frames: bool,
    outputs: &SessionOutputs<'_>,
) -> Result<HiddenStates, String> {
    let layers = which.indices(manifest.layers.len()).len();
    let width = manifest.width;
    // One output holds all layers, or each output holds one layer in a batch of one.
    let per_output = layers / names.len().max(1);
    let mut frames = None;
    let mut data = Vec::new();
    for name in names {
        let value = outputs
            .get(name)
            .ok_or_else(|| format!("it has no output {name:?}"))?;
        let (shape, values) = value
            .try_extract_tensor::<f32>()
            .map_err(|error| error.to_string())?;
        let these_frames = match (with_frames, &shape[..]) {
            (false, [first, last]) if [*first, *last] == [per_output as i64, width as i64] => None,
            (true, [first, frames, last])
                if [*first, *last] == [per_output as i64, width as i64] && *frames > 0 =>
            {
                Some(*frames as usize)
            }
            _ => {
                let frames = if with_frames { " frames," } else { "" };
                return Err(format!(
                    "its output {name:?} has the shape {:?} instead of [{per_output},{frames} {width}]",
                    &shape[..]
                ));
            }
        };
        if !data.is_empty() && frames != these_frames {
            return Err("its layers have different numbers of frames".to_owned());
        }
        frames = these_frames;
        data.extend_from_slice(values);
    }
    Ok(HiddenStates {
        layers,
        which: which.clone(),
        frames,
        window: None,
        width,
        data,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn normalized_audio_has_zero_mean_and_unit_variance() {
        let mut audio: Vec<f32> = (0..1000)
            .map(|n| 3.0 + 0.5 * (n as f32 * 0.1).sin())
            .collect();
        normalize(&mut audio);
        let mean = audio.iter().sum::<f32>() / 1000.0;
        let variance = audio.iter().map(|x| x * x).sum::<f32>() / 1000.0;
        assert!(
            mean.abs() < 1e-5 && (variance - 1.0).abs() < 1e-4,
            "{mean} {variance}"
        );
    }
}
