//! Set-up: what a command needs is looked for, named, and got once. A second run changes nothing and needs no network.

mod packages;
mod permission;
mod pins;
pub mod python;
mod runtime;

use anyhow::Result;

use crate::workspace::Workspace;
use packages::Purpose;
pub use pins::{Kind, Pins};

/// What `--help` prints.
pub const HELP: &str = "\
Gets what `cargo xtask demo`, `test` and `bench` need; they do the same by themselves.

Usage: cargo xtask setup [--gpu]

Options:
  --gpu   Also get the GPU build of ONNX Runtime (a download of 256 MB), beside the CPU build

1. Debian packages. Each is looked for by what it provides, and only those that are missing are named and installed:
   as root without a terminal or with CI set, at once; as root or with sudo on a terminal, after a yes;
   otherwise the line to run is printed and the exit code is not 0.
2. ONNX Runtime, at the version and with the SHA-256 in assets/onnxruntime.toml. It is downloaded with
   `python3 -m pip download`, which heeds your pip configuration, and lies in your data folder
   (on Linux ~/.local/share/mertscope/onnxruntime/VERSION-cpu). It is verified each time and repaired if need be.

Without a network: put the wheel named in assets/onnxruntime.toml into a folder and set MERTSCOPE_WHEELS to that folder.

Examples:
  cargo xtask setup
  cargo xtask setup --gpu
  MERTSCOPE_WHEELS=/media/stick/wheels cargo xtask setup
";

/// What the set-up is for.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Goal {
    /// `cargo xtask demo`
    Demo,
    /// `cargo xtask test`
    Test,
    /// `cargo xtask bench`
    Bench,
    /// `cargo xtask setup`: what the demo and the tests need
    Everything {
        /// The GPU build of ONNX Runtime too.
        gpu: bool,
    },
}

/// Makes sure that what `goal` needs is there; fails with the remedy where it can't be had.
pub fn run(workspace: &Workspace, goal: Goal) -> Result<()> {
    let pins = Pins::read(workspace)?;
    let mut builds = vec![pins.build(Kind::Cpu)?];
    if goal == (Goal::Everything { gpu: true }) {
        builds.push(pins.build(Kind::Gpu)?);
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
        Goal::Test | Goal::Everything { .. } => purposes.push(Purpose::Test),
        Goal::Bench => purposes.push(Purpose::Environment),
    }
    packages::ensure(&purposes)?;
    for build in missing {
        runtime::install(&pins, build)?;
    }
    Ok(())
}
