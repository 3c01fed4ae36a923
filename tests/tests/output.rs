//! The command's output when it is stopped, when the disk is full, and when a name would steer the terminal.

#![cfg(unix)]

use std::fs::{self, File};
use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::fs::symlink;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::mpsc::channel;
use std::thread;

use mertscope_tests::{chord, mertscope, output_of, repository, skipped, wav};
use serde_json::Value;
use tempfile::TempDir;

fn song(folder: &TempDir, name: &str, seconds: f64) -> PathBuf {
    let path = folder.path().join(name);
    fs::write(&path, wav(16_000, 1, &chord(16_000, seconds))).unwrap();
    path
}

/// A chord that is struck every second.
fn minutes(count: usize) -> Vec<f32> {
    chord(16_000, 1.0).repeat(60 * count)
}

/// Starts `analyze` on a whole song and on standard input, and stops it when some windows of the latter are there:
/// more audio never comes.
fn stopped_half_way(format: &str) -> (Output, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let whole = song(&folder, "whole.wav", 6.0);
    let mut child = mertscope()
        .arg("analyze")
        .arg(&whole)
        .args(["-", format])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut input = child.stdin.take().unwrap();
    // The header promises three minutes, of which half come.
    let promised = wav(16_000, 1, &minutes(3));
    let writer = thread::spawn(move || {
        // It fails if the command is stopped before it has read all.
        let _ = input.write_all(&promised[..promised.len() / 2]);
        input
    });
    // More than the results of the first file.
    let mut stdout = vec![0; 30_000];
    let mut out = child.stdout.take().unwrap();
    out.read_exact(&mut stdout).unwrap();
    interrupt(&child);
    out.read_to_end(&mut stdout).unwrap();
    let ended = child.wait_with_output().unwrap();
    drop(writer.join().unwrap());
    (Output { stdout, ..ended }, whole)
}

fn interrupt(child: &Child) {
    let pid = libc::pid_t::try_from(child.id()).unwrap();
    // SAFETY: it is our own child, which was not waited for.
    assert_eq!(unsafe { libc::kill(pid, libc::SIGINT) }, 0);
}

/// Ended by the signal, so that a shell's loop ends too, and with a word on it.
fn says_that_it_was_stopped(output: &Output) {
    assert_eq!(output.status.signal(), Some(libc::SIGINT), "{output:?}");
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(error.contains("Stopped"), "{error}");
}

fn violations(pointer: &str, instance: &Value) -> Vec<String> {
    let path = repository("assets/schema/analyze.schema.json");
    let mut schema: Value = serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap();
    if !pointer.is_empty() {
        schema = serde_json::json!({"$ref": pointer, "$defs": schema["$defs"]});
    }
    let validator = jsonschema::draft202012::new(&schema).unwrap();
    let errors = validator.iter_errors(instance);
    errors.map(|error| error.to_string()).collect()
}

/// The part of the second file that was analyzed is there, with an error that says that it ends early.
fn is_cut_short(file: &Value) {
    assert_eq!(file["file"], "standard input");
    let windows = file["timeline"].as_array().unwrap().len();
    assert!((1..=86).contains(&windows), "{windows}");
    assert!(file["error"].as_str().unwrap().contains("stopped"));
    assert!(file["summary"].is_null());
}

#[test]
fn a_stopped_json_document_is_closed() {
    let (output, whole) = stopped_half_way("--json");
    says_that_it_was_stopped(&output);
    let document: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(violations("", &document), [""; 0]);
    assert_eq!(document["interrupted"], true);
    let files = document["files"].as_array().unwrap();
    assert_eq!(files.len(), 2);
    assert_eq!(files[0]["file"], whole.to_str().unwrap());
    assert!(files[0]["summary"].is_object());
    is_cut_short(&files[1]);
}

#[test]
fn stopped_json_lines_are_whole() {
    let (output, _) = stopped_half_way("--jsonl");
    says_that_it_was_stopped(&output);
    let lines: Vec<Value> = output
        .stdout
        .lines()
        .map(|line| serde_json::from_str(&line.unwrap()).unwrap())
        .collect();
    assert_eq!(lines.len(), 2);
    for line in &lines {
        assert_eq!(violations("#/$defs/line", line), [""; 0]);
    }
    is_cut_short(&lines[1]);
}

#[test]
fn stopped_csv_has_whole_rows() {
    let (output, _) = stopped_half_way("--csv");
    says_that_it_was_stopped(&output);
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(text.ends_with('\n'));
    let columns = |line: &str| line.split(',').count();
    let wide = columns(text.lines().next().unwrap());
    assert!(text.lines().all(|line| columns(line) == wide), "{text}");
    assert!(text.lines().last().unwrap().starts_with("standard input,"));
}

/// The windows of a file come while the rest of it is still to be read.
#[test]
fn results_are_streamed() {
    let mut child = mertscope()
        .args(["analyze", "-", "--csv", "--quiet"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut input = child.stdin.take().unwrap();
    let audio = wav(16_000, 1, &minutes(2));
    let half = audio.len() / 2;
    let (came, rest) = channel::<()>();
    let writer = thread::spawn(move || {
        input.write_all(&audio[..half]).unwrap();
        rest.recv().unwrap();
        input.write_all(&audio[half..]).unwrap();
    });
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    for _ in 0..10 {
        assert!(lines.next().unwrap().is_ok());
    }
    came.send(()).unwrap();
    assert_eq!(10 + lines.count(), 1 + 116);
    writer.join().unwrap();
    assert!(child.wait().unwrap().success());
}

/// A device on which every write fails for want of space.
fn full() -> Option<File> {
    File::options().write(true).open("/dev/full").ok()
}

fn error_on_a_full_disk(command: &mut Command) -> Option<String> {
    let output = command.stdin(Stdio::null()).stdout(full()?).output();
    let output = output.unwrap();
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    let error = String::from_utf8(output.stderr).unwrap();
    assert!(!error.contains("panicked"), "{error}");
    Some(error)
}

#[test]
fn a_full_disk_under_standard_output_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let path = song(&folder, "song.wav", 6.0);
    let file = path.to_str().unwrap();
    for arguments in [
        &["analyze", file, "--json"][..],
        &["analyze", file, "--jsonl"],
        &["analyze", file, "--csv"],
        &["analyze", file],
        &["models", "list"],
        &["models", "list", "--json"],
        &["heads", "list"],
        &["completions", "zsh"],
    ] {
        let Some(error) = error_on_a_full_disk(mertscope().args(arguments)) else {
            return skipped(
                "a_full_disk_under_standard_output_is_named",
                "there is no /dev/full",
            );
        };
        for words in ["Standard output", "free some space"] {
            assert!(error.contains(words), "{arguments:?}: {error}");
        }
    }
}

#[test]
fn a_full_disk_under_an_output_file_is_named() {
    if full().is_none() {
        return skipped(
            "a_full_disk_under_an_output_file_is_named",
            "there is no /dev/full",
        );
    }
    let folder = tempfile::tempdir().unwrap();
    let song = song(&folder, "song.wav", 6.0);
    let song = song.to_str().unwrap();
    for (name, arguments) in [
        ("plot.svg", &["analyze", song, "--plot"][..]),
        ("keys.mid", &["analyze", song, "--midi"]),
        ("frames.npy", &["embed", song, "--out"]),
        ("frames.safetensors", &["embed", song, "--out"]),
        ("head.safetensors", &["heads", "export", "genre", "--out"]),
    ] {
        let path = folder.path().join(name);
        symlink("/dev/full", &path).unwrap();
        let output = output_of(mertscope().args(arguments).arg(&path));
        assert_eq!(output.code, 1, "{output:?}");
        let path = path.to_str().unwrap();
        for words in [path, "No space left", "free space"] {
            assert!(output.err.contains(words), "{name}: {}", output.err);
        }
    }
}

/// The part of a file that fitted is not left under its name.
#[test]
fn a_file_that_can_not_be_written_whole_is_not_there() {
    let folder = tempfile::tempdir().unwrap();
    let song = song(&folder, "song.wav", 6.0);
    let out = folder.path().join("out");
    fs::create_dir(&out).unwrap();
    let program = mertscope().get_program().to_owned();
    for (name, arguments) in [
        ("plot.png", &["analyze", "--plot"][..]),
        ("frames.npy", &["embed", "--pool", "none", "--out"]),
        ("head.safetensors", &["heads", "export", "genre", "--out"]),
    ] {
        let path = out.join(name);
        // A limit on the size of files, in units of 512 or 1,024 bytes, stands in for a full disk.
        let mut limited = Command::new("sh");
        limited.args(["-c", "trap '' XFSZ; ulimit -f 2; exec \"$0\" \"$@\""]);
        limited.arg(&program).args(arguments).arg(&path);
        if arguments[0] != "heads" {
            limited.arg(&song);
        }
        let output = output_of(&mut limited);
        assert_eq!(output.code, 1, "{output:?}");
        assert!(output.err.contains(path.to_str().unwrap()), "{output:?}");
        let left: Vec<_> = fs::read_dir(&out).unwrap().collect();
        assert!(left.is_empty(), "{name}: {left:?}");
    }
}

fn has_no_escape(text: &str) {
    let steers = |c: &char| (c.is_control() && *c != '\n') || ('\u{202a}'..='\u{202e}').contains(c);
    assert_eq!(text.chars().find(steers), None, "{text:?}");
}

#[test]
fn control_characters_in_names_are_shown_as_escapes() {
    const NAME: &str = "a\u{1b}[2J\u{7}\nb\u{202e}c.wav";
    const SHOWN: &str = r"a\u{1b}[2J\u{7}\nb\u{202e}c";
    let folder = tempfile::tempdir().unwrap();
    song(&folder, NAME, 2.0);
    let path = folder.path().join(NAME);
    let gone = folder.path().join(format!("gone {NAME}"));
    let plot = folder.path().join(format!("{NAME}.svg"));
    let mut analyze = mertscope();
    analyze.arg("analyze").args([&path, &gone]);
    let output = output_of(analyze.arg("--plot").arg(&plot));
    assert_eq!(output.code, 1);
    for text in [&output.out, &output.err] {
        assert!(text.contains(SHOWN), "{text}");
        has_no_escape(text);
    }
    // The notice, the plot and the error each name a file.
    assert!(output.err.matches(SHOWN).count() >= 3, "{}", output.err);
    for arguments in [
        &["analyze", "x.wav", "--plot", NAME][..],
        &["embed", "x.wav", "--out", NAME],
        &["heads", "info", NAME],
        &["models", "fetch", NAME],
        &["heads", "train", "--task", "x", "--data", NAME],
        &[NAME],
    ] {
        let output = output_of(mertscope().args(arguments));
        assert_ne!(output.code, 0);
        assert!(output.err.contains(r"\u{1b}[2J"), "{}", output.err);
        has_no_escape(&output.err);
    }
    // Data stays as it is: a program that reads it looks for the file.
    let json = output_of(mertscope().arg("analyze").arg(&path).arg("--json")).json();
    assert_eq!(Path::new(json["files"][0]["file"].as_str().unwrap()), path);
}

/// The progress bar is drawn on a terminal only.
#[cfg(target_os = "linux")]
#[test]
fn control_characters_in_names_do_not_reach_the_terminal_by_the_progress_bar() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a\u{1b}]0;title\u{7}b.wav");
    fs::write(&path, wav(16_000, 1, &minutes(1))).unwrap();
    let (mut pty, terminal) = pty_process::blocking::open().unwrap();
    pty.resize(pty_process::Size::new(24, 200)).unwrap();
    let mut child = pty_process::blocking::Command::new(mertscope().get_program())
        .arg("analyze")
        .arg(&path)
        .spawn(terminal)
        .unwrap();
    let mut shown = Vec::new();
    // Reading fails when the other end is closed.
    let _ = pty.read_to_end(&mut shown);
    assert!(child.wait().unwrap().success());
    let shown = String::from_utf8_lossy(&shown);
    assert!(shown.contains(r"a\u{1b}]0;title\u{7}b.wav"), "{shown:?}");
    assert!(!shown.contains("]0;title\u{7}"), "{shown:?}");
}
