//! The user's Python, and wheels through its pip: from the index in the user's pip configuration, or
//! from a folder.

use std::env;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Result, bail};

use super::pins::{Build, Pins};
use crate::process::{self, Progress};

/// The name of the interpreter's program.
const PYTHON: &str = if cfg!(windows) { "python" } else { "python3" };

/// Names a folder of wheels to use instead of the network.
const WHEELS_VARIABLE: &str = "MERTSCOPE_WHEELS";

/// The user's Python.
pub(crate) fn command() -> Command {
    Command::new(PYTHON)
}

/// Whether the user's Python is installed and can import all of these.
pub(super) fn has_modules(modules: &[&str]) -> bool {
    process::succeeds(command().args(["-c", &format!("import {}", modules.join(", "))]))
}

/// Whether the dynamic linker finds a shared library; asked through Python.
pub(super) fn can_load(library: &str) -> bool {
    process::succeeds(command().args([
        "-c",
        "import ctypes, sys; ctypes.CDLL(sys.argv[1])",
        library,
    ]))
}

/// Downloads the wheel of a build into `folder`, with progress; the Python that runs pip may be of
/// any version.
pub(super) fn download(pins: &Pins, build: &Build, folder: &Path) -> Result<()> {
    let mut pip = command();
    pip.args(["-m", "pip", "download", "--disable-pip-version-check"])
        .args(["--no-deps", "--only-binary=:all:", "--implementation", "cp"])
        .args(["--python-version", &build.python, "--abi", &build.abi]);
    for platform in &build.platforms {
        pip.args(["--platform", platform]);
    }
    add_wheels_folder(&mut pip);
    pip.arg("--dest")
        .arg(folder)
        .arg(format!("{}=={}", build.package, build.version(pins)));
    let what = format!(
        "Downloading {} {} ({:.0} MB)",
        build.package,
        build.version(pins),
        build.wheel_bytes as f64 / 1e6
    );
    run_pip(&what, &mut pip, &build.wheel)
}

/// Installs exact versions (`name==version`) into the environment of `python`.
pub(super) fn install(python: &Path, requirements: &[String]) -> Result<()> {
    let mut pip = Command::new(python);
    pip.args([
        "-m",
        "pip",
        "install",
        "--disable-pip-version-check",
        "--only-binary=:all:",
    ]);
    add_wheels_folder(&mut pip);
    pip.args(requirements);
    let requirements = requirements.join(" ");
    run_pip(
        &format!("Installing {requirements} for Python"),
        &mut pip,
        &requirements,
    )
}

fn add_wheels_folder(pip: &mut Command) {
    if let Some(folder) = wheels_folder() {
        pip.arg("--no-index").arg("--find-links").arg(folder);
    }
}

fn wheels_folder() -> Option<PathBuf> {
    env::var_os(WHEELS_VARIABLE)
        .filter(|value| !value.is_empty())
        .map(PathBuf::from)
}

fn run_pip(what: &str, pip: &mut Command, wanted: &str) -> Result<()> {
    let (status, captured) = process::run_and_capture(what, Progress::OnTerminal, pip)?;
    if status.success() {
        return Ok(());
    }
    bail!(remedy(&captured, wanted, wheels_folder().as_deref()))
}

/// The reason for pip's failure, from its output, and the remedy.
fn remedy(captured: &str, wanted: &str, wheels: Option<&Path>) -> String {
    if captured.contains("No space left on device") || captured.contains("Errno 28") {
        return format!(
            "the disk is full, so that pip could not get {wanted}; free some space and try again"
        );
    }
    if captured.contains("externally-managed-environment")
        || captured.contains("No module named pip")
    {
        return format!(
            "this Python cannot run pip to get {wanted}; on Debian: apt-get install -y python3-pip"
        );
    }
    match wheels {
        Some(folder) => format!(
            "pip did not find {wanted} in {}, where {WHEELS_VARIABLE} points; put the wheel there, or unset the variable",
            folder.display()
        ),
        None => format!(
            "pip could not get {wanted}, see above; check the network and pip's configuration (`{PYTHON} -m pip config \
             list`). Without a network: put the wheel into a folder and set {WHEELS_VARIABLE} to that folder"
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pips_failures_get_a_remedy_each() {
        let wheel = "onnxruntime-1.whl";
        let full = remedy("ERROR: [Errno 28] No space left on device", wheel, None);
        assert!(
            full.contains("disk is full") && full.contains(wheel),
            "{full}"
        );
        let network = remedy("Temporary failure in name resolution", wheel, None);
        assert!(
            network.contains("network") && network.contains(WHEELS_VARIABLE),
            "{network}"
        );
        let folder = remedy(
            "No matching distribution found",
            wheel,
            Some(Path::new("/wheels")),
        );
        assert!(
            folder.contains("/wheels") && folder.contains("put the wheel there"),
            "{folder}"
        );
        let no_pip = remedy("/usr/bin/python3: No module named pip", wheel, None);
        assert!(no_pip.contains("python3-pip"), "{no_pip}");
    }
}
