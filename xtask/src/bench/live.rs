//! The live engine's figures: what a block costs the audio callback, how long after its last sample a window's answer
//! is there, what 16 instances take. The engine's example of that name measures and prints; the product can't be asked
//! for these from outside.

use anyhow::Result;

use super::Bench;
use super::table::Row;
use crate::process::{self, Progress};

/// No rows: what is printed has a shape of its own.
pub fn measure(bench: &Bench) -> Result<Vec<Row>> {
    let mut cargo = bench.workspace.cargo([
        "run",
        "--release",
        "--quiet",
        "--package",
        "mertscope-engine",
        "--example",
        "live_figures",
    ]);
    process::run(
        "Six measurements in real time, 20 s each",
        Progress::Talks,
        &mut cargo,
    )?;
    Ok(Vec::new())
}
