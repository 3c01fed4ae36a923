//! The speed of analyzing files, in multiples of real time.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Instant;

use anyhow::{Context, Result, bail};

use super::statistics::Quantiles;
use super::table::Row;
use super::{Bench, demo_pieces};
use crate::process;

/// Copies of the demo's one to two minutes: enough to make the start-up time negligible.
const COPIES: usize = 3;
const RUNS: usize = 3;
const HOPS_S: [u32; 2] = [1, 5];

/// A row per hop.
pub(super) fn measure(bench: &Bench) -> Result<Vec<Row>> {
    let folder = copies_of_the_demo(bench)?;
    let rows = HOPS_S
        .iter()
        .map(|&hop_s| measure_hop(bench, &folder, hop_s))
        .collect();
    fs::remove_dir_all(&folder)
        .with_context(|| format!("{} cannot be removed", folder.display()))?;
    rows
}

fn measure_hop(bench: &Bench, folder: &Path, hop_s: u32) -> Result<Row> {
    let mut speeds = Vec::new();
    let mut duration_s = 0.0;
    for _ in 0..RUNS {
        let mut command = bench.mertscope.analyze_with_hop(folder, hop_s);
        let (json, elapsed_s) = output(command.arg("--json"))?;
        duration_s = sum_of_durations_s(&json);
        if duration_s == 0.0 {
            bail!("the JSON of `mertscope analyze` holds no duration_s");
        }
        speeds.push(duration_s / elapsed_s);
    }
    let Quantiles { p10, median, p90 } = Quantiles::of(&speeds);
    Ok(Row {
        what: format!("analyze {:.1} min, hop {hop_s} s", duration_s / 60.0),
        figure: format!("{median:.0} × real time"),
        spread: format!("p10 {p10:.0}, p90 {p90:.0} of {RUNS}, start included"),
        aim: "",
    })
}

/// The output of a command, and the seconds that it took.
fn output(command: &mut Command) -> Result<(String, f64)> {
    let start = Instant::now();
    let output = command
        .stderr(Stdio::inherit())
        .output()
        .with_context(|| process::could_not_start(command))?;
    if !output.status.success() {
        bail!("`mertscope analyze` failed ({})", output.status);
    }
    Ok((
        String::from_utf8(output.stdout)?,
        start.elapsed().as_secs_f64(),
    ))
}

/// A folder with copies of the demo pieces, which the caller removes.
pub(super) fn copies_of_the_demo(bench: &Bench) -> Result<PathBuf> {
    let folder = bench.scratch.join("repeated");
    // An interrupted run may have left other pieces.
    if folder.exists() {
        fs::remove_dir_all(&folder)
            .with_context(|| format!("{} cannot be removed", folder.display()))?;
    }
    fs::create_dir_all(&folder)
        .with_context(|| format!("the folder {} cannot be made", folder.display()))?;
    for piece in demo_pieces(bench.workspace)? {
        let name = piece
            .file_name()
            .context("a demo piece has no name")?
            .to_string_lossy();
        for copy in 1..=COPIES {
            let target = folder.join(format!("{copy}-{name}"));
            fs::copy(&piece, &target)
                .with_context(|| format!("{} cannot be written", target.display()))?;
        }
    }
    Ok(folder)
}

/// The sum of all `"duration_s"` in a JSON document of our own; simple enough without a parser.
fn sum_of_durations_s(json: &str) -> f64 {
    json.split("\"duration_s\"")
        .skip(1)
        .filter_map(|rest| {
            let number = rest.trim_start().strip_prefix(':')?.trim_start();
            let end = number.find([',', '}', '\n', ' '])?;
            number[..end].parse::<f64>().ok()
        })
        .sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_summed_in_any_layout_and_absent_ones_skipped() {
        let json = r#"{"files": [{"duration_s":20.5,"x":1}, {"duration_s" : 30}, {"duration_s": null},
            {"file": "a", "duration_s": 1e1
            }]}"#;
        assert!((sum_of_durations_s(json) - 60.5).abs() < 1e-12);
        assert!(sum_of_durations_s("{}").abs() < 1e-12);
    }
}
