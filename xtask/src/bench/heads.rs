//! The time to fit heads. A bench of the engine measures and prints; this module only starts it.

use anyhow::Result;

use super::Bench;
use super::table::Row;
use crate::process::{self, Progress};

/// Returns no rows: the bench prints sentences.
pub(super) fn measure(bench: &Bench) -> Result<Vec<Row>> {
    let mut fits = bench
        .workspace
        .cargo(["bench", "--quiet", "--package", "mertscope-engine"]);
    fits.args(["--bench", "head_fit"]);
    process::run(
        "Fitting heads on made-up embeddings",
        Progress::Talks,
        &mut fits,
    )?;
    Ok(Vec::new())
}
