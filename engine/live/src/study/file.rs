//! The job that makes a reference of a file. It decodes and cuts the file on a job thread; the encoder
//! thread encodes it window by window, after live windows.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use super::mean::LayerMeans;
use mertscope_audio::Status;
use mertscope_audio::decode::Decoder;
use mertscope_audio::model_rate_source::ModelRateSource;
use mertscope_audio::windower::{Window, Windower};
use mertscope_heads::package::ModelPackage;
use mertscope_heads::reference::{Reference, ReferenceSource};
use mertscope_model::thread::Jobs;
use mertscope_model::{SessionId, SessionOptions, hash_of_file, runtime};

/// The job for one file.
pub(crate) struct FileJob {
    pub(super) path: PathBuf,
    pub(super) name: String,
    pub(super) color: [u8; 3],
    pub(super) package: Arc<ModelPackage>,
    /// The stream's options for the model: equal options share its session.
    pub(super) options: SessionOptions,
    pub(super) layer: usize,
    pub(super) stop: Arc<AtomicBool>,
}

impl FileJob {
    /// The reference, or a sentence with the reason. `progress` gets the finished seconds, and the
    /// file's length from its header.
    pub(super) fn run(
        self,
        jobs: &Jobs,
        progress: &dyn Fn(f64, Option<f64>),
    ) -> Result<Reference, String> {
        let file = self.path.display().to_string();
        let engine_stopped = || format!("{file} was not analyzed, because the engine stopped.");
        // Before anything is loaded, so that a wrong path fails at once.
        let decoder = Decoder::open(&self.path).map_err(|error| error.to_string())?;
        let runtime = runtime::loaded().ok_or_else(engine_stopped)?;
        let (package, options) = (Arc::clone(&self.package), self.options.clone());
        let opened = jobs.run(move |sessions| sessions.open(runtime, &package.model, options));
        let opened = opened
            .ok_or_else(engine_stopped)?
            .map_err(|error| error.to_string())?;
        let session = opened.session;
        let result = self.encode(decoder, session, jobs, progress);
        jobs.submit(move |sessions| sessions.close(session));
        let (windows, means) = result?;
        let sha256 = hash_of_file(&self.path).map_err(|error| {
            format!("{file} can't be read to its end ({error}). Copy it again.")
        })?;
        let further = means.further(self.layer);
        let source = ReferenceSource {
            name: &self.name,
            color: self.color,
            sha256: Some(&sha256),
            encoder_sha256: self.package.sha256(),
            layer: self.layer,
            windows: &windows,
            further: &further,
        };
        Reference::new(&source, self.package.map.as_deref()).ok_or_else(|| {
            format!(
                "Nothing in {file} is louder than −70 dBFS, so there is nothing to compare with. \
                 Check that it is the right file."
            )
        })
    }

    /// The hidden states of the compared layer, window by window, and the means of all layers.
    fn encode(
        &self,
        decoder: Decoder,
        session: SessionId,
        jobs: &Jobs,
        progress: &dyn Fn(f64, Option<f64>),
    ) -> Result<(Vec<Vec<f32>>, LayerMeans), String> {
        let file = self.path.display().to_string();
        let manifest = &self.package.model.manifest;
        let mut source = ModelRateSource::new(decoder, &file, manifest.sample_rate_hz)
            .map_err(|error| error.to_string())?;
        let mut windower = Windower::new(manifest.window_samples, manifest.window_samples);
        let (mut windows, mut means) = (Vec::new(), LayerMeans::default());
        let mut take = |window: Window| -> Result<(), String> {
            if self.stop.load(Ordering::Relaxed) {
                return Err(format!("{file} was not analyzed to its end."));
            }
            if window.status != Status::Ok {
                return Ok(());
            }
            let encoded = jobs.run(move |sessions| sessions.encode(session, window.samples, None));
            let encoded = encoded.ok_or_else(|| format!("{file} was not analyzed to its end."))?;
            let hidden = encoded
                .hidden
                .map_err(|error| format!("{file} could not be analyzed. {error}"))?;
            windows.push(hidden.pooled_layer(self.layer).into_owned());
            means.add(&hidden, manifest.layers.len());
            Ok(())
        };
        let mut samples = Vec::new();
        while source
            .next(&mut samples)
            .map_err(|error| error.to_string())?
        {
            for (stretch, status) in source.take_marks() {
                windower.mark(stretch, status);
            }
            windower.push(&samples);
            samples.clear();
            while let Some(window) = windower.next_window() {
                take(window)?;
                progress(source.duration_s(), source.promised_s());
            }
        }
        if let Some(window) = windower.finish() {
            take(window)?;
        }
        Ok((windows, means))
    }
}
