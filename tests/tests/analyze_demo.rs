//! The demo pieces through the built command and the embedded model: known answers, golden results,
//! and every form of output.

use std::ffi::OsStr;
use std::fs;
use std::path::Path;
use std::process::Command;

use mertscope_music::Key;
use mertscope_tests::{Piece, demo, mertscope, output_of, output_with_input, repository, run, wav};
use serde_json::{Value, json};

fn analyzed() -> Value {
    analyzed_with(&[])
}

fn analyzed_with(options: &[&str]) -> Value {
    let folder = repository("assets/demo");
    let mut arguments = vec!["analyze".as_ref(), folder.as_os_str(), "--json".as_ref()];
    arguments.extend(options.iter().map(OsStr::new));
    let output = run(&arguments);
    assert_eq!(output.code, 0, "{}", output.err);
    output.json()
}

fn result_of<'a>(results: &'a Value, piece: &Piece) -> &'a Value {
    let file = piece.path.file_name().unwrap().to_str().unwrap();
    results["files"]
        .as_array()
        .unwrap()
        .iter()
        .find(|result| result["file"].as_str().unwrap().ends_with(file))
        .unwrap_or_else(|| panic!("no result for {file}"))
}

fn key(value: &Value) -> Option<Key> {
    value.as_str().map(|name| name.parse().unwrap())
}

/// The styles of the pieces are their genres, but for the disco piece: its synthesizers are electronic to the head.
#[test]
fn styles_are_those_of_the_composition() {
    let results = analyzed();
    assert_eq!(results["heads"][0]["id"], "styles");
    for piece in demo() {
        let style = match piece.genre.as_str() {
            "disco" => "electronic",
            genre => genre,
        };
        let result = result_of(&results, &piece);
        assert_eq!(result["summary"]["genre"][0]["label"], style);
    }
}

/// Genre and key of each piece, as a whole and over time, are those of its composition, and the
/// modulation appears within some seconds.
#[test]
fn key_and_genre_are_those_of_the_composition() {
    // The pieces are composed in GTZAN's genres.
    let results = analyzed_with(&["--head", "genre"]);
    for piece in demo() {
        let result = result_of(&results, &piece);
        let file = piece.path.display();
        assert_eq!(
            result["summary"]["genre"][0]["label"], piece.genre,
            "{file}"
        );
        if let [(_, only)] = piece.keys[..] {
            assert_eq!(
                key(&result["summary"]["key"]["label"]),
                Some(only),
                "{file}"
            );
        }
        let timeline = result["timeline"].as_array().unwrap();
        for (n, (from_s, composed)) in piece.keys.iter().enumerate() {
            let to_s = piece
                .keys
                .get(n + 1)
                .map_or(f64::INFINITY, |(next_s, _)| *next_s);
            // A few windows are needed before two keys are asked about, and more to give up another key.
            let from_s = if n == 0 { 0.0 } else { from_s + 9.0 };
            let windows: Vec<&Value> = timeline
                .iter()
                .filter(|window| {
                    window["start_s"].as_f64().unwrap() >= from_s
                        && window["end_s"].as_f64().unwrap() <= to_s
                })
                .collect();
            let named = |window: &Value| key(&window["key_label"]);
            let asked = |window: &Value| {
                let pair = window["key_pair"].as_array();
                pair.is_some_and(|pair| pair.iter().any(|one| key(one) == Some(*composed)))
            };
            let told = |window: &&&Value| named(window) == Some(*composed) || asked(window);
            let named_count = windows.iter().filter(|of| named(of).is_some()).count();
            let told_count = windows.iter().filter(told).count();
            let labels: Vec<_> = windows.iter().map(|window| &window["key_label"]).collect();
            assert!(
                windows.len() >= 5
                    && told_count * 10 >= windows.len() * 9
                    && named_count * 2 >= windows.len(),
                "{file} from {from_s} s: {told_count} of {} windows tell {composed}: {labels:?}",
                windows.len()
            );
            assert!(
                windows
                    .iter()
                    .all(|of| named(of).is_none_or(|key| key == *composed)),
                "{file} from {from_s} s: another key than {composed} is named: {labels:?}"
            );
        }
    }
}

/// Results equal those recorded for this model, so that a change in any stage fails the test.
/// `MERTSCOPE_BLESS=1` records them again.
#[test]
fn results_are_the_golden_ones_of_this_model() {
    // SIMD code differs between processors in the last bits, which moves probabilities far less.
    const TOLERANCE: f64 = 2e-3;
    let results = analyzed();
    let hash = results["model"]["sha256"].as_str().unwrap();
    let path = repository("tests/golden").join(format!("{}.json", &hash[..16]));
    let result: Value = demo()
        .iter()
        .map(|piece| {
            let result = result_of(&results, piece);
            let timeline = result["timeline"].as_array().unwrap();
            json!({
                "file": piece.path.file_name().unwrap().to_str(),
                "duration_s": result["duration_s"],
                "windows": timeline.len(),
                "summary": result["summary"],
                "middle": timeline[timeline.len() / 2],
            })
        })
        .collect();
    if std::env::var_os("MERTSCOPE_BLESS").is_some() {
        fs::write(&path, format!("{result:#}\n")).unwrap();
    }
    alike(&result, &golden(&path), TOLERANCE, "");
}

fn golden(path: &Path) -> Value {
    let golden = fs::read_to_string(path).unwrap_or_else(|error| {
        panic!(
            "{}: {error}; a new model needs MERTSCOPE_BLESS=1 once",
            path.display()
        )
    });
    serde_json::from_str(&golden).unwrap()
}

/// The golden window in the middle of a piece, as a file of its own. Two windows are all that the emulator of another
/// processor has time for (`cargo xtask cross arm64`).
#[test]
fn a_window_alone_has_the_golden_answer() {
    // The resampler has silence in the place of what stood before and after.
    const TOLERANCE: f64 = 5e-3;
    let encoder = fs::read(repository("assets/embedded/encoder.onnx")).unwrap();
    let hash = mertscope_model::sha256(&encoder);
    let golden = golden(&repository("tests/golden").join(format!("{}.json", &hash[..16])));
    let scratch = tempfile::tempdir().unwrap();
    let file = scratch.path().join("window.wav");
    for (n, piece) in demo()[..2].iter().enumerate() {
        let expected = &golden[n]["middle"];
        let (rate_hz, channels) = piece.decoded();
        let [from, to] = ["start_s", "end_s"].map(|field| {
            let time_s = expected[field].as_f64().unwrap();
            (time_s * f64::from(rate_hz)).round() as usize
        });
        let frames = (from..to).flat_map(|n| channels.iter().map(move |of| of[n]));
        let samples: Vec<f32> = frames.collect();
        fs::write(&file, wav(rate_hz, channels.len() as u16, &samples)).unwrap();
        let output = run(&["analyze".as_ref(), file.as_os_str(), "--json".as_ref()]);
        let json = output.json();
        let timeline = json["files"][0]["timeline"].as_array().unwrap();
        assert_eq!(timeline.len(), 1, "{}", output.err);
        for field in ["key", "genre"] {
            alike(&timeline[0][field], &expected[field], TOLERANCE, field);
        }
    }
}

fn alike(a: &Value, b: &Value, tolerance: f64, place: &str) {
    match (a, b) {
        (Value::Number(x), Value::Number(y)) => {
            let (x, y) = (x.as_f64().unwrap(), y.as_f64().unwrap());
            assert!((x - y).abs() <= tolerance, "{place}: {x} instead of {y}");
        }
        (Value::Array(x), Value::Array(y)) => {
            assert_eq!(x.len(), y.len(), "{place}");
            for (n, (x, y)) in x.iter().zip(y).enumerate() {
                alike(x, y, tolerance, &format!("{place}[{n}]"));
            }
        }
        (Value::Object(x), Value::Object(y)) => {
            assert!(x.keys().eq(y.keys()), "{place}");
            for (name, x) in x {
                // A tenth of a cent is the last digit that is written.
                let tolerance = if name == "cents" { 0.25 } else { tolerance };
                alike(x, &y[name], tolerance, &format!("{place}.{name}"));
            }
        }
        _ => assert_eq!(a, b, "{place}"),
    }
}

/// `jq` reads the document and prints the same document.
#[test]
fn json_goes_through_jq_unchanged() {
    let file = &demo()[0].path;
    let original = run(&["analyze".as_ref(), file.as_os_str(), "--json".as_ref()]);
    let through = output_with_input(Command::new("jq").arg("."), original.out.as_bytes());
    assert_eq!(through.code, 0, "{}", through.err);
    alike(&through.json(), &original.json(), 1e-9, "");
    let query = "[.files[0].timeline[].key | add] | map(. > 0.999 and . < 1.001) | all";
    let sums = output_with_input(Command::new("jq").arg(query), original.out.as_bytes());
    assert_eq!(
        sums.out.trim(),
        "true",
        "key probabilities of each window sum to 1"
    );
}

/// Every form of output holds the same results.
#[test]
fn table_csv_and_json_lines_agree_with_the_json() {
    let piece = &demo()[2];
    let with = |flags: &[&str]| {
        let output = output_of(mertscope().arg("analyze").arg(&piece.path).args(flags));
        assert_eq!(output.code, 0, "{}", output.err);
        output
    };
    let json = with(&["--json"]).json();
    let result = &json["files"][0];
    let summary = &result["summary"]["key"];
    let table = with(&[]).out;
    let [label, camelot] = ["label", "camelot"].map(|name| summary[name].as_str().unwrap());
    for expected in [label, camelot, &piece.genre] {
        assert!(
            table.contains(expected),
            "{expected} is missing in:\n{table}"
        );
    }
    let lines = with(&["--jsonl"]).out;
    assert_eq!(lines.lines().count(), 1);
    let line: Value = serde_json::from_str(&lines).unwrap();
    assert_eq!(line["summary"], result["summary"]);
    assert_eq!(line["model"], json["model"]);
    let csv = with(&["--csv"]).out;
    let windows = result["timeline"].as_array().unwrap().len();
    assert_eq!(csv.lines().count(), 1 + windows);
    let columns = csv.lines().next().unwrap().split(',').count();
    for row in csv.lines() {
        assert_eq!(row.split(',').count(), columns, "{row}");
    }
}

/// Plots are written to the given paths, in both formats, one per input.
#[test]
fn plots_are_pictures() {
    let folder = tempfile::tempdir().unwrap();
    let pieces = demo();
    let png = folder.path().join("out.png");
    let one = output_of(
        mertscope()
            .arg("analyze")
            .arg(&pieces[0].path)
            .arg("--plot")
            .arg(&png),
    );
    assert_eq!(one.code, 0, "{}", one.err);
    assert!(one.err.contains("out.png"), "{}", one.err);
    let bytes = fs::read(&png).unwrap();
    assert_eq!(&bytes[..8], b"\x89PNG\r\n\x1a\n");
    assert!(
        bytes.len() > 20_000,
        "a picture of {} bytes shows nothing",
        bytes.len()
    );

    let svg = folder.path().join("out.svg");
    let inputs = pieces[..2].iter().map(|piece| &piece.path);
    let two = output_of(
        mertscope()
            .arg("analyze")
            .args(inputs)
            .arg("--plot")
            .arg(&svg),
    );
    assert_eq!(two.code, 0, "{}", two.err);
    for piece in &pieces[..2] {
        let stem = piece.path.file_stem().unwrap().to_str().unwrap();
        let text = fs::read_to_string(folder.path().join(format!("out-{stem}.svg"))).unwrap();
        assert!(text.contains("<svg") && text.contains(stem));
    }
}

/// Standard input gives the same result as the file.
#[test]
fn standard_input_is_read() {
    let piece = &demo()[3];
    let bytes = fs::read(&piece.path).unwrap();
    let piped = output_with_input(mertscope().args(["analyze", "-", "--json"]), &bytes);
    assert_eq!(piped.code, 0, "{}", piped.err);
    let named = output_of(mertscope().arg("analyze").arg(&piece.path).arg("--json"));
    let timeline = |json: Value| json["files"][0]["timeline"].clone();
    alike(&timeline(piped.json()), &timeline(named.json()), 1e-5, "");
}

/// The effective hop is printed, and windows start at its multiples.
#[test]
fn the_effective_hop_is_printed_and_used() {
    let path = &demo()[4].path;
    let output = output_of(
        mertscope()
            .arg("analyze")
            .arg(path)
            .args(["--hop", "0.993", "--json"]),
    );
    assert!(
        output.err.contains("a hop of 1 s (0.993 s, rounded"),
        "{}",
        output.err
    );
    let json = output.json();
    assert_eq!(json["hop_s"], 1.0);
    let timeline = json["files"][0]["timeline"].as_array().unwrap().clone();
    for (n, window) in timeline[..timeline.len() - 1].iter().enumerate() {
        assert_eq!(window["start_s"], n as f64);
    }
    let duration_s = json["files"][0]["duration_s"].as_f64().unwrap();
    let end_s = timeline.last().unwrap()["end_s"].as_f64().unwrap();
    assert!(
        (end_s - duration_s).abs() < 2e-3,
        "the last window ends with the file"
    );
}

/// Without smoothing the smoothed values are the window's own.
#[test]
fn without_smoothing_each_window_is_independent() {
    let path = &demo()[0].path;
    let output = output_of(
        mertscope()
            .arg("analyze")
            .arg(path)
            .args(["--no-smoothing", "--json"]),
    );
    for window in output.json()["files"][0]["timeline"].as_array().unwrap() {
        assert_eq!(window["key"], window["key_smoothed"]);
        assert_eq!(window["genre"], window["genre_smoothed"]);
    }
}
