//! The errors of models and of encoding.

use std::path::PathBuf;
use std::sync::Arc;

use crate::checkpoint::CheckpointError;
use crate::graph::GraphError;
use crate::store::StoreError;

/// Why a model can't be used.
#[derive(Debug, thiserror::Error)]
pub enum ModelError {
    /// No built-in id and no folder has this name.
    #[error(
        "There is no model “{name}”. `mertscope models list` shows all models; a model of \
         your own is named by its folder, which must hold a manifest.toml, or a config.json with \
         the weights of a published checkpoint."
    )]
    Unknown {
        /// The requested name.
        name: String,
    },
    /// It is in the catalogue, but not installed.
    #[error("The model {id} is not installed. `mertscope models fetch {id}` gets it.")]
    NotInstalled {
        /// Its id.
        id: String,
    },
    /// It doesn't take windows of that length.
    #[error(
        "The model {id} does not take windows of {window_s} s. Omit the length for its own, \
         {own_s} s; models of free length take any up to 120 s, or what they were made for if that is more."
    )]
    Window {
        /// Its id.
        id: String,
        /// Its own length in seconds.
        own_s: f64,
        /// The requested length in seconds.
        window_s: f64,
    },
    /// The folder of a checkpoint holds no weights.
    #[error(
        "The folder {} has a config.json but no weights; put pytorch_model.bin or model.safetensors \
         beside it, or the index of weights in several files (model.safetensors.index.json) with these.",
        folder.display()
    )]
    NoWeights {
        /// The folder.
        folder: PathBuf,
    },
    /// The checkpoint is another model than the one whose name it has.
    #[error(
        "{} does not describe {id}: {difference}. Import it under the id of the model that it is \
         (`mertscope models list`), or use it without an id: --model {}.",
        config.display(), config.parent().unwrap_or(config).display()
    )]
    Misfit {
        /// The file that shows it.
        config: PathBuf,
        /// The catalogue's id.
        id: String,
        /// The difference, a phrase.
        difference: String,
    },
    /// The checkpoint can't be used.
    #[error(transparent)]
    Checkpoint(#[from] CheckpointError),
    /// The store of installed models can't be used.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A file of the model is missing or can't be read.
    #[error("The model's file {} can't be read ({source}); fetch or copy the model again.", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// The system's error.
        source: std::io::Error,
    },
    /// The manifest is not valid.
    #[error("The model's manifest {} is not valid: {reason}. Correct it, or copy the model again.", path.display())]
    Manifest {
        /// The manifest.
        path: PathBuf,
        /// The fault.
        reason: String,
    },
    /// A file's content does not match the hash in the manifest.
    #[error(
        "{} is not the file that the model's manifest names: its SHA-256 is {actual} instead of \
         {expected}. It was truncated or swapped: copy the model again, or correct the manifest if the file \
         is the right one.", path.display()
    )]
    Hash {
        /// The file.
        path: PathBuf,
        /// The hash in the manifest.
        expected: String,
        /// The hash of the file.
        actual: String,
    },
}

/// Why a window has no hidden states.
#[derive(Debug, Clone, thiserror::Error)]
pub enum EncodeError {
    /// ONNX Runtime can't load the graph.
    #[error(
        "The model {model} can't be loaded by ONNX Runtime: {reason}. Try --device cpu, a newer ONNX \
         Runtime (`cargo xtask setup`), or another model."
    )]
    Load {
        /// The model's id.
        model: String,
        /// ONNX Runtime's error.
        reason: String,
    },
    /// Its weights are larger than the memory that is free.
    #[error(
        "The model {model} needs more than {needed_mb} MB of memory in this form, and {free_mb} MB are \
         free. Close other programs, use --precision int8, or choose a smaller model."
    )]
    Memory {
        /// The model's id.
        model: String,
        /// Megabytes of its weights.
        needed_mb: u64,
        /// Megabytes that are free.
        free_mb: u64,
    },
    /// A run on that much audio takes more memory than is free.
    #[error(
        "The model {model} needs more than {needed_mb} MB of memory for {seconds:.0} s of audio at once, and \
         {free_mb} MB are free. Close other programs, or give it less at once: leave --whole out, or choose a \
         shorter window."
    )]
    RunMemory {
        /// The model's id.
        model: String,
        /// Length of the audio in seconds.
        seconds: f64,
        /// Megabytes that the run takes at least.
        needed_mb: u64,
        /// Megabytes that are free.
        free_mb: u64,
    },
    /// There is no graph, and none can be made.
    #[error("{0}")]
    Graph(Arc<GraphError>),
    /// The graph does not match its manifest.
    #[error(
        "The model {model} does not match its manifest: {reason}. Correct its manifest.toml, or copy the \
         model again."
    )]
    Contract {
        /// The model's id.
        model: String,
        /// The difference.
        reason: String,
    },
    /// The model gives no frames.
    #[error(
        "The model {model} gives one vector per window and no frames; use --pool mean, or a model \
         with frames."
    )]
    NoFrames {
        /// The model's id.
        model: String,
    },
    /// The audio is shorter than the model takes.
    #[error(
        "{samples} samples at {rate_hz} Hz are too few for the model {model}; it takes {needed} or more."
    )]
    TooShort {
        /// The model's id.
        model: String,
        /// Number of samples.
        samples: usize,
        /// Their rate.
        rate_hz: u32,
        /// Number of samples needed.
        needed: usize,
    },
    /// The inference itself failed.
    #[error(
        "ONNX Runtime could not run the model {model}: {reason}. Try --device cpu, or another model."
    )]
    Run {
        /// The model's id.
        model: String,
        /// ONNX Runtime's error.
        reason: String,
    },
    /// It took too long; the next window runs.
    #[error(
        "A window was given up because the model {model} took longer than {limit_s:.0} s for it. \
         Choose a smaller model or a faster device."
    )]
    Overlong {
        /// The model's id.
        model: String,
        /// Its time limit in seconds.
        limit_s: f64,
    },
    /// Code panicked while it ran the window; the next window runs.
    #[error(
        "A window could not be analyzed by the model {model}, because of an error in Mertscope: {reason}. Please report it."
    )]
    Panic {
        /// The model's id.
        model: String,
        /// The panic's message.
        reason: String,
    },
}
