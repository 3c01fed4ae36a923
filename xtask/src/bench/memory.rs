//! Peak memory of a short and a long analysis: memory must not depend on the length of the audio.

use std::fs;
use std::path::Path;
use std::process::Stdio;

use anyhow::{Context, Result};

use super::Bench;
use super::table::Row;
use super::wave;
use crate::peak::peak_bytes;
use crate::process::{self, Clock, Progress};

const HOP_S: u32 = 5;
const MINUTES: [u32; 2] = [1, 60];

/// A row per length, and one for their ratio.
pub(super) fn measure(bench: &Bench) -> Result<Vec<Row>> {
    let path = bench.scratch.join("chords.wav");
    let mut peaks_mb = Vec::new();
    let mut rows = Vec::new();
    for minutes in MINUTES {
        process::heading(&format!("Analyzing {minutes} min of audio"));
        let _clock = Clock::start(Progress::Silent);
        let peak = write_and_analyze(bench, &path, minutes);
        // 635 MB are not left behind, also after a failure.
        fs::remove_file(&path).with_context(|| format!("{} cannot be removed", path.display()))?;
        let peak_mb = peak? as f64 / 1e6;
        peaks_mb.push(peak_mb);
        rows.push(Row {
            what: format!("peak memory, {minutes} min, hop {HOP_S} s"),
            figure: format!("{peak_mb:.1} MB"),
            spread: "resident".into(),
            aim: "",
        });
    }
    rows.push(Row {
        what: "peak memory, long to short".into(),
        figure: format!("{:.3} ×", peaks_mb[1] / peaks_mb[0]),
        spread: String::new(),
        aim: "≤ 1.05 ×",
    });
    Ok(rows)
}

fn write_and_analyze(bench: &Bench, path: &Path, minutes: u32) -> Result<u64> {
    wave::write(path, minutes).with_context(|| format!("{} cannot be written", path.display()))?;
    peak_bytes(
        bench
            .mertscope
            .analyze_with_hop(path, HOP_S)
            .stdout(Stdio::null()),
    )
}
