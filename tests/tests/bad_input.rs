//! Odd and broken input: each file gets a sentence with its name and sets the exit code; the other
//! files of the batch are analyzed, and the printed results stay valid.

use std::fs;
use std::path::{Path, PathBuf};

#[cfg(unix)]
use mertscope_tests::skipped;
use mertscope_tests::{CommandOutput, chord, demo, mertscope, output_of, wav};
use serde_json::Value;
use tempfile::TempDir;

struct Folder(TempDir);

impl Folder {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn file(&self, name: &str, bytes: &[u8]) -> PathBuf {
        let path = self.path(name);
        fs::write(&path, bytes).unwrap();
        path
    }
}

fn analyze(path: &Path) -> CommandOutput {
    output_of(mertscope().arg("analyze").arg(path).arg("--json"))
}

/// Checks that the analysis fails with a sentence on standard error that names the file and holds
/// `words`.
fn fails(path: &Path, words: &[&str]) {
    let output = analyze(path);
    let name = path.file_name().unwrap().to_str().unwrap();
    assert_eq!(output.code, 1, "{name}: {output:?}");
    for word in words.iter().chain([&name]) {
        assert!(
            output.err.contains(word),
            "“{word}” is missing in: {}",
            output.err
        );
    }
    assert!(!output.err.contains("panicked"), "{}", output.err);
    let result = output.json()["files"][0].clone();
    assert!(result["error"].as_str().unwrap().contains(words[0]));
    assert!(result["summary"].is_null());
    assert_eq!(result["timeline"].as_array().unwrap().len(), 0);
}

/// Checks that the analysis succeeds, with a notice on standard error and in the result that holds
/// `words`.
fn notices(path: &Path, words: &[&str]) -> Value {
    let output = analyze(path);
    assert_eq!(output.code, 0, "{output:?}");
    let result = output.json()["files"][0].clone();
    let notes = result["notes"].to_string();
    for word in words {
        assert!(
            output.err.contains(word),
            "“{word}” is missing in: {}",
            output.err
        );
        assert!(notes.contains(word), "“{word}” is missing in: {notes}");
    }
    result
}

fn statuses(result: &Value) -> Vec<&str> {
    let timeline = result["timeline"].as_array().unwrap();
    timeline
        .iter()
        .map(|window| window["status"].as_str().unwrap())
        .collect()
}

#[test]
fn files_without_audio_are_refused_with_a_sentence() {
    let folder = Folder::new();
    let diary = "Dear diary, today I renamed you.\n".repeat(50);
    fails(&folder.path("gone.wav"), &["no file"]);
    fails(&folder.file("empty.wav", b""), &["empty"]);
    fails(&folder.file("text.wav", diary.as_bytes()), &["FLAC"]);
    fails(
        &folder.file("header.wav", &wav(44_100, 2, &[])),
        &["no audio"],
    );
    fs::create_dir(folder.path("nothing here")).unwrap();
    fails(&folder.path("nothing here"), &["no audio"]);
}

#[cfg(unix)]
#[test]
fn an_unreadable_file_is_named() {
    use std::os::unix::fs::PermissionsExt;
    let folder = Folder::new();
    let path = folder.file("private.wav", &wav(16_000, 1, &chord(16_000, 6.0)));
    fs::set_permissions(&path, fs::Permissions::from_mode(0o000)).unwrap();
    if fs::read(&path).is_err() {
        fails(&path, &["permission"]);
    } else {
        assert_eq!(analyze(&path).code, 0);
        skipped("an_unreadable_file_is_named", "root may read every file");
    }
}

#[test]
fn a_truncated_file_gives_what_is_left() {
    let folder = Folder::new();
    for piece in demo() {
        let bytes = fs::read(&piece.path).unwrap();
        let name = piece.path.file_name().unwrap().to_str().unwrap();
        let output = analyze(&folder.file(name, &bytes[..bytes.len() * 2 / 3]));
        assert_eq!(output.code, 0, "{output:?}");
        let result = output.json()["files"][0].clone();
        assert!(result["duration_s"].as_f64().unwrap() > 10.0, "{name}");
        assert!(statuses(&result).contains(&"ok"), "{name}");
        // A header with a length shows that the file is too short; Ogg has none.
        if !name.ends_with(".ogg") {
            assert!(
                output.err.contains(name) && output.err.contains("ends"),
                "{}",
                output.err
            );
        }
    }
}

#[test]
fn damage_in_the_middle_removes_only_the_windows_around_it() {
    let folder = Folder::new();
    let piece = demo()
        .into_iter()
        .find(|piece| piece.path.extension().unwrap() == "flac")
        .unwrap();
    let mut bytes = fs::read(&piece.path).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle..middle + 30_000].fill(0x55);
    let path = folder.file("damaged.flac", &bytes);
    let result = notices(&path, &["could not be decoded", "intact copy"]);
    let statuses = statuses(&result);
    assert_eq!(
        (statuses[0], *statuses.last().unwrap()),
        ("ok", "ok"),
        "{statuses:?}"
    );
    assert!(statuses.contains(&"gap"), "{statuses:?}");
    let whole = analyze(&piece.path).json()["files"][0].clone();
    assert_eq!(result["timeline"][0], whole["timeline"][0]);
    let missing_s = whole["duration_s"].as_f64().unwrap() - result["duration_s"].as_f64().unwrap();
    assert!(
        missing_s.abs() < 0.2,
        "time goes on over the gap: {missing_s} s are missing"
    );
}

#[test]
fn short_files_are_analyzed_with_a_notice() {
    let folder = Folder::new();
    let short = folder.file("short.wav", &wav(44_100, 1, &chord(44_100, 1.2)));
    let result = notices(&short, &["1.2", "shorter", "repeated"]);
    assert_eq!(statuses(&result), ["ok"]);
    assert_eq!(result["summary"]["key"]["best"], "C major");
    let one = folder.file("one.wav", &wav(44_100, 1, &[0.5]));
    let output = analyze(&one);
    assert!(
        output.err.contains("one.wav"),
        "one sample is not passed over in silence: {output:?}"
    );
}

#[test]
fn odd_rates_and_channels_are_converted() {
    let folder = Folder::new();
    for rate_hz in [8_000, 11_127, 96_000, 192_000, 768_000] {
        let path = folder.file("rate.wav", &wav(rate_hz, 1, &chord(rate_hz, 6.0)));
        let output = analyze(&path);
        assert_eq!(output.code, 0, "{output:?}");
        let result = output.json()["files"][0].clone();
        assert_eq!(result["summary"]["key"]["best"], "C major", "{rate_hz} Hz");
        assert_eq!(
            rate_hz < 16_000,
            output.err.contains(&rate_hz.to_string()),
            "{}",
            output.err
        );
    }
    let mono = chord(48_000, 6.0);
    let six: Vec<f32> = mono.iter().flat_map(|x| [*x; 6]).collect();
    let surround = notices(
        &folder.file("six.wav", &wav(48_000, 6, &six)),
        &["6 channels"],
    );
    let alone = analyze(&folder.file("one.wav", &wav(48_000, 1, &mono))).json();
    let best = |result: &Value| result["summary"]["key"]["best"].clone();
    assert_eq!(best(&surround), best(&alone["files"][0]));
}

#[test]
fn nan_and_infinite_samples_invalidate_only_their_own_windows() {
    let folder = Folder::new();
    let mut samples = chord(16_000, 20.0);
    samples[16_000 + 8_000] = f32::NAN;
    samples[16_000 + 8_001] = f32::INFINITY;
    let path = folder.file("nan.wav", &wav(16_000, 1, &samples));
    let result = notices(&path, &["2 of its samples", "NaN"]);
    // At 1.5 s: in the windows that start at 0 and 1 s.
    assert_eq!(statuses(&result)[..3], ["invalid", "invalid", "ok"]);
    assert_eq!(result["summary"]["key"]["best"], "C major");
    let all = folder.file("all.wav", &wav(16_000, 1, &vec![f32::NAN; 16_000 * 6]));
    assert!(notices(&all, &["96000 of its samples"])["summary"].is_null());
}

#[test]
fn silence_and_constant_offset_are_not_analyzed() {
    let folder = Folder::new();
    for (name, level) in [("silence.wav", 0.0), ("offset.wav", 0.7)] {
        let path = folder.file(name, &wav(44_100, 2, &vec![level; 44_100 * 2 * 7]));
        let result = notices(&path, &["nothing to analyze"]);
        assert!(
            statuses(&result).iter().all(|status| *status == "silent"),
            "{name}"
        );
        assert!(result["summary"].is_null());
    }
}

#[test]
fn clipped_audio_is_analyzed_with_a_notice() {
    let folder = Folder::new();
    let clip = |x: &f32| (x * 20.0).clamp(-1.0, 1.0);
    let clipped: Vec<f32> = chord(44_100, 7.0).iter().map(clip).collect();
    let result = notices(
        &folder.file("loud.wav", &wav(44_100, 1, &clipped)),
        &["clipped"],
    );
    assert_eq!(statuses(&result)[0], "ok");
}

#[test]
fn noise_has_no_clear_key() {
    // Numerical Recipes' generator; white noise, a stand-in for everything without a key.
    let mut state = 1u32;
    let noise: Vec<f32> = std::iter::repeat_with(|| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (f64::from(state) / f64::from(u32::MAX) - 0.5) as f32
    })
    .take(16_000 * 30)
    .collect();
    let folder = Folder::new();
    let path = folder.file("noise.wav", &wav(16_000, 1, &noise));
    let result = analyze(&path).json()["files"][0].clone();
    assert!(result["summary"]["key"]["label"].is_null());
    assert!(result["summary"]["key"]["best"].is_string());
    for window in result["timeline"].as_array().unwrap() {
        assert!(window["key_label"].is_null(), "{window}");
    }
}

#[test]
fn a_bad_file_of_a_batch_leaves_the_others_and_the_output_valid() {
    let folder = Folder::new();
    folder.file("1 good.wav", &wav(16_000, 1, &chord(16_000, 6.0)));
    folder.file("2 text.wav", b"not audio, only words");
    folder.file("3 gut ü.wav", &wav(16_000, 1, &chord(16_000, 6.0)));
    for form in ["--json", "--jsonl", "--csv"] {
        let output = output_of(mertscope().arg("analyze").arg(folder.0.path()).arg(form));
        assert_eq!(output.code, 1, "{output:?}");
        assert!(output.err.contains("2 text.wav"), "{}", output.err);
        match form {
            "--json" => {
                let files = output.json()["files"].as_array().unwrap().clone();
                let failed: Vec<bool> = files.iter().map(|f| f.get("error").is_some()).collect();
                assert_eq!(failed, [false, true, false]);
            }
            "--jsonl" => {
                let line = |line| serde_json::from_str(line).unwrap();
                let lines: Vec<Value> = output.out.lines().map(line).collect();
                assert_eq!(lines.len(), 3);
                assert!(lines[2]["file"].as_str().unwrap().ends_with("3 gut ü.wav"));
            }
            _ => assert_eq!(output.out.lines().count(), 1 + 2 * 2, "{}", output.out),
        }
    }
}

#[test]
fn a_wrong_command_line_is_explained_and_exits_with_2() {
    for (arguments, named) in [
        (&["analyze"][..], "FILE"),
        (&["analyze", "x.wav", "--hop", "0"], "seconds"),
        (&["analyze", "x.wav", "--plot", "x.jpg"], ".png"),
        (&["analyze", "x.wav", "--json", "--csv"], "--csv"),
        (&["embed", "x.wav", "--out", "x.txt"], ".npy"),
        (
            &["embed", "x.wav", "--out", "x.npy", "--layers", "one"],
            "0,7,8",
        ),
        (
            &["embed", "x.wav", "--out", "x.npy", "--pool", "weighted"],
            "--head",
        ),
        (&["listen"], "listen"),
    ] {
        let output = output_of(mertscope().args(arguments));
        assert_eq!(output.code, 2, "{arguments:?}: {output:?}");
        assert!(output.err.contains(named), "{arguments:?}: {}", output.err);
    }
}

#[test]
fn a_plot_that_cannot_be_written_fails_without_losing_the_results() {
    let folder = Folder::new();
    let song = folder.file("song.wav", &wav(16_000, 1, &chord(16_000, 6.0)));
    let plot = ["--json", "--plot", "/nonexistent/p.png"];
    let output = output_of(mertscope().arg("analyze").arg(&song).args(plot));
    assert_eq!(output.code, 1);
    assert!(output.err.contains("/nonexistent/p.png"), "{}", output.err);
    assert_eq!(
        output.json()["files"][0]["summary"]["key"]["best"],
        "C major"
    );
}

/// The analysis reaches the end; `cargo xtask bench` prints its memory.
#[test]
#[ignore = "long: analyzes two hours of audio"]
fn two_hours_are_analyzed() {
    let folder = Folder::new();
    let second = chord(8_000, 1.0);
    let samples: Vec<f32> = second.iter().copied().cycle().take(8_000 * 7_200).collect();
    let path = folder.file("long.wav", &wav(8_000, 1, &samples));
    let output = output_of(
        mertscope()
            .arg("analyze")
            .arg(&path)
            .args(["--json", "--hop", "30"]),
    );
    assert_eq!(output.code, 0, "{}", output.err);
    let result = output.json()["files"][0].clone();
    assert_eq!(result["duration_s"], 7_200.0);
    let last = result["timeline"]
        .as_array()
        .unwrap()
        .last()
        .unwrap()
        .clone();
    assert_eq!(last["end_s"], 7_200.0);
}
