//! What a frame of the editor costs on the CPU. An example of the plugin measures and prints, as it
//! takes the views; here it only is started.

use anyhow::Result;

use super::Bench;
use super::table::Row;
use crate::process::{self, Progress};

/// No rows: what is printed has a shape of its own.
pub fn measure(bench: &Bench) -> Result<Vec<Row>> {
    let mut frames =
        bench
            .workspace
            .cargo(["run", "--release", "--quiet", "--package", "mertscope-ui"]);
    frames.args(["--example", "frame_times"]);
    process::run("Drawing frames of every page", Progress::Talks, &mut frames)?;
    Ok(Vec::new())
}
