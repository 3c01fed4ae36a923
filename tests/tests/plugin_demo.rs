//! The plugin's results in a host are those of the command on the file.
//!
//! The tests read the plugin's results where a user reads them: in the log that it writes while its
//! "Log" parameter is on. The render is offline and exact, so no window is left out.

use std::collections::HashMap;
use std::fs;
use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use mertscope_tests::host::Instance;
use mertscope_tests::{Piece, demo, mertscope, output_of};
use serde_json::{Value, json};

/// Frames in a block.
const FRAMES: usize = 2048;

/// The time limit for the last window: only a hang exceeds it.
const PATIENCE: Duration = Duration::from_secs(300);

/// The names of logs hold the process: only one test plays at a time, so that each finds its own log.
static PLAYING: Mutex<()> = Mutex::new(());

/// The logs of this process.
fn logs() -> Vec<PathBuf> {
    let folder = dirs::data_local_dir().unwrap().join("mertscope/logs");
    let mine = format!("-{}-", std::process::id());
    fs::read_dir(folder)
        .into_iter()
        .flatten()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.to_string_lossy().contains(&mine))
        .collect()
}

fn lines(path: &PathBuf) -> Vec<Value> {
    let text = fs::read_to_string(path).unwrap();
    text.lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

/// Plays a piece into one input of an instance, which analyzes that input (the other is silent), and
/// returns the log's lines.
fn played(piece: &Piece, source: &str) -> Vec<Value> {
    let (rate_hz, channels) = piece.decoded();
    let frames = channels[0].len();
    let mut instance = Instance::default();
    let mut state = instance.state();
    let mut object: Value =
        serde_json::from_str(state["fields"]["mertscope"].as_str().unwrap()).unwrap();
    object["engine"] = json!({ "exact_offline": true, "cpu_share": 1.0 });
    state["fields"]["mertscope"] = json!(object.to_string());
    state["params"]["log"] = json!({ "bool": true });
    state["params"]["hop"] = json!({ "f32": 2.0 });
    state["params"]["source"] = json!({ "string": source });
    assert!(instance.load_state(&state));
    instance.set_offline(true);
    let mut processor = instance.activate(rate_hz, FRAMES);
    for start in (0..frames).step_by(FRAMES) {
        let end = frames.min(start + FRAMES);
        // Two channels of the main input, then two of the side-chain.
        let first = if source == "main" { 0 } else { 2 };
        for (n, input) in processor.input()[first..first + 2].iter_mut().enumerate() {
            let channel = &channels[n % channels.len()];
            input[..end - start].copy_from_slice(&channel[start..end]);
        }
        processor.play(end - start);
    }
    // The rest of the ring is analyzed after the last block.
    let last_end_s = frames as f64 / f64::from(rate_hz) - 2.5;
    let begun = Instant::now();
    let log = loop {
        let end_s = |line: &Value| line["end_s"].as_f64().unwrap();
        let complete = logs().into_iter().find(|log| {
            lines(log)
                .last()
                .is_some_and(|line| end_s(line) >= last_end_s)
        });
        if let Some(log) = complete {
            break log;
        }
        assert!(
            begun.elapsed() < PATIENCE,
            "the log stays incomplete: {:?}",
            logs()
        );
        std::thread::sleep(Duration::from_millis(200));
    };
    instance.deactivate(processor);
    drop(instance);
    let lines = lines(&log);
    fs::remove_file(log).unwrap();
    lines
}

/// The most frequent value of a field.
fn most<'a>(lines: &'a [Value], field: &str) -> &'a Value {
    let mut counts = HashMap::new();
    for line in lines {
        *counts.entry(&line[field]).or_insert(0) += 1;
    }
    counts
        .into_iter()
        .max_by_key(|(_, count)| *count)
        .unwrap()
        .0
}

#[test]
fn a_piece_in_a_host_has_the_results_of_its_file() {
    let piece = &demo()[0];
    for source in ["main", "side-chain"] {
        has_the_results_of_the_file(piece, source);
    }
}

#[test]
#[ignore = "long: plays the other four demo pieces, each for as long as a song on a small machine"]
fn every_other_piece_in_a_host_has_the_results_of_its_file() {
    for piece in &demo()[1..] {
        has_the_results_of_the_file(piece, "main");
    }
}

/// Plays a piece through the plugin: key and genre are those of `mertscope analyze`, window by
/// window.
fn has_the_results_of_the_file(piece: &Piece, source: &str) {
    let _playing = PLAYING.lock().unwrap_or_else(PoisonError::into_inner);
    let file = format!("{} on {source}", piece.path.display());
    let expected = output_of(mertscope().arg("analyze").arg(&piece.path).arg("--json")).json();
    let expected = &expected["files"][0];
    let result = played(piece, source);
    assert!(result.len() >= 5, "{file}: {} windows", result.len());
    for pair in result.windows(2) {
        assert!(
            pair[0]["end_s"].as_f64() < pair[1]["end_s"].as_f64(),
            "{file}"
        );
    }
    assert_eq!(most(&result, "status"), "ok", "{file}");
    assert_eq!(
        *most(&result, "genre"),
        expected["summary"]["genre"][0]["label"],
        "{file}"
    );
    let timeline = expected["timeline"].as_array().unwrap();
    let alike = result
        .iter()
        .filter(|line| {
            let end_s = line["end_s"].as_f64().unwrap();
            let distance = |window: &&Value| (window["end_s"].as_f64().unwrap() - end_s).abs();
            let nearest = timeline
                .iter()
                .min_by(|a, b| distance(a).total_cmp(&distance(b)))
                .unwrap();
            nearest["key_label"] == line["key"]
        })
        .count();
    // Hops differ a little, so a change of key may show one window earlier or later.
    assert!(
        alike * 10 >= result.len() * 9,
        "{file}: {alike} of {} windows have the same key",
        result.len()
    );
}
