//! Audio per core: the command, the Python package, and the package on Ray, side by side.
//!
//! `xtask/bench/throughput.py` measures and lets them take turns; this module builds all in release.

use std::collections::BTreeMap;
use std::fs;
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};

use super::statistics::Quantiles;
use super::table::Row;
use super::{Bench, speed};
use crate::process::{self, Progress};
use crate::test::python;

const ROUNDS: usize = 3;

/// A row per way, and one per ratio to the command.
pub(super) fn measure(bench: &Bench) -> Result<Vec<Row>> {
    let workspace = bench.workspace;
    let interpreter = python::environment(workspace)?;
    process::run(
        "Building and installing the Python package (release)",
        Progress::Talks,
        &mut python::install(workspace, &interpreter, "release"),
    )?;
    let folder = speed::copies_of_the_demo(bench)?;
    let mut turns = Command::new(&interpreter);
    turns
        .arg(workspace.file("xtask/bench/throughput.py"))
        .arg(bench.mertscope.path())
        .arg(&folder)
        .arg(ROUNDS.to_string());
    process::heading("The command, the Python package and Ray, taking turns");
    let output = turns
        .stderr(Stdio::inherit())
        .output()
        .with_context(|| process::could_not_start(&turns))?;
    fs::remove_dir_all(&folder)
        .with_context(|| format!("{} cannot be removed", folder.display()))?;
    if !output.status.success() {
        bail!("throughput.py failed ({}), see above", output.status);
    }
    rows(str::from_utf8(&output.stdout)?)
}

/// The rows of the script's last line.
fn rows(printed: &str) -> Result<Vec<Row>> {
    let last = printed.lines().last().unwrap_or_default();
    let figures: BTreeMap<String, Vec<f64>> =
        serde_json::from_str(last).context("throughput.py printed no figures")?;
    let of = |way: &str| figures.get(way).context("throughput.py left a way out");
    let command = of("command")?;
    let mut rows = vec![row(
        "audio per core, hop 5 s: the command",
        command,
        "s/s",
        1,
    )];
    for way in ["package", "Ray"] {
        let ratios: Vec<f64> = of(way)?
            .iter()
            .zip(command)
            .map(|(theirs, ours)| theirs / ours)
            .collect();
        let what = format!("audio per core, hop 5 s: {way} ÷ the command");
        rows.push(row(&what, &ratios, "×", 3));
    }
    Ok(rows)
}

fn row(what: &str, values: &[f64], unit: &str, digits: usize) -> Row {
    let Quantiles { p10, median, p90 } = Quantiles::of(values);
    Row {
        what: what.to_owned(),
        figure: format!("{median:.digits$} {unit}"),
        spread: format!("p10 {p10:.digits$}, p90 {p90:.digits$} of {}", values.len()),
        aim: "",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ratios_are_taken_turn_by_turn() {
        let printed = "noise\n{\"command\": [10, 20], \"package\": [10, 20], \"Ray\": [5, 10]}\n";
        let rows = rows(printed).unwrap();
        let figures: Vec<&str> = rows.iter().map(|row| row.figure.as_str()).collect();
        assert_eq!(figures[1..], ["1.000 ×", "0.500 ×"]);
        assert!(super::rows("nothing").is_err());
    }
}
