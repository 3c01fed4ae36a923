//! Figures of the plugin in a host: what a host's scan takes, what a block costs the audio callback,
//! how long after its last sample a window's answer is there, what 16 instances take, and what an
//! open window costs. Examples of the tests crate measure and print, as they take a plugin host;
//! here they only get the plugin. There are no rows: what is printed has a shape of its own.

use std::env::consts::{DLL_PREFIX, DLL_SUFFIX};

use anyhow::Result;

use super::Bench;
use super::table::Row;
use crate::process::{self, Progress};
use crate::setup::{self, Goal};

/// The audio callback and the answers.
pub fn live(bench: &Bench) -> Result<Vec<Row>> {
    let what = "Measuring in real time, 20 s for each of seven";
    measure(bench, "live_figures", what)
}

/// An open window, on a screen of its own.
pub fn window(bench: &Bench) -> Result<Vec<Row>> {
    setup::run(bench.workspace, Goal::Screen)?;
    let what = "Measuring in real time, 10 s for each of four";
    measure(bench, "window_figures", what)
}

fn measure(bench: &Bench, example: &str, what: &str) -> Result<Vec<Row>> {
    let workspace = bench.workspace;
    let mut plugin = workspace.cargo(["build", "--release", "--package", "mertscope", "--lib"]);
    process::run(
        "Building the plugin (release)",
        Progress::Talks,
        &mut plugin,
    )?;
    let library = format!("release/{DLL_PREFIX}mertscope{DLL_SUFFIX}");
    let mut figures = workspace.cargo([
        "run",
        "--release",
        "--quiet",
        "--package",
        "mertscope-tests",
    ]);
    figures.args(["--example", example, "--"]);
    figures.arg(workspace.target.join(library));
    process::run(what, Progress::Talks, &mut figures)?;
    Ok(Vec::new())
}
