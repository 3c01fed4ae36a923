//! The files of a package, and their folder on disk with fixed permissions and times.

use std::fs::{self, File};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use super::time::Epoch;

/// A file or link of a package.
#[derive(Clone, Debug)]
pub(super) struct Entry {
    /// Its path from the package's root.
    pub to: PathBuf,
    pub content: Content,
}

/// What an entry is.
#[derive(Clone, Debug)]
pub(super) enum Content {
    /// A copy of a file.
    Copy(PathBuf),
    /// A copy of a program.
    Program(PathBuf),
    Bytes(Vec<u8>),
    /// A symbolic link.
    Link(PathBuf),
}

impl Entry {
    pub(super) fn copy(from: impl Into<PathBuf>, to: impl Into<PathBuf>) -> Self {
        let (to, content) = (to.into(), Content::Copy(from.into()));
        Self { to, content }
    }

    pub(super) fn program(from: impl Into<PathBuf>, to: impl Into<PathBuf>) -> Self {
        let (to, content) = (to.into(), Content::Program(from.into()));
        Self { to, content }
    }

    pub(super) fn bytes(bytes: impl Into<Vec<u8>>, to: impl Into<PathBuf>) -> Self {
        let (to, content) = (to.into(), Content::Bytes(bytes.into()));
        Self { to, content }
    }

    pub(super) fn link(target: impl Into<PathBuf>, to: impl Into<PathBuf>) -> Self {
        let (to, content) = (to.into(), Content::Link(target.into()));
        Self { to, content }
    }

    /// The same entry in a folder.
    pub(super) fn inside(mut self, folder: &str) -> Self {
        self.to = Path::new(folder).join(self.to);
        self
    }
}

/// Writes the entries into `root`, which is emptied first.
///
/// # Errors
/// When a file can't be read or written.
pub(super) fn write(root: &Path, entries: &[Entry], epoch: Epoch) -> Result<()> {
    if root.exists() {
        fs::remove_dir_all(root)
            .with_context(|| format!("{} cannot be emptied", root.display()))?;
    }
    for entry in entries {
        let to = root.join(&entry.to);
        let parent = to.parent().unwrap_or(root);
        fs::create_dir_all(parent)
            .with_context(|| format!("the folder {} cannot be made", parent.display()))?;
        put(&entry.content, &to, epoch)
            .with_context(|| format!("{} cannot be written", to.display()))?;
    }
    fix_folders(root, epoch).with_context(|| format!("{} cannot be read", root.display()))
}

fn put(content: &Content, to: &Path, epoch: Epoch) -> std::io::Result<()> {
    match content {
        Content::Copy(from) | Content::Program(from) => fs::copy(from, to).map(|_| ())?,
        Content::Bytes(bytes) => fs::write(to, bytes)?,
        Content::Link(target) => return link(target, to),
    }
    set_mode(to, matches!(content, Content::Program(_)))?;
    File::options()
        .write(true)
        .open(to)?
        .set_modified(epoch.system_time())
}

/// Folders get their time when all that is in them is there.
fn fix_folders(folder: &Path, epoch: Epoch) -> std::io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            fix_folders(&entry.path(), epoch)?;
        }
    }
    set_mode(folder, true)?;
    File::open(folder)?.set_modified(epoch.system_time())
}

#[cfg(unix)]
fn set_mode(path: &Path, executable: bool) -> std::io::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    let mode = if executable { 0o755 } else { 0o644 };
    fs::set_permissions(path, fs::Permissions::from_mode(mode))
}

#[cfg(not(unix))]
fn set_mode(_path: &Path, _executable: bool) -> std::io::Result<()> {
    Ok(())
}

#[cfg(unix)]
fn link(target: &Path, to: &Path) -> std::io::Result<()> {
    std::os::unix::fs::symlink(target, to)
}

#[cfg(not(unix))]
fn link(_target: &Path, _to: &Path) -> std::io::Result<()> {
    Err(std::io::ErrorKind::Unsupported.into())
}

#[cfg(all(test, unix))]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn a_tree_has_fixed_permissions_and_times_whatever_its_sources_have() {
        let scratch = tempfile::tempdir().unwrap();
        let source = scratch.path().join("source");
        fs::write(&source, "x").unwrap();
        fs::set_permissions(&source, fs::Permissions::from_mode(0o600)).unwrap();
        let root = scratch.path().join("tree");
        let entries = [
            Entry::copy(&source, "a/text"),
            Entry::program(&source, "program").inside("a"),
            Entry::link("program", "a/b/link"),
        ];
        write(&root, &entries, Epoch(1_000)).unwrap();
        fs::write(root.join("a/stray"), "left over").unwrap();
        write(&root, &entries, Epoch(1_000)).unwrap();
        let mode = |path: &str| root.join(path).metadata().unwrap().permissions().mode() & 0o777;
        assert_eq!(
            (mode("a/text"), mode("a/program"), mode("a")),
            (0o644, 0o755, 0o755)
        );
        for path in ["a/text", "a/program", "a", "a/b"] {
            let modified = root.join(path).metadata().unwrap().modified().unwrap();
            assert_eq!(modified, Epoch(1_000).system_time(), "{path}");
        }
        assert_eq!(
            fs::read_link(root.join("a/b/link")).unwrap(),
            Path::new("program")
        );
        assert!(!root.join("a/stray").exists());
    }
}
