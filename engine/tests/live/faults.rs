//! A failure in a window stays in that window and is shown, and the next window runs.

use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use mertscope_audio::Status;
use mertscope_live::{ModelState, Settings};
use mertscope_model::Model;

use crate::stage::{Stage, chord, count, faulty};

/// A window of the faulty model at its own rate.
const WINDOW: usize = 8_000;

/// The faulty model's stream, with windows side by side.
fn faulty_stage() -> Stage {
    let stage = Stage::exact(16_000, 0.5, faulty());
    stage.wait("the faulty model", |s| s.model.state == ModelState::Ready);
    stage
}

/// A window whose peak tells the model what to do.
fn window(peak: f32) -> Vec<f32> {
    let signs = (0..WINDOW).map(|n| if n % 2 == 0 { peak } else { -peak });
    signs.collect()
}

#[test]
fn a_window_that_the_runtime_refuses_is_shown_and_the_next_one_runs() {
    let mut stage = faulty_stage();
    stage.play(&window(0.5));
    stage.wait("a result", |s| s.analyzed_windows == 1);
    stage.play(&window(1.5));
    let failed = stage.wait("the error", |s| s.error.is_some());
    let error = failed.error.as_ref().unwrap();
    assert!(
        error.contains("faulty") && error.contains("Gather"),
        "{error}"
    );
    assert_eq!(count(&failed, Status::Failed), 1);
    stage.play(&window(0.5));
    let after = stage.wait("the next result", |s| s.analyzed_windows == 2);
    assert_eq!(after.error, None);
}

#[test]
fn a_window_without_an_end_is_ended_and_the_next_one_runs() {
    let mut stage = faulty_stage();
    stage.play(&window(5.0));
    let failed = stage.wait("the end of it", |s| s.error.is_some());
    let error = failed.error.as_ref().unwrap();
    assert!(error.contains("longer than 2 s"), "{error}");
    stage.play(&window(0.5));
    let after = stage.wait("the next result", |s| s.analyzed_windows == 1);
    assert_eq!(after.error, None);
}

#[test]
fn a_panic_in_a_window_is_shown_and_the_next_one_runs() {
    let mut stage = faulty_stage();
    let fused = Arc::new(AtomicBool::new(true));
    let (fuse, reader) = (Arc::clone(&fused), stage.stream.watcher());
    // The view's hook is foreign code that runs in the window's body.
    stage.stream.on_update(Arc::new(move || {
        if reader.read().latest.is_some() && fuse.swap(false, Ordering::Relaxed) {
            panic!("a hook that fails");
        }
    }));
    stage.play(&window(0.5));
    let failed = stage.wait("the panic", |s| s.error.is_some());
    let error = failed.error.as_ref().unwrap();
    assert!(error.contains("a hook that fails"), "{error}");
    stage.play(&window(0.5));
    let after = stage.wait("the next result", |s| s.analyzed_windows == 2);
    assert_eq!(after.error, None);
}

#[test]
fn a_missing_or_other_model_is_named_and_the_embedded_one_goes_on() {
    let embedded = Model::embedded_manifest().unwrap();
    let cases = [
        (Some("MERT-v9".to_owned()), None, "MERT-v9"),
        (None, Some("0".repeat(64)), "000000"),
    ];
    for (model, model_sha256, expected) in cases {
        let settings = Settings {
            model,
            model_sha256: model_sha256.clone(),
            ..Settings::default()
        };
        let mut stage = Stage::exact(16_000, 1.0, settings.clone());
        let missing = stage.wait("the embedded model", |s| s.model.running.is_some());
        assert_eq!(missing.model.state, ModelState::Missing);
        assert_eq!(missing.model.asked, settings.model);
        assert_eq!(missing.model.sha256, model_sha256);
        assert_eq!(missing.model.running.as_ref().unwrap().id, embedded.id);
        let error = missing.error.as_ref().unwrap();
        assert!(error.contains(expected), "{error}");
        stage.play_chord(5.1);
        stage.wait_for_answer(5.0);
        // The right one takes over when it is chosen.
        stage.stream.set(Settings {
            exact_offline: true,
            model_sha256: Some(embedded.graph.sha256.clone()),
            ..Settings::default()
        });
        let ready = stage.wait("the right one", |s| s.model.state == ModelState::Ready);
        assert_eq!(ready.error, None);
    }
}

/// What one instance's user changes must not cost another one its window.
#[test]
fn a_stream_without_its_model_goes_on_while_others_change_their_settings() {
    let settings = Settings {
        model: Some("MERT-v8".to_owned()),
        ..Settings::default()
    };
    let mut stage = Stage::exact(16_000, 1.0, settings);
    let before = stage.wait("the embedded model and the ring", |s| {
        s.model.running.is_some() && s.rate_hz > 0
    });
    let other = Stage::exact(16_000, 1.0, Settings::default());
    for n in 0..20u8 {
        stage.play_chord(0.255);
        other.stream.set(Settings {
            cpu_share: 0.2 + 0.01 * f32::from(n),
            ..Settings::default()
        });
    }
    let after = stage.wait_for_answer(5.0);
    // The start of the audio is the only new stretch.
    assert!(after.generation <= before.generation + 1, "{after:?}");
}

#[test]
fn without_a_runtime_audio_goes_on_and_a_sentence_says_what_to_do() {
    const ALONE: &str = "MERTSCOPE_TEST_WITHOUT_RUNTIME";
    if std::env::var_os(ALONE).is_none() {
        // A process loads one runtime, ever: this test needs one that finds none.
        let status = Command::new(std::env::current_exe().unwrap())
            .args([
                "--exact",
                "faults::without_a_runtime_audio_goes_on_and_a_sentence_says_what_to_do",
            ])
            .env(ALONE, "1")
            .env("ORT_DYLIB_PATH", "/nowhere/libonnxruntime.so")
            .status()
            .unwrap();
        assert!(status.success());
        return;
    }
    let mut stage = Stage::exact(48_000, 1.0, Settings::default());
    let missing = stage.wait("the error", |s| s.error.is_some());
    assert_eq!(missing.model.state, ModelState::Missing);
    let error = missing.error.as_ref().unwrap();
    assert!(error.contains("/nowhere/libonnxruntime.so"), "{error}");
    assert!(error.contains("cargo xtask setup"), "{error}");
    // More audio than the ring holds: it is taken in and dropped.
    stage.play_chord(30.0);
    let after = stage.wait("the audio", |s| s.position_s > 29.9);
    assert_eq!((after.lost_frames, after.analyzed_windows), (0, 0));
}

/// A track whose polarity is inverted on one side: one channel is heard, and the remedy is told until the
/// channels agree again.
#[test]
fn channels_that_cancel_each_other_are_heard_from_one_of_them_and_told() {
    let mut stage = Stage::exact(24_000, 1.0, Settings::default());
    let left = chord(24_000, 6.2);
    let right: Vec<f32> = left.iter().map(|x| -x).collect();
    for (left, right) in left.chunks(512).zip(right.chunks(512)) {
        stage.push(&[left, right]);
    }
    let told = stage.wait_for_answer(6.0);
    let words = told.error.as_deref().unwrap_or_default();
    assert!(words.contains("cancel each other"), "{words}");
    assert!(told.level_dbfs > -30.0, "{}", told.level_dbfs);
    for left in left.chunks(512) {
        stage.push(&[left, left]);
    }
    assert_eq!(stage.wait_for_answer(12.0).error, None);
}
