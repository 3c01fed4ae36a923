//! The cost of a frame of the editor on the CPU. A bench of the views measures and prints; this
//! module only starts it.

use anyhow::Result;

use super::Bench;
use super::table::Row;
use crate::process::{self, Progress};

/// Returns no rows: the bench prints in a form of its own.
pub(super) fn measure(bench: &Bench) -> Result<Vec<Row>> {
    let mut frames = bench
        .workspace
        .cargo(["bench", "--quiet", "--package", "mertscope-ui"]);
    frames.args(["--bench", "frame_times"]);
    process::run("Drawing frames of every page", Progress::Talks, &mut frames)?;
    Ok(Vec::new())
}
