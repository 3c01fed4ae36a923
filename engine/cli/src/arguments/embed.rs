//! Arguments of `mertscope embed`.

use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};
use mertscope_model::Manifest;

use super::{BatchArguments, ModelArguments, PartArguments, seconds, with_extension};

pub(super) const EMBED_EXAMPLES: &str = "\
Examples:
  mertscope embed song.flac --out song.npy                     mean of each layer, [layers, width]
  mertscope embed song.flac --layers 0,7,8 --out song.safetensors
  mertscope embed song.flac --pool none --out frames.npy       [layers, frames, width]
  mertscope embed song.flac --pool weighted --head genre.safetensors --out song.npy
  mertscope embed Music/ --layers 7 --out vectors/             Parquet parts; --resume goes on

The command cuts the file into windows of the model's length that don't overlap, and joins their
frames.";

#[derive(Debug, Args)]
pub(crate) struct EmbedArguments {
    /// An audio file, or - for standard input; several files and folders when --out is a folder
    #[arg(required_unless_present = "files_from", value_name = "FILE|FOLDER|-")]
    pub inputs: Vec<PathBuf>,
    #[command(flatten)]
    pub batch: BatchArguments,
    /// Output file, .npy (NumPy) or .safetensors; or a folder for Parquet parts, one row per vector (docs/scale.md)
    #[arg(long, short, value_name = "OUT.npy|OUT.safetensors|FOLDER", value_parser = array)]
    pub out: PathBuf,
    #[command(flatten)]
    pub parts: PartArguments,
    /// Keep the vectors of Parquet parts in 16 bits instead of 32
    #[arg(long)]
    pub float16: bool,
    /// Hidden states to write, by index: 0,7,8 or all
    #[arg(long, default_value = "all", value_parser = layers)]
    pub layers: Layers,
    /// Pooling of the frames
    #[arg(long, value_enum, default_value_t = PoolArgument::Mean)]
    pub pool: PoolArgument,
    /// The head whose layer weights --pool weighted uses
    #[arg(
        long,
        value_name = "HEAD.safetensors",
        required_if_eq("pool", "weighted")
    )]
    pub head: Option<PathBuf>,
    /// Encode the whole file in one pass instead of window by window
    #[arg(long)]
    pub whole: bool,
    /// Longest file that --whole takes [default: 60, or 360 for a model made for whole songs]
    #[arg(long, value_name = "SECONDS", value_parser = seconds)]
    pub max_seconds: Option<f64>,
    /// Print errors only
    #[arg(long, short)]
    pub quiet: bool,
    #[command(flatten)]
    pub model: ModelArguments,
}

impl EmbedArguments {
    /// The longest audio in one pass, in seconds.
    pub(crate) fn whole_s(&self, manifest: &Manifest) -> f64 {
        self.max_seconds.unwrap_or_else(|| manifest.whole_s())
    }
}

/// The pooling of frames into the result.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum PoolArgument {
    /// The mean over time of each layer
    Mean,
    /// Every frame
    None,
    /// The weighted sum of layers with a head's weights, averaged over time
    Weighted,
}

/// Layers by index, or all of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Layers {
    All,
    Some(Vec<usize>),
}

pub(super) fn layers(text: &str) -> Result<Layers, String> {
    if text == "all" {
        return Ok(Layers::All);
    }
    text.split(',')
        .map(|index| index.trim().parse())
        .collect::<Result<_, _>>()
        .map(Layers::Some)
        .map_err(|_| "give layer indices with commas, such as 0,7,8, or “all”".to_owned())
}

/// An array's file, or a folder for parts: what ends in a separator, is a folder, or has no extension.
fn array(text: &str) -> Result<PathBuf, String> {
    let path = PathBuf::from(text);
    if is_parts_folder(&path) {
        return Ok(path);
    }
    with_extension(text, &["npy", "safetensors"])
        .map_err(|error| format!("{error}, or it must be a folder's"))
}

/// Whether `--out` of `embed` names a folder for parts.
pub(crate) fn is_parts_folder(path: &Path) -> bool {
    let text = path.as_os_str().to_string_lossy();
    text.ends_with(std::path::is_separator) || path.is_dir() || path.extension().is_none()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn layers_are_indices_or_all() {
        assert_eq!(layers("all"), Ok(Layers::All));
        assert_eq!(layers("0, 7,8"), Ok(Layers::Some(vec![0, 7, 8])));
        for wrong in ["", "x", "1,,2", "-1"] {
            assert!(layers(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn an_output_without_an_extension_is_a_folder() {
        for folder in ["vectors", "vectors/", "v1.0/"] {
            assert!(is_parts_folder(&array(folder).unwrap()), "{folder}");
        }
        assert!(!is_parts_folder(&array("song.npy").unwrap()));
        assert!(array("song.txt").unwrap_err().contains("folder"));
    }
}
