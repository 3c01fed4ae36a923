//! ONNX Runtime's shared library in a data folder, the user's or that of a cross build, under its
//! version: got once, verified each time.
//!
//! It appears there complete or not at all: everything is done in a folder beside it, which is renamed
//! at the end. A lock keeps two set-ups apart. Earlier verifications are not recorded: hashing takes a
//! fraction of a second, and a record would miss later damage.

use std::fs::{self, File, TryLockError};
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use sha2::{Digest, Sha256};

use super::pins::{Build, Kind, Pins};
use super::python;
use crate::process::{self, Progress};

const EXTRACT: &str = include_str!("extract_members.py");

/// Whether every file of this build is in place in `data`, byte for byte.
pub(super) fn is_installed(data: &Path, pins: &Pins, build: &Build) -> bool {
    is_intact(build, &folder(&home(data, build), pins, build))
}

/// The paths of a build's files when it is installed in `data`.
pub(super) fn files(data: &Path, pins: &Pins, build: &Build) -> Vec<PathBuf> {
    let folder = folder(&home(data, build), pins, build);
    let members = build.members.iter();
    members
        .map(|member| folder.join(member.file_name()))
        .collect()
}

/// Downloads, verifies and installs a build in `data`; waits for another set-up that is running.
pub(super) fn install(data: &Path, pins: &Pins, build: &Build) -> Result<()> {
    let home = home(data, build);
    fs::create_dir_all(&home).with_context(|| {
        format!(
            "{} cannot be made; {} is kept there: make it writable",
            home.display(),
            build.package
        )
    })?;
    let _lock = lock(&home)?;
    let target = folder(&home, pins, build);
    if is_intact(build, &target) {
        return Ok(());
    }
    if target.exists() {
        eprintln!("    {} is damaged and will be replaced", target.display());
    }

    // The files of an interrupted set-up are useless: pip does not resume.
    let name = target.file_name().unwrap_or_default().to_string_lossy();
    let partial = home.join(format!(".{name}.partial"));
    remove(&partial)?;
    let (downloaded, unpacked) = (partial.join("wheel"), partial.join("files"));
    let made = get(pins, build, &downloaded, &unpacked)
        .and_then(|()| replace(&unpacked, &target, &partial.join("replaced")));
    let tidied = remove(&partial);
    made?;
    tidied?;
    eprintln!(
        "    verified and installed: {}",
        target.join(&build.library).display()
    );
    Ok(())
}

/// The user's data folder.
pub(super) fn data_folder() -> Result<PathBuf> {
    dirs::data_local_dir()
        .context("this user has no data folder; set HOME (or XDG_DATA_HOME) to one")
}

/// The folder of all versions and kinds in a data folder; the engine looks in the same places.
fn home(data: &Path, build: &Build) -> PathBuf {
    data.join("mertscope").join(match build.kind {
        Kind::Cpu | Kind::Gpu => "onnxruntime",
        Kind::OpenVino => "providers",
    })
}

fn folder(home: &Path, pins: &Pins, build: &Build) -> PathBuf {
    let (version, kind) = (build.version(pins), build.kind);
    home.join(match kind {
        Kind::Cpu | Kind::Gpu => format!("{version}-{kind}"),
        Kind::OpenVino => format!("{kind}-{version}"),
    })
}

fn is_intact(build: &Build, folder: &Path) -> bool {
    build.members.iter().all(|member| {
        sha256(&folder.join(member.file_name())).is_ok_and(|found| found == member.sha256)
    })
}

fn lock(home: &Path) -> Result<File> {
    let path = home.join(".lock");
    let cannot = || format!("{} cannot be locked", path.display());
    let file = File::create(&path).with_context(cannot)?;
    match file.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => {
            process::heading("Waiting for another set-up to finish");
            let _clock = process::Clock::start(Progress::Silent);
            file.lock().with_context(cannot)?;
        }
        Err(TryLockError::Error(error)) => return Err(error).with_context(cannot),
    }
    Ok(file)
}

/// Downloads the wheel into `downloaded` and fills `unpacked` with its verified members.
fn get(pins: &Pins, build: &Build, downloaded: &Path, unpacked: &Path) -> Result<()> {
    for folder in [downloaded, unpacked] {
        fs::create_dir_all(folder)
            .with_context(|| format!("the folder {} cannot be made", folder.display()))?;
    }
    python::download(pins, build, downloaded)?;
    let wheel = downloaded.join(&build.wheel);
    verify(&wheel, &build.wheel_sha256)?;

    let mut python = python::command();
    python.args(["-c", EXTRACT]).arg(&wheel).arg(unpacked);
    python.args(build.members.iter().map(|member| &member.path));
    let (status, captured) = process::run_and_capture("Unpacking", Progress::Silent, &mut python)?;
    if !status.success() {
        let reason = if captured.contains("Errno 28") {
            "the disk is full: free some space"
        } else {
            "see above"
        };
        bail!(
            "{} could not be unpacked; {reason} and try again",
            wheel.display()
        );
    }
    for member in &build.members {
        verify(&unpacked.join(member.file_name()), &member.sha256)?;
    }
    Ok(())
}

/// Moves `new` to `target`. A folder that is there is moved to `old`, complete, because a running
/// program may have its files open.
fn replace(new: &Path, target: &Path, old: &Path) -> Result<()> {
    if target.exists() {
        fs::rename(target, old)
            .with_context(|| format!("{} cannot be moved away", target.display()))?;
    }
    fs::rename(new, target).with_context(|| format!("{} cannot be put in place", target.display()))
}

fn verify(file: &Path, expected: &str) -> Result<()> {
    let found = sha256(file)
        .with_context(|| format!("{} is not there after the download", file.display()))?;
    if found != expected {
        bail!(
            "{} is not the file that assets/onnxruntime.toml pins (SHA-256 {found}, expected {expected}), and was not \
             used; try again, and if it stays so, the source of the download is not to be trusted",
            file.display()
        );
    }
    Ok(())
}

/// The SHA-256 of a file in lower-case hexadecimal.
pub(crate) fn sha256(file: &Path) -> io::Result<String> {
    let (mut hasher, mut file) = (Sha256::new(), File::open(file)?);
    let mut chunk = vec![0; 1 << 18];
    loop {
        match file.read(&mut chunk)? {
            0 => break,
            count => hasher.update(&chunk[..count]),
        }
    }
    Ok(hasher
        .finalize()
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect())
}

fn remove(folder: &Path) -> Result<()> {
    match fs::remove_dir_all(folder) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            Err(error).with_context(|| format!("{} cannot be removed", folder.display()))
        }
        _ => Ok(()),
    }
}
