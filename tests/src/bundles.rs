//! The bundles of `cargo xtask bundle`; the first test that asks for them makes them.

use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use crate::repository;

/// The folder of the bundles, in the profile with the framework's check for allocations in the
/// audio callback.
///
/// # Panics
/// If they can't be made.
#[must_use]
pub fn bundles() -> &'static Path {
    static MADE: OnceLock<PathBuf> = OnceLock::new();
    MADE.get_or_init(|| {
        let mut xtask = crate::cargo();
        xtask.args([
            "run",
            "--quiet",
            "--package",
            "xtask",
            "--",
            "bundle",
            "--dev",
        ]);
        let made = xtask
            .current_dir(repository(""))
            .output()
            .expect("cargo runs");
        let (out, err) = (
            String::from_utf8_lossy(&made.stdout),
            String::from_utf8_lossy(&made.stderr),
        );
        assert!(made.status.success(), "the bundles can't be made: {err}");
        let first = Path::new(out.lines().next().expect("it prints the bundles' paths"));
        first.parent().expect("a folder").to_owned()
    })
}
