//! `cargo xtask dist`: packages that people install, from the release bundles: for Linux an archive and
//! a Debian package, for Windows an archive and an installer, for macOS an installer package and a disk
//! image.
//!
//! Those for Linux and Windows are equal for equal builds: files are sorted and belong to root, and every
//! time in a package is that of the last commit, or `SOURCE_DATE_EPOCH`. Not here: signatures for Windows.

mod archive;
mod bill;
mod debian;
mod installer;
mod macos;
mod manuals;
mod release;
mod share;
mod time;
mod tree;
mod wheel;

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
  macos    mertscope-VERSION-macos-aarch64.pkg and .dmg, made on a Mac
  wheel    mertscope-VERSION-….whl, the Python package for pip: for any Linux with glibc 2.28,
           linked by zig from PyPI and checked by auditwheel; on other systems for that system

All but the wheel, which uses the package onnxruntime, have ONNX Runtime and the third-party notices
in them; all have the licenses.

The release build is made first. With --assemble it is taken as it is in target, which is a matter
of seconds. The packages for Linux and Windows have the time of the last commit in them, or of
SOURCE_DATE_EPOCH, so that two runs on the same build are equal; they are not signed.

For macOS the environment says how to sign, with certificates of Apple's developer program:
  MACOS_APPLICATION_IDENTITY   name of the certificate \"Developer ID Application: …\"
  MACOS_INSTALLER_IDENTITY     name of the certificate \"Developer ID Installer: …\"
  MACOS_CERTIFICATES           both as a .p12 in base64; without it they are in your keychain
  MACOS_CERTIFICATES_PASSWORD  its password
  MACOS_NOTARY_USER, MACOS_NOTARY_PASSWORD, MACOS_NOTARY_TEAM
                               the account that asks Apple to notarize; without it, nothing is
Without the identities nothing is signed, and unsigned-macos.txt beside the packages says so.

Examples:
  cargo xtask dist
  cargo xtask dist windows
  cargo xtask dist wheel
  cargo xtask dist --assemble";

/// The system that the packages are for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Goal {
    /// This Linux
    Linux,
    /// Windows on x86-64, cross-built on Linux
    Windows,
    /// This Mac
    Macos,
    /// The Python package, for Linux of any distribution or for this system
    Wheel,
}

impl Goal {
    /// The platform of the packages, when they can be made on the machine `here`; without a goal they are
    /// for that machine.
    fn platform(goal: Option<Self>, here: Platform) -> Result<Platform> {
        Ok(match (goal, here.system) {
            (Some(Self::Wheel), _)
            | (None | Some(Self::Linux), System::Linux)
            | (None | Some(Self::Macos), System::MacOs) => here,
            (Some(Self::Windows), System::Linux) => Platform::WINDOWS,
            (None | Some(Self::Windows), _) => bail!(
                "packages for Windows are made on Linux, from the build that is tested: run `cargo xtask dist windows` \
                 there. `cargo xtask bundle` makes plugins and programs on this system"
            ),
            (Some(Self::Linux), _) => bail!("packages for Linux are made on Linux"),
            (Some(Self::Macos), _) => bail!(
                "packages for macOS are made on a Mac: Apple's tools for packages and signatures exist only there"
            ),
        })
    }
}

/// Builds, makes the packages, and prints their paths.
///
/// # Errors
/// When something is missing, or a build fails.
pub(crate) fn run(
    workspace: &Workspace,
    goal: Option<Goal>,
    profile: Profile,
    assemble: bool,
) -> Result<()> {
    let platform = Goal::platform(goal, Platform::here()?)?;
    let out = workspace.target.join(match profile {
        Profile::Release => "dist",
        Profile::Dev => "dist-dev",
    });
    fs::create_dir_all(&out)
        .with_context(|| format!("the folder {} cannot be made", out.display()))?;
    if goal == Some(Goal::Wheel) {
        println!("{}", wheel::make(workspace, profile, &out)?.display());
        return Ok(());
    }
    setup::packaging(&platform)?;
    if !assemble {
        match platform.triple {
            None => setup::run(workspace, SetupGoal::Bundle)?,
            Some(_) => setup::cross(workspace, &platform)?,
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
    process::heading("Making the packages");
    let crates = bundle::linked(workspace, &platform)?;
    let runtime = setup::runtime_version(workspace)?;
    let bill = bill::text(&release, platform.system, &crates, &runtime)?;
    let bill_file = out.join(format!("{}.cdx.json", release.name(platform.system)));
    fs::write(&bill_file, &bill)
        .with_context(|| format!("{} cannot be written", bill_file.display()))?;
    let mut made = vec![bill_file];
    let make = match platform.system {
        System::Linux => linux,
        System::Windows => windows,
        System::MacOs => macos,
    };
    let scratch = workspace.target.join("dist-scratch");
    made.extend(make(workspace, &release, &bundles, &bill, &scratch, &out)?);
    fs::remove_dir_all(&scratch)
        .with_context(|| format!("{} cannot be removed", scratch.display()))?;
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
    scratch: &Path,
    out: &Path,
) -> Result<Vec<PathBuf>> {
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
    Ok(vec![archive, package])
}

fn windows(
    workspace: &Workspace,
    release: &Release,
    bundles: &Bundles,
    bill: &str,
    scratch: &Path,
    out: &Path,
) -> Result<Vec<PathBuf>> {
    let tree = archive::windows_tree(release, bundles, bill);
    let folder = scratch.join("archive");
    let archive = archive::zip(release, &tree, &folder, out)?;
    let installer = installer::make(workspace, release, bundles, scratch, out)?;
    Ok(vec![archive, installer])
}

fn macos(
    workspace: &Workspace,
    release: &Release,
    bundles: &Bundles,
    bill: &str,
    scratch: &Path,
    out: &Path,
) -> Result<Vec<PathBuf>> {
    macos::packages(workspace, release, bundles, bill, scratch, out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_system_makes_its_own_packages_and_linux_those_for_windows() {
        let on = |system: System| Platform {
            system,
            arch: "aarch64",
            triple: None,
        };
        let made = |goal: Option<Goal>, system: System| {
            let platform = Goal::platform(goal, on(system));
            platform
                .map(|platform| platform.system)
                .map_err(|error| error.to_string())
        };
        assert_eq!(made(None, System::Linux), Ok(System::Linux));
        assert_eq!(made(None, System::MacOs), Ok(System::MacOs));
        let windows = Some(Goal::Windows);
        assert_eq!(made(windows, System::Linux), Ok(System::Windows));
        for (goal, system, remedy) in [
            (None, System::Windows, "cargo xtask dist windows"),
            (windows, System::MacOs, "made on Linux"),
            (Some(Goal::Macos), System::Linux, "made on a Mac"),
            (Some(Goal::Linux), System::Windows, "made on Linux"),
        ] {
            let error = made(goal, system).unwrap_err();
            assert!(error.contains(remedy), "{error}");
        }
    }
}
