//! Command-line arguments.

mod batch;
mod embed;
mod export;
mod fitting;
mod heads;
mod tag;

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};
use mertscope_model::Precision;
use mertscope_model::device::Choice;
use mertscope_model::device::check_address;

use crate::UsageError;

pub(crate) use batch::{BatchArguments, MergeArguments, PartArguments};
use embed::{EMBED_EXAMPLES, layers};
pub(crate) use embed::{EmbedArguments, Layers, PoolArgument, is_parts_folder};
pub(crate) use export::{BackendArgument, ExportArguments};
pub(crate) use fitting::{DataArguments, MapCommand, MapFitArguments};
pub(crate) use heads::{
    BenchArguments, EvalArguments, HeadsCommand, ImportArguments, Recipe, TrainArguments,
};
pub(crate) use tag::{TagArguments, TagNotation};

/// Analyzes music with MERT-like models on this machine: genre, key and embeddings.
#[derive(Debug, Parser)]
#[command(name = "mertscope", version, propagate_version = true, after_help = EXAMPLES)]
pub(crate) struct CommandLine {
    #[command(subcommand)]
    pub command: Command,
}

const EXAMPLES: &str = "\
Examples:
  mertscope analyze song.flac                     key and genre, and how they change
  mertscope analyze Music/ --csv > windows.csv    one row per window of each file
  mertscope embed song.flac --out song.npy        hidden states for research
  mertscope doctor                                what is installed and what is missing

Exit codes: 0 success, 1 something failed, 2 the command line is wrong.";

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Analyze the key and the genre of audio files, over time
    #[command(visible_alias = "analyse", after_help = ANALYZE_EXAMPLES)]
    Analyze(AnalyzeArguments),
    /// Write the hidden states of an audio file, for research
    #[command(after_help = EMBED_EXAMPLES)]
    Embed(EmbedArguments),
    /// Merge the Parquet parts of all shards into one file
    #[command(after_help = MERGE_EXAMPLES)]
    Merge(MergeArguments),
    /// Write the keys of audio files into their tags
    #[command(after_help = TAG_EXAMPLES)]
    Tag(TagArguments),
    /// Show, fetch, import, check and remove models
    #[command(after_help = MODELS_EXAMPLES)]
    Models {
        #[command(subcommand)]
        command: ModelsCommand,
    },
    /// Train, evaluate and manage your own heads
    Heads {
        #[command(subcommand)]
        command: HeadsCommand,
    },
    /// Fit, show and remove the map on which views place music
    Map {
        #[command(subcommand)]
        command: MapCommand,
    },
    /// Report what is installed, used and missing
    Doctor {
        /// Time that a device may take to start, and again for its first window; TensorRT takes minutes
        #[arg(long, value_name = "SECONDS", default_value_t = 60, value_parser = clap::value_parser!(u64).range(1..=7200))]
        device_limit: u64,
    },
    /// Print a completion script for a shell
    #[command(
        after_help = "Example:\n  mertscope completions bash > ~/.local/share/bash-completion/completions/mertscope"
    )]
    Completions {
        /// The shell
        shell: clap_complete::Shell,
    },
    /// Write the manual pages into a folder
    #[command(after_help = "Example:\n  mertscope man ~/.local/share/man/man1")]
    Man {
        /// An existing folder
        folder: PathBuf,
    },
}

const MERGE_EXAMPLES: &str = "\
Example:
  mertscope merge keys/ --out keys.parquet

The parts must be of one model, with the same heads and settings.";

const TAG_EXAMPLES: &str = "\
Examples:
  mertscope tag Music/ --dry-run                  what would be written
  mertscope tag Music/ --notation camelot --m3u set.m3u8
  mertscope tag --undo                            takes the last run back

Only a key that the summary of `mertscope analyze` names is written. The audio and the rest of a
tag stay as they are; a key that is there already stays unless --overwrite is given.";

const MODELS_EXAMPLES: &str = "\
Examples:
  mertscope models list
  mertscope models fetch MERT-v1-95M
  mertscope models import Downloads/MERT-v1-95M
  mertscope models remove MERT-v1-95M

These environment variables apply: HF_ENDPOINT, HF_TOKEN, HF_HOME, HF_HUB_CACHE, HF_HUB_OFFLINE,
HF_HUB_DOWNLOAD_TIMEOUT, HF_HUB_ETAG_TIMEOUT, HTTPS_PROXY, ALL_PROXY and NO_PROXY.";

#[derive(Debug, Subcommand)]
pub(crate) enum ModelsCommand {
    /// List the models, with their state on this machine
    List {
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Fetch a published model from the hub, or from the hub's cache on this machine
    #[command(after_help = FETCH_HELP)]
    Fetch {
        /// The model, as in `mertscope models list`
        id: String,
        /// Don't fetch the heads that were published for the model
        #[arg(long)]
        no_heads: bool,
        #[command(flatten)]
        consent: ConsentArguments,
    },
    /// Import a published model from a folder, without a network
    #[command(after_help = IMPORT_HELP)]
    Import {
        /// A folder with config.json, preprocessor_config.json and the weights, or the weights file in it
        path: PathBuf,
        /// The model's id [default: taken from the folder's name]
        #[arg(long = "as", value_name = "ID")]
        id: Option<String>,
        #[command(flatten)]
        consent: ConsentArguments,
    },
    /// Check that a model's files are still those that were installed, byte for byte
    Verify {
        /// The model [default: all installed models]
        id: Option<String>,
    },
    /// Remove a model; files in the hub's own cache stay
    Remove {
        /// The model
        id: String,
    },
    /// Write the folder with which an inference server serves a model
    #[command(after_help = export::HELP)]
    Export(ExportArguments),
    /// Show the graphs that were made of checkpoints and are kept for the next time
    #[command(after_help = CACHE_HELP)]
    Cache {
        /// Remove them all, with the recorded comparisons of devices; both are made again when needed
        #[arg(long)]
        clear: bool,
    },
}

const CACHE_HELP: &str = "\
Beyond 20 GB the least recently used graphs are removed; MERTSCOPE_GRAPH_CACHE_GB sets another
bound. XDG_CACHE_HOME names another place.";

const FETCH_HELP: &str = "\
Ctrl-C stops the download; the same command resumes it. The command shows the license and asks
once for your agreement; without a terminal, give --yes or --accept-licence.

Heads that were published for the model, for key, genre and more, come along. For a model that is
installed already the command fetches the heads that are missing.";

const IMPORT_HELP: &str = "\
On a machine with a network, save these files of the model's page on the hub into a folder:
config.json, preprocessor_config.json, and pytorch_model.bin or model.safetensors.";

/// Agreement to a license without a question.
#[derive(Debug, Args)]
#[group(multiple = false)]
pub(crate) struct ConsentArguments {
    /// Agree to the licenses of the model and its heads without a question
    #[arg(long, short)]
    pub yes: bool,
    /// Agree to this license of the model alone, for example CC-BY-NC-4.0
    #[arg(long = "accept-licence", value_name = "LICENSE")]
    pub accept_license: Option<String>,
}

/// The arithmetic of a checkpoint's graph.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum PrecisionArgument {
    Auto,
    Fp32,
    Fp16,
    Int8,
    Int8Fast,
}

impl PrecisionArgument {
    /// The precision; `None` for the one that suits the device.
    fn precision(self) -> Option<Precision> {
        match self {
            Self::Auto => None,
            Self::Fp32 => Some(Precision::Fp32),
            Self::Fp16 => Some(Precision::Fp16),
            Self::Int8 => Some(Precision::Int8),
            Self::Int8Fast => Some(Precision::Int8Fast),
        }
    }
}

/// The model, and the options that run it.
#[derive(Debug, Args)]
pub(crate) struct ModelArguments {
    /// Model id, or the folder of a model or checkpoint [default: the embedded model]
    #[arg(long, value_name = "ID|FOLDER")]
    pub model: Option<String>,
    /// Threads that share the work on one window [default: one per core, at most 4]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=256))]
    pub threads: Option<u16>,
    /// Device that runs the model: auto, cpu, remote, or a provider such as cuda, directml, coreml or openvino
    #[arg(long, value_name = "DEVICE", default_value = "auto")]
    device: Choice,
    /// Inference server of --device remote, such as http://192.168.1.20:8000 [default: MERTSCOPE_SERVER]
    #[arg(long, value_name = "URL", value_parser = server)]
    server: Option<String>,
    /// Length of a window, for models that accept several [default: the model's own]
    #[arg(long, value_name = "SECONDS", value_parser = seconds)]
    pub window: Option<f64>,
    /// Arithmetic of a checkpoint's graph: auto is fp32; int8 and, less exact, int8-fast are faster on a CPU, fp16 on a GPU
    #[arg(long, value_enum, default_value_t = PrecisionArgument::Auto)]
    precision: PrecisionArgument,
    /// Folder with music on which int8 is calibrated when a model is first used with it [default: the demo pieces]
    #[arg(long, value_name = "FOLDER")]
    pub calibration: Option<PathBuf>,
    /// Library with an execution provider, in addition to the installed providers
    #[arg(long, value_name = "FILE")]
    pub provider_library: Option<PathBuf>,
}

impl ModelArguments {
    /// The device, with the server when one is named.
    pub(crate) fn device(&self) -> Choice {
        match (&self.device, &self.server) {
            (Choice::Remote { .. }, Some(server)) => Choice::remote(server),
            (device, _) => device.clone(),
        }
    }

    /// Checks that the device and the server fit together.
    pub(crate) fn check_server(&self) -> Result<(), UsageError> {
        let is_remote = matches!(self.device, Choice::Remote { .. });
        let text = match (is_remote, &self.server) {
            (false, Some(_)) => "--server is for --device remote: add that, or omit the server.",
            (true, None)
                if self.device == Choice::remote("")
                    && std::env::var_os("MERTSCOPE_SERVER").is_none() =>
            {
                "--device remote needs a server: name it with --server URL or in MERTSCOPE_SERVER."
            }
            _ => return Ok(()),
        };
        Err(UsageError(text.to_owned()))
    }

    /// The arithmetic to use; `None` for the one that suits the device.
    pub(crate) fn precision(&self) -> Option<Precision> {
        self.precision.precision()
    }

    /// The number of threads to use.
    pub(crate) fn threads(&self) -> usize {
        // A 5-s window is too little work to share among more than a few cores.
        let cores = || std::thread::available_parallelism().map_or(1, |n| n.get().min(4));
        self.threads.map_or_else(cores, usize::from)
    }
}

const ANALYZE_EXAMPLES: &str = "\
Examples:
  mertscope analyze song.flac
  mertscope analyze Music/ --jsonl > results.jsonl
  mertscope analyze song.flac --head genre         GTZAN's ten genres instead of styles
  mertscope analyze set.mp3 --hop 5 --plot set.png --midi set.mid
  mertscope analyze Music/ --out keys/ --resume    Parquet parts; goes on where it ended
  cat song.wav | mertscope analyze - --json | jq '.files[0].summary.key'

Formats: WAV, Wave64, AIFF, CAF, FLAC, MP1 to MP3, Ogg Vorbis, Opus, AAC/M4A, and the audio of MP4,
MOV, Matroska and WebM. When a file fails, the command reports it, goes on with the others, and ends
with exit code 1. Results go to standard output, all other text to standard error.";

#[derive(Debug, Args)]
pub(crate) struct AnalyzeArguments {
    /// Audio files, folders (searched for audio), or - for standard input
    #[arg(required_unless_present = "files_from", value_name = "FILE|FOLDER|-")]
    pub inputs: Vec<PathBuf>,
    #[command(flatten)]
    pub batch: BatchArguments,
    /// Write Parquet parts into this folder, one row per file (docs/scale.md)
    #[arg(long, short, value_name = "FOLDER", group = "format", conflicts_with_all = ["plot", "midi"])]
    pub out: Option<PathBuf>,
    #[command(flatten)]
    pub parts: PartArguments,
    /// Print one JSON document (assets/schema/analyze.schema.json)
    #[arg(long, group = "format")]
    pub json: bool,
    /// Print one line of JSON per file, as soon as the file is done
    #[arg(long, group = "format")]
    pub jsonl: bool,
    /// Print one row of comma-separated values per window
    #[arg(long, group = "format")]
    pub csv: bool,
    /// Draw key and genre over time into a .png or .svg file, one per input
    #[arg(long, value_name = "OUT.png|OUT.svg", value_parser = picture)]
    pub plot: Option<PathBuf>,
    /// Write the key changes as markers and key signatures into a .mid file, one per input; at 120 beats
    /// per minute in a DAW, the file lines up with the audio
    #[arg(long, value_name = "OUT.mid", value_parser = midi)]
    pub midi: Option<PathBuf>,
    /// Seconds between the starts of two windows; rounded to whole frames of 320 samples
    #[arg(long, value_name = "SECONDS", default_value_t = 1.0, value_parser = seconds)]
    pub hop: f64,
    /// Don't smooth results over time
    #[arg(long)]
    pub no_smoothing: bool,
    /// Let this head answer for its task, where a model has several; `mertscope heads list` names them.
    /// May be given several times
    #[arg(long = "head", value_name = "NAME")]
    pub heads: Vec<String>,
    /// Print results and errors only
    #[arg(long, short)]
    pub quiet: bool,
    #[command(flatten)]
    pub model: ModelArguments,
}

fn server(text: &str) -> Result<String, String> {
    let checked = check_address(text).map(|()| text.to_owned());
    checked.map_err(|error| error.to_string())
}

fn seconds(text: &str) -> Result<f64, String> {
    text.parse()
        .ok()
        .filter(|s: &f64| *s > 0.0 && *s <= 86_400.0)
        .ok_or_else(|| "give seconds above 0, at most 86400 (a day)".to_owned())
}

fn picture(text: &str) -> Result<PathBuf, String> {
    with_extension(text, &["png", "svg"])
}

fn midi(text: &str) -> Result<PathBuf, String> {
    with_extension(text, &["mid", "midi"])
}

fn with_extension(text: &str, allowed: &[&str]) -> Result<PathBuf, String> {
    let path = PathBuf::from(text);
    let extension = path
        .extension()
        .and_then(|e| e.to_str())
        .unwrap_or_default();
    if allowed.contains(&extension.to_lowercase().as_str()) {
        Ok(path)
    } else {
        Err(format!(
            "the file name must end in .{}",
            allowed.join(" or .")
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_command_line_is_consistent() {
        CommandLine::command().debug_assert();
    }

    #[test]
    fn times_are_positive_and_finite() {
        assert_eq!(seconds("0.5"), Ok(0.5));
        for wrong in ["0", "-1", "NaN", "inf", "1e9", "x"] {
            assert!(seconds(wrong).is_err(), "{wrong}");
        }
    }
}
