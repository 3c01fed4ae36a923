//! Figures of the plugin in a host: the time of a host's scan, the cost of a block in the audio
//! callback, the time from a window's last sample to its result, the cost of 16 instances and of an
//! open window.
//!
//! Examples of the tests crate measure and print, because that crate has a plugin host; this module
//! builds the plugin and starts them. There are no rows: the examples print in a form of their own.

use std::env::consts::{DLL_PREFIX, DLL_SUFFIX};

use anyhow::Result;

use super::Bench;
use super::table::Row;
use crate::process::{self, Progress};
use crate::setup::{self, Goal};

/// The audio callback and the results.
pub(super) fn live(bench: &Bench) -> Result<Vec<Row>> {
    let what = "Measuring in real time, 20 s for each of seven";
    measure(bench, "live_figures", what)
}

/// An open window, on a screen of its own.
pub(super) fn window(bench: &Bench) -> Result<Vec<Row>> {
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
