//! Embeddings of labeled music, file by file, for fitting heads and maps.
//!
//! A file gives a bounded number of windows, spread evenly over it. Of each it keeps the hidden states averaged over
//! time or, for heads that read frames, some single frames. A cache holds them under the hashes of the file and of the
//! model, so that a second run reads them instead of running the model. Cache files are written whole or not at all.

mod cache;

use std::cell::OnceCell;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crossbeam_channel::unbounded;

use cache::Cache;
use mertscope_audio::Status;
use mertscope_audio::decode::{DecodeError, Decoder};
use mertscope_audio::model_rate_source::{ModelRateSource, ModelRateSourceError};
use mertscope_audio::windower::Windower;
use mertscope_heads::head::Reads;
use mertscope_model::device::Choice;
use mertscope_model::{
    EncodeError, Encoder, HiddenStates, Job, Model, Runtime, SessionOptions, sha256,
};

/// The part of a file that windows are taken from, in seconds, so that memory stays bounded.
const LONGEST_S: f64 = 1200.0;

/// Frames that are taken of a window: neighboring frames are nearly alike.
const FRAMES: usize = 8;

/// Why a file has no embeddings.
#[derive(Debug, thiserror::Error)]
pub enum DatasetError {
    /// It can't be read.
    #[error("{} can't be read ({source}); check its name and permissions.", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// The system's error.
        source: std::io::Error,
    },
    /// It can't be decoded.
    #[error(transparent)]
    Decode(#[from] DecodeError),
    /// It can't be decoded to its end.
    #[error(transparent)]
    ModelRateSource(#[from] ModelRateSourceError),
    /// Nothing in it can be analyzed.
    #[error(
        "{} has no window that can be analyzed: it is empty, silent or damaged. Leave it out or \
         export it again.", path.display()
    )]
    Nothing {
        /// The file.
        path: PathBuf,
    },
    /// The model could not be run on it.
    #[error("{}: {source}", path.display())]
    Encode {
        /// The file.
        path: PathBuf,
        /// Why.
        source: EncodeError,
    },
    /// The model can't be started at all.
    #[error(transparent)]
    Start(EncodeError),
    /// The embeddings can't be kept.
    #[error("Embeddings can't be kept in {} ({source}); check the disk's free space.", folder.display())]
    Cache {
        /// The cache's folder.
        folder: PathBuf,
        /// The system's error.
        source: std::io::Error,
    },
}

/// A file's windows.
#[derive(Debug, Clone, PartialEq)]
pub struct FileEmbeddings {
    /// SHA-256 of the file's bytes.
    pub sha256: String,
    /// Hidden states `[layers, width]` of each window, or of each frame that was taken, in order; at
    /// least one.
    pub windows: Vec<HiddenStates>,
}

impl FileEmbeddings {
    /// The mean over the windows, `[layers, width]`.
    #[must_use]
    pub fn mean(&self) -> HiddenStates {
        let mut mean = self.windows[0].clone();
        for (n, value) in mean.data.iter_mut().enumerate() {
            let sum: f64 = self.windows.iter().map(|w| f64::from(w.data[n])).sum();
            *value = (sum / self.windows.len() as f64) as f32;
        }
        mean
    }
}

/// Gets embeddings of files with one model, on the calling thread and an encoder thread of its own.
///
/// ```no_run
/// use std::path::Path;
/// use std::sync::Arc;
///
/// use mertscope_engine::{EmbeddingDataset, Model, Reads, runtime};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let model = Arc::new(Model::embedded()?);
/// let cache = Path::new("embeddings");
/// // At most 6 windows of each file, on 2 threads.
/// let dataset = EmbeddingDataset::new(runtime::load(None)?, model, Reads::Window, cache, 6, 2);
/// let embeddings = dataset.of(Path::new("song.flac"))?;
/// println!("{} windows of {}", embeddings.windows.len(), embeddings.sha256);
/// # Ok(())
/// # }
/// ```
pub struct EmbeddingDataset {
    runtime: &'static Runtime,
    model: Arc<Model>,
    threads: usize,
    device: Choice,
    windows: usize,
    reads: Reads,
    cache: Cache,
    /// Started for the first file that is not in the cache.
    encoder: OnceCell<Encoder>,
}

impl EmbeddingDataset {
    /// Takes what a head `reads` of at most `windows` windows of each file, with `threads` threads
    /// per window, and keeps it in the folder `cache`.
    #[must_use]
    pub fn new(
        runtime: &'static Runtime,
        model: Arc<Model>,
        reads: Reads,
        cache: &Path,
        windows: usize,
        threads: usize,
    ) -> Self {
        Self {
            cache: Cache::new(cache, &model, reads, windows.max(1)),
            reads,
            runtime,
            model,
            threads,
            device: Choice::Auto,
            windows: windows.max(1),
            encoder: OnceCell::new(),
        }
    }

    /// Runs the model on `device` instead of the best one of this machine.
    #[must_use]
    pub fn on(self, device: Choice) -> Self {
        Self { device, ..self }
    }

    /// The embeddings of one file, from the cache or from the model.
    ///
    /// # Errors
    /// [`DatasetError`]; after `Start` and `Cache` every other file fails as well.
    pub fn of(&self, path: &Path) -> Result<FileEmbeddings, DatasetError> {
        let bytes = fs::read(path).map_err(|source| DatasetError::Unreadable {
            path: path.to_owned(),
            source,
        })?;
        let sha256 = sha256(&bytes);
        drop(bytes);
        if let Some(windows) = self.cache.get(&sha256) {
            return Ok(FileEmbeddings { sha256, windows });
        }
        let windows = self.encode(path)?;
        self.cache.put(&sha256, &windows)?;
        Ok(FileEmbeddings { sha256, windows })
    }

    fn encode(&self, path: &Path) -> Result<Vec<HiddenStates>, DatasetError> {
        let windows = self.cut(path)?;
        let encoder = self.encoder()?;
        let (reply, replies) = unbounded();
        let count = windows.len();
        for samples in windows {
            let reply = reply.clone();
            encoder.submit(Job { samples, reply });
        }
        drop(reply);
        let failed = |source| DatasetError::Encode {
            path: path.to_owned(),
            source,
        };
        let hidden: Vec<HiddenStates> = replies
            .iter()
            .map(|encoded| encoded.hidden)
            .collect::<Result<_, _>>()
            .map_err(failed)?;
        if hidden.len() < count {
            return Err(failed(EncodeError::Run {
                model: self.model.manifest.id.clone(),
                reason: "the encoder thread ended".to_owned(),
            }));
        }
        Ok(match self.reads {
            Reads::Window => hidden.into_iter().map(HiddenStates::pooled).collect(),
            Reads::Frames => hidden.iter().flat_map(some_frames).collect(),
        })
    }

    fn encoder(&self) -> Result<&Encoder, DatasetError> {
        if self.encoder.get().is_none() {
            let options = SessionOptions {
                threads: self.threads,
                frames: self.reads == Reads::Frames,
                device: self.device.clone(),
                ..SessionOptions::default()
            };
            let encoder = Encoder::start(self.runtime, Arc::clone(&self.model), options)
                .map_err(DatasetError::Start)?;
            // Nobody else sets it: `self` is on one thread.
            let _ = self.encoder.set(encoder);
        }
        self.encoder.get().ok_or_else(|| {
            DatasetError::Start(EncodeError::Load {
                model: self.model.manifest.id.clone(),
                reason: "the encoder thread is gone".to_owned(),
            })
        })
    }

    /// The file's windows that can be analyzed, thinned out evenly, `[samples]` each.
    fn cut(&self, path: &Path) -> Result<Vec<Vec<f32>>, DatasetError> {
        let manifest = &self.model.manifest;
        let file = path.display().to_string();
        let mut source =
            ModelRateSource::new(Decoder::open(path)?, &file, manifest.sample_rate_hz)?;
        let mut windower = Windower::new(manifest.window_samples, manifest.window_samples);
        let mut windows = Vec::new();
        let mut samples = Vec::new();
        while source.duration_s() < LONGEST_S && source.next(&mut samples)? {
            for (stretch, status) in source.take_marks() {
                windower.mark(stretch, status);
            }
            windower.push(&samples);
            samples.clear();
            windows.extend(std::iter::from_fn(|| windower.next_window()));
        }
        // The end of a long file would overlap the window before it; of a short one it is all.
        if windows.is_empty() {
            windows.extend(windower.finish());
        }
        windows.retain(|window| window.status == Status::Ok);
        let spread = spread(windows.len(), self.windows);
        let mut chosen = Vec::with_capacity(spread.len());
        for (n, window) in windows.into_iter().enumerate() {
            if spread.contains(&n) {
                chosen.push(window.samples);
            }
        }
        if chosen.is_empty() {
            return Err(DatasetError::Nothing {
                path: path.to_owned(),
            });
        }
        Ok(chosen)
    }
}

/// Some frames of a window, spread evenly over it, as hidden states `[layers, width]` of their own.
fn some_frames(hidden: &HiddenStates) -> Vec<HiddenStates> {
    let (frames, width) = (hidden.frames.unwrap_or(1), hidden.width);
    let of_frame = |frame: usize| {
        let layers = hidden.data.chunks_exact(frames * width);
        layers.flat_map(move |layer| &layer[frame * width..(frame + 1) * width])
    };
    let chosen = spread(frames, FRAMES).into_iter();
    chosen
        .map(|frame| HiddenStates {
            layers: hidden.layers,
            which: hidden.which.clone(),
            frames: None,
            window: None,
            width,
            data: of_frame(frame).copied().collect(),
        })
        .collect()
}

/// At most `wanted` of `count` indices, each in the middle of its share.
fn spread(count: usize, wanted: usize) -> Vec<usize> {
    if count <= wanted {
        return (0..count).collect();
    }
    (0..wanted)
        .map(|n| (2 * n + 1) * count / (2 * wanted))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use mertscope_model::{LayerSet, runtime};

    #[test]
    fn windows_are_spread_evenly() {
        assert_eq!(spread(3, 6), [0, 1, 2]);
        assert_eq!(spread(9, 3), [1, 4, 7]);
        assert_eq!(spread(100, 4), [12, 37, 62, 87]);
        assert!(spread(0, 4).is_empty());
    }

    #[test]
    fn frames_are_taken_out_of_every_layer() {
        let hidden = HiddenStates {
            layers: 2,
            which: LayerSet::All,
            frames: Some(3),
            window: None,
            width: 2,
            data: (0..12).map(|n| n as f32).collect(),
        };
        let frames = some_frames(&hidden);
        assert_eq!(frames.len(), 3);
        assert_eq!(frames[1].data, [2.0, 3.0, 8.0, 9.0]);
        assert_eq!((frames[1].frames, frames[1].layers), (None, 2));
    }

    #[test]
    fn a_second_run_reads_what_the_first_one_kept() {
        let demo = Path::new(env!("CARGO_MANIFEST_DIR")).join("../assets/demo/two-rooms.ogg");
        let cache = tempfile::tempdir().unwrap();
        let model = Arc::new(Model::embedded().unwrap());
        let embeddings = |windows| {
            let runtime = runtime::load(None).unwrap();
            let model = Arc::clone(&model);
            EmbeddingDataset::new(runtime, model, Reads::Window, cache.path(), windows, 1)
        };
        let first = embeddings(3);
        let result = first.of(&demo).unwrap();
        assert_eq!(result.windows.len(), 3);
        assert!(first.encoder.get().is_some());
        let second = embeddings(3);
        assert_eq!(second.of(&demo).unwrap(), result);
        assert!(second.encoder.get().is_none(), "the model was not needed");
        // Another number of windows is another answer.
        assert_eq!(embeddings(2).of(&demo).unwrap().windows.len(), 2);
        // A damaged file in the cache is made again.
        for entry in fs::read_dir(cache.path()).unwrap() {
            for file in fs::read_dir(entry.unwrap().path()).unwrap() {
                fs::write(file.unwrap().path(), b"damaged").unwrap();
            }
        }
        assert_eq!(embeddings(3).of(&demo).unwrap(), result);
    }

    #[test]
    fn a_file_without_music_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let model = Arc::new(Model::embedded().unwrap());
        let runtime = runtime::load(None).unwrap();
        let embeddings = EmbeddingDataset::new(runtime, model, Reads::Window, folder.path(), 3, 1);
        let path = folder.path().join("text.wav");
        fs::write(&path, "no music").unwrap();
        for path in [&path, &folder.path().join("gone.wav")] {
            let error = embeddings.of(path).unwrap_err().to_string();
            assert!(error.contains(&path.display().to_string()), "{error}");
        }
        assert!(embeddings.encoder.get().is_none());
    }
}
