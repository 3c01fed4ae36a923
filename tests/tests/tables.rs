//! Parquet parts in readers of other makers.

use std::fs;
use std::process::Command;

use mertscope_tests::{chord, mertscope, output_of, repository, skipped, target, wav};

/// pyarrow, polars and DuckDB read parts, at the oldest versions that the documents name.
#[test]
fn readers_of_other_makers_read_parts() {
    let python = target().join("venv/tables/bin/python");
    if !python.exists() {
        let reason =
            "pyarrow, polars and DuckDB are missing; `cargo xtask test --full` fetches them";
        return skipped("readers_of_other_makers_read_parts", reason);
    }
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    for (n, seconds) in [0.6, 5.0, 7.0].iter().enumerate() {
        let inside = folder.join(format!("music/{n}"));
        fs::create_dir_all(&inside).unwrap();
        let song = wav(16_000, 1, &chord(16_000, *seconds));
        fs::write(inside.join(format!("{n:04}.wav")), song).unwrap();
    }
    fs::write(folder.join("music/broken.wav"), "no audio").unwrap();
    for arguments in [
        &["analyze", "music", "--out", "keys", "--part-files", "2"][..],
        &["embed", "music", "--out", "vectors"],
        &["embed", "music", "--out", "narrow", "--float16"],
    ] {
        let output = output_of(mertscope().current_dir(folder).args(arguments));
        assert_eq!(output.code, 1, "one file is broken: {}", output.err);
    }
    for name in ["keys", "vectors", "narrow"] {
        let mut merge = mertscope();
        merge
            .current_dir(folder)
            .args(["merge", name, "--out"])
            .arg(format!("{name}.parquet"));
        let output = output_of(&mut merge);
        assert_eq!(output.code, 0, "{}", output.err);
    }
    let script = repository("tests/readers/tables.py");
    let output = output_of(Command::new(python).arg(script).current_dir(folder));
    assert_eq!(output.code, 0, "{}", output.err);
    assert!(output.out.contains("all tables agree"), "{}", output.out);
}
