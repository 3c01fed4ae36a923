//! The folders of the checkout and of its build products, and calls of cargo in it.

use std::env;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};

/// The folders of the checkout that xtask was built from.
pub(crate) struct Workspace {
    /// The folder with the workspace's `Cargo.toml`.
    pub root: PathBuf,
    /// Cargo's target folder (with a configured target triple: that triple's folder inside it).
    pub target: PathBuf,
}

impl Workspace {
    /// Finds the checkout from cargo's environment variables, and the target folder from the path of
    /// our own executable in it, which is right for `CARGO_TARGET_DIR`, `build.target-dir` and
    /// `build.target` alike.
    pub(crate) fn find() -> Result<Self> {
        let manifest_dir =
            env::var_os("CARGO_MANIFEST_DIR").unwrap_or_else(|| env!("CARGO_MANIFEST_DIR").into());
        let root = Path::new(&manifest_dir)
            .parent()
            .context("xtask has no folder above it")?;
        let executable =
            env::current_exe().context("the path of xtask's own executable is unknown")?;
        let target = executable
            .ancestors()
            .nth(2)
            .context("xtask was started from outside a target folder")?;
        Ok(Self {
            root: root.to_owned(),
            target: target.to_owned(),
        })
    }

    /// The cargo that runs us, in the workspace's root, with its sub-command and arguments.
    ///
    /// Without the variables in which cargo tells us our own package: `ring` is built anew whenever they differ, and
    /// half of the product with it.
    pub(crate) fn cargo<A: AsRef<OsStr>>(&self, arguments: impl IntoIterator<Item = A>) -> Command {
        let mut command = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
        command.current_dir(&self.root).args(arguments);
        for (name, _) in env::vars_os() {
            let text = name.to_string_lossy();
            if text.starts_with("CARGO_PKG_") || text.starts_with("CARGO_MANIFEST_") {
                command.env_remove(&name);
            }
        }
        command
    }

    /// A file of the checkout, by its path from the root.
    pub(crate) fn file(&self, path: &str) -> PathBuf {
        self.root.join(path)
    }

    /// A release build's product, by its path from the profile's folder and without `.exe`.
    pub(crate) fn release(&self, path: &str) -> PathBuf {
        self.target
            .join("release")
            .join(path)
            .with_extension(env::consts::EXE_EXTENSION)
    }
}
