//! `cargo xtask install` and `uninstall`: puts the bundles where hosts look for them, and removes them
//! again.
//!
//! A receipt lists every installed file with its hash. Only files that it lists and that are unchanged
//! are ever replaced or deleted. A file is written beside its place and then renamed, because a
//! running host may have the old one mapped.

mod places;
mod receipt;

use std::env;
use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

use crate::bundle::{self, Bundles, Profile};
use crate::platform::System;
use crate::workspace::Workspace;
use places::Places;
pub(crate) use places::Scope;
use receipt::{Placed, Receipt};

/// The part of `--help` after the options.
pub(crate) const HELP: &str = "\
The bundles are those of `cargo xtask bundle`. Their places:

                Linux          macOS                          Windows
  VST3, user    ~/.vst3        ~/Library/Audio/Plug-Ins/VST3  %LOCALAPPDATA%\\Programs\\Common\\VST3
  CLAP, user    ~/.clap        ~/Library/Audio/Plug-Ins/CLAP  %LOCALAPPDATA%\\Programs\\Common\\CLAP
  VST3, system  /usr/lib/vst3  /Library/Audio/Plug-Ins/VST3   %COMMONPROGRAMFILES%\\VST3
  CLAP, system  /usr/lib/clap  /Library/Audio/Plug-Ins/CLAP   %COMMONPROGRAMFILES%\\CLAP

The mertscope command and the standalone app go into the folder Mertscope beside the CLAP plugin. On
Linux and macOS ~/.local/bin/mertscope (system: /usr/local/bin/mertscope) is a link to the command.
On macOS the app is Mertscope.app in ~/Applications (system: /Applications).

A second run changes nothing. A file that is already there and was not put there by this command is
not touched: the command names it and stops. Linux is tested, macOS and Windows are not.

Examples:
  cargo xtask install
  cargo xtask uninstall";

/// The part of `--help` after the options.
pub(crate) const UNINSTALL_HELP: &str = "\
A file that was changed since it was installed is left in its place, and named. Models that you have
downloaded and ONNX Runtime in your data folder stay.

Example:
  cargo xtask uninstall";

/// Builds and installs.
pub(crate) fn run(workspace: &Workspace, scope: Scope) -> Result<()> {
    let places = Places::of(scope, System::here()?)?;
    let bundles = bundle::run(workspace, Profile::Release)?;
    for line in install(&bundles, &places)? {
        println!("{line}");
    }
    if let Some(folder) = &places.commands {
        let listed = env::var_os("PATH").unwrap_or_default();
        if !env::split_paths(&listed).any(|listed| &listed == folder) {
            println!(
                "{} is not on your PATH; add it to type `mertscope` anywhere.",
                folder.display()
            );
        }
    }
    println!("Let your host scan its plugins again to see Mertscope.");
    Ok(())
}

/// Uninstalls.
pub(crate) fn uninstall(scope: Scope) -> Result<()> {
    let places = Places::of(scope, System::here()?)?;
    for line in remove(&places)? {
        println!("{line}");
    }
    Ok(())
}

/// Puts every file of the bundles in place; returns lines for the user. Writes nothing if a file of
/// others is in the way.
fn install(bundles: &Bundles, places: &Places) -> Result<Vec<String>> {
    let wanted = plan(bundles, places)?;
    let old = Receipt::read(&places.receipt)?;
    let in_the_way: Vec<String> = wanted
        .iter()
        .filter(|(_, placed)| {
            placed.is_occupied() && !placed.is_there() && !old.owns(placed.path())
        })
        .map(|(_, placed)| placed.path().display().to_string())
        .collect();
    if !in_the_way.is_empty() {
        bail!(
            "these are there already and were not put there by `cargo xtask install`; move them away and try again:\n    {}",
            in_the_way.join("\n    ")
        );
    }
    if old.0.len() == wanted.len()
        && wanted
            .iter()
            .all(|(_, placed)| old.0.contains(placed) && placed.is_there())
    {
        return Ok(vec!["Everything was already in place.".into()]);
    }
    // The receipt lists both until the new ones are in place: the next run can complete, or undo, an
    // interrupted one.
    let new = Receipt(wanted.iter().map(|(_, placed)| placed.clone()).collect());
    old.with(&new)
        .write(&places.receipt)
        .with_context(|| no_permission(places))?;
    for (source, placed) in &wanted {
        if !placed.is_there() {
            place(source.as_deref(), placed).with_context(|| {
                format!(
                    "{} cannot be put in place; {}",
                    placed.path().display(),
                    no_permission(places)
                )
            })?;
        }
    }
    let mut messages = take_away(&old.without(&new), places)?;
    new.write(&places.receipt)?;
    for top in bundles.tops() {
        let root = places.root_of(&top);
        messages.push(format!(
            "Installed {}",
            root.join(top.file_name().unwrap_or_default()).display()
        ));
    }
    Ok(messages)
}

/// The files to install: source (none for a link) and place.
fn plan(bundles: &Bundles, places: &Places) -> Result<Vec<(Option<PathBuf>, Placed)>> {
    let mut wanted = Vec::new();
    for file in &bundles.files {
        let source = bundles.folder.join(file);
        let path = places.root_of(file).join(file);
        let sha256 = receipt::sha256(&source)
            .with_context(|| format!("{} cannot be read", source.display()))?;
        wanted.push((Some(source), Placed::File { path, sha256 }));
    }
    if let Some(commands) = &places.commands {
        wanted.push((
            None,
            Placed::Link {
                path: commands.join("mertscope"),
                to: places.clap.join(&bundles.names.name).join("mertscope"),
            },
        ));
    }
    Ok(wanted)
}

fn place(source: Option<&Path>, placed: &Placed) -> std::io::Result<()> {
    let path = placed.path();
    if let Some(parent) = path.parent() {
        fs::create_dir_all(parent)?;
    }
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(".new");
    let beside = path.with_file_name(name);
    match (source, placed) {
        (Some(source), Placed::File { .. }) => fs::copy(source, &beside).map(|_| ())?,
        (_, Placed::Link { to, .. }) => receipt::link(to, &beside)?,
        (None, Placed::File { .. }) => return Err(ErrorKind::NotFound.into()),
    }
    fs::rename(&beside, path)
}

/// Removes the files that the receipt lists; returns lines for the user.
fn remove(places: &Places) -> Result<Vec<String>> {
    let receipt = Receipt::read(&places.receipt)?;
    if receipt.0.is_empty() {
        return Ok(vec![format!(
            "Nothing is installed: there is no {}.",
            places.receipt.display()
        )]);
    }
    let mut messages = take_away(&receipt, places)?;
    fs::remove_file(&places.receipt)
        .with_context(|| format!("{} cannot be removed", places.receipt.display()))?;
    messages.push("Mertscope is uninstalled.".into());
    Ok(messages)
}

/// Deletes the files that are unchanged since we installed them, then the folders that this leaves
/// empty, up to the hosts' own. Returns lines for the user.
fn take_away(receipt: &Receipt, places: &Places) -> Result<Vec<String>> {
    let mut messages = Vec::new();
    for path in receipt.paths() {
        if receipt.owns(path) {
            fs::remove_file(path).with_context(|| {
                format!(
                    "{} cannot be removed; {}",
                    path.display(),
                    no_permission(places)
                )
            })?;
        } else if fs::symlink_metadata(path).is_ok() {
            messages.push(format!(
                "{} was changed since it was installed, and is left there.",
                path.display()
            ));
        }
        let root = places.root_of_installed(path);
        for folder in path
            .ancestors()
            .skip(1)
            .take_while(|folder| Some(*folder) != root)
        {
            // The system refuses to remove a folder that is not empty: it stays.
            if root.is_none() || fs::remove_dir(folder).is_err() {
                break;
            }
        }
    }
    Ok(messages)
}

fn no_permission(places: &Places) -> String {
    match places.scope {
        Scope::User => "the disk may be full, or the folder not yours, or a host may have the plugin open".into(),
        Scope::System => "this needs the right to write for all users: run it as the administrator (on Linux, \
                          `sudo env PATH=\"$PATH\" cargo xtask …`), or leave --system out to install for yourself"
            .into(),
    }
}

#[cfg(test)]
mod tests;
