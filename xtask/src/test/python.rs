//! The tests of the Python package: its wheel is built with the debug profile, installed into an environment of its own
//! in `target/venv`, and tested there by pytest, beside the command of the same build.

use std::env;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::Result;

use super::{Named, SKIPPED_VARIABLE, Step, Suite};
use crate::setup;
use crate::workspace::Workspace;

/// The package's folder in the checkout.
const PACKAGE: &str = "engine/python";

/// What the package and its tests need.
const REQUIREMENTS: [&str; 8] = [
    "maturin==1.16.0",
    "mypy==2.4.1",
    "numpy==2.4.6",
    "onnxruntime==1.32.0",
    "pyarrow==26.0.1",
    "pytest==9.2.0",
    "ray[data]==2.60.0",
    "tqdm==4.70.1",
];

/// What further examples of the documents need (3 GB with PyTorch); without them these examples are skipped and listed.
const FOR_EXAMPLES: [&str; 3] = ["librosa==0.11.0", "scikit-learn==1.9.1", "torch==2.15.0"];

/// The step of the package; without an environment the reason why there is none.
pub(super) fn step(workspace: &Workspace, suite: Suite, skipped: &Path) -> Step {
    Step {
        what: "Python package",
        commands: commands(workspace, suite, skipped)
            .map_err(|error| format!("{error:#}").replace('\n', " ")),
    }
}

fn commands(workspace: &Workspace, suite: Suite, skipped: &Path) -> Result<Vec<Named>> {
    let python = match suite {
        Suite::Full => environment_with(workspace, "python-full", &FOR_EXAMPLES)?,
        _ => environment(workspace)?,
    };
    let build = workspace.cargo(["build", "--package", "mertscope-cli", "--bin", "mertscope"]);
    let mut pytest = Command::new(&python);
    let command = workspace.target.join("debug").join("mertscope");
    pytest
        .current_dir(workspace.file(PACKAGE))
        .args(["-m", "pytest", "-p", "no:cacheprovider"])
        .env(
            "MERTSCOPE_COMMAND",
            command.with_extension(env::consts::EXE_EXTENSION),
        )
        .env(SKIPPED_VARIABLE, skipped);
    if suite == Suite::Full {
        // Also the tests that are marked as long.
        pytest.args(["-m", ""]);
    }
    Ok(vec![
        ("Building the command".to_owned(), build),
        (
            "Building and installing the wheel".to_owned(),
            install(workspace, &python, "dev"),
        ),
        ("Tests of the Python package".to_owned(), pytest),
    ])
}

/// The environment of the package's tests; returns its interpreter.
///
/// # Errors
/// When it can't be made.
pub(crate) fn environment(workspace: &Workspace) -> Result<PathBuf> {
    environment_with(workspace, "python", &[])
}

fn environment_with(workspace: &Workspace, name: &str, further: &[&str]) -> Result<PathBuf> {
    let requirements: Vec<String> = REQUIREMENTS
        .iter()
        .chain(further)
        .map(|requirement| (*requirement).to_owned())
        .collect();
    setup::environment(workspace, name, &requirements)
}

/// Builds the wheel with a profile of cargo, and installs it into an environment of this module.
pub(crate) fn install(workspace: &Workspace, python: &Path, profile: &str) -> Command {
    let mut install = Command::new(python);
    install
        .current_dir(&workspace.root)
        .args(["-m", "pip", "install", "--disable-pip-version-check"])
        .args(["--no-deps", "--no-build-isolation", "--force-reinstall"])
        .arg(Path::new(".").join(PACKAGE))
        .env("PATH", with_programs(python))
        .env("MATURIN_PEP517_ARGS", format!("--profile {profile}"));
    install
}

/// `PATH` with the programs of an environment first, where pip finds maturin, and maturin finds zig.
pub(crate) fn with_programs(python: &Path) -> OsString {
    let programs = python.parent().map(Path::to_owned);
    let path = env::var_os("PATH").unwrap_or_default();
    let folders = programs.into_iter().chain(env::split_paths(&path));
    env::join_paths(folders).unwrap_or(path)
}
