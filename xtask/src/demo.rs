//! `cargo xtask demo`: analyzes the demo pieces and plays one, from a fresh clone on.

use std::fs;
use std::path::Path;
use std::process::ExitCode;

use anyhow::{Context, Result};

use crate::mertscope::Mertscope;
use crate::process::{self, Progress};
use crate::setup::{self, Goal};
use crate::standalone::Standalone;
use crate::workspace::Workspace;

/// The part of `--help` after the options.
pub(crate) const HELP: &str = "\
It first gets what is missing (see `cargo xtask setup --help`), then builds the `mertscope` command
in release, which takes a few minutes the first time. It analyzes the pieces in assets/demo, prints
their genre and key, and writes a plot per piece to target/demo.

At the end the standalone app plays a piece in its window, until the window is closed. Without a
display, or with CI set, it prints its live results for a few seconds instead. When the app can't be
built because the development files of ALSA and JACK are missing, the command says so and leaves
this part out. The exit code is that of `mertscope analyze`.

Example:
  cargo xtask demo";

/// The piece that is played at the end, and for how long without a display.
const LIVE_PIECE: &str = "assets/demo/two-rooms.ogg";
const LIVE_S: u32 = 10;

/// Sets up, builds, analyzes, plays; returns the exit code of `mertscope analyze`.
pub(crate) fn run(workspace: &Workspace) -> Result<ExitCode> {
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
        "Analyzing the demo pieces",
        Progress::Talks,
        analyze.arg("--plot").arg(&plot),
    )?;
    if status.success() {
        println!("Pictures of key and genre over time: {}", folder.display());
    }
    if let Err(error) = live(workspace) {
        eprintln!("    The live part of the demo is left out: {error:#}");
    }
    Ok(process::exit_code(status))
}

/// Plays a piece in the standalone app.
fn live(workspace: &Workspace) -> Result<()> {
    setup::run(workspace, Goal::Run)?;
    let app = Standalone::build(workspace)?;
    let piece = workspace.file(LIVE_PIECE);
    process::run(
        "Listening to a demo piece live",
        Progress::Talks,
        &mut app.play(&piece, LIVE_S),
    )?;
    Ok(())
}
