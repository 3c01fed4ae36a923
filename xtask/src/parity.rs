//! `cargo xtask parity`: the five models of the family at full size, with random weights in the published format,
//! against the reference implementation: every hidden state, converted and run by the built command.

mod compare;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};
use std::time::Instant;

use anyhow::{Context, Result, bail};

use crate::bench::table::{Row, render};
use crate::mertscope::Mertscope;
use crate::peak::peak_bytes;
use crate::process::{self, Clock, Progress};
use crate::setup::{self, Goal};
use crate::workspace::Workspace;
use compare::{Closeness, closeness};

pub const HELP: &str = "\
Compares every hidden state of the MERT family, at full size, with the reference implementation.

Usage: cargo xtask parity [MODEL...]

Makes checkpoints with random weights in the published format (torch and transformers, in a Python environment of its
own under target/venv), has the mertscope command convert and run them in fp32 and int8, and prints a table. Needs 6 GB of
disk for PyTorch, 4 GB for the checkpoint at hand, which is removed afterwards, and 8 GB of memory. Fails if a hidden
state is off.

Models: MERT-v0-public, MERT-v0, MERT-v1-95M, MERT-v1-330M, music2vec-v1; all of them when none is named.
";

/// The models, as `tests/fixtures/checkpoints/make.py` knows them.
const MODELS: [&str; 5] = [
    "MERT-v0-public",
    "MERT-v0",
    "MERT-v1-95M",
    "MERT-v1-330M",
    "music2vec-v1",
];

/// What makes and runs the reference.
const REQUIREMENTS: [&str; 4] = [
    "torch==2.15.0",
    "transformers==4.57.6",
    "numpy==2.4.6",
    "safetensors==0.8.0",
];

/// The name of a model, if it is one.
pub fn known(name: &str) -> Result<&'static str> {
    match MODELS.into_iter().find(|model| *model == name) {
        Some(model) => Ok(model),
        None => bail!(
            "there is no model '{name}'; there are {}",
            MODELS.join(", ")
        ),
    }
}

/// Runs the command; it fails if a hidden state is off.
pub fn run(workspace: &Workspace, models: &[&'static str]) -> Result<ExitCode> {
    setup::run(workspace, Goal::Bench)?;
    let python = environment(workspace)?;
    let mertscope = Mertscope::build(workspace)?;
    let models = if models.is_empty() {
        &MODELS[..]
    } else {
        models
    };
    let mut rows = Vec::new();
    let mut all_well = true;
    for model in models {
        let folder = workspace.target.join("parity").join(model);
        let measured = make(workspace, &python, model, &folder)
            .and_then(|()| measure(&mertscope, model, &folder, &mut rows));
        // Gigabytes are not left behind, whatever happened.
        fs::remove_dir_all(&folder)
            .with_context(|| format!("{} can't be removed", folder.display()))?;
        all_well &= measured?;
    }
    println!("{}", render(&rows));
    Ok(if all_well {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

/// The Python that has the reference implementation.
pub fn environment(workspace: &Workspace) -> Result<PathBuf> {
    setup::environment(workspace, "parity", &REQUIREMENTS.map(String::from))
}

/// Makes a model's checkpoint in `folder`, which bears its name.
pub fn make(workspace: &Workspace, python: &Path, model: &str, folder: &Path) -> Result<()> {
    process::run(
        &format!("Making {model} with random weights, and its hidden states"),
        Progress::Silent,
        Command::new(python)
            .arg(workspace.file("tests/fixtures/checkpoints/make.py"))
            .arg(folder.parent().unwrap_or(folder))
            .arg(model),
    )?;
    Ok(())
}

/// Rows for a model; whether all its hidden states are what they should be.
fn measure(mertscope: &Mertscope, model: &str, folder: &Path, rows: &mut Vec<Row>) -> Result<bool> {
    let mut all_well = true;
    let file_mb = megabytes(&folder.join("pytorch_model.bin"))?;
    for precision in ["fp32", "int8"] {
        let out = folder.join(format!("{precision}.safetensors"));
        let embed = || {
            let mut command = mertscope.embed_frames(folder, &folder.join("audio.wav"), &out);
            command.args(["--precision", precision, "--quiet"]);
            // The graphs' place on Linux.
            command.env("XDG_CACHE_HOME", folder.join("cache"));
            command.stdout(Stdio::null());
            command
        };
        process::heading(&format!("{model}: converting and running in {precision}"));
        let clock = Clock::start(Progress::Silent);
        let start = Instant::now();
        let peak_mb = peak_bytes(&mut embed())? as f64 / 1e6;
        let first_s = start.elapsed().as_secs_f64();
        let start = Instant::now();
        peak_bytes(&mut embed())?;
        let second_s = start.elapsed().as_secs_f64();
        drop(clock);
        let found = closeness(&folder.join("expected.safetensors"), &out)?;
        let (figure, good, aim) = judged(precision, &found);
        all_well &= good;
        rows.push(Row {
            what: format!("{model}, {precision}, {} hidden states", found.states),
            figure,
            spread: format!("rms {:.2}{}", found.rms, if good { "" } else { ": OFF" }),
            aim,
        });
        rows.push(Row {
            what: format!("{model}, {precision}, first use less second"),
            figure: format!("{:.1} s", first_s - second_s),
            spread: format!("{first_s:.1} s, {second_s:.1} s"),
            aim: "≤ 5 s for 95M",
        });
        rows.push(Row {
            what: format!("{model}, {precision}, peak memory of the first use"),
            figure: format!("{:.2} × file", peak_mb / file_mb),
            spread: format!("{peak_mb:.0} MB"),
            aim: "≤ 2.5 × file",
        });
    }
    Ok(all_well)
}

/// What is shown, whether it is good enough, and what we hold ourselves to.
fn judged(precision: &str, found: &Closeness) -> (String, bool, &'static str) {
    if precision == "int8" {
        (
            format!("cosine {:.5}", found.cosine),
            found.cosine >= 0.999,
            "≥ 0.999",
        )
    } else {
        (
            format!("max abs {:.1e}", found.largest),
            found.within(1e-4),
            "≤ 1e-4 · max(1, rms)",
        )
    }
}

fn megabytes(path: &PathBuf) -> Result<f64> {
    let metadata =
        fs::metadata(path).with_context(|| format!("{} is not there", path.display()))?;
    Ok(metadata.len() as f64 / 1e6)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn models_are_known_by_name() {
        assert_eq!(known("MERT-v1-330M").unwrap(), "MERT-v1-330M");
        assert!(
            known("MERT-v9")
                .unwrap_err()
                .to_string()
                .contains("MERT-v0-public")
        );
    }
}
