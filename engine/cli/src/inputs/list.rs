//! Lists of files, as `find` and other programs write them: a path per line, or paths with NUL between them.

use std::ffi::OsString;
use std::fs;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use anyhow::Context;

/// The paths in the list at `list`, or in standard input when that is `-`.
///
/// # Errors
/// When it can't be read, or names nothing.
pub(super) fn read(list: &Path) -> anyhow::Result<Vec<PathBuf>> {
    let (bytes, name) = if list == Path::new("-") {
        let mut bytes = Vec::new();
        let read = io::stdin().read_to_end(&mut bytes);
        (read.map(|_| bytes), "standard input".to_owned())
    } else {
        (fs::read(list), list.display().to_string())
    };
    let bytes = bytes.with_context(|| {
        format!("The list of files {name} can't be read; check its name and permissions")
    })?;
    let paths = paths(&bytes).with_context(|| format!("The list of files {name} is damaged"))?;
    anyhow::ensure!(!paths.is_empty(), "The list of files {name} names no file.");
    Ok(paths)
}

/// The paths between NULs if there is one, and else the lines. A byte order mark and empty entries are passed over.
fn paths(bytes: &[u8]) -> anyhow::Result<Vec<PathBuf>> {
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let separator = if bytes.contains(&0) { 0 } else { b'\n' };
    let entries = bytes.split(|byte| *byte == separator);
    let entries = entries.map(|entry| match separator {
        b'\n' => entry.strip_suffix(b"\r").unwrap_or(entry),
        _ => entry,
    });
    entries
        .filter(|entry| !entry.is_empty())
        .map(|entry| Ok(PathBuf::from(name(entry)?)))
        .collect()
}

#[cfg(unix)]
fn name(bytes: &[u8]) -> anyhow::Result<OsString> {
    use std::os::unix::ffi::OsStringExt;
    Ok(OsString::from_vec(bytes.to_vec()))
}

#[cfg(not(unix))]
fn name(bytes: &[u8]) -> anyhow::Result<OsString> {
    let text = String::from_utf8(bytes.to_vec());
    Ok(text
        .context("A path in it is no UTF-8; save it as UTF-8")?
        .into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_or_nuls_separate_paths() {
        let of = |bytes: &[u8]| paths(bytes).unwrap();
        let expected: Vec<PathBuf> = vec!["a b.wav".into(), "c.wav".into()];
        assert_eq!(of(b"a b.wav\nc.wav\n"), expected);
        assert_eq!(of(b"\xef\xbb\xbfa b.wav\r\n\r\nc.wav"), expected);
        assert_eq!(of(b"a b.wav\0c.wav\0"), expected);
        // With NULs, a line break belongs to the name.
        assert_eq!(of(b"a\n.wav\0"), [PathBuf::from("a\n.wav")]);
        assert!(of(b"\n\n").is_empty());
    }

    #[test]
    fn a_list_that_is_gone_or_empty_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let empty = folder.path().join("empty.txt");
        fs::write(&empty, "\n").unwrap();
        for list in [empty, folder.path().join("gone.txt")] {
            let error = read(&list).unwrap_err().to_string();
            assert!(error.contains(list.to_str().unwrap()), "{error}");
        }
    }
}
