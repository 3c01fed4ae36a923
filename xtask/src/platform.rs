//! The systems that the products are built for: this machine, or another one by cross-compilation.
//!
//! Not here: what a cross build needs to be installed (`setup`), and the programs that run its
//! products on this machine (`cross`).

use std::env::consts;
use std::path::PathBuf;
use std::process::Command;

use anyhow::{Result, bail};

use crate::workspace::Workspace;

/// The operating systems that products are built for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum System {
    Linux,
    MacOs,
    Windows,
}

impl System {
    /// The system of this machine.
    pub(crate) fn here() -> Result<Self> {
        Ok(match consts::OS {
            "linux" => Self::Linux,
            "macos" => Self::MacOs,
            "windows" => Self::Windows,
            other => bail!("there are bundles for Linux, macOS and Windows, and this is {other}"),
        })
    }

    /// Rust's name for it.
    pub(crate) fn os(self) -> &'static str {
        match self {
            Self::Linux => "linux",
            Self::MacOs => "macos",
            Self::Windows => "windows",
        }
    }

    /// The file name of a program.
    pub(crate) fn program(self, name: &str) -> String {
        match self {
            Self::Windows => format!("{name}.exe"),
            Self::Linux | Self::MacOs => name.to_owned(),
        }
    }

    /// The file name of a shared library.
    pub(crate) fn library(self, name: &str) -> String {
        match self {
            Self::Linux => format!("lib{name}.so"),
            Self::MacOs => format!("lib{name}.dylib"),
            Self::Windows => format!("{name}.dll"),
        }
    }
}

/// A system on a processor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Platform {
    pub system: System,
    /// The processor, by Rust's name for it.
    pub arch: &'static str,
    /// The target triple of a cross build; none for this machine.
    pub triple: Option<&'static str>,
}

impl Platform {
    pub(crate) const WINDOWS: Self = Self {
        system: System::Windows,
        arch: "x86_64",
        // The one Windows toolchain that is tested and released: it cross-compiles with packages that
        // Debian has.
        triple: Some("x86_64-pc-windows-gnu"),
    };
    pub(crate) const ARM64: Self = Self {
        system: System::Linux,
        arch: "aarch64",
        triple: Some("aarch64-unknown-linux-gnu"),
    };
    pub(crate) const MACOS: Self = Self {
        system: System::MacOs,
        arch: "aarch64",
        triple: Some("aarch64-apple-darwin"),
    };

    /// This machine.
    pub(crate) fn here() -> Result<Self> {
        Ok(Self {
            system: System::here()?,
            arch: consts::ARCH,
            triple: None,
        })
    }

    /// The folder with the profiles' folders of a build for this platform.
    pub(crate) fn target(&self, workspace: &Workspace) -> PathBuf {
        match self.triple {
            None => workspace.target.clone(),
            Some(triple) => cross_folder(workspace).join(triple),
        }
    }

    /// Cargo in the workspace's root, with a sub-command that builds for this platform.
    pub(crate) fn cargo(&self, workspace: &Workspace, sub_command: &str) -> Command {
        let mut cargo = workspace.cargo([sub_command]);
        if let Some(triple) = self.triple {
            cargo.args(["--target", triple]).arg("--target-dir");
            cargo.arg(cross_folder(workspace));
        }
        if *self == Self::ARM64 {
            // The linker of this machine is no cross-linker, as it is for Windows by its own name.
            let linker = "CARGO_TARGET_AARCH64_UNKNOWN_LINUX_GNU_LINKER";
            cargo.env(linker, "aarch64-linux-gnu-gcc");
        }
        cargo
    }
}

/// The folder with everything that is built for other platforms.
fn cross_folder(workspace: &Workspace) -> PathBuf {
    workspace.target.join("cross")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn products_have_the_names_of_their_system() {
        let names = |system: System| (system.program("m"), system.library("m"));
        let expected = |program: &str, library: &str| (program.to_owned(), library.to_owned());
        assert_eq!(names(System::Linux), expected("m", "libm.so"));
        assert_eq!(names(System::MacOs), expected("m", "libm.dylib"));
        assert_eq!(names(System::Windows), expected("m.exe", "m.dll"));
        let here = System::here().unwrap();
        let library = format!("{}m{}", consts::DLL_PREFIX, consts::DLL_SUFFIX);
        assert_eq!(here.library("m"), library);
        assert_eq!(here.program("m"), format!("m{}", consts::EXE_SUFFIX));
        assert_eq!(here.os(), consts::OS);
    }

    #[test]
    fn a_cross_build_lies_in_a_folder_of_its_own() {
        let workspace = Workspace {
            root: ".".into(),
            target: "target".into(),
        };
        let here = Platform::here().unwrap();
        assert_eq!(here.target(&workspace), PathBuf::from("target"));
        let windows = Platform::WINDOWS;
        let folder = PathBuf::from("target/cross/x86_64-pc-windows-gnu");
        assert_eq!(windows.target(&workspace), folder);
        let build = windows.cargo(&workspace, "build");
        let words: Vec<_> = build
            .get_args()
            .map(|word| word.to_str().unwrap())
            .collect();
        assert_eq!(words[..2], ["build", "--target"]);
    }
}
