//! `cargo xtask bench`: measures the cost of the product as a user meets it: from outside, in release.
//!
//! It prints figures beside their aims and fails on none: a busy machine is no failure.

mod frames;
mod heads;
mod hosted;
mod latency;
mod machine;
mod memory;
mod models;
mod peer;
mod server;
mod speed;
mod start;
mod statistics;
pub(crate) mod table;
mod throughput;
mod wave;

use std::ffi::OsStr;
use std::fs;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context, Result};

use crate::mertscope::Mertscope;
use crate::process;
use crate::setup::{self, Goal};
use crate::workspace::Workspace;
use table::Row;

/// The part of `--help` after the options.
pub(crate) const HELP: &str = "\
Names:
  speed     Analysis of the demo pieces, repeated to a few minutes, in multiples of real time
  latency   One window of the embedded model against Python's onnxruntime of the same version, on
            the same graph and number of threads, taking turns
  memory    Peak memory of an analysis of 1 minute and of 120 minutes of audio, as a table and as
            JSON
  start     Time from the start of the command to its first printed result
  live      Cost of a block in the audio callback, time from audio to answer, 16 instances against 1
  heads     Fitting a head on 1,000 files, and on 200 marked moments
  frames    A frame of the editor on the CPU, page by page, with a full history
  window    Processor time and paints of an open window, idle and while music plays (Linux, Xvfb)
  throughput
            Audio per second of processor time: the command, the Python package, and the package
            on Ray, taking turns (Linux)
  server    One window from NVIDIA Triton on this machine against one computed here, taking turns
            (Linux)

With --models it measures one window at full size on one thread: fp32, int8 and int8-fast, all
layers and cut after layer 8, against PyTorch in eager mode and a plain torch.onnx export in ONNX
Runtime and OpenVINO on the same weights, taking turns. The ratios are of processor time. Weights
are random, set so that activations on music are like a trained network's; accuracy is measured on
ten pieces. MERT-v2, MuQ and MusicFM are measured against PyTorch with MERT-v1-95M and with
themselves, and cut after the layer of their key head.
Needs 7 GB of disk for PyTorch and the others once, in target/venv/yardstick, and 16 GB of memory.

It builds Mertscope in release and prints a table with the aims beside the figures. It first gets
what is missing (see `cargo xtask setup --help`); `latency` keeps a Python environment in
target/venv/bench, a download of about 50 MB, `throughput` one in target/venv/python (250 MB),
`server` one in target/venv/servers (510 MB).
Close other programs for figures worth keeping.

Examples:
  cargo xtask bench
  cargo xtask bench latency start
  cargo xtask bench --models MERT-v1-95M";

/// Shared by the measurements.
struct Bench<'a> {
    workspace: &'a Workspace,
    mertscope: &'a Mertscope,
    /// For files that a measurement needs only while it runs.
    scratch: PathBuf,
}

type Measure = fn(&Bench) -> Result<Vec<Row>>;

const MEASUREMENTS: &[(&str, Measure)] = &[
    ("speed", speed::measure),
    ("latency", latency::measure),
    ("memory", memory::measure),
    ("start", start::measure),
    ("live", hosted::live),
    ("heads", heads::measure),
    ("frames", frames::measure),
    ("window", hosted::window),
    ("throughput", throughput::measure),
    ("server", server::measure),
];

/// The names of the measurements.
pub(crate) fn names() -> impl Iterator<Item = &'static str> {
    MEASUREMENTS.iter().map(|(name, _)| *name)
}

/// Measures published models at full size (all if none is named), prints the table.
pub(crate) fn run_models(workspace: &Workspace, names: &[String]) -> Result<ExitCode> {
    setup::run(workspace, Goal::Bench)?;
    let machine = machine::describe();
    let rows = models::measure(workspace, names)?;
    println!("\n{machine}\n\n{}", table::render(&rows));
    Ok(ExitCode::SUCCESS)
}

/// Sets up, builds, makes these measurements (all if none is named), prints the table.
pub(crate) fn run(workspace: &Workspace, names: &[String]) -> Result<ExitCode> {
    setup::run(workspace, Goal::Bench)?;
    let mertscope = Mertscope::build(workspace)?;
    let scratch = workspace.target.join("bench");
    fs::create_dir_all(&scratch)
        .with_context(|| format!("the folder {} cannot be made", scratch.display()))?;
    let bench = Bench {
        workspace,
        mertscope: &mertscope,
        scratch,
    };

    let machine = machine::describe();
    let (mut rows, mut failed) = (Vec::new(), false);
    for (name, measure) in MEASUREMENTS {
        if names.is_empty() || names.iter().any(|wanted| wanted == name) {
            process::heading(&format!("Measuring: {name}"));
            match measure(&bench) {
                Ok(measured) => rows.extend(measured),
                Err(error) => {
                    failed = true;
                    eprintln!("error: {name}: {error:#}");
                }
            }
        }
    }
    println!("\n{machine}\n\n{}", table::render(&rows));
    Ok(if failed {
        ExitCode::FAILURE
    } else {
        ExitCode::SUCCESS
    })
}

/// The audio files of the demo, by name.
fn demo_pieces(workspace: &Workspace) -> Result<Vec<PathBuf>> {
    const EXTENSIONS: [&str; 6] = ["wav", "flac", "mp3", "ogg", "m4a", "aiff"];
    let folder = workspace.file("assets/demo");
    let entries =
        fs::read_dir(&folder).with_context(|| format!("{} cannot be read", folder.display()))?;
    let paths = entries
        .map(|entry| Ok(entry?.path()))
        .collect::<Result<Vec<_>>>()?;
    let is_audio = |path: &PathBuf| {
        path.extension()
            .and_then(OsStr::to_str)
            .is_some_and(|extension| EXTENSIONS.contains(&extension))
    };
    let mut pieces: Vec<PathBuf> = paths.into_iter().filter(is_audio).collect();
    pieces.sort();
    Ok(pieces)
}
