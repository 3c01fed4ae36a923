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
    put_in_place(file, path)?;
    Ok(written)
}

/// Renames a file that is written to `path`. Windows replaces no file that is open, mapped or read-only,
/// but it renames one: such a file goes aside first, and away when nobody uses it any more.
fn put_in_place(file: NamedTempFile, path: &Path) -> io::Result<()> {
    let refused = match file.persist(path) {
        Ok(_) => return Ok(()),
        Err(refused) => refused,
    };
    let is_in_use = cfg!(windows) && refused.error.kind() == io::ErrorKind::PermissionDenied;
    if !is_in_use || !path.is_file() {
        return Err(refused.error);
    }
    let aside = NamedTempFile::new_in(folder(path))?.into_temp_path();
    let aside = aside.keep().map_err(|error| error.error)?;
    fs::rename(path, &aside)?;
    if let Err(refused) = refused.file.persist(path) {
        fs::rename(&aside, path)?;
        return Err(refused.error);
    }
    // Whoever uses it goes on doing so; what stays is a file that nobody looks for.
    let _ = fs::remove_file(&aside);
    Ok(())
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

    #[test]
    fn a_file_that_is_open_elsewhere_is_replaced_and_its_reader_keeps_the_old_one() {
        let root = tempfile::tempdir().unwrap();
        let path = root.path().join("file");
        write_whole(&path, b"old").unwrap();
        let mut reader = File::open(&path).unwrap();
        write_whole(&path, b"new").unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"new");
        assert_eq!(io::read_to_string(&mut reader).unwrap(), "old");
    }

    #[test]
    fn a_file_that_is_read_only_is_replaced() {
        let root = tempfile::tempdir().unwrap();
        let path = root.path().join("file");
        write_whole(&path, b"old").unwrap();
        let mut permissions = fs::metadata(&path).unwrap().permissions();
        permissions.set_readonly(true);
        fs::set_permissions(&path, permissions).unwrap();
        write_whole(&path, b"new").unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"new");
    }
}
