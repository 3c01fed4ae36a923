//! What can be typed about heads.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use mertscope_heads::head::Outputs;

use super::{DataArguments, Layers, ModelArguments, layers, picture, with_extension};

#[derive(Debug, Subcommand)]
pub(crate) enum HeadsCommand {
    /// Fit a head on labeled music, and say how good it is on what it was not fitted on
    #[command(after_help = TRAIN_EXAMPLES)]
    Train(TrainArguments),
    /// Judge a head on labeled music
    #[command(after_help = EVAL_EXAMPLES)]
    Eval(EvalArguments),
    /// List the heads of a model
    List {
        #[command(flatten)]
        model: ModelArguments,
    },
    /// Say what a head is, what it was fitted on and how good it is
    Info {
        /// The head's name, or its file
        head: String,
        #[command(flatten)]
        model: ModelArguments,
    },
    /// Take a head's file in
    #[command(after_help = IMPORT_EXAMPLES)]
    Import(ImportArguments),
    /// Write a head into a file of its own
    Export {
        /// The head's name
        head: String,
        /// Where to write
        #[arg(long, short, value_name = "OUT.safetensors", value_parser = file)]
        out: PathBuf,
        #[command(flatten)]
        model: ModelArguments,
    },
    /// Remove a head of one's own
    Remove {
        /// The head's name
        head: String,
        #[command(flatten)]
        model: ModelArguments,
    },
}

const TRAIN_EXAMPLES: &str = "\
Examples:
  mertscope heads train --data Moods/ --task mood            a folder of audio for each label
  mertscope heads train --data labels.csv --task genre --label-column genre --group-column artist
  mertscope heads train --data Loops/ --task instrument --model MERT-v1-95M --hidden 64

Every hidden state, and where the model allows it their weighted sum, is compared by cross-validation
in groups. Embeddings are kept, so that a second run is fast. A table needs the columns “file” and
“label”; a head for the task “key” takes keys such as “A minor”, 8A or 1m.";

const EVAL_EXAMPLES: &str = "\
Examples:
  mertscope heads eval genre --data labels.csv --label-column genre
  mertscope heads eval key --data labels.csv --label-column key --json | jq .files.key.weighted
  mertscope heads eval mood --data Moods/ --picture confusion.png

Files that the head was fitted on flatter it; `mertscope heads info` shows its figures on held-out ones.";

const IMPORT_EXAMPLES: &str = "\
Examples:
  mertscope heads import mood.safetensors --name mood
  mertscope heads import GS.ckpt --model MERT-v1-95M --task key --labels GS.id2class.json
  mertscope heads import MTGMood.ckpt --model MERT-v1-95M --task MTG-Mood --labels MTGMood.id2class.json

A published head was fitted on whole clips of 30 s; it is not calibrated for windows. The hidden state
that it reads is the one of MARBLE's configuration for the task, or --layer. A label file is the .json
that is published with the head, or has a label on each line; keys may be in any notation.";

#[derive(Debug, Args)]
pub(crate) struct TrainArguments {
    #[command(flatten)]
    pub data: DataArguments,
    /// What the head tells: genre, key, mood, …
    #[arg(long, value_name = "NAME")]
    pub task: String,
    /// The head's name [default: the task, with “-own” where the model has a head of that name]
    #[arg(long, value_name = "NAME")]
    pub name: Option<String>,
    /// Hidden states to compare, by index: 0,7,8 or all
    #[arg(long, default_value = "all", value_parser = layers)]
    pub layers: Layers,
    /// Leave the weighted sum of layers out of the comparison
    #[arg(long)]
    pub no_mix: bool,
    /// Units of a hidden layer in front of the output [default: none, the head is linear]
    #[arg(long, value_name = "UNITS", value_parser = clap::value_parser!(u16).range(1..=4096))]
    pub hidden: Option<u16>,
    /// Let the head read single frames instead of whole windows, 50 or 75 a second of a MERT model, 4 of
    /// the embedded one: for what changes within seconds
    #[arg(long)]
    pub frames: bool,
    /// Decides how files are dealt into folds
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub seed: u64,
    /// What the music is, for those who read the head's description [default: its name and size]
    #[arg(long, value_name = "TEXT")]
    pub describe: Option<String>,
    /// The head's license, for those you give it to
    #[arg(long = "licence", value_name = "TEXT", default_value = "")]
    pub license: String,
    /// Write the head into this file instead of putting it to use
    #[arg(long, short, value_name = "OUT.safetensors", value_parser = file)]
    pub out: Option<PathBuf>,
    /// Draw the confusion of the files' labels into a .png or .svg file
    #[arg(long, value_name = "OUT.png|OUT.svg", value_parser = picture)]
    pub picture: Option<PathBuf>,
    /// Print one JSON document
    #[arg(long)]
    pub json: bool,
    #[command(flatten)]
    pub model: ModelArguments,
}

#[derive(Debug, Args)]
pub(crate) struct EvalArguments {
    /// The head's name, or its file
    pub head: String,
    #[command(flatten)]
    pub data: DataArguments,
    /// Draw the confusion of the files' labels into a .png or .svg file
    #[arg(long, value_name = "OUT.png|OUT.svg", value_parser = picture)]
    pub picture: Option<PathBuf>,
    /// Print one JSON document
    #[arg(long)]
    pub json: bool,
    #[command(flatten)]
    pub model: ModelArguments,
}

#[derive(Debug, Args)]
pub(crate) struct ImportArguments {
    /// A head: .safetensors, or a published head of MARBLE: .ckpt
    #[arg(value_name = "HEAD.safetensors|HEAD.ckpt")]
    pub file: PathBuf,
    /// For a .ckpt: its labels, GS.id2class.json or one a line in the order of the outputs
    #[arg(long, value_name = "LABELS.json|LABELS.txt")]
    pub labels: Option<PathBuf>,
    /// For a .ckpt: what it tells
    #[arg(long, value_name = "NAME")]
    pub task: Option<String>,
    /// For a .ckpt: the hidden state it reads, by MARBLE's numbers (0 is the embedding)
    /// [default: the one that MARBLE's configuration names for the task]
    #[arg(long, value_name = "N")]
    pub layer: Option<usize>,
    /// For a .ckpt: what its outputs are [default: multilabel for MTG and MTT, regression for EMO,
    /// else multiclass]
    #[arg(long, value_name = "multiclass|multilabel|regression", value_parser = outputs)]
    pub outputs: Option<Outputs>,
    /// The head's name [default: the file's]
    #[arg(long, value_name = "NAME")]
    pub name: Option<String>,
    #[command(flatten)]
    pub model: ModelArguments,
}

fn outputs(text: &str) -> Result<Outputs, String> {
    let mut all = Outputs::ALL.into_iter();
    all.find(|outputs| outputs.name() == text)
        .ok_or_else(|| "it is multiclass, multilabel or regression".to_owned())
}

fn file(text: &str) -> Result<PathBuf, String> {
    with_extension(text, &["safetensors"])
}
