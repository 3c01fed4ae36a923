//! Tests that keep files, in a process with a data folder of its own.

use std::process::Command;

use mertscope_model::runtime;

/// Whether this process has a data folder of its own: what `test` keeps must not be this user's, and
/// a process has one. If not, the test is run in a process that has, and has to pass there.
pub(crate) fn has_own_data(test: &str) -> bool {
    const OWN: &str = "MERTSCOPE_TEST_WITH_OWN_DATA";
    if std::env::var_os(OWN).is_some() {
        return true;
    }
    let data = tempfile::tempdir().unwrap();
    let found = runtime::candidates(None).unwrap();
    let library = found.into_iter().find(|path| path.is_file()).unwrap();
    let status = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", test])
        .env(OWN, "1")
        .env("ORT_DYLIB_PATH", library)
        .env("XDG_DATA_HOME", data.path())
        .status()
        .unwrap();
    assert!(status.success());
    false
}
