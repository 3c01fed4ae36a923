//! Hidden states of a whole file, for research: every layer, frame by frame or averaged.
//!
//! By default the file is cut into windows that don't overlap, as long as the model's; their
//! frames are concatenated. The rest at the end is encoded at its own length when the model
//! can, and otherwise as a window aligned with the end, of which only the new part counts.
//! `whole` encodes everything in one pass, for models of free length.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use crossbeam_channel::unbounded;

use mertscope_audio::decode::Decoder;
use mertscope_audio::model_rate_source::{ModelRateSource, ModelRateSourceError};
use mertscope_heads::head::{Head, LayerInput, weighted};
use mertscope_model::device::Report;
use mertscope_model::{
    EncodeError, Encoder, HiddenStates, InputLength, Job, LayerSet, Model, Runtime, SessionOptions,
    ShortInput,
};

/// The part of the hidden states that is kept.
#[derive(Debug, Clone, PartialEq)]
pub enum Pool {
    /// The mean over time of each layer: `[layers, width]`.
    Mean,
    /// Every frame: `[layers, frames, width]`.
    None,
    /// The weighted sum of layers that a head learned, averaged over time: `[width]`.
    Weighted(Vec<(usize, f32)>),
}

/// Why a file has no hidden states.
#[derive(Debug, thiserror::Error)]
pub enum EmbedError {
    /// It can't be read.
    #[error(transparent)]
    ModelRateSource(#[from] ModelRateSourceError),
    /// The model could not be run on it.
    #[error("{file}: {source}")]
    Encode {
        /// The file.
        file: String,
        /// Why.
        source: EncodeError,
    },
    /// It holds no samples.
    #[error("{file} holds no audio: it ends before its first sample. Export it again.")]
    Empty {
        /// The file.
        file: String,
    },
    /// The model does not have this layer.
    #[error("The model {model} has no layer {layer}: its layers are 0 to {last}.")]
    NoLayer {
        /// The model's id.
        model: String,
        /// The layer asked for.
        layer: usize,
        /// The highest there is.
        last: usize,
    },
    /// The head reads a single layer, so it has no weights to sum layers with.
    #[error(
        "--pool weighted needs a head that mixes layers, named by --head; {} reads one layer only.",
        path.display()
    )]
    NotWeighted {
        /// The head.
        path: PathBuf,
    },
    /// One pass over the whole file is not possible.
    #[error(
        "The model {model} takes exactly {window_s} s at once, so --whole can't be used with it; \
         leave it out to get one window after another."
    )]
    NotWhole {
        /// The model's id.
        model: String,
        /// Its window in seconds.
        window_s: f64,
    },
    /// The file is too long for one pass.
    #[error(
        "{file} is longer than {limit_s} s, the limit for one pass with --whole: memory grows \
         with the length. Leave --whole out, or raise the limit with --max-seconds."
    )]
    TooLong {
        /// The file.
        file: String,
        /// The limit in seconds.
        limit_s: f64,
    },
    /// It was stopped from outside.
    #[error("{file} was not encoded to its end, because it was stopped.")]
    Stopped {
        /// The file.
        file: String,
    },
    /// The result could not be written.
    #[error(
        "The hidden states could not be written ({0}). Check the disk's free space and permissions."
    )]
    Write(#[from] io::Error),
}

/// Encodes files with one model.
///
/// ```no_run
/// use std::path::Path;
/// use std::sync::Arc;
///
/// use mertscope_engine::{Decoder, Embedder, Model, Pool, SessionOptions, runtime};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let model = Arc::new(Model::embedded()?);
/// let options = SessionOptions {
///     threads: 2,
///     ..SessionOptions::default()
/// };
/// // Layers 0 and 4, every frame.
/// let layers = Some(vec![0, 4]);
/// let embedder = Embedder::new(runtime::load(None)?, model, layers, Pool::None, options)?;
/// let decoder = Decoder::open(Path::new("song.flac"))?;
/// embedder.windows(
///     decoder,
///     "song.flac",
///     &mut |hidden| {
///         println!("[{}, {:?}, {}]", hidden.layers, hidden.frames, hidden.width);
///         Ok(())
///     },
///     &mut |_done_s, _promised_s| {},
/// )?;
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct Embedder {
    model: Arc<Model>,
    encoder: Encoder,
    layers: Vec<usize>,
    pool: Pool,
}

impl Embedder {
    /// Starts the encoder thread. `layers` are the numbers of the hidden states to give, all when
    /// `None`; a weighted sum names its own. Of `options`, `frames` and `layers` are replaced by
    /// what `layers` and `pool` need.
    ///
    /// # Errors
    /// [`EmbedError::NoLayer`], and [`EmbedError::Encode`] with those of [`Encoder::start`].
    pub fn new(
        runtime: &'static Runtime,
        model: Arc<Model>,
        layers: Option<Vec<usize>>,
        pool: Pool,
        options: SessionOptions,
    ) -> Result<Self, EmbedError> {
        let manifest = &model.manifest;
        let count = manifest.layers.len();
        let layers = layers.unwrap_or_else(|| (0..count).collect());
        if let Some(layer) = layers.iter().find(|layer| **layer >= count) {
            return Err(EmbedError::NoLayer {
                model: manifest.id.clone(),
                layer: *layer,
                last: count - 1,
            });
        }
        let read = match &pool {
            Pool::Weighted(mixed) => mixed.iter().map(|(layer, _)| *layer).collect(),
            Pool::Mean | Pool::None => layers.clone(),
        };
        let options = SessionOptions {
            frames: pool == Pool::None,
            layers: LayerSet::of(read, count),
            ..options
        };
        let encoder = Encoder::start(runtime, Arc::clone(&model), options).map_err(|source| {
            EmbedError::Encode {
                file: manifest.id.clone(),
                source,
            }
        })?;
        Ok(Self {
            model,
            encoder,
            layers,
            pool,
        })
    }

    /// The device that runs the model, from the first window on.
    #[must_use]
    pub fn device(&self) -> &Arc<Report> {
        self.encoder.device()
    }

    /// Encodes `decoder`'s audio window by window. `sink` gets the chosen layers of each window,
    /// `[layers, frames, width]`, in order, as soon as they are there; averaged results come once,
    /// at the end, as `[layers, width]`, a weighted one as `[1, width]`. `file` names it in messages,
    /// `progress` gets the seconds of audio that are done and those that the file's header promises.
    /// Returns the length of the audio in seconds.
    ///
    /// # Errors
    /// [`EmbedError`].
    pub fn windows(
        &self,
        decoder: Decoder,
        file: &str,
        sink: &mut dyn FnMut(HiddenStates) -> io::Result<()>,
        progress: &mut dyn FnMut(f64, Option<f64>),
    ) -> Result<f64, EmbedError> {
        self.windows_until(decoder, file, sink, progress, &AtomicBool::new(false))
    }

    /// Does the same as [`Embedder::windows`] until `stopped` is set, which it looks at after each window.
    ///
    /// # Errors
    /// [`EmbedError`]; [`EmbedError::Stopped`] once `stopped` is set.
    pub fn windows_until(
        &self,
        decoder: Decoder,
        file: &str,
        sink: &mut dyn FnMut(HiddenStates) -> io::Result<()>,
        progress: &mut dyn FnMut(f64, Option<f64>),
        stopped: &AtomicBool,
    ) -> Result<f64, EmbedError> {
        let manifest = &self.model.manifest;
        let window = manifest.window_samples;
        let mut source = ModelRateSource::new(decoder, file, manifest.sample_rate_hz)?;
        let mut mean = Mean::default();
        let mut encoded = 0usize;
        // Everything since the start of the last whole window, in case the end needs it.
        let mut buffer: Vec<f32> = Vec::new();
        let mut done = 0;
        while source.next(&mut buffer)? {
            while buffer.len() - done >= window {
                // The window before this one is not needed any more.
                buffer.drain(..done);
                done = window;
                self.emit(&buffer[..window], window, file, &mut mean, sink)?;
                encoded += 1;
                progress(source.duration_s(), source.promised_s());
                if stopped.load(Ordering::Relaxed) {
                    return Err(EmbedError::Stopped {
                        file: file.to_owned(),
                    });
                }
            }
        }
        let rest = buffer.len() - done;
        let at_own_length = manifest.graph.short_input == ShortInput::TrueLength;
        // Fewer samples than one frame's receptive field say nothing more.
        let too_short = encoded > 0 && at_own_length && rest < manifest.graph.min_samples;
        if rest > 0 && !too_short {
            let start = if at_own_length {
                done
            } else {
                buffer.len().saturating_sub(window)
            };
            self.emit(&buffer[start..], rest, file, &mut mean, sink)?;
            encoded += 1;
        }
        if encoded == 0 {
            return Err(EmbedError::Empty {
                file: file.to_owned(),
            });
        }
        self.finish(mean, sink)?;
        Ok(source.duration_s())
    }

    /// Encodes all of `decoder`'s audio in one pass of at most `limit_s` seconds; `sink` gets the
    /// result once, shaped as by [`Embedder::windows`]. Returns the length of the audio in seconds.
    ///
    /// # Errors
    /// [`EmbedError`].
    pub fn whole(
        &self,
        decoder: Decoder,
        file: &str,
        limit_s: f64,
        sink: &mut dyn FnMut(HiddenStates) -> io::Result<()>,
    ) -> Result<f64, EmbedError> {
        let manifest = &self.model.manifest;
        if manifest.graph.length == InputLength::Fixed {
            return Err(EmbedError::NotWhole {
                model: manifest.id.clone(),
                window_s: manifest.window_s(),
            });
        }
        let mut source = ModelRateSource::new(decoder, file, manifest.sample_rate_hz)?;
        let mut samples = Vec::new();
        while source.next(&mut samples)? {
            if source.duration_s() > limit_s {
                return Err(EmbedError::TooLong {
                    file: file.to_owned(),
                    limit_s,
                });
            }
        }
        if samples.is_empty() {
            return Err(EmbedError::Empty {
                file: file.to_owned(),
            });
        }
        let mut mean = Mean::default();
        self.emit(&samples, samples.len(), file, &mut mean, sink)?;
        self.finish(mean, sink)?;
        Ok(source.duration_s())
    }

    /// Encodes a window that brings `new` samples, and passes its frames on or averages them.
    fn emit(
        &self,
        samples: &[f32],
        new: usize,
        file: &str,
        mean: &mut Mean,
        sink: &mut dyn FnMut(HiddenStates) -> io::Result<()>,
    ) -> Result<(), EmbedError> {
        let (reply, replies) = unbounded();
        self.encoder.submit(Job {
            samples: samples.to_vec(),
            reply,
        });
        let failed = |source| EmbedError::Encode {
            file: file.to_owned(),
            source,
        };
        let encoded = replies.recv().map_err(|_| {
            failed(EncodeError::Run {
                model: self.model.manifest.id.clone(),
                reason: "the encoder thread ended".to_owned(),
            })
        })?;
        let hidden = encoded.hidden.map_err(failed)?;
        match &self.pool {
            Pool::None => {
                let hidden = select(&hidden, &self.layers);
                sink(last_frames(hidden, new as f64 / samples.len() as f64))?;
            }
            Pool::Mean => mean.add(&select(&hidden.pooled(), &self.layers), new as f64),
            Pool::Weighted(layers) => {
                let hidden = hidden.pooled();
                let mixed = HiddenStates {
                    layers: 1,
                    which: LayerSet::All,
                    data: weighted(&hidden, layers),
                    ..hidden
                };
                mean.add(&mixed, new as f64);
            }
        }
        Ok(())
    }

    fn finish(
        &self,
        mean: Mean,
        sink: &mut dyn FnMut(HiddenStates) -> io::Result<()>,
    ) -> Result<(), EmbedError> {
        if self.pool != Pool::None {
            let width = self.model.manifest.width;
            sink(mean.finish(width))?;
        }
        Ok(())
    }
}

/// The layers that `head` mixes, by number, each with its weight.
///
/// # Errors
/// [`EmbedError::NotWeighted`] for a head that reads one layer only.
pub fn head_weights(head: &Head) -> Result<Vec<(usize, f32)>, EmbedError> {
    match &head.input {
        LayerInput::Weighted(layers) => Ok(layers.clone()),
        LayerInput::One(_) => Err(EmbedError::NotWeighted {
            path: head.path().to_owned(),
        }),
    }
}

fn select(hidden: &HiddenStates, layers: &[usize]) -> HiddenStates {
    HiddenStates {
        layers: layers.len(),
        which: LayerSet::All,
        frames: hidden.frames,
        window: None,
        width: hidden.width,
        data: layers
            .iter()
            .flat_map(|layer| hidden.layer(*layer))
            .copied()
            .collect(),
    }
}

/// The last `share` of the frames.
fn last_frames(hidden: HiddenStates, share: f64) -> HiddenStates {
    let Some(frames) = hidden.frames else {
        return hidden;
    };
    let stored = ((frames as f64 * share).round() as usize).clamp(1, frames);
    let from = (frames - stored) * hidden.width;
    HiddenStates {
        frames: Some(stored),
        window: None,
        data: (0..hidden.layers)
            .flat_map(|layer| &hidden.layer(layer)[from..])
            .copied()
            .collect(),
        ..hidden
    }
}

/// A mean of pooled hidden states, each weighted by the audio it stands for.
#[derive(Debug, Default)]
struct Mean {
    sum: Vec<f64>,
    weight: f64,
}

impl Mean {
    fn add(&mut self, hidden: &HiddenStates, weight: f64) {
        self.sum.resize(hidden.data.len(), 0.0);
        for (sum, value) in self.sum.iter_mut().zip(&hidden.data) {
            *sum += weight * f64::from(*value);
        }
        self.weight += weight;
    }

    fn finish(self, width: usize) -> HiddenStates {
        HiddenStates {
            layers: self.sum.len() / width.max(1),
            which: LayerSet::All,
            frames: None,
            window: None,
            width,
            data: self
                .sum
                .iter()
                .map(|sum| (sum / self.weight) as f32)
                .collect(),
        }
    }
}
