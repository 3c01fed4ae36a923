//! Arguments of `mertscope map`, and of all commands that read labeled music.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::ModelArguments;

#[derive(Debug, Subcommand)]
pub(crate) enum MapCommand {
    /// Fit the map of a model on a wide range of music
    #[command(after_help = FIT_EXAMPLES)]
    Fit(MapFitArguments),
    /// Show a model's map: its training music and its landmarks
    Info {
        #[command(flatten)]
        model: ModelArguments,
    },
    /// Remove your own map; the model's own map is used again, if it has one
    Remove {
        #[command(flatten)]
        model: ModelArguments,
    },
}

const FIT_EXAMPLES: &str = "\
Examples:
  mertscope map fit --data Music/ --model MERT-v1-95M
  mertscope map fit --data labels.csv --label-column genre

Each folder directly inside --data, or each label of the table, becomes a landmark. The map is
stored in your data folder and used from then on.";

#[derive(Debug, Args)]
pub(crate) struct MapFitArguments {
    #[command(flatten)]
    pub data: DataArguments,
    /// Hidden state to project [default: the genre head's, or the model's default]
    #[arg(long, value_name = "N")]
    pub layer: Option<usize>,
    /// Description of the music, shown with the map [default: the data's name and size]
    #[arg(long, value_name = "TEXT")]
    pub describe: Option<String>,
    /// Write the map into this file instead of storing it
    #[arg(long, short, value_name = "OUT.safetensors")]
    pub out: Option<PathBuf>,
    #[command(flatten)]
    pub model: ModelArguments,
}

/// Labeled music.
#[derive(Debug, Args)]
pub(crate) struct DataArguments {
    /// A folder with one folder of audio per label, or a table (.csv) of files and labels
    #[arg(long, value_name = "FOLDER|LABELS.csv")]
    pub data: PathBuf,
    /// The table's column of labels
    #[arg(long, value_name = "NAME", default_value = "label")]
    pub label_column: String,
    /// The table's column of files; relative paths start at the table's folder
    #[arg(long, value_name = "NAME", default_value = "file")]
    pub file_column: String,
    /// The table's column of groups: a test never splits a group, such as one artist's files
    /// [default: each file is a group]
    #[arg(long, value_name = "NAME")]
    pub group_column: Option<String>,
    /// Windows per file, spread evenly over it
    #[arg(long, value_name = "N", default_value_t = 6, value_parser = clap::value_parser!(u16).range(1..=1000))]
    pub windows: u16,
    /// Print results and errors only
    #[arg(long, short)]
    pub quiet: bool,
}
