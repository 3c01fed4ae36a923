//! `cargo xtask cross`: builds for a system that this machine does not have, and runs there what can be
//! run: Windows under Wine, Linux on ARM under qemu. For macOS it type-checks.
//!
//! Everything comes from Debian's packages, rustup and the registries. Not here: packages of the
//! products (`dist`), and what no emulator can show, such as sound cards, GPUs and real hosts.

mod emulator;
mod suites;
mod table;

use std::process::ExitCode;

use anyhow::{Context, Result, bail};

use crate::bundle::{self, Profile};
use crate::platform::Platform;
use crate::process::{self, Progress};
use crate::setup;
use crate::workspace::Workspace;
use emulator::Emulator;
use table::Verdict;

/// The part of `--help` after the options.
pub(crate) const HELP: &str = "\
Opt-in: no other command needs it. It says first what it takes.

  windows  bundles of the release build in target/cross/x86_64-pc-windows-gnu/bundled; the unit
           tests and the whole-product tests that make sense there, under Wine
  arm64    the command; the unit tests of the engine and the tests on the demo pieces, under
           qemu-user
  macos    type-checks every crate with its tests; there is no linker for macOS elsewhere, and
           nothing runs

Each suite of tests says at once how it ended. The table at the end has a line per suite. A test
that is known to fail for a reason of the emulator is listed with that reason; any other failure
makes the exit code 1. A suite is ended after half an hour, with all that it started. The output of
each is in the folder logs beside the bundles.

What was tested last: Rust 1.95.0 by rustup; of Debian 12 gcc-mingw-w64-x86-64 12.2.0, wine 8.0,
gcc-aarch64-linux-gnu 12.2.0, qemu-user-static 7.2.22. On ARM the command was built and run, and not
yet the suites of tests.

Examples:
  cargo xtask cross windows
  cargo xtask cross windows --build-only
  cargo xtask cross arm64 analyze_demo";

/// The system to build for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Goal {
    /// Windows on x86-64, run under Wine
    Windows,
    /// Linux on ARM64, run under qemu-user
    Arm64,
    /// macOS on Apple silicon, type-checked
    Macos,
}

impl Goal {
    fn platform(self) -> Platform {
        match self {
            Self::Windows => Platform::WINDOWS,
            Self::Arm64 => Platform::ARM64,
            Self::Macos => Platform::MACOS,
        }
    }

    /// Disk and time that a first run takes, for a person who decides.
    fn price(self) -> &'static str {
        match self {
            Self::Windows => {
                "about 4 GB in target/cross, 1.5 GB of Debian packages, an hour on two processor cores, \
                 of which the tests take 14 minutes"
            }
            Self::Arm64 => {
                "about 2 GB in target/cross, 250 MB of Debian packages, 20 minutes of one processor core"
            }
            Self::Macos => "about 1 GB in target/cross, 7 minutes on two processor cores",
        }
    }
}

/// Builds, tests, and prints the table; the exit code is the verdict.
///
/// # Errors
/// When something is missing, or a build fails.
pub(crate) fn run(
    workspace: &Workspace,
    goal: Goal,
    build_only: bool,
    filter: Option<&str>,
) -> Result<ExitCode> {
    if !cfg!(target_os = "linux") {
        bail!(
            "cross builds are made on Linux; on this system build for itself: cargo xtask bundle"
        );
    }
    process::heading("This takes, the first time");
    eprintln!("    {}", goal.price());
    let platform = goal.platform();
    setup::cross(workspace, &platform)?;
    match goal {
        Goal::Macos => {
            check(workspace, &platform)?;
            println!("All crates and their tests type-check for macOS. Nothing was linked or run.");
            return Ok(ExitCode::SUCCESS);
        }
        Goal::Windows => {
            bundle::build(workspace, &platform, Profile::Release)?;
            for top in bundle::put_together(workspace, &platform, Profile::Release)?.tops() {
                println!("{}", top.display());
            }
        }
        Goal::Arm64 => bundle::build_command(workspace, &platform, Profile::Release)?,
    }
    let emulator = Emulator::prepare(workspace, &platform)?;
    if build_only {
        return Ok(ExitCode::SUCCESS);
    }
    let verdict = suites::run(workspace, &platform, &emulator, filter)?;
    println!("{}", verdict.table);
    Ok(match verdict {
        Verdict { passed: true, .. } => ExitCode::SUCCESS,
        Verdict { .. } => ExitCode::FAILURE,
    })
}

/// Type-checks every crate with its tests.
fn check(workspace: &Workspace, platform: &Platform) -> Result<()> {
    let mut cargo = platform.cargo(workspace, "check");
    cargo.args(["--workspace", "--all-targets"]);
    // `ring` compiles C for the target. A folder in the place of Apple's kit, with the one header of Apple's
    // that it includes, suffices when it is told to do without the C library's; nothing is linked.
    let kit = platform.target(workspace).join("no-sdk");
    let headers = kit.join("usr/include");
    std::fs::create_dir_all(&headers)
        .and_then(|()| {
            let header = headers.join("TargetConditionals.h");
            std::fs::write(header, "#define TARGET_OS_OSX 1\n")
        })
        .with_context(|| format!("{} cannot be written", headers.display()))?;
    cargo
        .env("CC_aarch64_apple_darwin", "clang")
        .env("CFLAGS_aarch64_apple_darwin", "-DRING_CORE_NOSTDLIBINC")
        .env("SDKROOT", &kit)
        .env("MACOSX_DEPLOYMENT_TARGET", "14.0");
    process::run("Type-checking for macOS", Progress::Talks, &mut cargo)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_goal_says_what_it_takes_and_has_a_target() {
        for goal in [Goal::Windows, Goal::Arm64, Goal::Macos] {
            assert!(goal.price().contains("GB in target/cross"), "{goal:?}");
            assert!(goal.platform().triple.is_some(), "{goal:?}");
        }
    }
}
