//! A user's home for a test: programs keep their files in its folders `data`, `cache` and `config`.
//!
//! On Linux variables name them. Windows has none for that: there all tests share one user, whom `cargo xtask cross` makes
//! for them, and run one after another.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};

/// Names the folder `AppData` of the user whom tests share, whose files of Mertscope they may remove.
const SHARED: &str = "MERTSCOPE_USER_OF_TESTS";

/// The folders of a home, and those of Windows' user in `AppData`.
const FOLDERS: [(&str, &str); 3] = [("data", "Local"), ("cache", "Local"), ("config", "Roaming")];

/// A new home in which nothing is installed.
///
/// # Panics
/// If it can't be made.
#[must_use]
pub fn new_home() -> tempfile::TempDir {
    if let Some(shared) = env::var_os(SHARED) {
        for folder in ["Local", "Roaming"] {
            forget(&Path::new(&shared).join(folder).join("mertscope"));
        }
    }
    tempfile::tempdir().expect("a temporary folder")
}

/// Removes what programs have kept, but for ONNX Runtime.
fn forget(ours: &Path) {
    for entry in fs::read_dir(ours).into_iter().flatten() {
        let entry = entry.expect("an entry");
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

/// The file `name` of a home, such as `data/mertscope/heads` or `song.wav`.
#[must_use]
pub fn in_home(home: &Path, name: &str) -> PathBuf {
    let name = Path::new(name);
    let shared = env::var_os(SHARED).and_then(|shared| {
        let of_user = |(folder, of_user)| Some((name.strip_prefix(folder).ok()?, of_user));
        let (rest, of_user) = FOLDERS.into_iter().find_map(of_user)?;
        Some(Path::new(&shared).join(of_user).join(rest))
    });
    shared.unwrap_or_else(|| home.join(name))
}
