//! How long heads take to fit. An example of the engine measures and prints; here it only is
//! started.

use anyhow::Result;

use super::Bench;
use super::table::Row;
use crate::process::{self, Progress};

/// No rows: what is printed is in sentences.
pub fn measure(bench: &Bench) -> Result<Vec<Row>> {
    let mut fits = bench.workspace.cargo(["run", "--release", "--quiet"]);
    fits.args(["--package", "mertscope-engine"]);
    fits.args(["--example", "head_fit"]);
    process::run(
        "Fitting heads on made-up embeddings",
        Progress::Talks,
        &mut fits,
    )?;
    Ok(Vec::new())
}
