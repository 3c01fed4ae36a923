//! The list of the installed files: a line per file, `SHA-256<tab>path`, or per link, `->
//! target<tab>path`.

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

pub(super) use crate::setup::sha256;

/// An installed file or link.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Placed {
    File { path: PathBuf, sha256: String },
    Link { path: PathBuf, to: PathBuf },
}

impl Placed {
    pub(super) fn path(&self) -> &Path {
        match self {
            Self::File { path, .. } | Self::Link { path, .. } => path,
        }
    }

    /// Whether it is in its place, unchanged.
    pub(super) fn is_there(&self) -> bool {
        match self {
            Self::File { path, sha256 } => {
                let is_file = fs::symlink_metadata(path).is_ok_and(|found| found.is_file());
                is_file && self::sha256(path).is_ok_and(|found| &found == sha256)
            }
            Self::Link { path, to } => fs::read_link(path).is_ok_and(|found| &found == to),
        }
    }

    /// Whether anything is in its place, also a dangling link.
    pub(super) fn is_occupied(&self) -> bool {
        fs::symlink_metadata(self.path()).is_ok()
    }
}

/// The list. A path may be listed twice while a newer version is being installed.
pub(super) struct Receipt(pub Vec<Placed>);

impl Receipt {
    /// Reads the list; it is empty when there is no file.
    pub(super) fn read(file: &Path) -> Result<Self> {
        let text = match fs::read_to_string(file) {
            Err(error) if error.kind() == ErrorKind::NotFound => String::new(),
            read => read.with_context(|| format!("{} cannot be read", file.display()))?,
        };
        let lines = text.lines().map(|line| {
            let (what, path) = line.split_once('\t').with_context(|| {
                format!(
                    "{} is damaged; delete it and the installed files by hand",
                    file.display()
                )
            })?;
            let path = path.into();
            Ok(match what.strip_prefix("-> ") {
                Some(to) => Placed::Link {
                    path,
                    to: to.into(),
                },
                None => Placed::File {
                    path,
                    sha256: what.to_owned(),
                },
            })
        });
        Ok(Self(lines.collect::<Result<_>>()?))
    }

    /// Writes the list.
    pub(super) fn write(&self, file: &Path) -> Result<()> {
        let mut text = String::new();
        for placed in &self.0 {
            let what = match placed {
                Placed::File { sha256, .. } => sha256.clone(),
                Placed::Link { to, .. } => format!("-> {}", to.display()),
            };
            let path = placed.path();
            let Some(path) = path.to_str().filter(|path| !path.contains(['\n', '\t'])) else {
                bail!(
                    "the path {} cannot be noted; install elsewhere",
                    path.display()
                );
            };
            text.push_str(&format!("{what}\t{path}\n"));
        }
        let folder = file.parent().unwrap_or(file);
        let cannot = || format!("{} cannot be written", file.display());
        fs::create_dir_all(folder).with_context(cannot)?;
        let new = file.with_extension("new");
        fs::write(&new, text).with_context(cannot)?;
        fs::rename(&new, file).with_context(cannot)
    }

    /// Whether this path holds, unchanged, what was installed there.
    pub(super) fn owns(&self, path: &Path) -> bool {
        self.0
            .iter()
            .any(|placed| placed.path() == path && placed.is_there())
    }

    /// The paths, each once.
    pub(super) fn paths(&self) -> Vec<&Path> {
        let mut paths: Vec<_> = self.0.iter().map(Placed::path).collect();
        paths.sort_unstable();
        paths.dedup();
        paths
    }

    /// Both lists in one.
    pub(super) fn with(&self, other: &Self) -> Self {
        Self(self.0.iter().chain(&other.0).cloned().collect())
    }

    /// The entries at paths that the other list does not name.
    pub(super) fn without(&self, other: &Self) -> Self {
        let kept = other.paths();
        let rest = self
            .0
            .iter()
            .filter(|placed| !kept.contains(&placed.path()));
        Self(rest.cloned().collect())
    }
}

/// Makes a link; systems on which that needs special rights get none (see `Places::commands`).
#[cfg(unix)]
pub(super) fn link(to: &Path, at: &Path) -> std::io::Result<()> {
    match fs::remove_file(at) {
        Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    std::os::unix::fs::symlink(to, at)
}

#[cfg(not(unix))]
pub(crate) fn link(_to: &Path, _at: &Path) -> std::io::Result<()> {
    Err(ErrorKind::Unsupported.into())
}
