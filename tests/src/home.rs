//! A user's home for a test: programs keep their files in its folders `data` and `cache`.
//!
//! On Linux variables name them. Windows has none for that: there all tests share one user, whom `cargo xtask cross` makes
//! for them, and run one after another.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};

/// Names the local data folder of the user whom tests share, whose files of Mertscope they may remove.
const SHARED: &str = "MERTSCOPE_USER_OF_TESTS";

/// A new home in which nothing is installed.
///
/// # Panics
/// If it can't be made.
#[must_use]
pub fn new_home() -> tempfile::TempDir {
    if let Some(shared) = env::var_os(SHARED) {
        let ours = Path::new(&shared).join("mertscope");
        let entries = fs::read_dir(ours).expect("the shared user has a folder");
        for entry in entries.map(|entry| entry.expect("an entry")) {
            if entry.file_name() == "onnxruntime" {
                continue;
            }
            let path = entry.path();
            let removed = if path.is_dir() {
                fs::remove_dir_all(path)
            } else {
                fs::remove_file(path)
            };
            removed.expect("a file of an earlier test can be removed");
        }
    }
    tempfile::tempdir().expect("a temporary folder")
}

/// The file `name` of a home, such as `data/mertscope/heads` or `song.wav`.
#[must_use]
pub fn in_home(home: &Path, name: &str) -> PathBuf {
    let name = Path::new(name);
    let of_programs = ["data", "cache"];
    let rest = of_programs
        .iter()
        .find_map(|folder| name.strip_prefix(folder).ok());
    match (env::var_os(SHARED), rest) {
        (Some(shared), Some(rest)) => Path::new(&shared).join(rest),
        _ => home.join(name),
    }
}
