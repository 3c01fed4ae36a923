//! Refusals and failures, each with its sentence.

use std::fs;
use std::process::Command;

use crate::scene::{CommandOutput, analyze, mertscope, music, output_of, parts};

fn refused(command: &mut Command, code: i32, words: &[&str]) {
    let output: CommandOutput = output_of(command);
    assert_eq!(output.code, code, "{}", output.err);
    for words in words {
        assert!(output.err.contains(words), "{words}: {}", output.err);
    }
}

#[test]
fn wrong_options_and_outputs_are_named() {
    let folder = music(1);
    let folder = folder.path();
    refused(
        &mut analyze(folder, "p", &["--shard", "4/4"]),
        2,
        &["0 to 3"],
    );
    refused(
        &mut analyze(folder, "p", &["--json"]),
        2,
        &["--json", "--out"],
    );
    refused(
        &mut analyze(folder, "p", &["--root", "elsewhere"]),
        2,
        &["is not inside elsewhere", "--root"],
    );
    refused(
        &mut analyze(folder, "music/0/0000.wav", &[]),
        1,
        &["0000.wav can't be used for parts"],
    );
    refused(
        &mut analyze(folder, "p", &["--files-from", "gone.txt"]),
        1,
        &["gone.txt can't be read"],
    );
    let mut standard = mertscope();
    refused(
        standard
            .current_dir(folder)
            .args(["analyze", "-", "--out", "p"]),
        2,
        &["Standard input has no path"],
    );
    assert_eq!(output_of(&mut analyze(folder, "p", &[])).code, 0);
    refused(
        &mut analyze(folder, "p", &[]),
        1,
        &["already holds parts", "--resume"],
    );
    refused(
        &mut analyze(folder, "p", &["--resume", "--hop", "2"]),
        1,
        &["hop_s = 1.0, not 2.0", "another folder"],
    );
    let mut embed = mertscope();
    let embed = embed
        .current_dir(folder)
        .args(["embed", "music", "--out", "p", "--resume"]);
    refused(embed, 1, &["analysis, not embedding"]);
    let mut array = mertscope();
    refused(
        array
            .current_dir(folder)
            .args(["embed", "music", "--out", "x.npy"]),
        1,
        &["is a folder"],
    );
}

/// A part from another model, copied beside the others, keeps a merge from starting.
#[test]
fn a_part_of_another_model_is_not_merged() {
    let folder = music(3);
    let folder = folder.path();
    assert_eq!(
        output_of(&mut analyze(folder, "a", &["--shard", "0/2"])).code,
        0
    );
    assert_eq!(
        output_of(&mut analyze(
            folder,
            "b",
            &["--shard", "1/2", "--hop", "2.5"]
        ))
        .code,
        0
    );
    for part in parts(&folder.join("b")) {
        fs::copy(&part, folder.join("a").join(part.file_name().unwrap())).unwrap();
    }
    let mut merge = mertscope();
    let merge = merge
        .current_dir(folder)
        .args(["merge", "a", "--out", "all.parquet"]);
    refused(merge, 1, &["was made with hop_s = 2.5, not 1.0"]);
    assert!(!folder.join("all.parquet").exists());
}

/// A limit on the size of files stands in for a full disk.
#[cfg(unix)]
#[test]
fn a_full_disk_is_named_and_finished_parts_stay() {
    let folder = music(4);
    let folder = folder.path();
    let program = mertscope().get_program().to_owned();
    assert_eq!(
        output_of(&mut analyze(folder, "parts", &["--shard", "0/2"])).code,
        0
    );
    let finished = parts(&folder.join("parts"));
    let mut limited = Command::new("sh");
    limited
        .args(["-c", "trap '' XFSZ; ulimit -f 2; exec \"$0\" \"$@\""])
        .arg(program);
    limited
        .args(["analyze", "music", "--out", "parts", "--shard", "1/2"])
        .current_dir(folder);
    refused(
        &mut limited,
        1,
        &["can't be written", "free some space", "are kept"],
    );
    assert_eq!(parts(&folder.join("parts")), finished);
    let names = fs::read_dir(folder.join("parts"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name());
    assert!(
        names
            .map(|name| name.to_string_lossy().into_owned())
            .all(|name| !name.ends_with(".tmp"))
    );
}
