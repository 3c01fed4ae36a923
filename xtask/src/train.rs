//! `cargo xtask train`: prepares what the pipeline in `xtask/train` needs, and runs it.
//!
//! The teacher's TensorFlow has an environment of its own and runs once, to export the teacher's
//! weights; everything after that is PyTorch. Not here: the stages, which are the pipeline's.

use std::env;
use std::ffi::OsString;
use std::fs;
use std::path::Path;
use std::process::{Command, ExitCode};

use anyhow::{Context, Result};

use crate::mertscope::Mertscope;
use crate::process::{self, Progress};
use crate::setup::{self, Goal};
use crate::workspace::Workspace;

/// The part of `--help` after the options.
pub(crate) const HELP: &str = "\
Stages, in this order; all but the last four when none is named:
  music     Gets free music from Debian packages (2 GB of downloads, unpacked and deleted one at a
            time)
  render    Renders accompaniments whose key is known (mma, fluidsynth, MIT-licensed soundfonts)
  targets   Runs the exact teacher, musicnn, on windows of music
  distil    Trains the small encoder on the teacher's outputs
  key       Trains the key network
  leaning   Fits the mode bias: the preference of the timbre for major or minor
  export    Writes the ONNX graph
  heads     Fits and calibrates the heads and the map with the mertscope command
  confidence
            Fits the constants that calibrate the figures shown, into the heads' files
  card      Measures the model and writes its card
  install   Replaces assets/embedded by the result
  restore   Only when named: restores the networks from assets/embedded, in place of key and
            leaning; distil then starts from the installed ones
  styles    Only when named: fits the style head and the map of the installed model anew
  carry     Only when named: the installed heads, map and card for a graph that was written again,
            in place of heads and card

Options of the stages:
  --labelled FOLDER        Short labeled excerpts: labels.csv (file, genre, key) and audio beside
                           it; needed for heads, styles and confidence
  --embedded-v0 FILE       The graph of embedded-v0, of the repository's first commit: the card
                           states the speed as a share of that graph's speed
  --windows N, --songs N   How much to distill from and to render
  --steps N, --key-steps N, --key-tuning-steps N
                           How long to train
  --seed N, --threads N
  --smoke                  Two minutes on committed targets: checks every step, without
                           TensorFlow

Everything is kept in target/train: a second run resumes where the first ended, also within a
training. A GPU is used when there is one. The command gets PyTorch (3 GB), TensorFlow for the
teacher (1.7 GB) and Debian packages that it names. xtask/train/README.md has the trials and their
results. A full run takes about an hour on two idle cores.

Examples:
  cargo xtask train --labelled ~/excerpts
  cargo xtask train distil export --steps 6000
  cargo xtask train restore export heads card --labelled ~/excerpts
  cargo xtask train install
  cargo xtask train --smoke";

/// The pipeline's folder in the checkout.
const FOLDER: &str = "xtask/train";

/// The teacher requires versions that no longer exist; `requirements-teacher.txt` lists what it needs
/// instead.
const TEACHER: &str = "musicnn==0.1.0";

/// Prepares and runs the pipeline with these arguments, unchanged.
pub(crate) fn run(workspace: &Workspace, arguments: &[OsString]) -> Result<ExitCode> {
    let named = |name: &str| arguments.iter().any(|argument| argument == name);
    let smoke = named("--smoke");
    let goal = if smoke { Goal::Bench } else { Goal::Train };
    setup::run(workspace, goal)?;
    let python = setup::environment(workspace, "train", &requirements(workspace, "")?)?;
    let mut pipeline = Command::new(python);
    pipeline.arg(workspace.file(FOLDER)).args(arguments);
    // Otherwise PyTorch's threads spin while they wait, which on a busy machine takes processor time
    // from the threads that they wait for.
    if env::var_os("OMP_WAIT_POLICY").is_none() {
        pipeline.env("OMP_WAIT_POLICY", "PASSIVE");
    }
    if smoke {
        let what = "Training on the committed targets";
        process::run(what, Progress::Talks, &mut pipeline)?;
        return Ok(ExitCode::SUCCESS);
    }
    let work = workspace.target.join("train");
    pipeline.env("MERTSCOPE_TRAIN", &work);
    export_teacher(workspace, &work)?;
    let any = arguments
        .iter()
        .any(|argument| !argument.to_string_lossy().starts_with('-'));
    if named("heads") || !any || named("--labelled") {
        let mertscope = Mertscope::build(workspace)?;
        pipeline.env("MERTSCOPE_COMMAND", mertscope.path());
    }
    process::run(
        "Building the embedded model",
        Progress::Talks,
        &mut pipeline,
    )?;
    Ok(ExitCode::SUCCESS)
}

/// The lines of `requirements{of}.txt`.
fn requirements(workspace: &Workspace, of: &str) -> Result<Vec<String>> {
    let path = workspace.file(FOLDER).join(format!("requirements{of}.txt"));
    let text =
        fs::read_to_string(&path).with_context(|| format!("{} cannot be read", path.display()))?;
    Ok(text.lines().map(str::to_owned).collect())
}

/// Writes the teacher's weights into `work`, with TensorFlow, once.
fn export_teacher(workspace: &Workspace, work: &Path) -> Result<()> {
    let folder = work.join("teacher");
    if folder.join("musicnn-ISC.md").exists() {
        return Ok(());
    }
    let python = setup::environment(workspace, "teacher", &requirements(workspace, "-teacher")?)?;
    let mut pip = Command::new(&python);
    pip.args(["-m", "pip", "install", "--disable-pip-version-check"])
        .args(["--no-deps", TEACHER]);
    process::run("Getting the teacher", Progress::OnTerminal, &mut pip)?;
    let mut dump = Command::new(python);
    dump.arg(workspace.file(FOLDER).join("teacher/read_weights.py"))
        .arg(folder);
    process::run("Reading the teacher's weights", Progress::Silent, &mut dump)?;
    Ok(())
}
