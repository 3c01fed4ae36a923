//! Rust's standard library for another platform, as rustup has it.

use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, Result, bail};

use super::programs::on_path;
use crate::platform::Platform;
use crate::process::{self, Progress};
use crate::workspace::Workspace;

/// Gets the standard library for a platform, unless the compiler has it.
///
/// # Errors
/// When it can't be had; the error names the remedy.
pub(super) fn ensure(workspace: &Workspace, platform: &Platform) -> Result<()> {
    let Some(triple) = platform.triple else {
        return Ok(());
    };
    if has_library(workspace, triple)? {
        return Ok(());
    }
    if !on_path("rustup") {
        bail!(
            "this Rust has no standard library for {triple}; install Rust with rustup, which has one, or the package \
             of your system that has it (on Debian libstd-rust-dev-windows for Windows)"
        );
    }
    let mut rustup = Command::new("rustup");
    rustup.current_dir(&workspace.root);
    let what = format!("Getting Rust's standard library for {triple} (about 30 MB)");
    process::run(
        &what,
        Progress::OnTerminal,
        rustup.args(["target", "add", triple]),
    )?;
    if !has_library(workspace, triple)? {
        bail!(
            "rustup got the standard library for {triple}, but the compiler that runs here does not find it; \
             run cargo through rustup"
        );
    }
    Ok(())
}

/// Whether the compiler of this checkout has the standard library for a target.
fn has_library(workspace: &Workspace, triple: &str) -> Result<bool> {
    let mut rustc = Command::new("rustc");
    rustc.current_dir(&workspace.root);
    let told = rustc
        .args(["--print", "target-libdir", "--target", triple])
        .output()
        .with_context(|| process::could_not_start(&rustc))?;
    let folder = PathBuf::from(String::from_utf8_lossy(&told.stdout).trim());
    let Ok(entries) = folder.read_dir() else {
        return Ok(false);
    };
    let mut names = entries.flatten().map(|entry| entry.file_name());
    Ok(names.any(|name| name.to_string_lossy().starts_with("libstd-")))
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    #[test]
    fn the_compiler_has_the_standard_library_of_a_target_or_not() {
        let workspace = Workspace {
            root: Path::new(env!("CARGO_MANIFEST_DIR")).into(),
            target: "target".into(),
        };
        assert!(!has_library(&workspace, "mips64el-unknown-linux-muslabi64").unwrap());
        assert!(!has_library(&workspace, "no-such-target").unwrap());
    }
}
