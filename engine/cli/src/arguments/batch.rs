//! Arguments of work on many files: lists, shards, Parquet parts.

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use mertscope_parts::{Limits, Shard};

/// The files that a run does.
#[derive(Debug, Args)]
pub(crate) struct BatchArguments {
    /// Process one of N shards of the files, 0/N to N-1/N
    #[arg(long, value_name = "I/N")]
    pub shard: Option<Shard>,
    /// Read the files' paths from a list, one per line or with NUL between them; - is standard input
    #[arg(long, value_name = "LIST|-")]
    pub files_from: Option<PathBuf>,
    /// Folder that all files are in; shards and parts know a file by its path inside it [default: the one folder that
    /// is given, else the current folder]
    #[arg(long, value_name = "FOLDER")]
    pub root: Option<PathBuf>,
}

/// How Parquet parts are written.
#[derive(Debug, Args)]
pub(crate) struct PartArguments {
    /// Go on with the parts in --out: only new and changed files are processed
    #[arg(long, requires = "out")]
    pub resume: bool,
    /// Most files in a part
    #[arg(long, value_name = "N", default_value_t = 1000, value_parser = clap::value_parser!(u32).range(1..))]
    part_files: u32,
    /// Minutes after which a part is written, with fewer files in it
    #[arg(long, value_name = "MINUTES", default_value_t = 10.0, value_parser = minutes)]
    part_minutes: f64,
}

impl PartArguments {
    /// When a part ends.
    pub(crate) fn limits(&self) -> Limits {
        Limits {
            files: self.part_files as usize,
            time: Duration::from_secs_f64(self.part_minutes * 60.0),
        }
    }
}

#[derive(Debug, Args)]
pub(crate) struct MergeArguments {
    /// The folder with the parts
    pub folder: PathBuf,
    /// Output file
    #[arg(long, short, value_name = "OUT.parquet")]
    pub out: PathBuf,
    /// Print errors only
    #[arg(long, short)]
    pub quiet: bool,
}

fn minutes(text: &str) -> Result<f64, String> {
    text.parse()
        .ok()
        .filter(|minutes: &f64| *minutes > 0.0 && *minutes <= 10_080.0)
        .ok_or_else(|| "give minutes above 0, at most 10080 (a week)".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn minutes_are_positive_and_finite() {
        assert_eq!(minutes("0.5"), Ok(0.5));
        for wrong in ["0", "-1", "NaN", "inf", "1e9", "x"] {
            assert!(minutes(wrong).is_err(), "{wrong}");
        }
    }
}
