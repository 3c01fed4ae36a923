//! `cargo xtask parity`: compares the models of the catalogue with the reference implementation, hidden
//! state by hidden state.
//!
//! The models have their full size and random weights in the published format. The built command
//! converts and runs them.

mod compare;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};
use std::time::Instant;

use anyhow::{Context, Result};

use crate::bench::table::{Row, render};
use crate::mertscope::Mertscope;
use crate::peak::peak_bytes;
use crate::process::{self, Clock, Progress};
use crate::setup::{self, Goal};
use crate::workspace::Workspace;
use compare::{Closeness, closeness};

/// The part of `--help` after the options.
pub(crate) const HELP: &str = "\
It makes checkpoints with random weights in the published format (with torch and transformers, in a
Python environment of its own under target/venv), converts and runs them with the mertscope command
in fp32 and int8, compares every hidden state, and prints a table. It fails when a hidden state is
off.

Models with a front end of their own (MERT-v2, MuQ, MusicFM) are compared on signals of several
lengths too: noise, a click, silence.

Needs 6 GB of disk for PyTorch, and for the current checkpoint, which is removed afterwards, 4 GB of
disk and 8 GB of memory; MERT-v2 takes 9 GB of disk and 12 GB of memory.

Examples:
  cargo xtask parity
  cargo xtask parity MERT-v1-95M";

/// The models, by their names in `tests/fixtures/checkpoints/make.py`.
pub(crate) const MODELS: [&str; 10] = [
    "MERT-v0-public",
    "MERT-v0",
    "MERT-v1-95M",
    "MERT-v1-330M",
    "music2vec-v1",
    "MERT-v2-30s",
    "MERT-v2-FullSong",
    "MuQ-large-msd-iter",
    "MusicFM-MSD",
    "MusicFM-FMA",
];

/// The weights' files, by the names of the published ones.
const WEIGHTS: [&str; 4] = [
    "pytorch_model.bin",
    "model.safetensors",
    "pretrained_msd.pt",
    "pretrained_fma.pt",
];

/// Python packages that make and run the reference.
pub(crate) const REQUIREMENTS: [&str; 4] = [
    "torch==2.15.0",
    "transformers==4.57.6",
    "numpy==2.4.6",
    "safetensors==0.8.0",
];

/// Compares these models, all if none is named; fails when a hidden state is off.
pub(crate) fn run(workspace: &Workspace, models: &[String]) -> Result<ExitCode> {
    setup::run(workspace, Goal::Bench)?;
    let python = environment(workspace)?;
    let mertscope = Mertscope::build(workspace)?;
    let models: Vec<&str> = if models.is_empty() {
        MODELS.to_vec()
    } else {
        models.iter().map(String::as_str).collect()
    };
    let mut rows = Vec::new();
    let mut all_well = true;
    for model in models {
        let folder = workspace.target.join("parity").join(model);
        let measured = make(workspace, &python, model, &folder)
            .and_then(|()| measure(&mertscope, model, &folder, &mut rows))
            .and_then(|well| Ok(measure_signals(&mertscope, model, &folder, &mut rows)? && well));
        // Gigabytes are not left behind, also after a failure.
        fs::remove_dir_all(&folder)
            .with_context(|| format!("{} cannot be removed", folder.display()))?;
        all_well &= measured?;
    }
    println!("{}", render(&rows));
    Ok(if all_well {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

/// A Python with the reference implementation.
pub(crate) fn environment(workspace: &Workspace) -> Result<PathBuf> {
    setup::environment(workspace, "parity", &REQUIREMENTS.map(String::from))
}

/// Makes a model's checkpoint in `folder`, whose name is the model's.
pub(crate) fn make(workspace: &Workspace, python: &Path, model: &str, folder: &Path) -> Result<()> {
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

/// Makes checkpoints in `folder`, each in a folder of its model's name, without the hidden states of signals.
pub(crate) fn make_weights(
    workspace: &Workspace,
    python: &Path,
    models: &[&str],
    folder: &Path,
) -> Result<()> {
    process::run(
        &format!("Making {} with random weights", models.join(" and ")),
        Progress::Silent,
        Command::new(python)
            .arg(workspace.file("tests/fixtures/checkpoints/make.py"))
            .arg(folder)
            .args(models)
            .arg("--weights"),
    )?;
    Ok(())
}

/// Adds rows for a model; returns whether all its hidden states are close enough.
fn measure(mertscope: &Mertscope, model: &str, folder: &Path, rows: &mut Vec<Row>) -> Result<bool> {
    let mut all_well = true;
    let file_mb = megabytes(&weights(folder)?)?;
    for precision in ["fp32", "int8"] {
        let out = folder.join(format!("{precision}.safetensors"));
        let embed = || {
            let mut command = mertscope.embed_frames(folder, &folder.join("audio.wav"), &out);
            command.args(["--precision", precision, "--quiet"]);
            // The folder of the graphs, on Linux.
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

/// The figure, whether it is good enough, and the aim.
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

/// Adds rows for the signals that lie beside a model in files of their own, each in one pass; returns whether
/// all hidden states are close enough.
fn measure_signals(
    mertscope: &Mertscope,
    model: &str,
    folder: &Path,
    rows: &mut Vec<Row>,
) -> Result<bool> {
    let mut all_well = true;
    let mut signals: Vec<PathBuf> = fs::read_dir(folder)?
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|path| path.extension().is_some_and(|ending| ending == "wav"))
        .filter(|path| path.with_extension("safetensors").is_file())
        .collect();
    signals.sort();
    for signal in signals {
        let name = signal.file_stem().unwrap_or_default().to_string_lossy();
        let out = folder.join("signal.safetensors");
        let mut command = mertscope.embed_frames(folder, &signal, &out);
        command.args(["--precision", "fp32", "--whole", "--quiet"]);
        command.env("XDG_CACHE_HOME", folder.join("cache"));
        command.stdout(Stdio::null());
        process::run(&format!("{model}: {name}"), Progress::Silent, &mut command)?;
        let found = closeness(&signal.with_extension("safetensors"), &out)?;
        let (figure, good, aim) = judged("fp32", &found);
        all_well &= good;
        rows.push(Row {
            what: format!("{model}, fp32, {name}, {} hidden states", found.states),
            figure,
            spread: format!("rms {:.2}{}", found.rms, if good { "" } else { ": OFF" }),
            aim,
        });
    }
    Ok(all_well)
}

/// The weights of the checkpoint in a folder.
fn weights(folder: &Path) -> Result<PathBuf> {
    let mut files = WEIGHTS.iter().map(|name| folder.join(name));
    let found = files.find(|path| path.is_file());
    found.context("the checkpoint has no weights")
}

fn megabytes(path: &Path) -> Result<f64> {
    let metadata =
        fs::metadata(path).with_context(|| format!("{} is not there", path.display()))?;
    Ok(metadata.len() as f64 / 1e6)
}
