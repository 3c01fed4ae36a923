//! The `mertscope` command as xtask uses it: its build, and the only place that knows its options.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::Result;

use crate::process::{self, Progress};
use crate::workspace::Workspace;

/// A built `mertscope`.
pub(crate) struct Mertscope {
    executable: PathBuf,
}

impl Mertscope {
    /// Builds the command in release, and nothing that it does not need.
    pub(crate) fn build(workspace: &Workspace) -> Result<Self> {
        let mut cargo = workspace.cargo([
            "build",
            "--release",
            "--package",
            "mertscope-cli",
            "--bin",
            "mertscope",
        ]);
        let elapsed = process::run(
            "Building the mertscope command (release)",
            Progress::Talks,
            &mut cargo,
        )?;
        eprintln!("    built in {:.1} s", elapsed.as_secs_f64());
        Ok(Self {
            executable: workspace.release("mertscope"),
        })
    }

    /// The executable, for a child that calls it.
    pub(crate) fn path(&self) -> &Path {
        &self.executable
    }

    /// `mertscope analyze INPUT`: a file, or a folder of them.
    pub(crate) fn analyze(&self, input: &Path) -> Command {
        let mut command = Command::new(&self.executable);
        command.arg("analyze").arg(input);
        command
    }

    /// `mertscope embed`: every frame of every hidden state of the model in a folder, on the CPU.
    pub(crate) fn embed_frames(&self, model: &Path, input: &Path, out: &Path) -> Command {
        let mut command = Command::new(&self.executable);
        command.arg("embed").arg(input).arg("--model").arg(model);
        command.args(["--device", "cpu", "--pool", "none", "--out"]);
        command.arg(out);
        command
    }

    /// `mertscope models export`: the model in a folder, for Triton's python backend.
    pub(crate) fn export_for_triton(&self, model: &Path, repository: &Path) -> Command {
        let mut command = Command::new(&self.executable);
        command.args(["models", "export"]).arg(model);
        command
            .args(["--backend", "python", "--triton"])
            .arg(repository);
        command
    }

    /// `mertscope analyze INPUT` with windows `hop_s` seconds apart, and no notices.
    pub(crate) fn analyze_with_hop(&self, input: &Path, hop_s: u32) -> Command {
        let mut command = self.analyze(input);
        command.arg("--quiet").arg("--hop").arg(hop_s.to_string());
        command
    }
}
