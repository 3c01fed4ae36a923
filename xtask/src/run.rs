//! `cargo xtask run`: builds the standalone app and opens it.

use std::ffi::OsString;
use std::process::ExitCode;

use anyhow::Result;

use crate::process::{self, Progress};
use crate::setup::{self, Goal};
use crate::standalone::Standalone;
use crate::workspace::Workspace;

/// The part of `--help` after the options.
pub(crate) const HELP: &str = "\
It first gets what is missing (see `cargo xtask setup --help`), then builds the app in release,
which takes a few minutes the first time. The exit code is the app's.

Examples:
  cargo xtask run
  cargo xtask run -- --file song.flac
  cargo xtask run -- --headless --json";

/// Sets up, builds, runs; returns the app's exit code.
pub(crate) fn run(workspace: &Workspace, arguments: &[OsString]) -> Result<ExitCode> {
    setup::run(workspace, Goal::Run)?;
    let app = Standalone::build(workspace)?;
    let (status, _) = process::status("Mertscope", Progress::Talks, &mut app.run(arguments))?;
    Ok(process::exit_code(status))
}
