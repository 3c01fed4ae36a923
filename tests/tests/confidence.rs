//! Calibrated answers through the built command: no key for sounds without one, the key of a file with a long intro of drums, and
//! `mertscope heads eval --confidence`.

use std::fs;
use std::path::PathBuf;

use mertscope_tests::{demo, mertscope, output_of, wav};
use serde_json::Value;

const RATE_HZ: u32 = 16_000;

/// Samples of `seconds` of a sound, a function of the time in seconds.
fn sound(seconds: f64, of: impl Fn(f64) -> f64) -> Vec<f32> {
    let rate_hz = f64::from(RATE_HZ);
    let count = (seconds * rate_hz) as usize;
    (0..count).map(|n| of(n as f64 / rate_hz) as f32).collect()
}

fn tone(hz: f64, time_s: f64) -> f64 {
    let partials = 1..=5;
    let turn = std::f64::consts::TAU * hz * time_s;
    0.08 * partials
        .map(|n| (turn * f64::from(n)).sin() / f64::from(n))
        .sum::<f64>()
}

/// Bass drum and hats, two and four per second.
fn drums(time_s: f64) -> f64 {
    let (kick, hat) = (time_s % 0.5, (time_s + 0.25) % 0.5);
    // A hash of the time is as good as noise.
    let noise = ((time_s * 12_345.678).sin() * 43_758.547).fract();
    0.5 * (345.0 * kick).sin() * (-12.0 * kick).exp() + 0.2 * noise * (-80.0 * hat).exp()
}

/// C, F, G and C, two seconds each, struck twice per second.
fn chords(time_s: f64) -> f64 {
    const CHORDS: [[f64; 4]; 4] = [
        [130.81, 261.63, 329.63, 392.0],
        [174.61, 261.63, 349.23, 440.0],
        [196.0, 246.94, 293.66, 392.0],
        [130.81, 261.63, 329.63, 392.0],
    ];
    let chord = CHORDS[(time_s / 2.0) as usize % 4];
    let loudness = (-3.0 * (time_s % 0.5)).exp();
    loudness * chord.iter().map(|hz| tone(*hz, time_s)).sum::<f64>()
}

struct Folder(tempfile::TempDir);

impl Folder {
    fn analyzed(&self, name: &str, samples: &[f32]) -> Value {
        let path = self.0.path().join(name);
        fs::write(&path, wav(RATE_HZ, 1, samples)).unwrap();
        let output = output_of(mertscope().arg("analyze").arg(&path).arg("--json"));
        assert_eq!(output.code, 0, "{output:?}");
        output.json()["files"][0].clone()
    }
}

fn folder() -> Folder {
    Folder(tempfile::tempdir().unwrap())
}

#[test]
fn a_long_intro_of_drums_does_not_hide_the_key() {
    let mut samples = sound(40.0, drums);
    samples.extend(sound(24.0, |t| chords(t) + 0.3 * drums(t)));
    samples.extend(sound(26.0, drums));
    let summary = folder().analyzed("intro.wav", &samples)["summary"].clone();
    assert_eq!(summary["key"]["label"], "C major", "{summary:#}");
    assert_eq!(summary["keys"][0]["label"], "C major", "{summary:#}");
    assert_eq!(summary["modulations"].as_array().unwrap().len(), 0);
}

#[test]
fn drums_a_held_note_and_a_sweep_have_no_key() {
    let folder = folder();
    let sweep = |t: f64| 0.3 * (400.0 * (t / 4.0).exp2()).sin();
    let sounds: [(&str, Vec<f32>); 4] = [
        ("drums.wav", sound(20.0, drums)),
        (
            "note.wav",
            sound(20.0, |t| 0.4 * ((110.0 * t).fract() - 0.5)),
        ),
        (
            "struck.wav",
            sound(20.0, |t| tone(261.63, t) * (-4.0 * (t % 0.5)).exp()),
        ),
        ("sweep.wav", sound(20.0, sweep)),
    ];
    for (name, samples) in sounds {
        let result = folder.analyzed(name, &samples);
        assert!(result["summary"]["key"]["label"].is_null(), "{name}");
        for window in result["timeline"].as_array().unwrap() {
            assert!(window["key_label"].is_null(), "{name}: {window}");
        }
    }
}

/// The demo pieces with their keys, and a table that names them.
fn table(folder: &Folder) -> PathBuf {
    let pieces = demo().into_iter().filter(|piece| piece.keys.len() == 1);
    let rows = pieces.map(|piece| {
        let artist = piece.genre.clone();
        format!("{},{},{artist}\n", piece.path.display(), piece.keys[0].1)
    });
    let path = folder.0.path().join("labels.csv");
    let text = format!("file,label,artist\n{}", rows.collect::<String>());
    fs::write(&path, text).unwrap();
    path
}

#[test]
fn eval_judges_what_is_shown() {
    let folder = folder();
    let table = table(&folder);
    let picture = folder.0.path().join("risk.svg");
    let eval = |more: &[&str]| {
        let mut command = mertscope();
        command.args(["heads", "eval", "key", "--confidence", "--quiet"]);
        command
            .args(["--group-column", "artist", "--data"])
            .arg(&table);
        output_of(command.args(more))
    };
    let output = eval(&["--json", "--picture", picture.to_str().unwrap()]);
    assert_eq!(output.code, 0, "{output:?}");
    let found = output.json();
    assert_eq!(found["calibrated"], true);
    let found = &found["confidence"];
    assert_eq!((&found["files"], &found["groups"]), (&4.into(), &4.into()));
    // The pieces were made so that the model recognizes them.
    assert_eq!(found["whole"]["right"]["value"], 1.0, "{found:#}");
    assert_eq!(found["first_label_wrong"]["value"], 0.0, "{found:#}");
    assert!(found["live"]["count"].as_u64().unwrap() > 80, "{found:#}");
    assert!(
        fs::read_to_string(&picture)
            .unwrap()
            .contains("whole files")
    );
    let text = eval(&[]);
    for words in [
        "live: right where named",
        "first label: wrong",
        "4 files in 4 groups",
    ] {
        assert!(
            text.out.contains(words),
            "“{words}” is missing in: {}",
            text.out
        );
    }
}

#[test]
fn eval_of_another_question_is_refused_with_a_sentence() {
    let folder = folder();
    let table = table(&folder);
    let mut command = mertscope();
    command.args(["heads", "eval", "tags-msd", "--confidence", "--data"]);
    let output = output_of(command.arg(&table));
    assert_eq!(output.code, 1, "{output:?}");
    assert!(!output.err.contains("panicked"), "{}", output.err);
}
