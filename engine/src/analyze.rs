//! The analysis of a whole file, from samples to timeline: windows, encoder, heads, smoothing.
//!
//! The calling thread decodes and resamples while the encoder thread runs the model; at most
//! [`Encoder::QUEUE`] windows wait between the two. [`Analyzer::stream`] hands each window's result on and keeps none,
//! so memory does not grow with the file.

mod blocks;
mod run;

use std::io;
use std::sync::Arc;
use std::thread;

use mertscope_audio::Notice;
use mertscope_audio::decode::Decoder;
use mertscope_audio::model_rate_source::{ModelRateSource, ModelRateSourceError};
use mertscope_audio::windower::Windower;
use mertscope_export::{AnalysisRun, further_heads, named_heads};
use mertscope_heads::package::ModelPackage;
use mertscope_heads::timeline::{Summary, TimedResult, Timeline};
use mertscope_model::device::{Choice, Report};
use mertscope_model::{EncodeError, Encoder, Precision, Runtime, SessionOptions, ShortInput};

pub use blocks::BlockAnalyzer;
use run::{Counts, Run};

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

/// What is known of a file when all of its windows have been handed on.
#[derive(Debug, Clone, PartialEq)]
pub struct StreamEnd {
    /// Its length in seconds.
    pub duration_s: f64,
    /// The mean over its analyzed windows; `None` when there are none.
    pub summary: Option<Summary>,
    /// Sentences about the file that the user should read.
    pub notices: Vec<Notice>,
}

/// Why a file has no results, or why they end early.
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
    /// The results were not taken.
    #[error("The results of {file} can't be handed on: {source}")]
    Sink {
        /// The file.
        file: String,
        /// The receiver's error.
        source: io::Error,
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
///         let key = window.result.as_ref().and_then(|result| result.key_label());
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
            // Files keep single precision unless asked otherwise.
            most_err: None,
            device: options.device.clone(),
            start_limit: None,
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

    /// The facts that are the same for all files, as exports state them. References are not among them.
    #[must_use]
    pub fn describe(&self, runtime: &Runtime) -> AnalysisRun {
        let (package, device) = (&self.package, self.device());
        let manifest = &package.model.manifest;
        AnalysisRun {
            model_id: manifest.id.clone(),
            model_sha256: package.sha256().to_owned(),
            heads: named_heads(package),
            further: further_heads(package),
            references: Vec::new(),
            device: device.name.clone(),
            precision: device.precision.id().to_owned(),
            onnxruntime: runtime.version.clone(),
            window_s: manifest.window_s(),
            hop_s: self.hop_s(),
        }
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
        let mut timeline = self.empty_timeline();
        let mut sink = |timed| {
            timeline.results.push(timed);
            Ok(())
        };
        let end = self.stream(decoder, file, &mut sink, progress)?;
        Ok(Analysis {
            duration_s: end.duration_s,
            timeline,
            notices: end.notices,
        })
    }

    /// Analyzes one file as [`Analyzer::analyze`] does, but hands the result of each window to `sink` as soon as it is
    /// there, in order, and keeps none.
    ///
    /// # Errors
    /// [`AnalyzeError`]; windows that `sink` has got by then are good.
    pub fn stream(
        &self,
        decoder: Decoder,
        file: &str,
        sink: &mut dyn FnMut(TimedResult) -> io::Result<()>,
        progress: &mut dyn FnMut(f64, Option<f64>),
    ) -> Result<StreamEnd, AnalyzeError> {
        let manifest = &self.package.model.manifest;
        let mut source = ModelRateSource::new(decoder, file, manifest.sample_rate_hz)?;
        let mut windower = Windower::new(
            manifest.window_samples,
            manifest.hop_samples(self.options.hop_s),
        );
        let not_taken = |source| AnalyzeError::Sink {
            file: file.to_owned(),
            source,
        };
        let mut run = self.run();
        let mut samples = Vec::new();
        while source.next(&mut samples)? {
            for (stretch, status) in source.take_marks() {
                windower.mark(stretch, status);
            }
            windower.push(&samples);
            samples.clear();
            while let Some(window) = windower.next_window() {
                run.take(&self.encoder, window, sink).map_err(not_taken)?;
                progress(source.duration_s(), source.promised_s());
            }
        }
        if let Some(window) = windower.finish() {
            run.take(&self.encoder, window, sink).map_err(not_taken)?;
        }
        let counts = run.finish(sink).map_err(not_taken)?;
        self.end(file, source.duration_s(), source.notices(), counts)
    }

    fn run(&self) -> Run {
        let empty = self.empty_timeline();
        Run::new(&self.package, &self.encoder, empty, self.options.smoothing)
    }

    /// The end of `duration_s` seconds of audio that were read to their end, with notices about the audio.
    fn end(
        &self,
        file: &str,
        duration_s: f64,
        mut notices: Vec<Notice>,
        counts: Counts,
    ) -> Result<StreamEnd, AnalyzeError> {
        if counts.windows == 0 {
            return Err(AnalyzeError::Empty {
                file: file.to_owned(),
            });
        }
        let summary = counts.summary.finish();
        if let Some(error) = counts.failed {
            if summary.is_none() {
                return Err(AnalyzeError::Encode {
                    file: file.to_owned(),
                    source: error,
                });
            }
            notices.push(Notice::warning(format!(
                "Some windows have no result. {error}"
            )));
        }
        if counts.device != *self.encoder.device()
            && let Some(fallback) = counts.device.fallbacks.last()
        {
            notices.push(Notice::warning(format!("The CPU took over. {fallback}")));
        }
        let all_silent = counts.silent == counts.windows;
        notices.extend(self.notice(duration_s, all_silent));
        Ok(StreamEnd {
            duration_s,
            summary,
            notices,
        })
    }

    /// A sentence about the results that the user should read.
    fn notice(&self, duration_s: f64, all_silent: bool) -> Option<Notice> {
        let manifest = &self.package.model.manifest;
        if all_silent {
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

    /// A timeline without windows, for results of [`Analyzer::stream`] that a caller keeps.
    #[must_use]
    pub fn empty_timeline(&self) -> Timeline {
        let genre = self.package.head("genre");
        Timeline {
            genre_labels: genre.map(|head| head.labels.clone()).unwrap_or_default(),
            confidence: self.package.confidence(),
            results: Vec::new(),
        }
    }
}
