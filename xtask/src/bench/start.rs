//! The time to the first result: from the start of the command to the first line that it prints for a
//! file.

use std::io::{self, BufRead, BufReader};
use std::path::Path;
use std::process::Stdio;
use std::time::Instant;

use anyhow::{Context, Result, bail};

use super::statistics::Quantiles;
use super::table::Row;
use super::{Bench, demo_pieces};
use crate::process;

const RUNS: usize = 11;

/// One row.
pub(super) fn measure(bench: &Bench) -> Result<Vec<Row>> {
    let pieces = demo_pieces(bench.workspace)?;
    let piece = pieces.first().context("assets/demo holds no audio")?;
    // The first run may read everything from the disk.
    let cold_s = seconds_to_first_line(bench, piece)?;
    let times = (0..RUNS)
        .map(|_| seconds_to_first_line(bench, piece))
        .collect::<Result<Vec<_>>>()?;
    let Quantiles { p10, median, p90 } = Quantiles::of(&times);
    Ok(vec![Row {
        what: "start to first result".into(),
        figure: format!("{median:.2} s"),
        spread: format!("p10 {p10:.2}, p90 {p90:.2} of {RUNS}, first run {cold_s:.2}"),
        aim: "≤ 1 s",
    }])
}

/// With `--jsonl` the first line is a result, and no header.
fn seconds_to_first_line(bench: &Bench, piece: &Path) -> Result<f64> {
    let mut command = bench.mertscope.analyze(piece);
    let start = Instant::now();
    let mut child = command
        .arg("--jsonl")
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .with_context(|| process::could_not_start(&command))?;
    let mut stdout = BufReader::new(child.stdout.take().context("the child has no stdout")?);
    let mut line = String::new();
    stdout.read_line(&mut line)?;
    let elapsed_s = start.elapsed().as_secs_f64();
    io::copy(&mut stdout, &mut io::sink())?;
    let status = child.wait()?;
    if !status.success() || line.is_empty() {
        bail!(
            "`mertscope analyze --jsonl {}` printed no result ({status})",
            piece.display()
        );
    }
    Ok(elapsed_s)
}
