//! What can be typed to fit things on music of one's own.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::ModelArguments;

#[derive(Debug, Subcommand)]
pub(crate) enum MapCommand {
    /// Fit the map of a model on a spread of music
    #[command(after_help = FIT_EXAMPLES)]
    Fit(MapFitArguments),
    /// Say what a model's map was fitted on and what it shows
    Info {
        #[command(flatten)]
        model: ModelArguments,
    },
    /// Remove the map that was fitted here; one that came with the model is used again
    Remove {
        #[command(flatten)]
        model: ModelArguments,
    },
}

const FIT_EXAMPLES: &str = "\
Examples:
  mertscope map fit --data Music/ --model MERT-v1-95M
  mertscope map fit --data labels.csv --label-column genre

Each folder right inside of --data, or each label of the table, becomes a landmark. The map is kept
in the user's data folder and used from then on.";

#[derive(Debug, Args)]
pub(crate) struct MapFitArguments {
    #[command(flatten)]
    pub data: DataArguments,
    /// Hidden state to project [default: the one that the genre head reads, or the model's default]
    #[arg(long, value_name = "N")]
    pub layer: Option<usize>,
    /// What the music is, for those who read the map's description [default: its name and size]
    #[arg(long, value_name = "TEXT")]
    pub describe: Option<String>,
    /// Write the map into this file instead of putting it to use
    #[arg(long, short, value_name = "OUT.safetensors")]
    pub out: Option<PathBuf>,
    #[command(flatten)]
    pub model: ModelArguments,
}

/// Labeled music.
#[derive(Debug, Args)]
pub(crate) struct DataArguments {
    /// A folder with a folder of audio for each label, or a table (.csv) of files and labels
    #[arg(long, value_name = "FOLDER|LABELS.csv")]
    pub data: PathBuf,
    /// The table's column of labels
    #[arg(long, value_name = "NAME", default_value = "label")]
    pub label_column: String,
    /// The table's column of files; relative ones are beside the table
    #[arg(long, value_name = "NAME", default_value = "file")]
    pub file_column: String,
    /// The table's column of groups: files of one group, such as one artist, are never on both
    /// sides of a test [default: each file is a group]
    #[arg(long, value_name = "NAME")]
    pub group_column: Option<String>,
    /// Windows taken of each file, spread evenly over it
    #[arg(long, value_name = "N", default_value_t = 6, value_parser = clap::value_parser!(u16).range(1..=1000))]
    pub windows: u16,
    /// Print results and errors only
    #[arg(long, short)]
    pub quiet: bool,
}
