//! The Python package as a wheel: for Linux linked by zig's linker against an old C library, so that any distribution of
//! the last years can load it, and checked by auditwheel; elsewhere for this system.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail, ensure};

use crate::bundle::Profile;
use crate::process::{self, Progress};
use crate::setup;
use crate::test::python::with_programs;
use crate::workspace::Workspace;

/// What builds and checks the wheel.
const REQUIREMENTS: [&str; 3] = ["auditwheel==6.8.2", "maturin==1.16.0", "ziglang==0.17.1"];

/// The C library 2.x that is enough for the wheel: that of the wheels of onnxruntime, which it needs.
const MANYLINUX_MINOR: u32 = 28;

/// Builds the wheel into `out`, and checks it on Linux.
///
/// # Errors
/// When it can't be built, or asks for more of the system than it says.
pub(super) fn make(workspace: &Workspace, profile: Profile, out: &Path) -> Result<PathBuf> {
    let python = setup::environment(workspace, "wheel", &REQUIREMENTS.map(str::to_owned))?;
    let folder = workspace.target.join("dist-scratch").join("wheel");
    if folder.exists() {
        fs::remove_dir_all(&folder)
            .with_context(|| format!("{} cannot be removed", folder.display()))?;
    }
    let mut maturin = Command::new(&python);
    maturin
        .current_dir(&workspace.root)
        .args(["-m", "maturin", "build", "--manifest-path"])
        .arg(workspace.file("engine/python/Cargo.toml"))
        .args(["--interpreter"])
        .arg(&python)
        .args(["--out"])
        .arg(&folder);
    match profile {
        Profile::Release => maturin.arg("--release"),
        Profile::Dev => maturin.args(["--profile", "dev"]),
    };
    if cfg!(target_os = "linux") {
        let tag = format!("manylinux_2_{MANYLINUX_MINOR}");
        maturin.args(["--zig", "--compatibility", &tag]);
        maturin.env("PATH", with_programs(&python));
    }
    process::run("Building the wheel", Progress::Talks, &mut maturin)?;
    let built = only_wheel(&folder)?;
    if cfg!(target_os = "linux") {
        check(&python, &built)?;
    }
    let name = built.file_name().context("the wheel has no name")?;
    let wheel = out.join(name);
    fs::copy(&built, &wheel).with_context(|| format!("{} cannot be written", wheel.display()))?;
    Ok(wheel)
}

fn only_wheel(folder: &Path) -> Result<PathBuf> {
    let entries =
        fs::read_dir(folder).with_context(|| format!("{} cannot be read", folder.display()))?;
    let paths = entries
        .map(|entry| Ok(entry?.path()))
        .collect::<Result<Vec<_>>>()?;
    let mut wheels = paths
        .into_iter()
        .filter(|path| path.extension().is_some_and(|end| end == "whl"));
    match (wheels.next(), wheels.next()) {
        (Some(wheel), None) => Ok(wheel),
        _ => bail!("maturin left no wheel, or several, in {}", folder.display()),
    }
}

/// Lets auditwheel judge which systems the wheel runs on.
fn check(python: &Path, wheel: &Path) -> Result<()> {
    process::heading("Checking the wheel");
    let mut auditwheel = Command::new(python);
    auditwheel.args(["-m", "auditwheel", "show"]).arg(wheel);
    let output = auditwheel
        .stderr(Stdio::inherit())
        .output()
        .with_context(|| process::could_not_start(&auditwheel))?;
    let printed = String::from_utf8_lossy(&output.stdout);
    eprintln!("{}", printed.trim());
    ensure!(output.status.success(), "auditwheel failed, see above");
    let glibc = oldest_c_library(&printed).context("auditwheel named no manylinux tag")?;
    ensure!(
        glibc <= MANYLINUX_MINOR,
        "the wheel asks for the C library 2.{glibc}, which is newer than 2.{MANYLINUX_MINOR}"
    );
    Ok(())
}

/// The minor version of the oldest C library 2.x that auditwheel finds enough.
fn oldest_c_library(printed: &str) -> Option<u32> {
    let tag = printed.split_once("platform tag:")?.1;
    let minor = tag.split_once("manylinux_2_")?.1;
    let end = minor.find(|letter: char| !letter.is_ascii_digit());
    minor[..end.unwrap_or(minor.len())].parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn auditwheel_says_which_c_library_is_enough() {
        let printed = "mertscope-0.1.0-cp311-abi3-manylinux_2_28_x86_64.whl is consistent with the\nfollowing \
                       platform tag: \"manylinux_2_17_x86_64\".";
        assert_eq!(oldest_c_library(printed), Some(17));
        let unfit = printed.replace("manylinux_2_17_x86_64\"", "linux_x86_64\"");
        assert_eq!(oldest_c_library(&unfit), None);
    }
}
