//! `cargo xtask run`: the standalone app, built and opened.

use std::ffi::OsString;
use std::process::ExitCode;

use anyhow::Result;

use crate::process::{self, Progress};
use crate::setup::{self, Goal};
use crate::standalone::Standalone;
use crate::workspace::Workspace;

/// What `--help` prints.
pub const HELP: &str = "\
Builds the standalone app and opens it.

Usage: cargo xtask run [--] [ARGUMENTS]

It first gets what is missing (see `cargo xtask setup --help`), then builds the app in release, which takes a few minutes
the first time. The arguments are the app's own: `cargo xtask run -- --help` lists them. The exit code is the app's.

Examples:
  cargo xtask run
  cargo xtask run -- --file song.flac
  cargo xtask run -- --headless --json
";

/// Sets up, builds, runs; hands on the app's exit code.
pub fn run(workspace: &Workspace, arguments: &[OsString]) -> Result<ExitCode> {
    setup::run(workspace, Goal::Run)?;
    let app = Standalone::build(workspace)?;
    let (status, _) = process::status("Mertscope", Progress::Talks, &mut app.run(arguments))?;
    Ok(process::exit_code(status))
}
