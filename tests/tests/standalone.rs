//! The standalone app without a window and without a device: files, errors, signals, settings.

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

#[cfg(unix)]
use mertscope_tests::bundles::bundles;
use mertscope_tests::home::{in_home, new_home};
use mertscope_tests::{chord, output_of, repository, run, standalone, wav};
use serde_json::{Value, json};
use tempfile::TempDir;

/// The name of a JACK server that does not exist.
const NO_SERVER: &str = "mertscope-test-no-server";

/// The app with the settings of a home.
fn app(home: &TempDir) -> Command {
    standalone(&in_home(home.path(), "config"), NO_SERVER)
}

/// The folder of the app's settings.
fn settings(home: &TempDir) -> PathBuf {
    in_home(home.path(), "config/mertscope")
}

fn write_settings(home: &TempDir, content: &Value) {
    let folder = settings(home);
    fs::create_dir_all(&folder).unwrap();
    fs::write(folder.join("standalone.json"), content.to_string()).unwrap();
}

/// The app plays in real time; each of its windows has the command's key and genre.
#[test]
fn a_file_has_the_results_of_the_command() {
    let home = new_home();
    write_settings(
        &home,
        &json!({"plugin": {
            "version": "0.1.0", "params": {"hop": {"string": "1.0 s"}}, "fields": {},
        }}),
    );
    let command = run(&["analyze".as_ref(), piece().as_os_str(), "--json".as_ref()]);
    let expected = &command.json()["files"][0]["timeline"];
    let mut child = listening(&home, &["--json"]);
    for line in first_lines(&mut child, 4) {
        let ours: Value = serde_json::from_str(&line).expect("a line of JSON");
        let end_s = ours["end_s"].as_f64().unwrap();
        let mut theirs = expected.as_array().unwrap().iter();
        let theirs = theirs
            .find(|window| (window["end_s"].as_f64().unwrap() - end_s).abs() < 0.02)
            .unwrap_or_else(|| panic!("the command has no window that ends at {end_s} s"));
        assert_eq!(ours["status"], "ok", "{line}");
        assert_eq!(ours["key"], theirs["key_label"], "{line}");
        let probability = |label: &Value| label.as_f64().unwrap();
        let genres = theirs["genre_smoothed"].as_object().unwrap().iter();
        let best = genres.max_by(|a, b| probability(a.1).total_cmp(&probability(b.1)));
        let best = best.map(|(label, _)| label.as_str());
        assert_eq!(ours["genre"].as_str(), best, "{line}");
    }
    child.kill().unwrap();
    child.wait().unwrap();
}

/// A shell starts what it finds on the PATH under its bare name, as after an installation.
#[cfg(unix)]
#[test]
fn started_by_its_bare_name_the_app_finds_onnx_runtime_beside_itself() {
    let home = new_home();
    let file = home.path().join("chord.wav");
    fs::write(&file, wav(44_100, 1, &chord(44_100, 6.0))).unwrap();
    let mut by_name = Command::new("mertscope-standalone");
    for (name, value) in app(&home).get_envs() {
        match value {
            Some(value) => by_name.env(name, value),
            None => by_name.env_remove(name),
        };
    }
    by_name
        .current_dir(home.path())
        .env("PATH", bundles().join("Mertscope"))
        .env("XDG_DATA_HOME", home.path())
        .env_remove("ORT_DYLIB_PATH")
        .args(["--headless", "--file"])
        .arg(&file);
    let ended = output_of(&mut by_name);
    assert_eq!(ended.code, 0, "{ended:?}");
}

#[test]
fn the_app_ends_with_its_file() {
    let home = new_home();
    let file = home.path().join("chord.wav");
    fs::write(&file, wav(44_100, 1, &chord(44_100, 6.0))).unwrap();
    let ended = output_of(app(&home).args(["--headless", "--file"]).arg(&file));
    assert_eq!(ended.code, 0, "{ended:?}");
    assert!(
        ended.out.lines().count() >= 1 && ended.out.contains(" %"),
        "{ended:?}"
    );

    fs::write(&file, wav(44_100, 1, &chord(44_100, 2.0))).unwrap();
    let short = output_of(app(&home).args(["--headless", "--file"]).arg(&file));
    assert_eq!(short.code, 1, "{short:?}");
    assert!(
        short.out.is_empty() && short.err.contains("before one whole window"),
        "{short:?}"
    );
}

/// The sentence names the fault and the remedy; the app never panics.
#[test]
fn impossible_options_are_refused_with_a_sentence() {
    let home = new_home();
    let readme = repository("README.md");
    let folder = repository("assets");
    let readme = readme.to_str().unwrap();
    let folder = folder.to_str().unwrap();
    for (words, code, expected) in [
        (&["--headless"][..], 1, "There is no input device"),
        (
            &["--headless", "--backend", "jack"],
            1,
            "No JACK server runs here",
        ),
        (
            &["--headless", "--input", "Moon"],
            1,
            "no input device 'Moon'",
        ),
        (
            &["--headless", "--output", "Moon", "--file", readme],
            1,
            "no output device 'Moon'",
        ),
        (
            &["--headless", "--file", "absent.wav"],
            1,
            "There is no file absent.wav",
        ),
        (
            &["--headless", "--file", readme],
            1,
            "is not audio that can be read here",
        ),
        (&["--headless", "--file", folder], 1, "is a folder"),
        (&["--headless", "--rate", "1"], 2, "--rate"),
        (
            &["--headless", "--channels", "2-9"],
            2,
            "neither one channel",
        ),
        (&["--json"], 2, "--headless"),
        (&["song.wav"], 2, "unexpected argument"),
        (
            &["--seconds", "1"],
            1,
            "--headless to print results as lines",
        ),
    ] {
        let output = output_of(app(&home).args(words));
        assert_eq!(output.code, code, "{words:?}: {output:?}");
        assert!(output.err.contains(expected), "{words:?}: {output:?}");
        assert!(
            !output.err.contains("panicked") && output.out.is_empty(),
            "{words:?}: {output:?}"
        );
    }
    let left = fs::read_dir(settings(&home)).into_iter().flatten().count();
    assert_eq!(left, 0, "no settings were chosen, so none are written");
}

#[test]
fn help_version_and_devices_go_to_standard_output() {
    let home = new_home();
    let help = output_of(app(&home).arg("--help"));
    assert_eq!(help.code, 0);
    for word in [
        "--list-devices",
        "--headless",
        "--loop",
        "Exit codes",
        "Examples",
    ] {
        assert!(help.out.contains(word), "{word} is missing in {}", help.out);
    }
    for line in help.out.lines() {
        assert!(line.chars().count() <= 100, "{line}");
    }
    let version = output_of(app(&home).arg("--version"));
    let expected = format!("mertscope-standalone {}", env!("CARGO_PKG_VERSION"));
    assert_eq!((version.code, version.out.trim()), (0, expected.as_str()));
    let devices = output_of(app(&home).arg("--list-devices"));
    assert_eq!((devices.code, devices.err.as_str()), (0, ""));
    assert_eq!(devices.out, "Inputs\n  none\nOutputs\n  none\n");
}

/// A missing model is reported, and the embedded one runs in its place.
#[test]
fn a_missing_model_is_reported_and_the_embedded_one_runs() {
    let home = new_home();
    let piece = repository("assets/demo/slow-harbour.flac");
    let listened = output_of(
        app(&home)
            .args([
                "--headless",
                "--seconds",
                "9",
                "--model",
                "no-such-model",
                "--file",
            ])
            .arg(piece),
    );
    assert_eq!(listened.code, 0, "{listened:?}");
    assert!(listened.err.contains("no-such-model"), "{listened:?}");
    assert!(listened.out.contains(" %"), "{listened:?}");
}

fn piece() -> PathBuf {
    repository("assets/demo/slow-harbour.flac")
}

/// The app playing a piece in a loop.
fn listening(home: &TempDir, words: &[&str]) -> Child {
    let mut command = app(home);
    command
        .args(["--headless", "--loop", "--file"])
        .arg(piece());
    command
        .args(words)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    command.spawn().expect("the app starts")
}

/// Waits for the first lines of a child and returns them; the pipe stays open.
fn first_lines(child: &mut Child, count: usize) -> Vec<String> {
    let out = child.stdout.as_mut().expect("a pipe");
    let lines = BufReader::new(out).lines().take(count);
    let lines: Vec<_> = lines.map(|line| line.expect("a line")).collect();
    assert_eq!(lines.len(), count, "the app ended before");
    lines
}

#[cfg(unix)]
#[test]
fn signals_end_the_app_cleanly() {
    for signal in [libc::SIGINT, libc::SIGTERM] {
        let home = new_home();
        let mut child = listening(&home, &[]);
        let first = first_lines(&mut child, 1).remove(0);
        assert!(
            first.contains(" %") || first.contains("no clear key"),
            "{first}"
        );
        let id = libc::pid_t::try_from(child.id()).unwrap();
        // SAFETY: the child has not been waited for, so the number is still its own.
        assert_eq!(unsafe { libc::kill(id, signal) }, 0);
        let ended = child.wait_with_output().unwrap();
        let err = String::from_utf8_lossy(&ended.stderr);
        assert_eq!(ended.status.code(), Some(0), "signal {signal}: {err}");
        assert!(!err.contains("panicked"), "{err}");
    }
}

#[cfg(unix)]
#[test]
fn a_closed_pipe_is_no_error() {
    let home = new_home();
    let mut child = listening(&home, &[]);
    drop(child.stdout.take());
    let ended = child.wait_with_output().unwrap();
    assert!(
        ended.status.success(),
        "{}",
        String::from_utf8_lossy(&ended.stderr)
    );
}

/// Settings with a missing device stay, and a damaged file is put aside: neither is lost.
#[test]
fn settings_of_a_missing_device_and_damaged_settings_are_kept() {
    let home = new_home();
    let chosen = json!({"audio": {"input": "jack:mixer", "sky": 1}, "version": 9, "more": [1.5]});
    write_settings(&home, &chosen);
    let file = settings(&home).join("standalone.json");
    let absent = output_of(app(&home).arg("--headless"));
    assert_eq!(absent.code, 1, "{absent:?}");
    assert!(absent.err.contains("No JACK server"), "{absent:?}");
    assert_eq!(fs::read_to_string(&file).unwrap(), chosen.to_string());

    fs::write(&file, "{\"audio\":").unwrap();
    let damaged = output_of(
        app(&home)
            .args([
                "--headless",
                "--seconds",
                "1",
                "--backend",
                "none",
                "--file",
            ])
            .arg(repository("assets/demo/slow-harbour.flac")),
    );
    assert_eq!(damaged.code, 0, "{damaged:?}");
    assert!(damaged.err.contains("put aside"), "{damaged:?}");
    let aside = settings(&home).join("standalone.damaged.json");
    assert_eq!(fs::read_to_string(aside).unwrap(), "{\"audio\":");
}
