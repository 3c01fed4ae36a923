//! Help, completions and manual pages of the `mertscope` command.

use mertscope_tests::{mertscope, output_of};

#[test]
fn every_command_has_help_and_examples_where_they_help() {
    let top = output_of(mertscope().arg("--help"));
    assert_eq!(top.code, 0);
    for command in [
        "analyze",
        "embed",
        "merge",
        "tag",
        "models",
        "doctor",
        "completions",
        "man",
    ] {
        assert!(
            top.out.contains(command),
            "{command} is missing in: {}",
            top.out
        );
        let help = output_of(mertscope().args([command, "--help"]));
        assert_eq!(help.code, 0);
        assert!(help.out.contains("Usage: mertscope"), "{}", help.out);
        if ["analyze", "embed", "merge", "tag", "completions", "man"].contains(&command) {
            assert!(help.out.contains("Example"), "{}", help.out);
        }
        // No line is wider than a terminal.
        for line in help.out.lines() {
            assert!(line.chars().count() <= 100, "{line}");
        }
    }
    let version = output_of(mertscope().arg("--version"));
    assert_eq!(
        version.out.trim(),
        format!("mertscope {}", env!("CARGO_PKG_VERSION"))
    );
}

#[test]
fn completions_know_the_flags_for_every_shell() {
    for shell in ["bash", "elvish", "fish", "powershell", "zsh"] {
        let script = output_of(mertscope().args(["completions", shell]));
        assert_eq!(script.code, 0);
        assert!(script.out.contains("no-smoothing"), "{shell}");
    }
}

#[test]
fn manual_pages_are_written() {
    let folder = tempfile::tempdir().unwrap();
    let written = output_of(mertscope().arg("man").arg(folder.path()));
    assert_eq!(written.code, 0, "{}", written.err);
    for (page, word) in [
        ("mertscope.1", "analyze"),
        ("mertscope-analyze.1", "smoothing"),
    ] {
        let text = std::fs::read_to_string(folder.path().join(page)).unwrap();
        assert!(
            text.starts_with(".ie") && text.contains(word),
            "{page}: {text:.80}"
        );
    }
    let nowhere = output_of(mertscope().args(["man", "/nonexistent"]));
    assert_eq!(nowhere.code, 1);
    assert!(nowhere.err.contains("/nonexistent"), "{}", nowhere.err);
}

/// The reader of a pipe may close it early.
#[cfg(unix)]
#[test]
fn a_closed_pipe_is_no_error() {
    use std::process::Stdio;
    let mut child = mertscope()
        .args(["models", "list"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    let ended = child.wait_with_output().unwrap();
    assert!(ended.status.success());
    assert!(
        ended.stderr.is_empty(),
        "{}",
        String::from_utf8_lossy(&ended.stderr)
    );
}
