//! The cache of graphs as a user meets it: shown, bounded, cleared, and on a disk without room.

#![cfg(target_os = "linux")]

use std::path::Path;
use std::process::Command;

use mertscope_tests::{CommandOutput, mertscope, output_of, repository};

/// A run of a checkpoint, whose graph is kept in `cache`.
fn embed(cache: &Path, arguments: &[&str]) -> Command {
    let mut command = mertscope();
    command
        .arg("embed")
        .arg(repository("assets/demo/two-rooms.ogg"))
        .arg("--model")
        .arg(repository("tests/fixtures/checkpoints/post-group"))
        .args(["--device", "cpu", "--out"])
        .arg(cache.join("out.npy"))
        .args(arguments)
        .env("XDG_CACHE_HOME", cache);
    command
}

fn shown(cache: &Path, arguments: &[&str]) -> CommandOutput {
    let mut command = mertscope();
    command
        .args(["models", "cache"])
        .args(arguments)
        .env("XDG_CACHE_HOME", cache);
    let shown = output_of(&mut command);
    assert_eq!(shown.code, 0, "{shown:?}");
    shown
}

#[test]
fn graphs_are_shown_bounded_and_cleared() {
    let cache = tempfile::tempdir().unwrap();
    let cache = cache.path();
    assert!(
        shown(cache, &[])
            .out
            .starts_with("0 graphs, 0.0 MB of at most 20.0 GB")
    );
    for precision in ["fp32", "int8"] {
        let run = output_of(&mut embed(cache, &["--precision", precision]));
        assert_eq!(run.code, 0, "{run:?}");
    }
    let out = shown(cache, &[]).out;
    assert!(
        out.contains("fp32-fused-pooled-all") && out.contains("int8-"),
        "{out}"
    );
    assert!(
        out.contains("used today") && out.contains("2 graphs"),
        "{out}"
    );

    // Without any room the graph in use stays alone.
    let mut run = embed(cache, &["--precision", "fp16"]);
    let run = output_of(run.env("MERTSCOPE_GRAPH_CACHE_GB", "0"));
    assert_eq!(run.code, 0, "{run:?}");
    let out = shown(cache, &[]).out;
    assert!(
        out.contains("fp16-fused") && out.contains("1 graphs"),
        "{out}"
    );

    assert!(
        shown(cache, &["--clear"])
            .err
            .contains("1 graphs are removed")
    );
    assert!(shown(cache, &[]).out.starts_with("0 graphs"));
}

/// A limit on the size of files fails a write in the middle, as a disk does that fills up.
#[test]
fn a_graph_that_finds_no_room_runs_from_memory_with_the_same_results() {
    let cache = tempfile::tempdir().unwrap();
    let run = output_of(&mut embed(cache.path(), &[]));
    assert_eq!(run.code, 0, "{run:?}");
    let expected = std::fs::read(cache.path().join("out.npy")).unwrap();

    let full = tempfile::tempdir().unwrap();
    let limited = embed(full.path(), &[]);
    let mut shell = Command::new("sh");
    // The signal is ignored, so that the write fails instead. 16 blocks of 512 bytes.
    shell
        .args(["-c", "trap '' XFSZ; ulimit -f 16; exec \"$@\"", "sh"])
        .arg(limited.get_program())
        .args(limited.get_args())
        .env("XDG_CACHE_HOME", full.path());
    let run = output_of(&mut shell);
    assert_eq!(run.code, 0, "{run:?}");
    for words in [
        "can't be written",
        "free some space",
        "made again each time",
    ] {
        assert!(run.err.contains(words), "{}", run.err);
    }
    assert_eq!(
        std::fs::read(full.path().join("out.npy")).unwrap(),
        expected
    );
    // Nothing half-written is left.
    assert!(shown(full.path(), &[]).out.starts_with("0 graphs"));
    let graphs = full.path().join("mertscope/graphs");
    let folders = std::fs::read_dir(graphs).unwrap();
    let files = folders.flat_map(|folder| std::fs::read_dir(folder.unwrap().path()).unwrap());
    assert_eq!(files.count(), 0);
}
