//! `cargo xtask bundle`: builds the products and lays them out as hosts load them, with everything
//! that they need.
//!
//! This is our own code because the framework's bundler cannot add files to a bundle, fixes the
//! version and the identifier in macOS's Info.plist, and pulls cargo's own crates into every build of
//! `cargo xtask`. Not here: signing (macOS, Windows), installers, and the list of the files
//! (`bundle/layout.rs`).

mod layout;
mod module_info;
mod names;
mod property_list;

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use crate::notices::{self, Crate};
use crate::platform::{Platform, System};
use crate::process::{self, Progress};
use crate::setup::{self, Goal};
use crate::standalone;
use crate::workspace::Workspace;
use layout::{Content, File, Icons, Parts};
pub(crate) use names::Names;
pub(crate) use property_list::OLDEST_SYSTEM as OLDEST_MACOS;

/// The part of `--help` after the options.
pub(crate) const HELP: &str = "\
The bundles are in the form that hosts load:
  Mertscope.vst3   the VST3 plugin, complete in itself
  Mertscope.clap   the CLAP plugin; on Linux and Windows a single file that needs the folder
                   Mertscope beside it
  Mertscope        the folder with the standalone app, the mertscope command, ONNX Runtime and the
                   licenses; on macOS the app is Mertscope.app

Linux bundles are tested, those of Windows under Wine. Those of macOS follow the rules of the
formats and are untested; nothing is signed.

Example:
  cargo xtask bundle";

/// The two packages whose products are bundled: the plugin, and the `mertscope` command.
const PLUGIN: &str = "mertscope";
const PLUGIN_BUILD: [&str; 3] = ["--package", PLUGIN, "--lib"];
const COMMAND: &str = "mertscope-cli";

/// The cargo profile of the bundled programs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Profile {
    Release,
    Dev,
}

impl Profile {
    /// The profile's folder in cargo's target folder.
    fn products(self) -> &'static str {
        match self {
            Self::Release => "release",
            Self::Dev => "debug",
        }
    }

    /// The bundles' folder in cargo's target folder.
    fn bundles(self) -> &'static str {
        match self {
            Self::Release => "bundled",
            Self::Dev => "bundled-dev",
        }
    }
}

/// The bundles in the target folder.
pub(crate) struct Bundles {
    pub folder: PathBuf,
    pub names: Names,
    /// Every file, by its path in `folder`.
    pub files: Vec<PathBuf>,
}

impl Bundles {
    /// The bundles and folders themselves.
    pub(crate) fn tops(&self) -> Vec<PathBuf> {
        let mut tops: Vec<PathBuf> = self
            .files
            .iter()
            .filter_map(|file| file.iter().next())
            .map(|top| self.folder.join(top))
            .collect();
        tops.sort();
        tops.dedup();
        tops
    }
}

/// Gets what is missing, builds for this machine, and writes the bundles' folder again, with the
/// listed files only.
pub(crate) fn run(workspace: &Workspace, profile: Profile) -> Result<Bundles> {
    setup::run(workspace, Goal::Bundle)?;
    let platform = Platform::here()?;
    build(workspace, &platform, profile)?;
    put_together(workspace, &platform, profile)
}

/// Builds the products for a platform.
pub(crate) fn build(workspace: &Workspace, platform: &Platform, profile: Profile) -> Result<()> {
    // The plugin separately, or cargo would compile the engine for it with everything that only the
    // command needs; and separately from the app, because the plugin needs no audio backends.
    for (what, package) in [
        ("the plugin", &PLUGIN_BUILD[..]),
        ("the standalone app", &standalone::BUILD),
    ] {
        build_one(workspace, platform, profile, what, package)?;
    }
    build_command(workspace, platform, profile)?;
    if platform.triple.is_some() {
        // `module_info` asks this machine's own plugin.
        let here = Platform::here()?;
        let what = "the plugin for this machine, which describes the other";
        build_one(workspace, &here, Profile::Dev, what, &PLUGIN_BUILD)?;
    }
    Ok(())
}

/// Builds the `mertscope` command for a platform.
pub(crate) fn build_command(
    workspace: &Workspace,
    platform: &Platform,
    profile: Profile,
) -> Result<()> {
    let package = ["--package", COMMAND, "--bin", "mertscope"];
    build_one(
        workspace,
        platform,
        profile,
        "the mertscope command",
        &package,
    )
}

/// Writes the bundles' folder again from the products of [`build`].
pub(crate) fn put_together(
    workspace: &Workspace,
    platform: &Platform,
    profile: Profile,
) -> Result<Bundles> {
    process::heading("Putting the bundles together");
    let names = Names::read(workspace, PLUGIN)?;
    let target = platform.target(workspace);
    let products = target.join(profile.products());
    let version = env!("CARGO_PKG_VERSION");
    let plugin = products.join(platform.system.library(PLUGIN));
    // A library for another system can't be loaded here; what it says is the same on every system.
    let loadable = match platform.triple {
        None => plugin.clone(),
        Some(_) => {
            let products = workspace.target.join(Profile::Dev.products());
            products.join(System::here()?.library(PLUGIN))
        }
    };
    let crates = linked(workspace, platform)?;
    let parts = Parts {
        names: &names,
        version,
        module_info: module_info::text(&names, version, &loadable)?,
        plugin,
        programs: ["mertscope", standalone::NAME]
            .map(|program| products.join(platform.system.program(program)))
            .to_vec(),
        runtime: setup::runtime_files(workspace, platform)?,
        icons: Icons {
            windows: workspace.file("assets/icons/mertscope.ico"),
            macos: workspace.file("assets/icons/mertscope.icns"),
        },
        licenses: vec![
            ("LICENSE-MIT.txt", workspace.file("LICENSE-MIT")),
            ("LICENSE-APACHE.txt", workspace.file("LICENSE-APACHE")),
        ],
        notices: notices::third_party(workspace, &crates)?,
    };
    let files = layout::files(&parts, platform.system, platform.arch);
    let folder = target.join(profile.bundles());
    write(&folder, &files)?;
    Ok(Bundles {
        folder,
        names,
        files: files.into_iter().map(|file| file.to).collect(),
    })
}

/// The crates that are linked into the products.
pub(crate) fn linked(workspace: &Workspace, platform: &Platform) -> Result<Vec<Crate>> {
    let packages = [PLUGIN, standalone::NAME, COMMAND];
    notices::linked_into(workspace, &packages, platform.triple)
}

fn build_one(
    workspace: &Workspace,
    platform: &Platform,
    profile: Profile,
    what: &str,
    package: &[&str],
) -> Result<()> {
    let mut cargo = platform.cargo(workspace, "build");
    cargo.args(package);
    if profile == Profile::Release {
        cargo.arg("--release");
    }
    let elapsed = process::run(
        &format!("Building {what} ({})", profile.products()),
        Progress::Talks,
        &mut cargo,
    )?;
    eprintln!("    built in {:.1} s", elapsed.as_secs_f64());
    Ok(())
}

/// Writes the bundles' folder again: files of an earlier run are removed first.
fn write(folder: &Path, files: &[File]) -> Result<()> {
    if folder.exists() {
        fs::remove_dir_all(folder)
            .with_context(|| format!("{} cannot be emptied", folder.display()))?;
    }
    for file in files {
        let to = folder.join(&file.to);
        let parent = to.parent().unwrap_or(folder);
        fs::create_dir_all(parent)
            .with_context(|| format!("the folder {} cannot be made", parent.display()))?;
        match &file.content {
            // The copy keeps the permissions: programs stay executable.
            Content::Copy(from) => fs::copy(from, &to).map(|_| ()),
            Content::Text(text) => fs::write(&to, text),
        }
        .with_context(|| format!("{} cannot be written", to.display()))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_but_the_listed_files_is_left_in_the_folder() {
        let scratch = tempfile::tempdir().unwrap();
        let folder = scratch.path().join("bundled");
        let stray = folder.join("Mertscope.vst3/Contents/Resources/MERT-v1-95M.safetensors");
        fs::create_dir_all(stray.parent().unwrap()).unwrap();
        fs::write(&stray, "weights that may not be passed on").unwrap();
        let files = [File {
            to: "Mertscope/note.txt".into(),
            content: Content::Text("note".into()),
        }];
        write(&folder, &files).unwrap();
        assert!(!stray.exists() && !folder.join("Mertscope.vst3").exists());
        assert_eq!(
            fs::read_to_string(folder.join("Mertscope/note.txt")).unwrap(),
            "note"
        );
    }
}
