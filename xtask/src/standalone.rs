//! The standalone app as xtask uses it: its build, and the only place that knows its options.

use std::env;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::Result;

use crate::process::{self, Progress};
use crate::workspace::Workspace;

/// The options of its build; a build of the plugin alone needs none of the audio backends.
pub(crate) const BUILD: [&str; 4] = ["--package", NAME, "--bin", NAME];

/// The program's name.
pub(crate) const NAME: &str = "mertscope-standalone";

/// The built app.
pub(crate) struct Standalone {
    executable: PathBuf,
}

impl Standalone {
    /// Builds the app in release.
    pub(crate) fn build(workspace: &Workspace) -> Result<Self> {
        let mut cargo = workspace.cargo(["build", "--release"]);
        let elapsed = process::run(
            "Building the standalone app (release)",
            Progress::Talks,
            cargo.args(BUILD),
        )?;
        eprintln!("    built in {:.1} s", elapsed.as_secs_f64());
        Ok(Self {
            executable: workspace.release(NAME),
        })
    }

    /// The app with these arguments, in the current folder.
    pub(crate) fn run<A: AsRef<OsStr>>(&self, arguments: impl IntoIterator<Item = A>) -> Command {
        let mut command = Command::new(&self.executable);
        command.args(arguments);
        command
    }

    /// The app playing a file: in its window when there is a display, else printing lines for
    /// `seconds`.
    pub(crate) fn play(&self, file: &Path, seconds: u32) -> Command {
        let mut command = self.run(["--file".as_ref(), file.as_os_str()]);
        if !has_display() {
            let seconds = seconds.to_string();
            command.args(["--headless", "--seconds", &seconds]);
        }
        command
    }
}

/// Whether the user can see a window that is opened here.
pub(crate) fn has_display() -> bool {
    let is_set = |name| env::var_os(name).is_some_and(|value| !value.is_empty());
    !is_set("CI") && (!cfg!(target_os = "linux") || is_set("DISPLAY"))
}
