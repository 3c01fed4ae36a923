//! The analysis of a whole file, from samples to timeline: windows, encoder, heads, smoothing.
//!
//! The calling thread decodes and resamples while the encoder thread runs the model; at most
//! [`Encoder::QUEUE`] windows wait between the two, so memory does not grow with the file.

use std::collections::VecDeque;
use std::sync::Arc;
use std::thread;

use crossbeam_channel::{Receiver, Sender, unbounded};

use mertscope_audio::decode::Decoder;
use mertscope_audio::model_rate_source::{ModelRateSource, ModelRateSourceError};
use mertscope_audio::windower::{Window, Windower};
use mertscope_audio::{Notice, Status};
use mertscope_heads::interpreter::Interpreter;
use mertscope_heads::package::ModelPackage;
use mertscope_heads::timeline::{TimedResult, Timeline};
use mertscope_model::device::{Choice, Report};
use mertscope_model::{
    EncodeError, Encoded, Encoder, Job, Precision, Runtime, SessionOptions, ShortInput,
};

/// How files are analyzed.
#[derive(Debug, Clone, PartialEq)]
pub struct AnalyzeOptions {
    /// Time between the starts of two windows in seconds; rounded to whole frames by
    /// [`Manifest::hop_samples`](mertscope_model::Manifest::hop_samples).
    pub hop_s: f64,
    /// Whether results are smoothed over audio time.
    pub smoothing: bool,
    /// Threads that share one window's work.
    pub threads: usize,
    /// The arithmetic, for models that have several; `None` takes what suits the device.
    pub precision: Option<Precision>,
    /// The device that runs the model.
    pub device: Choice,
}

/// As `mertscope analyze` does without options: a window per second, smoothed, on all processors and on the best device.
impl Default for AnalyzeOptions {
    fn default() -> Self {
        Self {
            hop_s: 1.0,
            smoothing: true,
            threads: thread::available_parallelism().map_or(1, usize::from),
            precision: None,
            device: Choice::Auto,
        }
    }
}

/// The results of a file.
#[derive(Debug, Clone, PartialEq)]
pub struct Analysis {
    /// Its length in seconds.
    pub duration_s: f64,
    /// The results over time.
    pub timeline: Timeline,
    /// Sentences about the file that the user should read.
    pub notices: Vec<Notice>,
}

/// Why a file has no results.
#[derive(Debug, thiserror::Error)]
pub enum AnalyzeError {
    /// It can't be read.
    #[error(transparent)]
    ModelRateSource(#[from] ModelRateSourceError),
    /// It holds no samples.
    #[error("{file} holds no audio: it ends before its first sample. Export it again.")]
    Empty {
        /// The file.
        file: String,
    },
    /// The model could not be run on any of it.
    #[error("{file} could not be analyzed. {source}")]
    Encode {
        /// The file.
        file: String,
        /// Why.
        source: EncodeError,
    },
}

/// Analyzes files one after another with one model.
///
/// ```no_run
/// use std::path::Path;
/// use std::sync::Arc;
///
/// use mertscope_engine::{AnalyzeOptions, Analyzer, Decoder, ModelPackage, runtime};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let package = Arc::new(ModelPackage::embedded()?);
/// let analyzer = Analyzer::new(runtime::load(None)?, package, AnalyzeOptions::default())?;
/// for file in ["one.flac", "two.mp3"] {
///     let decoder = Decoder::open(Path::new(file))?;
///     let analysis = analyzer.analyze(decoder, file, &mut |_done_s, _promised_s| {})?;
///     for window in &analysis.timeline.results {
///         let key = window.result.as_ref().and_then(|result| result.key_label);
///         println!("{file}, {} s: {key:?}", window.start_s);
///     }
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct Analyzer {
    package: Arc<ModelPackage>,
    encoder: Encoder,
    options: AnalyzeOptions,
}

impl Analyzer {
    /// Starts the encoder thread for the model of `package`.
    ///
    /// # Errors
    /// Those of [`Encoder::start`].
    pub fn new(
        runtime: &'static Runtime,
        package: Arc<ModelPackage>,
        options: AnalyzeOptions,
    ) -> Result<Self, EncodeError> {
        let session = SessionOptions {
            threads: options.threads,
            layers: package.layers_in_use(),
            frames: package.frames_in_use(),
            precision: options.precision,
            device: options.device.clone(),
        };
        Ok(Self {
            encoder: Encoder::start(runtime, Arc::clone(&package.model), session)?,
            package,
            options,
        })
    }

    /// The device that runs the model.
    #[must_use]
    pub fn device(&self) -> &Arc<Report> {
        self.encoder.device()
    }

    /// The hop that is really used, in seconds.
    #[must_use]
    pub fn hop_s(&self) -> f64 {
        let manifest = &self.package.model.manifest;
        manifest.hop_samples(self.options.hop_s) as f64 / f64::from(manifest.sample_rate_hz)
    }

    /// Analyzes one file. `file` names it in messages; `progress` gets, after each window, the
    /// seconds of audio that are done and those that the file's header promises.
    ///
    /// # Errors
    /// [`AnalyzeError`], when there is no result at all. A partly damaged file has results and
    /// notices.
    pub fn analyze(
        &self,
        decoder: Decoder,
        file: &str,
        progress: &mut dyn FnMut(f64, Option<f64>),
    ) -> Result<Analysis, AnalyzeError> {
        let manifest = &self.package.model.manifest;
        let mut source = ModelRateSource::new(decoder, file, manifest.sample_rate_hz)?;
        let mut windower = Windower::new(
            manifest.window_samples,
            manifest.hop_samples(self.options.hop_s),
        );
        let mut run = Run::new(&self.package, self.options.smoothing, &self.encoder);
        let mut samples = Vec::new();
        while source.next(&mut samples)? {
            for (stretch, status) in source.take_marks() {
                windower.mark(stretch, status);
            }
            windower.push(&samples);
            samples.clear();
            while let Some(window) = windower.next_window() {
                run.take(window);
                progress(source.duration_s(), source.promised_s());
            }
        }
        if let Some(window) = windower.finish() {
            run.take(window);
        }
        let mut notices = source.notices();
        let timeline = run
            .finish(&mut notices)
            .map_err(|source| AnalyzeError::Encode {
                file: file.to_owned(),
                source,
            })?;
        if timeline.results.is_empty() {
            return Err(AnalyzeError::Empty {
                file: file.to_owned(),
            });
        }
        let duration_s = source.duration_s();
        notices.extend(self.notice(duration_s, &timeline));
        Ok(Analysis {
            duration_s,
            timeline,
            notices,
        })
    }

    /// A sentence about the results that the user should read.
    fn notice(&self, duration_s: f64, timeline: &Timeline) -> Option<Notice> {
        let manifest = &self.package.model.manifest;
        if timeline.results.iter().all(|r| r.status == Status::Silent) {
            return Some(Notice::warning(
                "Nothing in it is louder than −70 dBFS (a constant offset does not count), so \
                 there is nothing to analyze. Check that it is the right file.",
            ));
        }
        let window_s = manifest.window_s();
        let how = match manifest.graph.short_input {
            ShortInput::Loop => "it was repeated to fill one",
            ShortInput::TrueLength => "it was analyzed at its own length",
            ShortInput::Refuse => return None,
        };
        (duration_s < window_s).then(|| {
            Notice::warning(format!(
                "It is {duration_s:.3} s long, shorter than the model's window of {window_s} s: \
                 {how}. Trust the result less, or use a longer excerpt."
            ))
        })
    }
}

/// One file on its way through the encoder: windows in order, with or without a result to come.
struct Run<'a> {
    encoder: &'a Encoder,
    interpreter: Interpreter,
    rate_hz: f64,
    reply: Sender<Encoded>,
    replies: Receiver<Encoded>,
    /// Windows that are not in the timeline yet, oldest first.
    pending: VecDeque<(f64, f64, Status)>,
    timeline: Timeline,
    failed: Option<EncodeError>,
    /// The device that ran the last window.
    device: Arc<Report>,
}

impl<'a> Run<'a> {
    fn new(package: &ModelPackage, smoothing: bool, encoder: &'a Encoder) -> Self {
        let (reply, replies) = unbounded();
        let genre_labels = package.head("genre").map(|head| head.labels.clone());
        Self {
            encoder,
            interpreter: Interpreter::new(package, smoothing),
            rate_hz: f64::from(package.model.manifest.sample_rate_hz),
            reply,
            replies,
            pending: VecDeque::new(),
            timeline: Timeline {
                genre_labels: genre_labels.unwrap_or_default(),
                key_threshold: package.head("key").and_then(|head| head.threshold),
                results: Vec::new(),
            },
            failed: None,
            device: Arc::clone(encoder.device()),
        }
    }

    fn take(&mut self, window: Window) {
        let start_s = window.start as f64 / self.rate_hz;
        let end_s = (window.start + window.samples.len() as u64) as f64 / self.rate_hz;
        self.pending.push_back((start_s, end_s, window.status));
        if window.status == Status::Ok {
            self.encoder.submit(Job {
                samples: window.samples,
                reply: self.reply.clone(),
            });
        }
        while let Ok(encoded) = self.replies.try_recv() {
            self.place(encoded);
        }
    }

    /// Puts a result, and the skipped windows before it, into the timeline.
    fn place(&mut self, encoded: Encoded) {
        self.place_skipped();
        let Some((start_s, end_s, _)) = self.pending.pop_front() else {
            return;
        };
        if let Some(device) = encoded.device {
            self.device = device;
        }
        let (status, result) = match encoded.hidden {
            Ok(hidden) => (Status::Ok, Some(self.interpreter.interpret(&hidden, end_s))),
            Err(error) => {
                self.failed.get_or_insert(error);
                (Status::Failed, None)
            }
        };
        self.timeline.results.push(TimedResult {
            start_s,
            end_s,
            status,
            result,
        });
    }

    fn place_skipped(&mut self) {
        while let Some((start_s, end_s, status)) = self.pending.front().copied() {
            if status == Status::Ok {
                break;
            }
            self.pending.pop_front();
            self.timeline.results.push(TimedResult {
                start_s,
                end_s,
                status,
                result: None,
            });
        }
    }

    /// Waits for the last results. An error only if no window at all could be encoded.
    fn finish(mut self, notices: &mut Vec<Notice>) -> Result<Timeline, EncodeError> {
        while self
            .pending
            .iter()
            .any(|(.., status)| *status == Status::Ok)
        {
            let Ok(encoded) = self.replies.recv() else {
                break;
            };
            self.place(encoded);
        }
        self.place_skipped();
        if let Some(error) = self.failed {
            if self.timeline.results.iter().all(|r| r.result.is_none()) {
                return Err(error);
            }
            notices.push(Notice::warning(format!(
                "Some windows have no result. {error}"
            )));
        }
        if self.device != *self.encoder.device()
            && let Some(fallback) = self.device.fallbacks.last()
        {
            notices.push(Notice::warning(format!("The CPU took over. {fallback}")));
        }
        Ok(self.timeline)
    }
}
