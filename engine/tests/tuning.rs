//! The tuning that the embedded model hears, and keys relative to it.

use std::f64::consts::TAU;
use std::sync::Arc;

use mertscope_audio::Status;
use mertscope_heads::interpreter::Interpreter;
use mertscope_heads::package::ModelPackage;
use mertscope_heads::summary::RunningSummary;
use mertscope_heads::timeline::{TimedResult, WindowResult};
use mertscope_model::{Session, SessionOptions, runtime};
use mertscope_music::{Key, Mode};

const RATE_HZ: f64 = 16_000.0;
const WINDOW_S: f64 = 5.0;
/// C, A minor, F and G major with a bass, as MIDI notes.
const CHORDS: [[f64; 4]; 4] = [
    [48.0, 60.0, 64.0, 67.0],
    [45.0, 57.0, 60.0, 64.0],
    [53.0, 57.0, 60.0, 65.0],
    [43.0, 59.0, 62.0, 67.0],
];

/// One window of samples, each a function of its time in seconds.
fn window(sample: impl Fn(f64) -> f64) -> Vec<f32> {
    let count = (RATE_HZ * WINDOW_S) as usize;
    (0..count)
        .map(|n| sample(n as f64 / RATE_HZ) as f32)
        .collect()
}

/// A cadence in C major with six partials per note, `cents` above A = 440 Hz.
fn cadence(cents: f64) -> Vec<f32> {
    window(|time_s| {
        let chord = CHORDS[((time_s / 1.25) as usize).min(3)];
        let note = |note: f64| -> f64 {
            let hz = 440.0 * ((note - 69.0 + cents / 100.0) / 12.0).exp2();
            let partial = |n: f64| (TAU * hz * n * time_s + note * n).sin() / n;
            (1..=6u8).map(f64::from).map(partial).sum()
        };
        0.05 * chord.into_iter().map(note).sum::<f64>()
    })
}

/// White noise.
fn noise() -> Vec<f32> {
    let mut state = 1u32;
    let mut next = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 8) as f32 / 8.4e7 - 0.1
    };
    (0..(RATE_HZ * WINDOW_S) as usize).map(|_| next()).collect()
}

/// A kick drum alone that falls to `hz`, twice a second.
fn kick(hz: f64) -> Vec<f32> {
    window(|time_s| {
        let since_s = time_s % 0.5;
        let fall = 0.03 * (1.0 - (-since_s / 0.03).exp());
        0.5 * (TAU * hz * (since_s + fall)).sin() * (-since_s / 0.2).exp()
    })
}

/// The results of the embedded model for windows that follow each other by a second.
fn heard(windows: &[Vec<f32>]) -> Vec<WindowResult> {
    let package = ModelPackage::embedded().unwrap();
    let options = SessionOptions {
        threads: 1,
        ..SessionOptions::default()
    };
    let runtime = runtime::load(None).unwrap();
    let mut session = Session::new(runtime, Arc::clone(&package.model), options).unwrap();
    let mut interpreter = Interpreter::new(&package, true);
    let results = windows.iter().zip(0u8..).map(|(samples, second)| {
        let hidden = session.run(samples).unwrap();
        interpreter.interpret(&hidden, WINDOW_S + f64::from(second))
    });
    results.collect()
}

fn most_probable(result: &WindowResult) -> Key {
    let all = result.key.unwrap();
    let best = Key::all().max_by(|a, b| all[a.index()].total_cmp(&all[b.index()]));
    best.unwrap()
}

#[test]
fn detuned_music_is_in_the_key_of_the_nearest_semitone_and_its_cents_are_told() {
    let faster = |speed: f64| 1200.0 * speed.log2();
    for (added, semitone, cents) in [
        (0.0, 0, 0.0),
        (35.0, 0, 35.0),
        (-35.0, 0, -35.0),
        (faster(1.04), 1, -32.0),
        (faster(1.08), 1, 33.2),
    ] {
        let result = &heard(&[cadence(added)])[0];
        let tuning = result.tuning.unwrap();
        assert!(tuning.is_clear(), "{added}: {tuning:?}");
        assert!((tuning.cents - cents).abs() < 3.0, "{added}: {tuning:?}");
        let key = Key::new(semitone, Mode::Major);
        assert_eq!(most_probable(result), key, "{added}: {tuning:?}");
    }
}

#[test]
fn half_a_semitone_is_one_neighbor_or_the_other() {
    let result = &heard(&[cadence(50.0)])[0];
    let neighbors = [0, 1].map(|tonic| Key::new(tonic, Mode::Major));
    assert!(neighbors.contains(&most_probable(result)), "{result:?}");
    assert!(result.tuning.unwrap().cents.abs() > 45.0, "{result:?}");
}

#[test]
fn one_tone_noise_and_silence_have_no_clear_tuning() {
    let tone = window(|time_s| 0.1 * (TAU * 450.0 * time_s).sin());
    for (name, samples) in [
        ("tone", tone),
        ("noise", noise()),
        ("silence", window(|_| 0.0)),
    ] {
        let tuning = heard(&[samples])[0].tuning.unwrap();
        assert!(!tuning.is_clear(), "{name}: {tuning:?}");
        assert!(tuning.cents.is_finite(), "{name}: {tuning:?}");
    }
}

#[test]
fn drums_with_a_pitch_have_no_clear_tuning_and_do_not_bend_that_of_music() {
    for hz in [45.0, 58.0, 62.0] {
        let tuning = heard(&[kick(hz)])[0].tuning.unwrap();
        assert!(!tuning.is_clear(), "{hz}: {tuning:?}");
    }
    let results = heard(&[kick(62.0), cadence(-20.0), kick(62.0)]);
    let last = results[2].tuning_smoothed.unwrap();
    assert!((last.cents + 20.0).abs() < 3.0, "{last:?}");
}

#[test]
fn a_files_tuning_is_that_of_its_windows_and_the_smoothed_one_follows() {
    let results = heard(&[cadence(-20.0), noise(), cadence(-20.0)]);
    let last = results[2].tuning_smoothed.unwrap();
    assert!((last.cents + 20.0).abs() < 3.0, "{last:?}");
    let mut summary = RunningSummary::default();
    for (result, second) in results.into_iter().zip(0u8..) {
        summary.add(&TimedResult {
            start_s: f64::from(second),
            end_s: f64::from(second) + WINDOW_S,
            status: Status::Ok,
            result: Some(result),
        });
    }
    let whole = summary.finish().unwrap().tuning.unwrap();
    assert!((whole.cents + 20.0).abs() < 3.0, "{whole:?}");
    assert!(whole.is_clear(), "{whole:?}");
}
