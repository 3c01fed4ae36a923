//! Snapshots of invented music, for tests and benchmarks.

use std::path::Path;
use std::sync::{Arc, OnceLock};
use std::time::{Duration, UNIX_EPOCH};

use mertscope_audio::Status;
use mertscope_heads::map::Map;
use mertscope_heads::timeline::{TimedResult, WindowResult};
use mertscope_live::{Entry, ModelState, ModelStatus, RunningModel, Snapshot, State};
use mertscope_model::device::{Choice, Fallback, Offer, Report};
use mertscope_model::{Model, Operators, Precision};
use mertscope_music::{Confidence, Key, KeyAnswer};

/// The labels of the embedded model's style head.
pub(crate) const GENRES: [&str; 13] = [
    "ambient",
    "blues",
    "classical",
    "country",
    "disco",
    "electronic",
    "hiphop",
    "jazz",
    "metal",
    "none of these",
    "pop",
    "reggae",
    "rock",
];

/// Probabilities in proportion to weights.
fn shares(weights: &[f32]) -> Vec<f32> {
    let sum: f32 = weights.iter().sum();
    weights.iter().map(|weight| weight / sum).collect()
}

/// Key probabilities around a key, the rest on its neighbors.
fn key_probabilities(key: Key, sure: f32) -> [f32; Key::COUNT] {
    let mut all = [0.001; Key::COUNT];
    all[key.index()] = sure;
    all[key.relative().index()] += (1.0 - sure) * 0.45;
    all[key.transposed(7).index()] += (1.0 - sure) * 0.25;
    all[key.transposed(5).index()] += (1.0 - sure) * 0.15;
    all[key.parallel().index()] += (1.0 - sure) * 0.12;
    let whole = shares(&all);
    std::array::from_fn(|i| whole[i])
}

/// The result at a second of a piece that wanders through keys and genres.
pub(crate) fn result_at(second: f64) -> WindowResult {
    const KEYS: [&str; 5] = ["A minor", "C major", "C minor", "Eb major", "G minor"];
    let piece = (second / 47.0) as usize;
    let key: Key = KEYS[piece % KEYS.len()].parse().expect("a key");
    let sure = (0.72 + 0.26 * (second / 9.0).sin() as f32).clamp(0.2, 0.96);
    let keys = key_probabilities(key, sure);
    let genre: Vec<f32> = (0..GENRES.len())
        .map(|i| {
            let phase = second / 60.0 + i as f64 * 1.7;
            (0.02 + (phase.sin().max(0.0)).powi(3)) as f32
        })
        .collect();
    let genre = shares(&genre);
    WindowResult {
        genre: Some(genre.clone()),
        key: Some(keys),
        genre_smoothed: Some(genre),
        key_smoothed: Some(keys),
        key_answer: Some(KeyAnswer::new(
            &keys,
            &Confidence::unfitted(None).live,
            None,
        )),
        tuning: None,
        tuning_smoothed: None,
        point: Some(place_at(second)),
        others: Vec::new(),
        ribbons: Vec::new(),
        distances: Vec::new(),
    }
}

/// A place that wanders over the embedded model's map.
fn place_at(second: f64) -> [f32; 2] {
    let [low, high] = map().extent;
    let wander = |a: f64, b: f64| 0.5 + 0.28 * (second / a).sin() + 0.12 * (second / b).sin();
    let at = [wander(31.0, 7.3), wander(23.0, 5.1)];
    std::array::from_fn(|i| low[i] + (high[i] - low[i]) * at[i] as f32)
}

/// The embedded model's map.
pub(crate) fn map() -> &'static Arc<Map> {
    static MAP: OnceLock<Arc<Map>> = OnceLock::new();
    MAP.get_or_init(|| {
        // The tests of more than one crate include this file.
        let above = Path::new(env!("CARGO_MANIFEST_DIR")).ancestors();
        let mut paths = above.map(|folder| folder.join("assets/embedded/map.safetensors"));
        let path = paths.find(|path| path.is_file()).expect("a map");
        let manifest = Model::embedded_manifest().expect("a manifest");
        let bytes = std::fs::read(&path).expect("a map");
        Arc::new(Map::parse(&bytes, &path, &manifest).expect("a map of this model"))
    })
}

/// An entry for a window of five seconds that ends at `end_s`.
pub(crate) fn entry(
    end_s: f64,
    status: Status,
    result: Option<WindowResult>,
    generation: u64,
) -> Arc<Entry> {
    // Windows has no time after the year 30828, and no system one that is not a number.
    let after_s = if end_s > 0.0 { end_s.min(1e10) } else { 0.0 };
    Arc::new(Entry {
        timed: TimedResult {
            start_s: end_s - 5.0,
            end_s,
            status,
            result,
        },
        host_samples: None,
        generation,
        restarts: 0,
        bridged_frames: 0,
        published: UNIX_EPOCH + Duration::from_secs_f64(1.8e9 + after_s),
    })
}

/// A history of so many windows, one per second, with silence, gaps and jumps.
pub(crate) fn history(windows: usize) -> Vec<Arc<Entry>> {
    let mut history = Vec::new();
    let mut generation = 1;
    for second in 0..windows {
        let end_s = 5.0 + second as f64;
        let status = match second % 150 {
            60..68 => Status::Silent,
            110..113 => Status::Gap,
            _ => Status::Ok,
        };
        if second % 150 == 120 {
            generation += 1;
        }
        let result = (status == Status::Ok).then(|| result_at(end_s));
        history.push(entry(end_s, status, result, generation));
    }
    history
}

/// The embedded model, ready.
pub(crate) fn running(labels: &[&str]) -> RunningModel {
    RunningModel {
        id: "mertscope-v0".to_owned(),
        depth: None,
        sha256: "0".repeat(64),
        genre_labels: labels.iter().map(|label| (*label).to_owned()).collect(),
        device: Arc::new(Report {
            name: "CPU (AMD EPYC)".to_owned(),
            asked: Choice::Auto,
            used: Choice::Cpu,
            operators: Operators::Fused,
            precision: Precision::Fp32,
            err: None,
            share: None,
            fallbacks: vec![Fallback {
                device: "CUDA".to_owned(),
                reason: "no NVIDIA driver is loaded".to_owned(),
                absent: false,
            }],
            notice: None,
        }),
        devices: [Offer {
            choice: Choice::Cpu,
            title: "CPU".to_owned(),
        }]
        .into(),
        map: Some(Arc::clone(map())),
        heads: Arc::default(),
        window_s: 5.0,
        windows_s: [5.0].into(),
        offered: Arc::default(),
        genre_head: None,
        key_head: None,
    }
}

/// A snapshot during music, with a history of so many windows.
pub(crate) fn snapshot(windows: usize) -> Snapshot {
    let history = history(windows);
    let latest = history
        .last()
        .filter(|last| last.timed.result.is_some())
        .cloned();
    let position_s = history.last().map_or(2.0, |last| last.timed.end_s + 0.4);
    Snapshot {
        state: State::Analyzing,
        model: ModelStatus {
            asked: None,
            sha256: None,
            state: ModelState::Ready,
            running: Some(running(&GENRES)),
        },
        generation: history.last().map_or(1, |last| last.generation),
        latest,
        history: Arc::new(history),
        rate_hz: 48_000,
        position_s,
        window_fill: if windows == 0 { 0.4 } else { 1.0 },
        hop_s: 1.0,
        inference_s: Some(0.0412),
        latency_s: Some(0.0633),
        level_dbfs: -18.3,
        ..Snapshot::default()
    }
}
