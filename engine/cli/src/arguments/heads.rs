//! Arguments of `mertscope heads`.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};
use mertscope_heads::head::Outputs;

use super::{DataArguments, Layers, ModelArguments, layers, picture, with_extension};

#[derive(Debug, Subcommand)]
pub(crate) enum HeadsCommand {
    /// Fit a head on labeled music, and report its scores on held-out files
    #[command(after_help = TRAIN_EXAMPLES)]
    Train(TrainArguments),
    /// Evaluate a head on labeled music
    #[command(after_help = EVAL_EXAMPLES)]
    Eval(EvalArguments),
    /// Compare models and their heads on labeled music, beside published figures
    #[command(after_help = BENCH_EXAMPLES)]
    Bench(BenchArguments),
    /// List the heads of a model
    List {
        #[command(flatten)]
        model: ModelArguments,
    },
    /// Show a head's description, training data and scores
    Info {
        /// The head's name, or its file
        head: String,
        #[command(flatten)]
        model: ModelArguments,
    },
    /// Import a head from a file
    #[command(after_help = IMPORT_EXAMPLES)]
    Import(ImportArguments),
    /// Write a head into a file of its own
    Export {
        /// The head's name
        head: String,
        /// Output file
        #[arg(long, short, value_name = "OUT.safetensors", value_parser = file)]
        out: PathBuf,
        #[command(flatten)]
        model: ModelArguments,
    },
    /// Remove one of your own heads
    Remove {
        /// The head's name
        head: String,
        #[command(flatten)]
        model: ModelArguments,
    },
}

const TRAIN_EXAMPLES: &str = "\
Examples:
  mertscope heads train --data Moods/ --task mood            one folder of audio per label
  mertscope heads train --data labels.csv --task genre --label-column genre --group-column artist
  mertscope heads train --data Loops/ --task instrument --model MERT-v1-95M --hidden 64
  mertscope heads train --recipe giantsteps --data giantsteps-key-dataset/ --model MERT-v2-30s

A recipe reads a public data set as it is published: GiantSteps key (a .key file per track), GTZAN
with its fault-filtered split (three lists, the last of which is for the test), FMAK or FMAKv2.

Cross-validation in groups compares all hidden states and, if the model allows it, their weighted
sum. Embeddings are cached, so that a second run is fast. A table needs the columns “file” and
“label”; for the task “key”, labels are keys such as “A minor”, 8A or 1m.";

const EVAL_EXAMPLES: &str = "\
Examples:
  mertscope heads eval genre --data labels.csv --label-column genre
  mertscope heads eval key --data labels.csv --label-column key --json | jq .files.key.weighted
  mertscope heads eval mood --data Moods/ --picture confusion.png
  mertscope heads eval key --data labels.csv --label-column key --group-column artist --confidence

On its own training files a head scores too well; `mertscope heads info` shows its scores on
held-out files.";

const BENCH_EXAMPLES: &str = "\
Examples:
  mertscope heads bench --recipe giantsteps --data giantsteps-key-dataset/
  mertscope heads bench --data labels.csv --label-column key --task key --models embedded,MERT-v1-95M

Heads that were fitted on the same files score too well. Published figures are of GiantSteps' 604
original labels, and are shown beside that set alone.";

const IMPORT_EXAMPLES: &str = "\
Examples:
  mertscope heads import mood.safetensors --name mood
  mertscope heads import GS.ckpt --model MERT-v1-95M --task key --labels GS.id2class.json
  mertscope heads import MTGMood.ckpt --model MERT-v1-95M --task MTG-Mood --labels MTGMood.id2class.json

A published head was fitted on whole clips of 30 s; it is not calibrated for windows. It reads the
hidden state of MARBLE's configuration for the task, or the one that --layer names. A label file is
the .json published with the head, or a text with one label per line; keys may be in any notation.";

#[derive(Debug, Args)]
pub(crate) struct TrainArguments {
    #[command(flatten)]
    pub data: DataArguments,
    /// Public data set in --data, in the layout in which it is published
    #[arg(long, value_enum)]
    pub recipe: Option<Recipe>,
    /// The question that the head answers: genre, key, mood, … [default: the recipe's]
    #[arg(long, value_name = "NAME", required_unless_present = "recipe")]
    pub task: Option<String>,
    /// The head's name [default: the task, with “-own” if the model has a head of that name]
    #[arg(long, value_name = "NAME")]
    pub name: Option<String>,
    /// Hidden states to compare, by index: 0,7,8 or all [default: all; with a recipe, those around the one
    /// that is recommended for the task]
    #[arg(long, value_parser = layers)]
    pub layers: Option<Layers>,
    /// Leave the weighted sum of layers out of the comparison
    #[arg(long)]
    pub no_mix: bool,
    /// Units of a hidden layer before the output [default: none, the head is linear]
    #[arg(long, value_name = "UNITS", value_parser = clap::value_parser!(u16).range(1..=4096))]
    pub hidden: Option<u16>,
    /// Let the head read single frames instead of whole windows, for labels that change within seconds:
    /// 25 to 75 frames per second from a published model, 4 from the embedded model
    #[arg(long)]
    pub frames: bool,
    /// Seed of the folds
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub seed: u64,
    /// Description of the music, shown with the head [default: the data's name and size]
    #[arg(long, value_name = "TEXT")]
    pub describe: Option<String>,
    /// License of the head, stored in its file
    #[arg(long = "licence", value_name = "TEXT", default_value = "")]
    pub license: String,
    /// Write the head into this file instead of storing it
    #[arg(long, short, value_name = "OUT.safetensors", value_parser = file)]
    pub out: Option<PathBuf>,
    /// Draw the files' confusion matrix into a .png or .svg file
    #[arg(long, value_name = "OUT.png|OUT.svg", value_parser = picture)]
    pub picture: Option<PathBuf>,
    /// Print one JSON document
    #[arg(long)]
    pub json: bool,
    #[command(flatten)]
    pub model: ModelArguments,
}

/// A public data set.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Recipe {
    /// GiantSteps key: electronic dance music, one annotation file per track
    Giantsteps,
    /// GTZAN with its fault-filtered split: ten genres
    Gtzan,
    /// FMAK or FMAKv2: keys of the Free Music Archive, one table
    Fmak,
}

impl Recipe {
    /// The task of its heads.
    pub(crate) fn task(self) -> &'static str {
        match self {
            Self::Giantsteps | Self::Fmak => "key",
            Self::Gtzan => "genre",
        }
    }
}

impl TrainArguments {
    /// The question that the head answers; empty without one.
    pub(crate) fn task(&self) -> &str {
        let of_recipe = self.recipe.map(Recipe::task);
        self.task.as_deref().or(of_recipe).unwrap_or_default()
    }
}

#[derive(Debug, Args)]
pub(crate) struct BenchArguments {
    #[command(flatten)]
    pub data: DataArguments,
    /// Public data set in --data, in the layout in which it is published
    #[arg(long, value_enum)]
    pub recipe: Option<Recipe>,
    /// The question whose heads are compared [default: the recipe's]
    #[arg(long, value_name = "NAME", required_unless_present = "recipe")]
    pub task: Option<String>,
    /// Models to compare, by id or folder, with commas; “embedded” is the built-in one
    /// [default: the embedded model and all installed ones]
    #[arg(long, value_name = "ID,…", value_delimiter = ',')]
    pub models: Vec<String>,
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
    /// Judge what is shown of whole files, live and in their summaries: calibration, what is named, the first labels
    /// and how often labels change, with intervals over groups (--group-column)
    #[arg(long)]
    pub confidence: bool,
    /// Draw the files' confusion matrix into a .png or .svg file; with --confidence, accuracy where named against the
    /// share named
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
    /// A head (.safetensors), or a published head of MARBLE (.ckpt)
    #[arg(value_name = "HEAD.safetensors|HEAD.ckpt")]
    pub file: PathBuf,
    /// For a .ckpt: its label file, such as GS.id2class.json, or a text with one label per line in the
    /// order of the outputs
    #[arg(long, value_name = "LABELS.json|LABELS.txt")]
    pub labels: Option<PathBuf>,
    /// For a .ckpt: the question that it answers
    #[arg(long, value_name = "NAME")]
    pub task: Option<String>,
    /// For a .ckpt: the hidden state that it reads, by MARBLE's numbers (0 is the embedding)
    /// [default: that of MARBLE's configuration for the task]
    #[arg(long, value_name = "N")]
    pub layer: Option<usize>,
    /// For a .ckpt: the meaning of its outputs [default: multilabel for MTG and MTT, regression for EMO,
    /// else multiclass]
    #[arg(long, value_name = "multiclass|multilabel|regression", value_parser = outputs)]
    pub outputs: Option<Outputs>,
    /// The head's name [default: the file's name]
    #[arg(long, value_name = "NAME")]
    pub name: Option<String>,
    #[command(flatten)]
    pub model: ModelArguments,
}

fn outputs(text: &str) -> Result<Outputs, String> {
    let mut all = Outputs::ALL.into_iter();
    all.find(|outputs| outputs.name() == text)
        .ok_or_else(|| "give multiclass, multilabel or regression".to_owned())
}

fn file(text: &str) -> Result<PathBuf, String> {
    with_extension(text, &["safetensors"])
}
