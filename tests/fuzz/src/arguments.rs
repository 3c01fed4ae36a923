//! Command-line arguments of the driver.

use std::path::PathBuf;

use clap::Parser;

const EXAMPLES: &str = "\
Examples:
  mertscope-fuzz --seconds 60
  mertscope-fuzz --seconds 600 decode pickle
  mertscope-fuzz decode --input tests/fuzz/artifacts/decode/0123456789abcdef

Exit codes: 0 nothing was found, 1 an input failed, 2 the command line is wrong.";

/// Fuzzes the code that reads untrusted bytes: mutates seeds and runs them through the targets.
#[derive(Debug, Parser)]
#[command(name = "mertscope-fuzz", after_help = EXAMPLES)]
pub(crate) struct Arguments {
    /// Targets to fuzz [default: all]
    #[arg(value_name = "TARGET")]
    pub(crate) targets: Vec<String>,
    /// Seconds per target
    #[arg(long, value_name = "N", default_value_t = 60)]
    pub(crate) seconds: u64,
    /// Number that all changes follow from [default: another one in each run]
    #[arg(long, value_name = "N")]
    pub(crate) seed: Option<u64>,
    /// Run this file through one target, and nothing else
    #[arg(long, value_name = "FILE")]
    pub(crate) input: Option<PathBuf>,
    /// Folder for inputs that fail [default: tests/fuzz/artifacts]
    #[arg(long, value_name = "FOLDER")]
    pub(crate) artifacts: Option<PathBuf>,
    /// File for the number of the execution: the driver runs itself with it, once per target
    #[arg(long, value_name = "FILE", hide = true)]
    pub(crate) progress: Option<PathBuf>,
}
