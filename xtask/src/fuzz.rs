//! `cargo xtask fuzz`: runs the fuzz driver in `tests/fuzz`, built in release.

use std::process::ExitCode;

use anyhow::Result;

use crate::process::{self, Progress};
use crate::workspace::Workspace;

/// The part of `--help` after the options.
pub(crate) const HELP: &str = "\
Mutates the seeds that are kept in tests/fuzz and gives them to the code that reads untrusted
bytes. It runs on the stable toolchain. It stops on the first input that panics, hangs, ends the
process or takes too much memory, and keeps that input; the exit code is then not 0.

Examples:
  cargo xtask fuzz --seconds 60
  cargo xtask fuzz --seconds 600 TARGET";

/// Runs the driver for `seconds` per target, on all targets if none is named; returns its exit code.
pub(crate) fn run(workspace: &Workspace, seconds: u64, targets: &[String]) -> Result<ExitCode> {
    let mut driver =
        workspace.cargo(["run", "--quiet", "--release", "--package", "mertscope-fuzz"]);
    driver.args(["--", "--seconds", &seconds.to_string()]);
    driver.args(targets);
    let (status, _) = process::status("Fuzzing", Progress::Talks, &mut driver)?;
    Ok(process::exit_code(status))
}
