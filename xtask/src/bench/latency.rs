//! One window of the embedded model: our engine against Python's onnxruntime of the same version.
//!
//! Two children have a session each and take turns, so that other work on the machine affects both
//! alike.

use std::process::Command;

use anyhow::{Result, bail};

use super::Bench;
use super::peer::{self, Peer};
use super::statistics::Quantiles;
use super::table::Row;
use crate::process::{self, Clock, Progress};
use crate::setup::{Pins, environment};

const MODEL: &str = "assets/embedded/encoder.onnx";
const THREADS: [usize; 2] = [1, 2];
const WARM_UP: usize = 10;
const PAIRS: usize = 60;
/// Both sides run the same graph on the same window; only the order of additions may differ.
const TOLERANCE: f64 = 1e-4;

/// Three rows per number of threads: ours, theirs, and the ratio pair by pair.
pub(super) fn measure(bench: &Bench) -> Result<Vec<Row>> {
    let workspace = bench.workspace;
    // The Python to compare with.
    let requirements = [
        format!("onnxruntime=={}", Pins::read(workspace)?.version),
        "numpy==2.4.6".to_owned(),
    ];
    let python = environment(workspace, "bench", &requirements)?;
    let program = peer::build(workspace, "window_latency")?;

    let mut rows = Vec::new();
    for threads in THREADS {
        let mut ours = Command::new(&program);
        ours.arg("--threads").arg(threads.to_string());
        let mut theirs = Command::new(&python);
        theirs
            .arg(workspace.file("xtask/bench/window_latency.py"))
            .arg(workspace.file(MODEL))
            .arg(threads.to_string());
        process::heading(&format!("Taking turns, {PAIRS} pairs, threads: {threads}"));
        let _clock = Clock::start(Progress::Silent);
        rows.extend(compare(threads, Peer::start(ours)?, Peer::start(theirs)?)?);
    }
    Ok(rows)
}

fn compare(threads: usize, mut ours: Peer, mut theirs: Peer) -> Result<[Row; 3]> {
    if (ours.mean - theirs.mean).abs() > TOLERANCE * theirs.mean.abs().max(1.0) {
        bail!(
            "the two sides compute different things: their outputs' means are {} and {}",
            ours.mean,
            theirs.mean
        );
    }
    for _ in 0..WARM_UP {
        ours.window_ms()?;
        theirs.window_ms()?;
    }
    let (mut ours_ms, mut theirs_ms) = (Vec::new(), Vec::new());
    for pair in 0..PAIRS {
        // The second of a pair may find warmer caches or a hotter processor.
        if pair % 2 == 0 {
            ours_ms.push(ours.window_ms()?);
            theirs_ms.push(theirs.window_ms()?);
        } else {
            theirs_ms.push(theirs.window_ms()?);
            ours_ms.push(ours.window_ms()?);
        }
    }
    let ratios: Vec<f64> = ours_ms
        .iter()
        .zip(&theirs_ms)
        .map(|(ours, theirs)| ours / theirs)
        .collect();
    let row = |side: &str, values: &[f64], unit: &str, digits: usize, aim: &'static str| {
        let Quantiles { p10, median, p90 } = Quantiles::of(values);
        Row {
            what: format!("one window, threads: {threads}, {side}"),
            figure: format!("{median:.digits$} {unit}"),
            spread: format!("p10 {p10:.digits$}, p90 {p90:.digits$} of {PAIRS}"),
            aim,
        }
    };
    Ok([
        row("ours", &ours_ms, "ms", 2, ""),
        row("Python", &theirs_ms, "ms", 2, ""),
        row("ratio of each pair", &ratios, "×", 3, "≤ 1.05 ×"),
    ])
}
