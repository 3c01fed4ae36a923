//! `cargo xtask demo`: from a fresh clone to an answer.

use std::fs;
use std::path::Path;
use std::process::ExitCode;

use anyhow::{Context, Result};

use crate::mertscope::Mertscope;
use crate::process::{self, Progress};
use crate::setup::{self, Goal};
use crate::workspace::Workspace;

/// What `--help` prints.
pub const HELP: &str = "\
Analyses the demo pieces in assets/demo: prints their genre and key, and draws both over time.

Usage: cargo xtask demo

It first gets what is missing (see `cargo xtask setup --help`), then builds the `mertscope` command in release,
which takes a few minutes the first time. The plots are written to target/demo, one for each piece.
The exit code is that of `mertscope analyze`.

Example:
  cargo xtask demo
";

/// Sets up, builds, analyses; hands on the exit code of `mertscope analyze`.
pub fn run(workspace: &Workspace) -> Result<ExitCode> {
    setup::run(workspace, Goal::Demo)?;
    let mertscope = Mertscope::build(workspace)?;

    let folder = workspace.target.join("demo");
    fs::create_dir_all(&folder)
        .with_context(|| format!("the folder {} cannot be made", folder.display()))?;
    let plot = folder.join("demo.png");
    let mut analyze = mertscope.analyze(Path::new("assets/demo"));
    // Names in the table are then those of the repository.
    analyze.current_dir(workspace.file(""));
    let (status, _) = process::status(
        "Analysing the demo pieces",
        Progress::Talks,
        analyze.arg("--plot").arg(&plot),
    )?;
    if status.success() {
        println!("Pictures of key and genre over time: {}", folder.display());
    }
    // A child that a signal ended has no code.
    let code = status
        .code()
        .and_then(|code| u8::try_from(code).ok())
        .unwrap_or(1);
    Ok(ExitCode::from(code))
}
