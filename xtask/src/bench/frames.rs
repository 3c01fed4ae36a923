//! The cost of a frame of the editor on the CPU. An example of the plugin measures and prints, because
//! it needs the views; this module only starts it.

use anyhow::Result;

use super::Bench;
use super::table::Row;
use crate::process::{self, Progress};

/// Returns no rows: the example prints in a form of its own.
pub(super) fn measure(bench: &Bench) -> Result<Vec<Row>> {
    let mut frames =
        bench
            .workspace
            .cargo(["run", "--release", "--quiet", "--package", "mertscope-ui"]);
    frames.args(["--example", "frame_times"]);
    process::run("Drawing frames of every page", Progress::Talks, &mut frames)?;
    Ok(Vec::new())
}
