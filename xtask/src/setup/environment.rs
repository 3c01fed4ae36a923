//! Python environments of our own under `target/venv`, with exact versions of their packages: made
//! once.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};

use super::python;
use crate::process::{self, Progress};
use crate::workspace::Workspace;

/// Makes the environment `name`, unless it exists with exactly these requirements
/// (`package==version`). Returns its interpreter.
pub(crate) fn environment(
    workspace: &Workspace,
    name: &str,
    requirements: &[String],
) -> Result<PathBuf> {
    let folder = workspace.target.join("venv").join(name);
    let interpreter = folder.join(if cfg!(windows) {
        "Scripts/python.exe"
    } else {
        "bin/python"
    });
    let note = folder.join("installed");
    if is_noted(&note, requirements)
        && process::succeeds(Command::new(&interpreter).arg("--version"))
    {
        return Ok(interpreter);
    }
    let mut venv = python::command();
    process::run(
        "Making a Python environment",
        Progress::Silent,
        venv.args(["-m", "venv", "--clear"]).arg(&folder),
    )?;
    python::install(&interpreter, requirements)?;
    // Last, so that an interrupted installation starts again.
    fs::write(&note, requirements.join("\n"))
        .with_context(|| format!("{} cannot be written", note.display()))?;
    Ok(interpreter)
}

fn is_noted(note: &Path, requirements: &[String]) -> bool {
    fs::read_to_string(note).is_ok_and(|text| text == requirements.join("\n"))
}
