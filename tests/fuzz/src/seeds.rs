//! Seeds: fixtures of the repository, and the files kept in `tests/fuzz/seeds`.

use std::fs;
use std::path::{Path, PathBuf};

/// A file of this crate.
pub(crate) fn of_crate(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

/// The content of a file of the repository, such as a fixture.
///
/// # Panics
/// If it can't be read.
pub(crate) fn file(path: &str) -> Vec<u8> {
    let path = of_crate("../..").join(path);
    fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// These files of the repository, and all that are kept for the target, in the order of their
/// names.
///
/// # Panics
/// If one can't be read.
pub(crate) fn of(target: &str, fixtures: &[&str]) -> Vec<Vec<u8>> {
    let mut all: Vec<Vec<u8>> = fixtures.iter().map(|path| file(path)).collect();
    let mut kept: Vec<PathBuf> = fs::read_dir(of_crate("seeds").join(target))
        .map(|entries| entries.flatten().map(|entry| entry.path()).collect())
        .unwrap_or_default();
    kept.sort();
    all.extend(
        kept.iter().map(|path| {
            fs::read(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
        }),
    );
    all
}
