#![doc = include_str!("../README.md")]
#![cfg_attr(
    not(test),
    deny(
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::panic,
        clippy::print_stdout,
        clippy::print_stderr
    )
)]

pub mod analyze;
pub mod embed;
pub mod embedding_dataset;
pub mod labeled;

pub use mertscope_audio as audio;
pub use mertscope_export as export;
pub use mertscope_heads as heads;
pub use mertscope_hub as hub;
pub use mertscope_live as live;
pub use mertscope_model as model;
pub use mertscope_music as music;

pub use analyze::{Analysis, AnalyzeOptions, Analyzer};
pub use embed::{Embedder, Pool};
pub use embedding_dataset::EmbeddingDataset;

#[doc(inline)]
pub use mertscope_audio::model_rate_source::ModelRateSource;
#[doc(inline)]
pub use mertscope_audio::tap::{Tap, Transport, tap};
#[doc(inline)]
pub use mertscope_audio::windower::{Window, Windower};
#[doc(inline)]
pub use mertscope_audio::{Notice, Severity, Status};

/// Decodes a file or stream block by block.
///
/// ```no_run
/// use std::path::Path;
///
/// use mertscope_engine::Decoder;
/// use mertscope_engine::audio::decode::Block;
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let mut decoder = Decoder::open(Path::new("song.flac"))?;
/// let mut channels = decoder.channels();
/// let mut peak = 0.0f32;
/// while let Some(block) = decoder.next_block()? {
///     match block {
///         Block::Samples(interleaved) => {
///             for frame in interleaved.chunks_exact(channels) {
///                 peak = frame.iter().fold(peak, |peak, sample| peak.max(sample.abs()));
///             }
///         }
///         Block::Gap { frames } => println!("about {frames} frames are damaged"),
///         Block::NewFormat { channels: new, .. } => channels = new,
///     }
/// }
/// println!("{} Hz, peak {peak}", decoder.rate_hz());
/// # Ok(())
/// # }
/// ```
#[doc(inline)]
pub use mertscope_audio::decode::Decoder;

#[doc(inline)]
pub use mertscope_music::{Key, Mode, Notation};

#[doc(inline)]
pub use mertscope_model::device::Choice as DeviceChoice;
#[doc(inline)]
pub use mertscope_model::runtime;
#[doc(inline)]
pub use mertscope_model::{
    HiddenStates, LayerSet, Manifest, Model, Precision, Session, SessionOptions,
};

/// A model with its heads and its map.
///
/// ```
/// use mertscope_engine::ModelPackage;
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// // The model that is compiled in; `open` takes a folder, `find` the id of an installed model.
/// let package = ModelPackage::embedded()?;
/// let manifest = &package.model.manifest;
/// println!("{}: windows of {} s", manifest.id, manifest.window_s());
/// for head in &package.heads {
///     println!("{} ({} labels)", head.task, head.labels.len());
/// }
/// assert!(package.head("genre").is_some() && package.head("key").is_some());
/// # Ok(())
/// # }
/// ```
#[doc(inline)]
pub use mertscope_heads::package::ModelPackage;

/// Fits a head on hidden states of labeled files.
///
/// ```
/// use std::sync::atomic::AtomicBool;
///
/// use mertscope_engine::{Example, FitOptions, HiddenStates, LayerSet, Model, Reads, fit};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let manifest = Model::embedded_manifest()?;
/// let (layers, width) = (manifest.layers.len(), manifest.width);
/// // Made up; `EmbeddingDataset` gives the hidden states of files.
/// let examples: Vec<Example> = (0..8)
///     .map(|file| Example {
///         label: file % 2,
///         group: file,
///         windows: vec![HiddenStates {
///             layers,
///             which: LayerSet::All,
///             frames: None,
///             window: None,
///             width,
///             data: vec![(file % 2) as f32 + 0.1 * file as f32; layers * width],
///         }],
///     })
///     .collect();
/// let options = FitOptions {
///     task: "tension".to_owned(),
///     labels: vec!["calm".to_owned(), "tense".to_owned()],
///     layers: vec![0],
///     mix: false,
///     hidden: None,
///     reads: Reads::Window,
///     seed: 1,
///     threads: 1,
///     training_data: "made up".to_owned(),
///     license: String::new(),
/// };
/// let fitted = fit(&examples, &options, &manifest, &|_, _| {}, &AtomicBool::new(false))?;
/// println!("accuracy on held-out files: {}", fitted.files.accuracy);
/// // `fitted.bytes` is the head's file.
/// assert_eq!(fitted.head.predict(&examples[0].windows[0]).len(), 2);
/// # Ok(())
/// # }
/// ```
#[doc(inline)]
pub use mertscope_heads::head::fit::fit;

#[doc(inline)]
pub use mertscope_heads::head::fit::{Example, FitOptions, Fitted};
#[doc(inline)]
pub use mertscope_heads::head::{Head, HeadInfo, Reads};
#[doc(inline)]
pub use mertscope_heads::interpreter::Interpreter;
#[doc(inline)]
pub use mertscope_heads::map::Map;
#[doc(inline)]
pub use mertscope_heads::timeline::{Summary, TimedResult, Timeline, WindowResult};

/// The live engine of this process; each source of audio opens a stream.
///
/// ```no_run
/// use std::sync::Arc;
///
/// use mertscope_engine::{Controls, Live, LiveSettings, Transport, tap};
///
/// let stream = Live::acquire().open(LiveSettings::default(), Arc::new(Controls::default));
/// let (mut tap, reader) = tap(48_000);
/// stream.attach(reader);
/// // On the audio callback, block by block: it never waits, locks or allocates.
/// let (left, right) = ([0.0f32; 512], [0.0f32; 512]);
/// tap.push(&[&left, &right], Transport::LIVE_INPUT);
/// // On any other thread, as often as it likes:
/// let snapshot = stream.snapshot();
/// if let Some(key) = snapshot.result().and_then(|result| result.key_label()) {
///     println!("{key}");
/// }
/// ```
#[doc(inline)]
pub use mertscope_live::Live;

#[doc(inline)]
pub use mertscope_live::{Controls, Hop, Settings as LiveSettings, Snapshot, Stream};

/// The published models, and those that are installed on this machine.
///
/// ```no_run
/// use mertscope_engine::{Consent, Library};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let library = Library::shared()?;
/// for offer in library.list().iter() {
///     println!("{}: {}, {}", offer.entry.id, offer.entry.title, offer.entry.license);
/// }
/// // Only after the user has read the license and agreed to it. `list` shows the progress.
/// library.fetch("MERT-v1-95M", Consent::Given)?;
/// # Ok(())
/// # }
/// ```
#[doc(inline)]
pub use mertscope_hub::Library;

#[doc(inline)]
pub use mertscope_hub::Consent;
