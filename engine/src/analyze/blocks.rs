//! The analysis of audio that comes block by block, from a device or a network: the same steps as for a file, and each
//! block's results as soon as it is pushed.

use std::io;
use std::sync::Arc;

use mertscope_audio::Status;
use mertscope_audio::downmix::{Downmixer, sanitize};
use mertscope_audio::model_rate_source::{ModelRateSourceError, SMEAR_S};
use mertscope_audio::resample::{ResampleError, Resampler};
use mertscope_audio::windower::Windower;
use mertscope_heads::timeline::TimedResult;

use super::run::{Run, Sink};
use super::{AnalyzeError, Analyzer, StreamEnd};

/// Analyzes one stream of blocks. Results don't depend on how the stream is cut into blocks, and are those of a file of
/// the same samples.
///
/// It is for a thread that may wait: [`BlockAnalyzer::push`] returns when the model has run. For an audio callback there
/// is [`Live`](mertscope_live::Live).
///
/// ```no_run
/// use std::sync::Arc;
///
/// use mertscope_engine::analyze::BlockAnalyzer;
/// use mertscope_engine::{AnalyzeOptions, Analyzer, ModelPackage, runtime};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let package = Arc::new(ModelPackage::embedded()?);
/// let analyzer = Analyzer::new(runtime::load(None)?, package, AnalyzeOptions::default())?;
/// let mut stream = BlockAnalyzer::new(Arc::new(analyzer), 48_000, "microphone")?;
/// let mut print = |window: mertscope_engine::TimedResult| {
///     println!("{} s: {:?}", window.end_s, window.result.and_then(|result| result.key_label()));
///     Ok(())
/// };
/// stream.push(&[0.0; 48_000], 2, &mut print)?;
/// stream.finish(&mut print)?;
/// # Ok(())
/// # }
/// ```
pub struct BlockAnalyzer {
    analyzer: Arc<Analyzer>,
    name: String,
    downmixer: Downmixer,
    resampler: Resampler,
    windower: Windower,
    run: Run,
    frames: u64,
    mono: Vec<f32>,
    samples: Vec<f32>,
}

impl BlockAnalyzer {
    /// A stream at `rate_hz`, at its start; messages call it `name`.
    ///
    /// # Errors
    /// [`AnalyzeError::ModelRateSource`] for a rate that [`Resampler`] does not convert.
    pub fn new(analyzer: Arc<Analyzer>, rate_hz: u32, name: &str) -> Result<Self, AnalyzeError> {
        let manifest = &analyzer.package.model.manifest;
        let resampler = Resampler::new(rate_hz, manifest.sample_rate_hz)
            .map_err(|source| not_resampled(name, source))?;
        let hop = manifest.hop_samples(analyzer.options.hop_s);
        Ok(Self {
            downmixer: Downmixer::default(),
            resampler,
            windower: Windower::new(manifest.window_samples, hop),
            run: analyzer.run(),
            name: name.to_owned(),
            frames: 0,
            mono: Vec::new(),
            samples: Vec::new(),
            analyzer,
        })
    }

    /// Takes the next block, interleaved `[frames, channels]`; `sink` gets the result of each window that ends in it, in
    /// order. Waits for the model.
    ///
    /// # Errors
    /// [`AnalyzeError`]; after one the stream can't go on.
    pub fn push(
        &mut self,
        interleaved: &[f32],
        channels: usize,
        sink: &mut dyn FnMut(TimedResult) -> io::Result<()>,
    ) -> Result<(), AnalyzeError> {
        self.mono.clear();
        self.downmixer.push(interleaved, channels, &mut self.mono);
        if let Some(bad) = sanitize(&mut self.mono) {
            let (start, end) = (
                self.frames + bad.range.start as u64,
                self.frames + bad.range.end as u64,
            );
            let stretch = self.model_sample(start, -SMEAR_S)..self.model_sample(end, SMEAR_S);
            self.windower.mark(stretch, Status::Invalid);
        }
        self.frames += self.mono.len() as u64;
        let pushed = self.resampler.push(&self.mono, &mut self.samples);
        pushed.map_err(|source| not_resampled(&self.name, source))?;
        self.windows(sink)?;
        self.run
            .settle(sink)
            .map_err(|source| not_taken(&self.name, source))
    }

    /// Ends the stream: `sink` gets the last windows' results.
    ///
    /// # Errors
    /// [`AnalyzeError`]; [`AnalyzeError::Empty`] for a stream without samples.
    pub fn finish(
        mut self,
        sink: &mut dyn FnMut(TimedResult) -> io::Result<()>,
    ) -> Result<StreamEnd, AnalyzeError> {
        let finished = self.resampler.finish(&mut self.samples);
        finished.map_err(|source| not_resampled(&self.name, source))?;
        self.windows(sink)?;
        let Self {
            analyzer,
            name,
            windower,
            mut run,
            ..
        } = self;
        if let Some(window) = windower.finish() {
            let taken = run.take(&analyzer.encoder, window, sink);
            taken.map_err(|source| not_taken(&name, source))?;
        }
        let counts = run
            .finish(sink)
            .map_err(|source| not_taken(&name, source))?;
        let duration_s = self.frames as f64 / f64::from(self.resampler.source_hz());
        analyzer.end(&name, duration_s, Vec::new(), counts)
    }

    /// Hands the windows that are whole to the encoder.
    fn windows(&mut self, sink: Sink<'_>) -> Result<(), AnalyzeError> {
        self.windower.push(&self.samples);
        self.samples.clear();
        while let Some(window) = self.windower.next_window() {
            let taken = self.run.take(&self.analyzer.encoder, window, sink);
            taken.map_err(|source| not_taken(&self.name, source))?;
        }
        Ok(())
    }

    /// The sample at the model's rate at a frame of the stream, moved by `shift_s` seconds.
    fn model_sample(&self, frame: u64, shift_s: f64) -> u64 {
        let seconds = frame as f64 / f64::from(self.resampler.source_hz()) + shift_s;
        (seconds.max(0.0) * f64::from(self.resampler.target_hz())).round() as u64
    }
}

fn not_resampled(name: &str, source: ResampleError) -> AnalyzeError {
    AnalyzeError::ModelRateSource(ModelRateSourceError::Resample {
        file: name.to_owned(),
        source,
    })
}

fn not_taken(name: &str, source: io::Error) -> AnalyzeError {
    AnalyzeError::Sink {
        file: name.to_owned(),
        source,
    }
}
