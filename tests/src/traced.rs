//! The system calls of a part of a test, from a second run of the test program under `strace`.
//!
//! The test calls [`trace`]; in the second run it does the traced part between two [`mark`]s. Linux
//! with `strace` only.

use std::env;
use std::fs;
use std::process::{Command, Stdio};

/// Set in the environment of the second run.
const TRACED: &str = "MERTSCOPE_TRACED";

/// The beginning of paths that don't exist and that nothing else opens.
const MARK: &str = "/mertscope-trace-mark-";

/// Whether this is the second run.
#[must_use]
pub fn traced() -> bool {
    env::var_os(TRACED).is_some()
}

/// Leaves a mark in the trace, on the calling thread.
pub fn mark(name: &str) {
    // The path does not exist: only the call matters.
    let _ = fs::metadata(format!("{MARK}{name}"));
}

/// Runs the test `name` of this program again under `strace`, and returns the system calls that
/// the thread of the marks made between the marks `begin` and `end`, one line per call. Without an
/// `strace` that may trace, it reports the test as skipped and returns `None`.
///
/// # Panics
/// If the test fails in the second run, or leaves no marks.
#[must_use]
pub fn trace(name: &str) -> Option<Vec<String>> {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let log = folder.path().join("trace");
    let works = Command::new("strace")
        .args(["-o", "/dev/null", "true"])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success());
    if !works {
        let remedy = "strace can't be run; as root: apt-get install -y strace";
        crate::skipped(name, remedy);
        return None;
    }
    let status = Command::new("strace")
        .args(["-f", "-qq", "-s", "256", "-o"])
        .arg(&log)
        .arg(env::current_exe().expect("a test program has a path"))
        .args(["--exact", name, "--nocapture", "--test-threads=1"])
        .env(TRACED, "1")
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .status()
        .expect("strace runs");
    assert!(status.success(), "{name} fails when it is traced: {status}");
    let log = fs::read(&log).expect("a trace");
    Some(between_marks(&String::from_utf8_lossy(&log)))
}

/// The lines of a trace between the two marks, on the thread of the marks; each line begins with the
/// number of its thread.
fn between_marks(log: &str) -> Vec<String> {
    let marked = |line: &&str, name: &str| line.contains(&format!("{MARK}{name}\""));
    let thread = log
        .lines()
        .find(|line| marked(line, "begin"))
        .and_then(|line| line.split_whitespace().next())
        .expect("a first mark");
    let mut calls = log
        .lines()
        .filter(|line| line.split_whitespace().next() == Some(thread))
        // The second half of a call that another thread's line has split.
        .filter(|line| !line.contains(" resumed>"))
        .skip_while(|line| !marked(line, "begin"))
        .skip(1)
        .peekable();
    let mut between = Vec::new();
    loop {
        let line = calls.next().expect("a last mark");
        if marked(&line, "end") {
            return between;
        }
        between.push(line.to_owned());
    }
}
