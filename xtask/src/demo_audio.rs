//! `cargo xtask demo-audio`: renders `assets/demo` again, with the crate in `xtask/demo-audio`.
//!
//! That crate runs as a child, so that no other command has to wait until it is built.

use std::process::ExitCode;

use anyhow::Result;

use crate::process::{self, Progress};
use crate::workspace::Workspace;

/// The part of `--help` after the options.
pub(crate) const HELP: &str = "\
The scores are in xtask/demo-audio/src/pieces. Needed only after a change to a score: the audio is
committed. Takes fluidsynth, fluid-soundfont-gm and ffmpeg from Debian; the same versions give the
same bytes.";

/// Renders every piece and writes their list; returns the child's exit code.
pub(crate) fn run(workspace: &Workspace) -> Result<ExitCode> {
    let mut renderer = workspace.cargo(["run", "--quiet", "--package", "mertscope-demo-audio"]);
    renderer.arg("--").arg(workspace.file("assets/demo"));
    let (status, _) = process::status("Rendering the demo pieces", Progress::Talks, &mut renderer)?;
    Ok(process::exit_code(status))
}
