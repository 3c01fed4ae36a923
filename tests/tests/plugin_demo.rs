//! The plugin's results in a host are those of the command on the file.
//!
//! The tests read the plugin's results where a user reads them: in the log that it writes while that is
//! switched on. The render is offline and exact, so no window is left out.

use std::collections::HashMap;
use std::fs;
use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use mertscope_tests::host::{AudioProcessor, Instance};
#[cfg(target_os = "linux")]
use mertscope_tests::vst3_host::{Block, Vst3};
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

/// An instance that analyzes one input, waits for the analysis in a render, and logs.
fn logging_instance(source: &str, hop_s: f64, engine: Value) -> Instance {
    let mut instance = Instance::default();
    let mut state = instance.state();
    let mut object: Value =
        serde_json::from_str(state["fields"]["mertscope"].as_str().unwrap()).unwrap();
    object["engine"] = engine;
    object["log"] = json!({ "enabled": true });
    state["fields"]["mertscope"] = json!(object.to_string());
    state["params"]["hop"] = json!({ "f32": hop_s });
    state["params"]["source"] = json!({ "string": source });
    assert!(instance.load_state(&state));
    instance
}

/// Plays `channels` into the input channels from the `first` on; the others are silent.
fn play(processor: &mut AudioProcessor, first: usize, channels: &[&[f32]]) {
    let frames = channels[0].len();
    for start in (0..frames).step_by(FRAMES) {
        let end = frames.min(start + FRAMES);
        for (input, channel) in processor.input()[first..].iter_mut().zip(channels) {
            input[..end - start].copy_from_slice(&channel[start..end]);
        }
        processor.play(end - start);
    }
}

/// The log, which is removed, once a window in it ends at `end_s` or later.
fn logged_until(end_s: f64) -> Vec<Value> {
    let begun = Instant::now();
    loop {
        let ends = |line: &Value| line["end_s"].as_f64().unwrap() >= end_s;
        let complete = logs()
            .into_iter()
            .find(|log| lines(log).last().is_some_and(ends));
        if let Some(log) = complete {
            let lines = lines(&log);
            fs::remove_file(log).unwrap();
            return lines;
        }
        assert!(
            begun.elapsed() < PATIENCE,
            "the log stays incomplete: {:?}",
            logs()
        );
        std::thread::sleep(Duration::from_millis(200));
    }
}

/// Plays a piece into one input of an instance, which analyzes that input (the other is silent), and
/// returns the log's lines. The host says that it renders, or calls it real time.
fn played(piece: &Piece, source: &str, says_offline: bool) -> Vec<Value> {
    let (rate_hz, channels) = piece.decoded();
    let frames = channels[0].len();
    let mut instance = logging_instance(source, 2.0, exact());
    instance.set_offline(says_offline);
    let mut processor = instance.activate(rate_hz, FRAMES);
    // Two channels of the main input, then two of the side-chain.
    let first = if source == "main" { 0 } else { 2 };
    let sides = [&channels[0][..], &channels[channels.len() - 1][..]];
    play(&mut processor, first, &sides);
    // The rest of the ring is analyzed after the last block.
    let lines = logged_until(frames as f64 / f64::from(rate_hz) - 2.5);
    instance.deactivate(processor);
    lines
}

/// Settings of an engine that a render waits for.
fn exact() -> Value {
    json!({ "exact_offline": true, "cpu_share": 1.0 })
}

/// A C major chord at 48 kHz.
fn chord(seconds: f64) -> Vec<f32> {
    let voices = [130.81, 261.63, 329.63, 392.0, 523.25, 784.0];
    (0..(seconds * 48_000.0) as usize)
        .map(|n| {
            let t = n as f64 / 48_000.0;
            let waves = voices.map(|hz| (std::f64::consts::TAU * hz * t).sin());
            (waves.iter().sum::<f64>() * 0.06) as f32
        })
        .collect()
}

fn starts(lines: &[Value]) -> Vec<f64> {
    let starts = lines.iter().map(|line| line["start_s"].as_f64().unwrap());
    starts.collect()
}

/// Mono, stereo and surround, main input and side-chain: the mean of the channels is heard.
#[test]
fn every_input_of_every_layout_is_heard() {
    let _playing = PLAYING.lock().unwrap_or_else(PoisonError::into_inner);
    let chord = chord(6.2);
    let layouts = Instance::default().layouts();
    let mut heard = Vec::new();
    for (name, id) in layouts {
        for source in ["main", "side-chain"] {
            let mut instance = logging_instance(source, 1.0, exact());
            instance.choose_layout(id);
            let inputs = instance.ports(true);
            let first = match (source, inputs.len()) {
                ("side-chain", 1) => continue,
                ("side-chain", _) => inputs[0],
                _ => 0,
            };
            let width = if first == 0 { inputs[0] } else { inputs[1] };
            let mut processor = instance.activate(48_000, FRAMES);
            play(&mut processor, first, &vec![&chord[..]; width]);
            let lines = logged_until(6.0);
            instance.deactivate(processor);
            assert_eq!(starts(&lines), [0.0, 1.0], "{name}, {source}");
            heard.push((
                name.clone(),
                source,
                lines[1]["genre_probability"].as_f64().unwrap(),
            ));
        }
    }
    assert_eq!(heard.len(), 16);
    for (name, source, probability) in &heard {
        assert!(
            (probability - heard[0].2).abs() < 1e-3,
            "{name}, {source}: {probability}"
        );
    }
}

/// In a VST3 host too, where a side-chain need not be as wide as the main bus.
#[cfg(target_os = "linux")]
#[test]
fn every_kind_of_width_in_a_vst3_host_is_heard() {
    let _playing = PLAYING.lock().unwrap_or_else(PoisonError::into_inner);
    let chord = chord(6.2);
    let mut heard = Vec::new();
    for (main, side_chain, source) in [
        (1, 0, "main"),
        (2, 2, "side-chain"),
        (1, 2, "side-chain"),
        (2, 1, "side-chain"),
        (5, 2, "side-chain"),
        (6, 2, "main"),
        // Without a side-chain its setting means the main bus.
        (1, 0, "side-chain"),
    ] {
        let saved = logging_instance(source, 1.0, exact()).save();
        let plugin = Vst3::new();
        // The CLAP plugin puts the length before its state.
        assert!(plugin.load(&saved[size_of::<u64>()..]));
        assert!(plugin.arrange(&[main, side_chain], &[main]));
        assert!(plugin.set_up(48_000.0, FRAMES) && plugin.set_active(true));
        for samples in chord.chunks(FRAMES) {
            let mut block = Block::new(main, side_chain, samples.len());
            let input = match source {
                "side-chain" if side_chain > 0 => &mut block.side_chain,
                _ => &mut block.input,
            };
            input.fill(Some(samples.to_owned()));
            assert!(plugin.process(&mut block));
        }
        let lines = logged_until(6.0);
        assert!(plugin.set_active(false));
        assert_eq!(starts(&lines), [0.0, 1.0], "{main}, {side_chain}, {source}");
        heard.push(lines[1]["genre_probability"].as_f64().unwrap());
    }
    for probability in &heard {
        assert!((probability - heard[0]).abs() < 1e-3, "{heard:?}");
    }
}

/// A live input beside a transport that stands; the log has elapsed time, and then the host's.
#[test]
fn music_is_heard_while_the_transport_stands_unless_it_is_followed() {
    let _playing = PLAYING.lock().unwrap_or_else(PoisonError::into_inner);
    let (chord, silence) = (chord(6.2), vec![0.0; 48_000]);
    for follows in [false, true] {
        let mut engine = exact();
        engine["follow_transport"] = json!(follows);
        let mut instance = logging_instance("main", 1.0, engine);
        let mut processor = instance.activate(48_000, FRAMES);
        processor.playing = false;
        processor.position = 960_000;
        play(&mut processor, 0, &[&chord, &chord]);
        play(&mut processor, 0, &[&silence, &silence]);
        processor.playing = true;
        play(&mut processor, 0, &[&chord, &chord]);
        let lines = logged_until(26.0);
        instance.deactivate(processor);
        let expected: &[f64] = match follows {
            false => &[0.0, 1.0, 20.0, 21.0],
            true => &[20.0, 21.0],
        };
        assert_eq!(starts(&lines), expected, "{follows}: {lines:#?}");
    }
}

#[test]
fn nothing_is_analyzed_while_the_host_bypasses_the_plugin() {
    let _playing = PLAYING.lock().unwrap_or_else(PoisonError::into_inner);
    let chord = chord(6.2);
    let mut instance = logging_instance("main", 1.0, exact());
    let mut parameters = instance.parameters().into_iter();
    let bypass = parameters.find(|parameter| parameter.name == "Bypass");
    let bypass = bypass.expect("a host finds the switch").id;
    instance.set_offline(true);
    let mut processor = instance.activate(48_000, FRAMES);
    processor.set(bypass, 1.0);
    play(&mut processor, 0, &[&chord, &chord]);
    // The worker reads the switch by the clock, and a test plays faster than that.
    std::thread::sleep(Duration::from_secs(1));
    processor.set(bypass, 0.0);
    play(&mut processor, 0, &[&chord[..480], &chord[..480]]);
    std::thread::sleep(Duration::from_secs(1));
    play(&mut processor, 0, &[&chord, &chord]);
    let lines = logged_until(12.1);
    instance.deactivate(processor);
    let starts = starts(&lines);
    let begins = (6.19..6.3).contains(&starts[0]);
    assert!(begins && starts.len() == 2, "{starts:?}: {lines:#?}");
}

/// A project is loaded in the midst of a render, and asks it to wait: from there on nothing is lost.
#[test]
fn exactness_counts_at_once_and_not_from_the_next_activation() {
    let _playing = PLAYING.lock().unwrap_or_else(PoisonError::into_inner);
    let chord = chord(30.2);
    let mut instance = logging_instance("main", 1.0, json!({}));
    instance.set_offline(true);
    let mut processor = instance.activate(48_000, FRAMES);
    play(&mut processor, 0, &[&chord[..480], &chord[..480]]);
    let asked = logging_instance("main", 1.0, exact()).save();
    assert!(instance.load(&asked));
    // The worker takes a message, long before a user starts a render.
    std::thread::sleep(Duration::from_secs(1));
    processor.position = 48_000_000;
    play(&mut processor, 0, &[&chord, &chord]);
    let lines = logged_until(1_030.0);
    instance.deactivate(processor);
    let expected: Vec<f64> = (0..26u16).map(|n| 1_000.0 + f64::from(n)).collect();
    assert_eq!(starts(&lines), expected);
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
        has_the_results_of_the_file(piece, source, true);
    }
}

/// As Ardour's export, whose word the framework does not read.
#[test]
fn a_piece_in_a_host_that_renders_without_a_word_has_the_results_of_its_file() {
    has_the_results_of_the_file(&demo()[0], "main", false);
}

#[test]
#[ignore = "long: plays the other four demo pieces, each for as long as a song on a small machine"]
fn every_other_piece_in_a_host_has_the_results_of_its_file() {
    for piece in &demo()[1..] {
        has_the_results_of_the_file(piece, "main", true);
    }
}

/// Plays a piece through the plugin: key and genre are those of `mertscope analyze`, window by
/// window.
fn has_the_results_of_the_file(piece: &Piece, source: &str, says_offline: bool) {
    let _playing = PLAYING.lock().unwrap_or_else(PoisonError::into_inner);
    let file = format!("{} on {source}", piece.path.display());
    let expected = output_of(mertscope().arg("analyze").arg(&piece.path).arg("--json")).json();
    let expected = &expected["files"][0];
    let result = played(piece, source, says_offline);
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
