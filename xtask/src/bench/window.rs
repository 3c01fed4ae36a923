//! What an open window costs: an example of the tests crate measures and prints, as it takes a
//! plugin host and a screen; here it only gets the plugin.

use std::env::consts::{DLL_PREFIX, DLL_SUFFIX};

use anyhow::Result;

use super::Bench;
use super::table::Row;
use crate::process::{self, Progress};
use crate::setup::{self, Goal};

/// No rows: what is printed has a shape of its own.
pub fn measure(bench: &Bench) -> Result<Vec<Row>> {
    let workspace = bench.workspace;
    setup::run(workspace, Goal::Screen)?;
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
    figures.args(["--example", "window_figures", "--"]);
    figures.arg(workspace.target.join(library));
    process::run(
        "Measuring in real time, 10 s for each of four",
        Progress::Talks,
        &mut figures,
    )?;
    Ok(Vec::new())
}
