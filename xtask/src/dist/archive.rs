//! The archives to unpack by hand, and the list of checksums of all packages.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};

use super::release::Release;
use super::tree::{self, Entry};
use crate::bundle::Bundles;
use crate::platform::System;
use crate::process::{self, Progress};
use crate::setup;

const README_LINUX: &str = include_str!("readme-linux.txt");
const README_WINDOWS: &str = include_str!("readme-windows.txt");
const ZIP: &str = include_str!("zip_folder.py");

/// The name of the list of checksums.
const SUMS: &str = "SHA256SUMS";

/// The files of the archive for Linux, in its one folder.
pub(super) fn linux_tree(release: &Release, bundles: &Bundles, share: &[Entry]) -> Vec<Entry> {
    let name = release.name(System::Linux);
    let share = share.iter().cloned().map(|entry| entry.inside("share"));
    let readme = Entry::bytes(README_LINUX, "README.txt");
    let entries = bundled(bundles).chain(share).chain([readme]);
    entries.map(|entry| entry.inside(&name)).collect()
}

/// The files of the archive for Windows, in its one folder.
pub(super) fn windows_tree(release: &Release, bundles: &Bundles, bill: &str) -> Vec<Entry> {
    let name = release.name(System::Windows);
    // Windows' older editors know no other line ends.
    let readme = Entry::bytes(README_WINDOWS.replace('\n', "\r\n"), "README.txt");
    let bill = Entry::bytes(bill, "Mertscope/mertscope.cdx.json");
    let entries = bundled(bundles).chain([bill, readme]);
    entries.map(|entry| entry.inside(&name)).collect()
}

/// The bundles' files under their own paths.
fn bundled(bundles: &Bundles) -> impl Iterator<Item = Entry> + '_ {
    bundles.files.iter().map(|file| {
        let from = bundles.folder.join(file);
        if is_program(file) {
            Entry::program(from, file)
        } else {
            Entry::copy(from, file)
        }
    })
}

/// Whether a bundled file is started, as opposed to loaded or read.
pub(super) fn is_program(file: &Path) -> bool {
    let name = file.file_name().unwrap_or_default().to_string_lossy();
    let name = name.strip_suffix(".exe").unwrap_or(&name);
    name == "mertscope" || name == crate::standalone::NAME
}

/// Writes the archive for Linux into `out`.
///
/// # Errors
/// When `tar` or `gzip` fail.
pub(super) fn tar_gz(
    release: &Release,
    entries: &[Entry],
    folder: &Path,
    out: &Path,
) -> Result<PathBuf> {
    tree::write(folder, entries, release.epoch)?;
    let name = release.name(System::Linux);
    let tar = out.join(format!("{name}.tar"));
    let mut command = Command::new("tar");
    command
        .args(["--create", "--format=ustar", "--sort=name"])
        .args(["--owner=0", "--group=0", "--numeric-owner"])
        .arg(format!("--mtime=@{}", release.epoch.0))
        .arg("--file")
        .arg(&tar)
        .arg("--directory")
        .arg(folder)
        .arg(&name);
    process::run("Packing the archive", Progress::Silent, &mut command)?;
    let mut command = Command::new("gzip");
    let level = if release.quick { "--fast" } else { "--best" };
    command.args(["--no-name", level, "--force"]).arg(&tar);
    process::run("Compressing it", Progress::Silent, &mut command)?;
    Ok(out.join(format!("{name}.tar.gz")))
}

/// Writes the archive for Windows into `out`.
///
/// # Errors
/// When Python fails.
pub(super) fn zip(
    release: &Release,
    entries: &[Entry],
    folder: &Path,
    out: &Path,
) -> Result<PathBuf> {
    tree::write(folder, entries, release.epoch)?;
    let archive = out.join(format!("{}.zip", release.name(System::Windows)));
    let mut python = setup::python();
    python.args(["-c", ZIP]).arg(folder).arg(&archive);
    python.arg(release.epoch.0.to_string());
    process::run("Packing the archive", Progress::Silent, &mut python)?;
    Ok(archive)
}

/// Writes the SHA-256 of every package in `folder`, as `sha256sum --check` reads it.
///
/// # Errors
/// When a file can't be read or written.
pub(super) fn write_sums(folder: &Path) -> Result<PathBuf> {
    let cannot = || format!("{} cannot be read", folder.display());
    let entries = fs::read_dir(folder).with_context(cannot)?;
    let mut files = entries
        .map(|entry| Ok(entry?.path()))
        .collect::<Result<Vec<_>>>()
        .with_context(cannot)?;
    files.retain(|file| file.is_file() && !file.ends_with(SUMS));
    files.sort();
    let mut text = String::new();
    for file in &files {
        let sum =
            setup::sha256(file).with_context(|| format!("{} cannot be read", file.display()))?;
        let name = file.file_name().unwrap_or_default().to_string_lossy();
        text.push_str(&format!("{sum}  {name}\n"));
    }
    let sums = folder.join(SUMS);
    fs::write(&sums, text).with_context(|| format!("{} cannot be written", sums.display()))?;
    Ok(sums)
}

#[cfg(all(test, target_os = "linux"))]
pub(super) mod tests {
    use super::super::time::Epoch;
    use super::*;
    use crate::bundle::Names;

    pub(in super::super) const RELEASE: Release = Release {
        version: "1.2.3",
        epoch: Epoch(1_000_000_000),
        arch: "x86_64",
        quick: false,
    };

    /// Bundles of a few small files in a folder.
    pub(in super::super) fn bundles(folder: &Path) -> Bundles {
        let library = "libonnxruntime.so.1.31.1";
        let files: Vec<PathBuf> = [
            "Mertscope.clap".to_owned(),
            "Mertscope.vst3/Contents/Resources/moduleinfo.json".to_owned(),
            "Mertscope.vst3/Contents/Resources/LICENSE-MIT.txt".to_owned(),
            "Mertscope.vst3/Contents/x86_64-linux/Mertscope.so".to_owned(),
            format!("Mertscope.vst3/Contents/x86_64-linux/{library}"),
            "Mertscope/LICENSE-MIT.txt".to_owned(),
            "Mertscope/THIRD-PARTY-NOTICES.txt".to_owned(),
            format!("Mertscope/{library}"),
            "Mertscope/mertscope".to_owned(),
            "Mertscope/mertscope-standalone".to_owned(),
        ]
        .map(PathBuf::from)
        .to_vec();
        for file in &files {
            let path = folder.join(file);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, format!("{} GLIBC_2.28", file.display())).unwrap();
        }
        let names = Names {
            name: "Mertscope".into(),
            identifier: "org.example.mertscope".into(),
        };
        Bundles {
            folder: folder.to_owned(),
            names,
            files,
        }
    }

    #[test]
    fn two_archives_of_the_same_files_are_equal_and_hold_them_all() {
        let archive = || {
            let scratch = tempfile::tempdir().unwrap();
            let bundles = bundles(&scratch.path().join("bundled"));
            let tree = linux_tree(&RELEASE, &bundles, &[Entry::bytes("man", "man/man1/x.1")]);
            let (folder, out) = (scratch.path().join("tree"), scratch.path());
            let linux = fs::read(tar_gz(&RELEASE, &tree, &folder, out).unwrap()).unwrap();
            let tree = windows_tree(&RELEASE, &bundles, "{}");
            let windows = fs::read(zip(&RELEASE, &tree, &folder, out).unwrap()).unwrap();
            (linux, windows)
        };
        let (first, second) = (archive(), archive());
        assert!(first == second, "two archives differ");
        assert!(first.0.len() > 200 && first.1.starts_with(b"PK"));
    }

    #[test]
    fn the_checksums_are_those_that_sha256sum_accepts() {
        let folder = tempfile::tempdir().unwrap();
        for name in ["b.deb", "a.zip"] {
            fs::write(folder.path().join(name), name).unwrap();
        }
        let sums = write_sums(folder.path()).unwrap();
        assert_eq!(write_sums(folder.path()).unwrap(), sums);
        let text = fs::read_to_string(&sums).unwrap();
        let names: Vec<_> = text
            .lines()
            .map(|line| line.split("  ").nth(1).unwrap())
            .collect();
        assert_eq!(names, ["a.zip", "b.deb"]);
        let mut check = Command::new("sha256sum");
        check
            .args(["--check", "--strict", SUMS])
            .current_dir(folder.path());
        assert!(process::succeeds(&mut check));
    }
}
