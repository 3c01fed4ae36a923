//! Set-up: what a command needs is looked for, named, and got once. A second run changes nothing
//! and needs no network.

mod environment;
mod packages;
mod permission;
mod pins;
mod python;
mod runtime;

use std::path::PathBuf;

use anyhow::Result;

use crate::workspace::Workspace;
pub use environment::environment;
use packages::Purpose;
pub use pins::{Kind, Pins};
pub use runtime::sha256;

/// What `--help` prints.
pub const HELP: &str = "\
Gets what `cargo xtask demo`, `run`, `test` and `bench` need; they do the same by themselves.

Usage: cargo xtask setup [--gpu] [--openvino]

Options:
  --gpu       Also get the GPU build of ONNX Runtime (a download of 256 MB), beside the CPU build
  --openvino  Also get OpenVINO's provider library (a download of 53 MB), for Intel processors and graphics; it lies in
              mertscope/providers/ in your data folder, where Mertscope looks for such libraries

1. Debian packages. Each is looked for by what it provides, and only those that are missing are named and installed:
   as root without a terminal or with CI set, at once; as root or with sudo on a terminal, after a yes;
   otherwise the line to run is printed and the exit code is not 0.
2. ONNX Runtime, at the version and with the SHA-256 in assets/onnxruntime.toml. It is downloaded with
   `python3 -m pip download`, which heeds your pip configuration, and lies in your data folder
   (on Linux ~/.local/share/mertscope/onnxruntime/VERSION-cpu). It is verified each time and repaired if need be.
3. For the tests: plugin hosts, as Debian packages and as Python packages in target/venv/hosts (62 MB of downloads). Where
   they can't be had the tests that need them are skipped; nothing else depends on them.

Without a network: put the wheel named in assets/onnxruntime.toml into a folder and set MERTSCOPE_WHEELS to that folder.

Examples:
  cargo xtask setup
  cargo xtask setup --gpu --openvino
  MERTSCOPE_WHEELS=/media/stick/wheels cargo xtask setup
";

/// Plugin hosts that Python has.
const HOSTS: [&str; 3] = ["pedalboard==0.9.26", "dawdreamer==0.9.0", "numpy==2.4.6"];

/// What the set-up is for.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Goal {
    /// `cargo xtask demo`
    Demo,
    /// `cargo xtask run`
    Run,
    /// `cargo xtask bundle`
    Bundle,
    /// `cargo xtask test`
    Test,
    /// `cargo xtask bench`
    Bench,
    /// `cargo xtask train`
    Train,
    /// `cargo xtask screenshots`, and what else opens the plugin's window
    Screen,
    /// `cargo xtask setup`: what the demo and the tests need
    Everything {
        /// The builds that are wanted beside the CPU build of ONNX Runtime.
        extra: Extra,
    },
}

/// What is got only when it is asked for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Extra {
    /// The GPU build of ONNX Runtime.
    pub gpu: bool,
    /// OpenVINO's provider library.
    pub openvino: bool,
}

/// Makes sure that what `goal` needs is there; fails with the remedy where it can't be had.
pub fn run(workspace: &Workspace, goal: Goal) -> Result<()> {
    let pins = Pins::read(workspace)?;
    let mut builds = vec![pins.build(Kind::Cpu)?];
    if let Goal::Everything { extra } = goal {
        let wanted = [(extra.gpu, Kind::Gpu), (extra.openvino, Kind::OpenVino)];
        for (_, kind) in wanted.into_iter().filter(|(wanted, _)| *wanted) {
            builds.push(pins.build(kind)?);
        }
    }
    let mut missing = Vec::new();
    for build in builds {
        if !runtime::is_installed(&pins, build)? {
            missing.push(build);
        }
    }

    let mut purposes = vec![Purpose::Build];
    if !missing.is_empty() {
        purposes.push(Purpose::Download);
    }
    match goal {
        Goal::Demo => {}
        Goal::Run | Goal::Bundle => purposes.push(Purpose::Standalone),
        Goal::Test | Goal::Everything { .. } => {
            purposes.extend([Purpose::Standalone, Purpose::Test]);
        }
        Goal::Bench => purposes.push(Purpose::Environment),
        Goal::Train => purposes.extend([Purpose::Environment, Purpose::Train]),
        Goal::Screen => purposes.push(Purpose::Screen),
    }
    packages::ensure(&purposes)?;
    for build in missing {
        runtime::install(&pins, build)?;
    }
    Ok(())
}

/// ONNX Runtime's libraries and documents as [`run`] has put them in place: the CPU build, which
/// runs everywhere.
pub fn runtime_files(workspace: &Workspace) -> Result<Vec<PathBuf>> {
    let pins = Pins::read(workspace)?;
    runtime::files(&pins, pins.build(Kind::Cpu)?)
}

/// Real plugin hosts for the tests: a Python environment with them, and the packages that they
/// need. Nothing else depends on them, so that what can't be had is told, and the tests skip it.
pub fn hosts(workspace: &Workspace) {
    let got = packages::ensure(&[Purpose::Environment, Purpose::Screen, Purpose::Hosts])
        .and_then(|()| environment(workspace, "hosts", &HOSTS.map(str::to_owned)));
    if let Err(error) = got {
        eprintln!("    {error:#}\n    Tests in plugin hosts that are not there will be skipped.");
    }
}

/// The interpreter of the Python environment with the tools of [`crate::lint`], each
/// `package==version`.
pub fn lint_tools(workspace: &Workspace, tools: &[&str]) -> Result<PathBuf> {
    packages::ensure(&[Purpose::Environment])?;
    let tools: Vec<String> = tools.iter().map(|tool| (*tool).to_owned()).collect();
    environment(workspace, "lint", &tools)
}
