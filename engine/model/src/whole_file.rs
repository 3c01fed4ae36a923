//! Files that are there whole or not at all: written beside their place, then renamed.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::Path;

use tempfile::NamedTempFile;

/// Writes `bytes` to `path`, whole or not at all; makes its folder when it is missing. Readers see
/// the old file or the new one. Not synchronized to disk: after a power failure the file may be
/// empty, so its reader must check it.
///
/// # Errors
/// The system's error.
pub fn write_whole(path: &Path, bytes: &[u8]) -> io::Result<()> {
    fs::create_dir_all(folder(path))?;
    replace_file(path, |file| file.write_all(bytes))
}

/// Like [`write_whole`], and synchronizes the file to disk first: what a power failure leaves is the old
/// file or the new one.
///
/// # Errors
/// The system's error.
pub fn write_whole_synced(path: &Path, bytes: &[u8]) -> io::Result<()> {
    fs::create_dir_all(folder(path))?;
    replace_file(path, |file| {
        file.write_all(bytes)?;
        file.sync_all()
    })
}

/// Replaces the file at `path` by what `write` writes, whole or not at all, in a folder that is
/// there.
///
/// # Errors
/// The error of `write`, or the system's when the file can't be made or put in place.
pub(crate) fn replace_file<T, E: From<io::Error>>(
    path: &Path,
    write: impl FnOnce(&mut File) -> Result<T, E>,
) -> Result<T, E> {
    let mut file = NamedTempFile::new_in(folder(path))?;
    let written = write(file.as_file_mut())?;
    file.persist(path).map_err(|error| error.error)?;
    Ok(written)
}

/// The folder of the file at `path`.
pub(crate) fn folder(path: &Path) -> &Path {
    let folder = path.parent().unwrap_or(Path::new(""));
    if folder.as_os_str().is_empty() {
        Path::new(".")
    } else {
        folder
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failed_write_leaves_the_old_file_and_nothing_else() {
        let root = tempfile::tempdir().unwrap();
        let path = root.path().join("new folder").join("file");
        write_whole(&path, b"old").unwrap();
        let failed = replace_file(&path, |file| {
            file.write_all(b"half of the n")?;
            Err::<(), _>(io::Error::other("no space"))
        });
        assert!(failed.is_err());
        assert_eq!(fs::read(&path).unwrap(), b"old");
        write_whole(&path, b"new").unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"new");
        assert_eq!(fs::read_dir(folder(&path)).unwrap().count(), 1);
    }
}
