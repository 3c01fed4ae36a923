//! Audio faster than real time and inference slower than the hop: which windows are skipped, and how that is shown.

use mertscope_audio::Status;
use mertscope_audio::tap::{Transport, tap};
use mertscope_live::{Controls, Hop, MAX_HOP_S, Settings, State};

use crate::stage::{Stage, chord, count};

const RATE_HZ: u32 = 48_000;

#[test]
fn a_bounce_that_may_not_wait_marks_exactly_what_it_lost() {
    let stage = Stage::exact(RATE_HZ, 1.0, Settings::default());
    // Nobody drains while 60 s go by at once: 9 s fit.
    let (mut bounced, reader) = tap(RATE_HZ);
    let mut transport = Transport {
        playing: true,
        position: Some(0),
        offline: true,
    };
    let mut push = |seconds: f64| {
        for block in chord(RATE_HZ, seconds).chunks(480) {
            bounced.push(&[block], transport);
            *transport.position.as_mut().unwrap() += block.len() as i64;
        }
    };
    push(60.0);
    stage.stream.attach(reader);
    stage.wait("the first nine seconds", |s| s.position_s > 8.9);
    push(5.1);
    let after = stage.wait_for_answer(65.0);
    let lost = 51 * u64::from(RATE_HZ);
    assert_eq!(after.lost_frames, lost);
    assert_eq!(count(&after, Status::Gap), 1);
    let gap = after
        .history
        .iter()
        .find(|e| e.timed.status == Status::Gap)
        .unwrap();
    assert_eq!(gap.host_samples, Some(9 * 48_000..60 * 48_000));
    assert_eq!(
        after.latest.as_ref().unwrap().host_samples,
        Some(60 * 48_000..65 * 48_000)
    );
    stage.stream.detach();
}

/// Some hosts tell nothing of a render, or tell it where it is not read: it shows by its pace.
#[test]
fn a_render_that_the_host_calls_real_time_is_heard_whole() {
    let mut stage = Stage::exact(RATE_HZ, 1.0, Settings::default());
    stage.transport.offline = false;
    // The transport stands for a while, as before an export.
    stage.transport.playing = false;
    stage.play(&vec![0.0; RATE_HZ as usize / 10]);
    stage.transport.playing = true;
    stage.play_chord(30.1);
    let result = stage.wait_for_answer(30.0);
    assert_eq!(result.analyzed_windows, 26);
    assert_eq!((result.skipped_windows, result.lost_frames), (0, 0));
    let starts = result.history.iter().map(|entry| entry.timed.start_s);
    let expected = (0..26u8).map(f64::from);
    assert!(starts.eq(expected), "{:#?}", result.history);
}

/// The switch counts for both ends at once: a callback that does not wait would lose what the worker
/// leaves in the ring for it.
#[test]
fn exactness_is_switched_in_the_midst_of_a_render() {
    let settings = |exact_offline| Settings {
        exact_offline,
        ..Settings::default()
    };
    let mut stage = Stage::exact(RATE_HZ, 1.0, Settings::default());
    stage.stream.set(settings(false));
    // The first to be lost shows that nobody waits; the ring holds 9 s.
    let lost = loop {
        stage.play_chord(20.0);
        let lost = stage.tap.lost_frames();
        if lost > 0 {
            break lost;
        }
    };
    stage.wait("a window", |s| !s.history.is_empty());
    stage.stream.set(settings(true));
    // In order behind the settings, and seen.
    stage.stream.reset();
    stage.wait("the settings", |s| {
        s.history.is_empty() && s.latest.is_none()
    });
    stage.transport.position = Some(1_000 * i64::from(RATE_HZ));
    stage.play_chord(20.1);
    let result = stage.wait_for_answer(1_020.0);
    assert_eq!(stage.tap.lost_frames(), lost);
    let whole = result.history.iter().filter(|e| e.timed.start_s >= 1_000.0);
    assert_eq!(whole.count(), 16);
}

/// A model that is missing gives way to the embedded one, which loads while the bounce waits.
#[test]
fn a_bounce_with_a_missing_model_is_heard_from_its_start() {
    let settings = Settings {
        model: Some("gone".to_owned()),
        exact_offline: true,
        ..Settings::default()
    };
    let controls = Controls {
        hop: Hop::Seconds(1.0),
        ..Controls::default()
    };
    let mut stage = Stage::loading(RATE_HZ, controls, settings);
    stage.play_chord(7.5);
    let result = stage.wait_for_answer(7.0);
    assert_eq!(result.analyzed_windows, 3);
    assert!(
        result.error.as_ref().unwrap().contains("gone"),
        "{result:#?}"
    );
}

#[test]
fn what_is_no_number_is_marked_and_the_rest_is_heard() {
    let mut stage = Stage::exact(RATE_HZ, 1.0, Settings::default());
    let mut audio = chord(RATE_HZ, 12.1);
    audio[RATE_HZ as usize * 13 / 2] = f32::NAN;
    stage.play(&audio);
    let result = stage.wait_for_answer(12.0);
    // Windows end at 5 to 12 s; those that end at 7 to 11 s hold the NaN.
    assert_eq!(result.analyzed_windows, 3);
    let bad = result
        .history
        .iter()
        .find(|e| e.timed.status == Status::Invalid)
        .unwrap();
    assert!((bad.timed.start_s - 2.0).abs() < 1e-6 && (bad.timed.end_s - 11.0).abs() < 1e-6);
    assert!(result.level_dbfs.is_finite());
}

#[test]
fn the_hop_grows_until_the_share_suffices_and_the_snapshot_says_so() {
    let settings = Settings {
        cpu_share: 0.001,
        ..Settings::default()
    };
    let controls = Controls {
        hop: Hop::Seconds(0.5),
        ..Controls::default()
    };
    let mut stage = Stage::loading(RATE_HZ, controls, settings);
    stage.play_chord(6.0);
    let result = stage.wait("a result and its hop", |s| {
        s.latest.is_some() && s.state == State::Analyzing && s.hop_s > 0.5
    });
    assert_eq!(result.hop_asked_s, Some(0.5));
    assert!(result.hop_s <= MAX_HOP_S);
    // In whole frames of 320 samples at the model's 16 kHz.
    assert_eq!((result.hop_s * 16_000.0) % 320.0, 0.0);
}

#[test]
fn an_exact_bounce_skips_nothing_though_the_share_is_small() {
    let settings = Settings {
        cpu_share: 0.001,
        ..Settings::default()
    };
    let mut stage = Stage::exact(RATE_HZ, 0.5, settings);
    stage.play_chord(15.1);
    let result = stage.wait_for_answer(15.0);
    assert_eq!(result.analyzed_windows, 21);
    assert_eq!((result.skipped_windows, result.lost_frames), (0, 0));
}

/// Hosts play a block in real time before they bounce, and bounce before the model is there.
#[test]
fn an_exact_bounce_that_begins_in_real_time_while_the_model_loads_is_heard_whole() {
    let settings = Settings {
        exact_offline: true,
        ..Settings::default()
    };
    let controls = Controls {
        hop: Hop::Seconds(1.0),
        ..Controls::default()
    };
    let mut stage = Stage::loading(RATE_HZ, controls, settings);
    stage.transport.offline = false;
    stage.play(&chord(RATE_HZ, 0.01));
    stage.transport.offline = true;
    stage.transport.position = Some(0);
    stage.play_chord(12.1);
    // Windows end at 5 to 12 s.
    let result = stage.wait("every window", |s| s.analyzed_windows >= 8);
    assert_eq!(result.analyzed_windows, 8);
    assert_eq!((result.skipped_windows, result.lost_frames), (0, 0));
}
