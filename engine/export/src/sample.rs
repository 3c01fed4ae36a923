//! Invented results for the tests of the outputs.

use mertscope_audio::Notice;
use std::sync::Arc;

use mertscope_audio::Status;
use mertscope_heads::head::Outputs;
use mertscope_heads::timeline::{HeadConfidence, Ribbon, TimedResult, Timeline, WindowResult};
use mertscope_music::{Confidence, Key, KeyAnswer, Smoother, Tuning};

use super::{AnalysisRun, FileReport, HeadRef, ReferenceRef};

pub(crate) const GENRES: [&str; 10] = [
    "blues",
    "classical",
    "country",
    "disco",
    "hiphop",
    "jazz",
    "metal",
    "pop",
    "reggae",
    "rock",
];

/// Two digits of a head's hash.
const MOOD: &str = "ab";
/// A reference's id.
const REFERENCE: &str = "cdcdcdcdcdcdcdcd";

/// Music that is a third of a semitone sharp.
const TUNING: Tuning = Tuning {
    cents: 32.25,
    certainty: 0.75,
};

pub(crate) fn run() -> AnalysisRun {
    let head = |task: &str, labels: Vec<String>| HeadRef {
        id: task.to_owned(),
        task: task.to_owned(),
        sha256: MOOD.repeat(32),
        layers: "layer 2".to_owned(),
        labels,
        outputs: Outputs::Multiclass,
        calibrated: true,
    };
    AnalysisRun {
        model_id: "sample".to_owned(),
        model_sha256: "12".repeat(32),
        heads: vec![
            head("genre", genres()),
            head("key", Key::all().map(Key::label).collect()),
        ],
        further: vec![head("mood", vec!["calm".to_owned(), "wild".to_owned()])],
        references: vec![ReferenceRef {
            id: REFERENCE.to_owned(),
            name: "Last album, loud".to_owned(),
            source_sha256: "cd".repeat(32),
        }],
        device: "CPU".to_owned(),
        precision: "fp32".to_owned(),
        onnxruntime: "1.31.0".to_owned(),
        window_s: 5.0,
        hop_s: 1.0,
    }
}

fn genres() -> Vec<String> {
    GENRES.map(str::to_owned).to_vec()
}

pub(crate) fn timed(start_s: f64, window_s: f64, status: Status) -> TimedResult {
    TimedResult {
        start_s,
        end_s: start_s + window_s,
        status,
        result: None,
    }
}

/// Probabilities `[n]` that favor `likely` by `confidence` and waver with `phase`.
fn favoring(n: usize, likely: usize, confidence: f32, phase: f64) -> Vec<f32> {
    let raw: Vec<f32> = (0..n)
        .map(|i| {
            let waver = (phase * 0.7 + i as f64 * 2.4).sin() as f32;
            0.04 + 0.03 * waver + if i == likely { confidence } else { 0.0 }
        })
        .collect();
    let total: f32 = raw.iter().sum();
    raw.iter().map(|p| p / total).collect()
}

/// The constants of both heads: quick, so that short files modulate.
fn confidence() -> Confidence {
    Confidence {
        time_s: 5.0,
        ..Confidence::unfitted(Some(0.4))
    }
}

/// A file of `windows` 5-s windows, one per second; `what` gives each one's status, key, genre and
/// confidence.
pub(crate) fn file(
    name: &str,
    windows: usize,
    what: impl Fn(f64) -> (Status, &'static str, usize, f32),
) -> FileReport {
    let constants = confidence();
    let smoother = || Smoother::new(&constants);
    let (mut keys, mut genre_mean) = (smoother(), smoother());
    let results = (0..windows)
        .map(|index| {
            let start_s = index as f64;
            let (status, key, genre, confidence) = what(start_s);
            let mut timed = timed(start_s, 5.0, status);
            if status != Status::Ok {
                return timed;
            }
            let likely: Key = key.parse().unwrap();
            let own_key = favoring(24, likely.index(), confidence, start_s);
            let own_key: [f32; 24] = own_key.try_into().unwrap();
            let own_genre = favoring(10, genre, confidence, start_s * 0.3);
            let key_smoothed = keys.push(&own_key, 1.0).try_into().unwrap();
            timed.result = Some(WindowResult {
                genre_smoothed: Some(genre_mean.push(&own_genre, 1.0)),
                genre: Some(own_genre),
                key: Some(own_key),
                key_smoothed: Some(key_smoothed),
                key_answer: Some(KeyAnswer::new(&key_smoothed, &constants.live, None)),
                tuning: Some(TUNING),
                tuning_smoothed: Some(TUNING),
                point: Some([0.25, -1.5]),
                others: vec![(Arc::from(MOOD.repeat(32)), vec![0.25, 0.75])],
                ribbons: vec![Ribbon {
                    head_sha256: Arc::from(MOOD.repeat(32)),
                    step_s: 0.5,
                    answers: vec![0.25, 0.75, 0.5, 0.5],
                }],
                distances: vec![(Arc::from(REFERENCE), 0.625)],
            });
            timed
        })
        .collect();
    FileReport {
        file: name.to_owned(),
        duration_s: Some(windows as f64 + 4.0),
        notices: Vec::new(),
        outcome: Ok(Timeline {
            genre_labels: genres(),
            confidence: HeadConfidence {
                genre: confidence(),
                key: confidence(),
            },
            results,
        }),
    }
}

/// A minor, then C minor.
pub(crate) fn modulating() -> FileReport {
    file("modulating.flac", 28, |s| {
        let key = if s < 13.0 { "A minor" } else { "C minor" };
        (Status::Ok, key, 1, 1.4)
    })
}

/// Every status in one file, with stretches too unclear to name a key.
pub(crate) fn mixed() -> FileReport {
    let mut report = file("mixed.wav", 90, |s| match s as usize {
        0..6 | 86.. => (Status::Silent, "C major", 0, 0.0),
        30..36 => (Status::Gap, "C major", 0, 0.0),
        60..62 => (Status::Invalid, "C major", 0, 0.0),
        62..64 => (Status::Failed, "C major", 0, 0.0),
        6..30 => (Status::Ok, "G major", 7, 1.1),
        36..60 => (Status::Ok, "E minor", 9, 0.1),
        _ => (Status::Ok, "D major", 3, 0.8),
    });
    report.notices = vec![Notice::warning("Audio is missing between 0:32 and 0:34.")];
    report
}

pub(crate) fn silent() -> FileReport {
    file("silent.wav", 8, |_| (Status::Silent, "C major", 0, 0.0))
}

pub(crate) fn one_window() -> FileReport {
    let mut report = file("one.ogg", 1, |_| (Status::Ok, "F major", 5, 0.9));
    report.duration_s = Some(3.2);
    report
}

pub(crate) fn unclear() -> FileReport {
    file("noise.wav", 30, |_| (Status::Ok, "E minor", 6, 0.05))
}

/// Half C major, half A minor, in turns: a pair for the whole file.
pub(crate) fn doubtful() -> FileReport {
    let mut report = file("doubtful.ogg", 20, |s| {
        let is_even = (s as usize).is_multiple_of(2);
        (
            Status::Ok,
            ["A minor", "C major"][usize::from(is_even)],
            5,
            1.4,
        )
    });
    if let Ok(timeline) = &mut report.outcome {
        timeline.confidence.key.file.pair = 0.3;
    }
    report
}

pub(crate) fn failed() -> FileReport {
    FileReport {
        file: "text.wav".to_owned(),
        duration_s: None,
        notices: Vec::new(),
        outcome: Err("text.wav is not audio; give a file that a player plays.".to_owned()),
    }
}

pub(crate) fn empty() -> FileReport {
    FileReport {
        outcome: Ok(Timeline::default()),
        ..failed()
    }
}

/// Windows that were analyzed by a model without heads.
pub(crate) fn without_heads() -> FileReport {
    let mut report = modulating();
    let timeline = report.outcome.as_mut().unwrap();
    timeline.genre_labels.clear();
    for timed in &mut timeline.results {
        timed.result = Some(WindowResult {
            genre: None,
            key: None,
            genre_smoothed: None,
            key_smoothed: None,
            key_answer: None,
            tuning: None,
            tuning_smoothed: None,
            point: None,
            others: Vec::new(),
            ribbons: Vec::new(),
            distances: Vec::new(),
        });
    }
    report
}

/// One of each kind.
pub(crate) fn all() -> Vec<FileReport> {
    vec![
        modulating(),
        mixed(),
        silent(),
        one_window(),
        unclear(),
        failed(),
        empty(),
    ]
}
