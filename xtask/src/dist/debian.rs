//! The Debian package: the places of its files, its control files, and its assembly by `dpkg-deb`.
//!
//! ONNX Runtime lies in it once, in `/usr/lib/mertscope`, and the VST3 bundle links to it. No script
//! runs when it is installed or removed, and nothing in a home is touched.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

use super::archive::is_program;
use super::manuals::gzip;
use super::release::Release;
use super::time;
use super::tree::{self, Entry};
use crate::bundle::Bundles;
use crate::process::{self, Progress};

/// The folder of the programs and of ONNX Runtime.
const HOME: &str = "usr/lib/mertscope";
const DOCUMENTS: &str = "usr/share/doc/mertscope";

/// No mail arrives there: the project has no address yet.
const MAINTAINER: &str = "The Mertscope developers <nobody@mertscope.invalid>";

const COPYRIGHT: &str = include_str!("copyright.txt");
const OVERRIDES: &str = include_str!("lintian-overrides.txt");

/// Writes the package into `out`.
///
/// # Errors
/// When a file can't be read, and when `dpkg-deb` fails.
pub(super) fn package(
    release: &Release,
    bundles: &Bundles,
    share: &[Entry],
    folder: &Path,
    out: &Path,
) -> Result<PathBuf> {
    let architecture = architecture(release.arch)?;
    let mut entries = files(release, bundles)?;
    entries.extend(share.iter().cloned().map(|entry| entry.inside("usr/share")));
    tree::write(folder, &entries, release.epoch)?;
    let control = [
        Entry::bytes(control(release, architecture, &entries, folder)?, "control"),
        Entry::bytes(md5sums(folder, &entries)?, "md5sums"),
    ];
    entries.extend(control.map(|entry| entry.inside("DEBIAN")));
    tree::write(folder, &entries, release.epoch)?;
    let package = out.join(format!("mertscope_{}_{architecture}.deb", release.version));
    let mut build = Command::new("dpkg-deb");
    let compression: &[&str] = if release.quick {
        &["-Zgzip", "-z1"]
    } else {
        &["-Zxz"]
    };
    build
        .arg("--root-owner-group")
        .args(compression)
        .arg("--build")
        .arg(folder)
        .arg(&package)
        .env(time::VARIABLE, release.epoch.0.to_string())
        // Its list of the package it makes is for nobody.
        .stdout(std::process::Stdio::null());
    process::run("Making the Debian package", Progress::Silent, &mut build)?;
    Ok(package)
}

/// Debian's name of a processor.
fn architecture(arch: &str) -> Result<&'static str> {
    Ok(match arch {
        "x86_64" => "amd64",
        "aarch64" => "arm64",
        other => bail!("Debian's name for the processor {other} is not known here"),
    })
}

/// The package's files without those of `share`.
fn files(release: &Release, bundles: &Bundles) -> Result<Vec<Entry>> {
    let name = &bundles.names.name;
    let vst3 = format!("{name}.vst3");
    let mut entries = Vec::new();
    for file in &bundles.files {
        let from = bundles.folder.join(file);
        let base = file.file_name().unwrap_or_default();
        let is_text = file.extension().is_some_and(|extension| extension == "txt");
        let is_runtime = base.to_string_lossy().starts_with("libonnxruntime");
        if file.starts_with(&vst3) {
            let to = Path::new("usr/lib/vst3").join(file);
            if is_runtime {
                // From Mertscope.vst3/Contents/ARCH-linux.
                let target = Path::new("../../../../mertscope").join(base);
                entries.push(Entry::link(target, to));
            } else if !is_text {
                entries.push(Entry::copy(from, to));
            }
        } else if file.starts_with(name) {
            if is_program(file) {
                entries.push(Entry::program(from, Path::new(HOME).join(base)));
                let target = Path::new("../lib/mertscope").join(base);
                entries.push(Entry::link(target, Path::new("usr/bin").join(base)));
            } else if is_text {
                entries.extend(document(&from, base)?);
            } else {
                entries.push(Entry::copy(from, Path::new(HOME).join(base)));
            }
        } else {
            entries.push(Entry::copy(from, Path::new("usr/lib/clap").join(file)));
        }
    }
    // The plugin looks there for ONNX Runtime.
    entries.push(Entry::link(
        "../mertscope",
        Path::new("usr/lib/clap").join(name),
    ));
    let changelog = format!(
        "mertscope ({}) unstable; urgency=medium\n\n  * The changes are in the project's CHANGELOG.md.\n\n -- {MAINTAINER}  {}\n",
        release.version,
        release.epoch.rfc()
    );
    entries.extend([
        Entry::bytes(COPYRIGHT, format!("{DOCUMENTS}/copyright")),
        Entry::bytes(
            gzip(changelog.as_bytes())?,
            format!("{DOCUMENTS}/changelog.gz"),
        ),
        Entry::bytes(OVERRIDES, "usr/share/lintian/overrides/mertscope"),
    ]);
    Ok(entries)
}

/// A text of the bundles; our own licenses are in `copyright`.
fn document(from: &Path, base: &std::ffi::OsStr) -> Result<Option<Entry>> {
    let name = base.to_string_lossy();
    if name.starts_with("LICENSE-") {
        return Ok(None);
    }
    let text = fs::read(from).with_context(|| format!("{} cannot be read", from.display()))?;
    let to = format!("{DOCUMENTS}/{name}.gz");
    Ok(Some(Entry::bytes(gzip(&text)?, to)))
}

/// <https://www.debian.org/doc/debian-policy/ch-controlfields.html>
fn control(
    release: &Release,
    architecture: &str,
    entries: &[Entry],
    folder: &Path,
) -> Result<String> {
    let mut bytes = 0;
    let mut libc = (2, 28);
    for entry in entries {
        let path = folder.join(&entry.to);
        if path.is_symlink() {
            continue;
        }
        let content =
            fs::read(&path).with_context(|| format!("{} cannot be read", path.display()))?;
        bytes += content.len();
        if entry.to.starts_with("usr/lib") {
            libc = libc.max(newest_libc(&content));
        }
    }
    let (major, minor) = libc;
    Ok(format!(
        "Package: mertscope\n\
         Version: {version}\n\
         Architecture: {architecture}\n\
         Maintainer: {MAINTAINER}\n\
         Installed-Size: {size}\n\
         Depends: libc6 (>= {major}.{minor}), libgcc-s1, libstdc++6, libasound2t64 | libasound2\n\
         Recommends: libegl1, libgl1, libxcb1, libxkbcommon0, libxkbcommon-x11-0\n\
         Suggests: libjack-jackd2-0 | libjack0\n\
         Section: sound\n\
         Priority: optional\n\
         Description: live key, genre and embedding map of music\n \
         A VST3 and CLAP plugin, a standalone app and a command that show what a\n \
         music-understanding model hears while music plays: the genre, the key, and\n \
         the path of the model's embedding over time. A small model is built in, so\n \
         that it works without a network.\n",
        version = release.version,
        size = bytes.div_ceil(1024),
    ))
}

/// The newest version of the C library that a program or library names, as `GLIBC_2.34`.
fn newest_libc(content: &[u8]) -> (u32, u32) {
    const MARK: &[u8] = b"GLIBC_2.";
    let digits = |rest: &[u8]| -> u32 {
        let text: String = rest
            .iter()
            .take_while(|byte| byte.is_ascii_digit())
            .map(|byte| char::from(*byte))
            .collect();
        text.parse().unwrap_or(0)
    };
    let found = content
        .windows(MARK.len() + 2)
        .filter(|window| window.starts_with(MARK))
        .map(|window| digits(&window[MARK.len()..]));
    (2, found.max().unwrap_or(0))
}

/// The list by which `dpkg --verify` finds changed files.
fn md5sums(folder: &Path, entries: &[Entry]) -> Result<Vec<u8>> {
    let mut files: Vec<&PathBuf> = entries.iter().map(|entry| &entry.to).collect();
    files.retain(|file| !folder.join(file).is_symlink());
    files.sort();
    let mut command = Command::new("md5sum");
    command.arg("--").args(files).current_dir(folder);
    let done = command
        .output()
        .with_context(|| process::could_not_start(&command))?;
    if !done.status.success() {
        bail!("md5sum failed: {}", String::from_utf8_lossy(&done.stderr));
    }
    Ok(done.stdout)
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::super::archive::tests::{RELEASE, bundles};
    use super::*;

    fn made() -> (tempfile::TempDir, PathBuf) {
        let scratch = tempfile::tempdir().unwrap();
        let bundles = bundles(&scratch.path().join("bundled"));
        let share = [Entry::bytes("page", "man/man1/mertscope.1.gz")];
        let folder = scratch.path().join("tree");
        let package = package(&RELEASE, &bundles, &share, &folder, scratch.path()).unwrap();
        (scratch, package)
    }

    fn dpkg(what: &str, package: &Path) -> String {
        let done = Command::new("dpkg-deb")
            .arg(what)
            .arg(package)
            .output()
            .unwrap();
        assert!(done.status.success());
        String::from_utf8(done.stdout).unwrap()
    }

    #[test]
    fn two_packages_of_the_same_files_are_equal() {
        let ((_first, one), (_second, two)) = (made(), made());
        assert!(fs::read(one).unwrap() == fs::read(two).unwrap());
    }

    #[test]
    fn everything_is_where_hosts_shells_and_menus_look() {
        let (_scratch, package) = made();
        let listed = dpkg("--contents", &package);
        for line in [
            "./usr/lib/clap/Mertscope.clap",
            "./usr/lib/clap/Mertscope -> ../mertscope",
            "./usr/lib/vst3/Mertscope.vst3/Contents/Resources/moduleinfo.json",
            "./usr/lib/vst3/Mertscope.vst3/Contents/x86_64-linux/Mertscope.so",
            "Contents/x86_64-linux/libonnxruntime.so.1.31.1 -> ../../../../mertscope/libonnxruntime.so.1.31.1",
            "./usr/lib/mertscope/libonnxruntime.so.1.31.1",
            "./usr/bin/mertscope -> ../lib/mertscope/mertscope",
            "./usr/share/man/man1/mertscope.1.gz",
            "./usr/share/doc/mertscope/copyright",
            "./usr/share/doc/mertscope/THIRD-PARTY-NOTICES.txt.gz",
        ] {
            assert!(listed.contains(line), "{line}\n{listed}");
        }
        assert!(
            listed.lines().all(|line| line.contains("root/root")),
            "{listed}"
        );
        assert!(!listed.contains("LICENSE-MIT"), "{listed}");
        let program = listed
            .lines()
            .find(|line| line.ends_with("/usr/lib/mertscope/mertscope"));
        assert!(program.unwrap().starts_with("-rwxr-xr-x"), "{listed}");
    }

    #[test]
    fn the_control_file_names_the_newest_c_library_that_is_needed() {
        let (_scratch, package) = made();
        let control = dpkg("--field", &package);
        for line in [
            "Version: 1.2.3\n",
            "Architecture: amd64\n",
            "libc6 (>= 2.28)",
        ] {
            assert!(control.contains(line), "{control}");
        }
        let text = b"GLIBC_2.17 GLIBC_2.34\0GLIBC_2.4 GLIBCXX_3.4 GLIBC_2.";
        assert_eq!(newest_libc(text), (2, 34));
        assert!(
            architecture("riscv64")
                .unwrap_err()
                .to_string()
                .contains("riscv64")
        );
    }
}
