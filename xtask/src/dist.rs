//! `cargo xtask dist`: packages that people install, from the release bundles: for Linux an archive and
//! a Debian package, for Windows an archive and an installer.
//!
//! Two runs on the same build give the same bytes: files are sorted and belong to root, and every time
//! in a package is that of the last commit, or `SOURCE_DATE_EPOCH`. Not here: packages for macOS, whose
//! tools exist only there, and signatures, which the release workflow makes with secrets.

mod archive;
mod bill;
mod debian;
mod installer;
mod manuals;
mod release;
mod share;
mod time;
mod tree;

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

use crate::bundle::{self, Bundles, Profile};
use crate::platform::{Platform, System};
use crate::process;
use crate::setup::{self, Goal as SetupGoal};
use crate::workspace::Workspace;
use release::Release;
use time::Epoch;

/// The part of `--help` after the options.
pub(crate) const HELP: &str = "\
The packages are in target/dist, with their SHA-256 in SHA256SUMS and, for each system, a software
bill of materials (CycloneDX):

  linux    mertscope-VERSION-linux-ARCH.tar.gz, to unpack into one's own folders, and
           mertscope_VERSION_ARCH.deb
  windows  mertscope-VERSION-windows-x86_64.zip, and the installer mertscope-VERSION-setup.exe,
           made on Linux with the build of `cargo xtask cross windows`

Each has ONNX Runtime, the third-party notices and the licenses in it. Nothing is signed.

The release build is made first. With --assemble it is taken as it is in target, which is a matter
of seconds. The packages have the time of the last commit in them, or of SOURCE_DATE_EPOCH, so that
two runs on the same build are equal.

Examples:
  cargo xtask dist
  cargo xtask dist windows
  cargo xtask dist --assemble";

/// The system that the packages are for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Goal {
    /// This Linux
    Linux,
    /// Windows on x86-64, cross-built on Linux
    Windows,
}

/// Builds, makes the packages, and prints their paths.
///
/// # Errors
/// When something is missing, or a build fails.
pub(crate) fn run(
    workspace: &Workspace,
    goal: Goal,
    profile: Profile,
    assemble: bool,
) -> Result<()> {
    let here = Platform::here()?;
    if here.system != System::Linux {
        bail!(
            "packages are made on Linux, those for Windows too; on this system `cargo xtask bundle` builds what the \
             release workflow packs"
        );
    }
    let platform = match goal {
        Goal::Linux => here,
        Goal::Windows => Platform::WINDOWS,
    };
    setup::packaging(&platform)?;
    if !assemble {
        match goal {
            Goal::Linux => setup::run(workspace, SetupGoal::Bundle)?,
            Goal::Windows => setup::cross(workspace, &platform)?,
        }
        bundle::build(workspace, &platform, profile)?;
    }
    let bundles = bundle::put_together(workspace, &platform, profile)?;
    let release = Release {
        version: env!("CARGO_PKG_VERSION"),
        epoch: Epoch::of(workspace)?,
        arch: platform.arch,
        quick: profile == Profile::Dev,
    };
    let out = workspace.target.join(match profile {
        Profile::Release => "dist",
        Profile::Dev => "dist-dev",
    });
    fs::create_dir_all(&out)
        .with_context(|| format!("the folder {} cannot be made", out.display()))?;
    process::heading("Making the packages");
    let crates = bundle::linked(workspace, &platform)?;
    let runtime = setup::runtime_version(workspace)?;
    let bill = bill::text(&release, platform.system, &crates, &runtime)?;
    let bill_file = out.join(format!("{}.cdx.json", release.name(platform.system)));
    fs::write(&bill_file, &bill)
        .with_context(|| format!("{} cannot be written", bill_file.display()))?;
    let mut made = vec![bill_file];
    match goal {
        Goal::Linux => made.extend(linux(workspace, &release, &bundles, &bill, &out)?),
        Goal::Windows => made.extend(windows(workspace, &release, &bundles, &bill, &out)?),
    }
    let sums = archive::write_sums(&out)?;
    for path in made.iter().chain([&sums]) {
        println!("{}", path.display());
    }
    Ok(())
}

fn linux(
    workspace: &Workspace,
    release: &Release,
    bundles: &Bundles,
    bill: &str,
    out: &Path,
) -> Result<Vec<PathBuf>> {
    let scratch = workspace.target.join("dist-scratch");
    let command = bundles.folder.join(&bundles.names.name).join("mertscope");
    let manuals = manuals::write(&command, &scratch.join("manuals"))?;
    let share = share::files(workspace, &manuals, bill);
    let archive = archive::tar_gz(
        release,
        &archive::linux_tree(release, bundles, &share),
        &scratch.join("archive"),
        out,
    )?;
    let package = debian::package(release, bundles, &share, &scratch.join("debian"), out)?;
    fs::remove_dir_all(&scratch)
        .with_context(|| format!("{} cannot be removed", scratch.display()))?;
    Ok(vec![archive, package])
}

fn windows(
    workspace: &Workspace,
    release: &Release,
    bundles: &Bundles,
    bill: &str,
    out: &Path,
) -> Result<Vec<PathBuf>> {
    let scratch = workspace.target.join("dist-scratch-windows");
    let tree = archive::windows_tree(release, bundles, bill);
    let folder = scratch.join("archive");
    let archive = archive::zip(release, &tree, &folder, out)?;
    let installer = installer::make(workspace, release, bundles, &scratch, out)?;
    fs::remove_dir_all(&scratch)
        .with_context(|| format!("{} cannot be removed", scratch.display()))?;
    Ok(vec![archive, installer])
}
