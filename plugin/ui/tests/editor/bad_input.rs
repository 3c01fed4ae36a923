//! Bad input: every page draws any snapshot at any size, however small, and then the window rests.

use std::sync::Arc;
use std::time::Duration;

use egui::{Vec2, vec2};
use mertscope_audio::{Notice, Status};
use mertscope_heads::few_shot::LabeledExamples;
use mertscope_live::{FileProgress, ModelState, Snapshot, State};
use mertscope_ui::view_settings::Page;

use crate::Stage;
use crate::music::{GENRES, entry, history, result_at, running, snapshot};
use crate::reach::repaint_delay;
use crate::studied::{reference, studied};
use crate::window::open;

const SIZES: [Vec2; 4] = [
    vec2(1.0, 1.0),
    vec2(90.0, 40.0),
    vec2(480.0, 320.0),
    vec2(1600.0, 1000.0),
];

/// Draws a snapshot on every page at every size; nothing may panic, and egui may not request
/// another frame.
fn drawn(what: &str, snapshot: &Snapshot) {
    for page in Page::TABS.into_iter().chain([Page::Settings]) {
        for size in SIZES {
            let window = open(Stage::default(), page, snapshot.clone(), size);
            let delay = repaint_delay(&window);
            assert!(
                delay > Duration::from_secs(3600),
                "{what}, {page:?}, {size}: draws again after {delay:?}"
            );
        }
    }
}

#[test]
fn after_music_is_drawn_the_window_rests() {
    drawn("music", &snapshot(60));
}

#[test]
fn nan_and_infinite_values() {
    let mut result = result_at(10.0);
    result.key_smoothed = Some([f32::NAN; 24]);
    result.genre_smoothed = Some(vec![f32::NAN, f32::INFINITY, -1.0]);
    result.point = Some([f32::NAN, f32::INFINITY]);
    let odd = entry(f64::NAN, Status::Ok, Some(result.clone()), 1);
    let mut far = (*entry(9e15, Status::Ok, Some(result), 2)).clone();
    far.timed.start_s = -9e15;
    let snapshot = Snapshot {
        latest: Some(Arc::clone(&odd)),
        history: Arc::new(vec![odd, Arc::new(far)]),
        position_s: f64::NEG_INFINITY,
        window_fill: f32::NAN,
        hop_s: f64::NAN,
        inference_s: Some(f64::INFINITY),
        latency_s: Some(f64::NAN),
        level_dbfs: f32::NAN,
        ..snapshot(3)
    };
    drawn("NaN and infinite values", &snapshot);
}

#[test]
fn hours_of_history() {
    drawn(
        "hours",
        &Snapshot {
            history: Arc::new(history(12_000)),
            ..snapshot(10)
        },
    );
}

#[test]
fn labels_of_two_hundred_letters() {
    let long = "Wide label ".repeat(19);
    let labels: Vec<&str> = (0..60).map(|_| long.as_str()).collect();
    let mut running = running(&labels);
    running.id = long.clone();
    let mut snapshot = snapshot(60);
    snapshot.model.running = Some(running);
    snapshot.error = Some(long.repeat(5));
    drawn("long labels", &snapshot);
}

#[test]
fn a_model_without_heads_or_map() {
    let mut snapshot = snapshot(60);
    let entries = snapshot.history.iter().map(|entry| {
        let mut entry = (**entry).clone();
        if let Some(result) = &mut entry.timed.result {
            (result.genre, result.key, result.genre_smoothed) = (None, None, None);
            (result.key_smoothed, result.key_answer, result.point) = (None, None, None);
        }
        Arc::new(entry)
    });
    snapshot.history = Arc::new(entries.collect());
    snapshot.latest = snapshot.history.last().cloned();
    let mut running = running(&[]);
    running.map = None;
    snapshot.model.running = Some(running);
    drawn("no heads", &snapshot);
}

#[test]
fn silence_for_an_hour_and_no_model() {
    let silence = entry(3605.0, Status::Silent, None, 1);
    let mut snapshot = Snapshot {
        history: Arc::new(vec![silence]),
        ..snapshot(0)
    };
    (snapshot.state, snapshot.position_s) = (State::Silent, 3605.0);
    snapshot.level_dbfs = f32::NEG_INFINITY;
    drawn("silence", &snapshot);
    snapshot.model.running = None;
    snapshot.model.state = ModelState::Missing;
    snapshot.error = Some("The model “x” is not installed. Fetch it in the settings.".to_owned());
    drawn("no model", &snapshot);
    drawn("nothing at all", &Snapshot::default());
}

#[test]
fn extreme_references_and_examples() {
    let mut snapshot = studied(60);
    let encoder = "0".repeat(64);
    let references = (0..8).map(|n| {
        let mut reference = reference(n, &"Wide name ".repeat(20));
        if n % 2 == 0 {
            reference.encoder_sha256 = "another".to_owned();
        }
        reference.id = format!("{n}");
        Arc::new(reference)
    });
    snapshot.study.references = references.collect();
    let mut examples = LabeledExamples::default();
    for n in 0..64 {
        let label = format!("{n} {}", "W".repeat(60));
        examples.mark(&label, 4, &[1.0], &encoder).unwrap();
    }
    snapshot.study.labeled_examples = Arc::new(examples);
    snapshot.study.notice = Some(Notice::error("Something is wrong with it. ".repeat(20)));
    snapshot.study.file_progress = Some(FileProgress {
        name: "Wide name ".repeat(20),
        done_s: f64::NAN,
        promised_s: Some(f64::INFINITY),
    });
    let entries = snapshot.history.iter().map(|entry| {
        let mut entry = (**entry).clone();
        if let Some(result) = &mut entry.timed.result {
            result.distances = vec![(Arc::from("1"), f32::NAN), (Arc::from("3"), f32::INFINITY)];
            result.others = vec![(Arc::from("taught"), vec![f32::NAN; 2])];
        }
        Arc::new(entry)
    });
    snapshot.history = Arc::new(entries.collect());
    snapshot.latest = snapshot.history.last().cloned();
    drawn("extreme references and examples", &snapshot);
}

#[test]
fn the_timeline_follows_any_new_history() {
    let mut window = open(
        Stage::default(),
        Page::Timeline,
        snapshot(GENRES.len()),
        vec2(480.0, 320.0),
    );
    for windows in [300, 5, 0, 2_000] {
        window.state_mut().snapshot = Arc::new(snapshot(windows));
        window.run();
    }
}
