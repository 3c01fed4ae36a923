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

const MINUTES: [u32; 2] = [1, 120];

/// Formats of the results, with the command's options for them.
const FORMATS: [(&str, &[&str]); 2] = [("table", &[]), ("JSON", &["--json"])];

/// A row per format: the peaks of both lengths and their ratio.
pub(super) fn measure(bench: &Bench) -> Result<Vec<Row>> {
    let path = bench.scratch.join("chords.wav");
    let mut peaks_mb = Vec::new();
    for minutes in MINUTES {
        process::heading(&format!("Analyzing {minutes} min of audio"));
        let _clock = Clock::start(Progress::Silent);
        let peaks = write_and_analyze(bench, &path, minutes);
        // 1.3 GB are not left behind, also after a failure.
        fs::remove_file(&path).with_context(|| format!("{} cannot be removed", path.display()))?;
        peaks_mb.push(peaks?);
    }
    let [short_min, long_min] = MINUTES;
    let rows = FORMATS.iter().zip(&peaks_mb[0]).zip(&peaks_mb[1]);
    Ok(rows
        .map(|(((format, _), short_mb), long_mb)| Row {
            what: format!("peak memory, {format}, {long_min} min to {short_min} min"),
            figure: format!("{:.3} ×", long_mb / short_mb),
            spread: format!("{long_mb:.1} MB, {short_mb:.1} MB"),
            aim: "≤ 1.05 ×",
        })
        .collect())
}

/// The peak of each format in MB.
fn write_and_analyze(bench: &Bench, path: &Path, minutes: u32) -> Result<Vec<f64>> {
    wave::write(path, minutes).with_context(|| format!("{} cannot be written", path.display()))?;
    let peak_mb = |(_, options): &(&str, &[&str])| {
        let mut command = bench.mertscope.analyze(path);
        let command = command.arg("--quiet").args(*options).stdout(Stdio::null());
        Ok(peak_bytes(command)? as f64 / 1e6)
    };
    FORMATS.iter().map(peak_mb).collect()
}
