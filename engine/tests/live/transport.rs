//! The host's transport: starts, stops, jumps, loops, and the places that results carry.

use mertscope_audio::Status;
use mertscope_audio::tap::{Transport, tap};
use mertscope_live::{Controls, Settings, State};

use crate::stage::{Stage, chord, count};

const RATE_HZ: u32 = 48_000;

fn stage(settings: Settings) -> Stage {
    Stage::exact(RATE_HZ, 1.0, settings)
}

#[test]
fn silence_costs_no_inference_after_one_window() {
    let mut stage = stage(Settings::default());
    stage.play_chord(6.1);
    stage.play(&vec![0.0; RATE_HZ as usize * 28]);
    let silent = stage.wait("the last window", |s| {
        let last = s.history.last();
        last.is_some_and(|entry| entry.timed.end_s > 33.9) && s.analyzed_windows >= 7
    });
    assert_eq!(silent.state, State::Silent);
    // Windows end at 5, 6, 7 … s; from that on which begins at 7 s there is nothing to hear.
    assert_eq!(silent.analyzed_windows, 7);
    // One stretch, not one entry a hop.
    assert_eq!(count(&silent, Status::Silent), 1);
}

#[test]
fn music_is_heard_while_the_transport_stands_and_carries_elapsed_time() {
    let mut stage = stage(Settings::default());
    stage.transport.position = Some(100 * i64::from(RATE_HZ));
    stage.play_chord(6.5);
    let playing = stage.wait_for_answer(106.0);
    // Somebody plays along to a transport that stands, wherever its cursor is put.
    stage.transport.playing = false;
    stage.play_chord(6.1);
    stage.transport.position = Some(0);
    stage.play_chord(0.3);
    let stopped = stage.wait_for_answer(12.5);
    assert_eq!(stopped.state, State::Analyzing);
    assert!(stopped.generation > playing.generation);
    let latest = stopped.latest.clone().unwrap();
    assert_eq!(latest.host_samples, None);
    assert_eq!(latest.generation, stopped.generation);
    // The first window there begins with the stop: at 6.5 s of audio.
    let starts = |history: &[std::sync::Arc<mertscope_live::Entry>]| {
        let starts = history.iter().map(|entry| entry.timed.start_s);
        starts.collect::<Vec<_>>()
    };
    assert_eq!(starts(&stopped.history), [100.0, 101.0, 6.5, 7.5]);
    // When the transport runs again, so does the host's time.
    stage.transport.playing = true;
    stage.transport.position = Some(200 * i64::from(RATE_HZ));
    stage.play_chord(5.1);
    let again = stage.wait_for_answer(205.0);
    assert_eq!(starts(&again.history), [100.0, 101.0, 6.5, 7.5, 200.0]);
    assert_eq!(
        again.latest.as_ref().unwrap().host_samples,
        Some(200 * 48_000..205 * 48_000)
    );
}

#[test]
fn silence_while_the_transport_stands_costs_no_inference_and_keeps_the_last_result() {
    let mut stage = stage(Settings::default());
    stage.play_chord(6.1);
    let playing = stage.wait_for_answer(6.0);
    stage.transport.playing = false;
    // A room's echo, then nothing.
    stage.play_chord(1.5);
    stage.play(&vec![0.0; RATE_HZ as usize * 20]);
    let stopped = stage.wait("the silence", |s| {
        s.state == State::Stopped && s.position_s > 27.5
    });
    assert_eq!(stopped.latest, playing.latest);
    assert_eq!(stopped.history, playing.history);
    assert_eq!(stopped.analyzed_windows, playing.analyzed_windows);
    assert_eq!(stopped.hop_s, playing.hop_s);
    // Music brings it back, and what was played before does not smooth into it.
    stage.play_chord(5.1);
    let heard = stage.wait("a result", |s| s.latest != playing.latest);
    let result = heard.result().unwrap();
    assert_eq!(result.genre, result.genre_smoothed);
}

#[test]
fn a_window_that_is_being_analyzed_when_the_transport_stops_is_shown() {
    let mut stage = stage(Settings::default());
    stage.play_chord(6.1);
    stage.transport.playing = false;
    stage.play(&vec![0.0; RATE_HZ as usize]);
    let result = stage.wait_for_answer(6.0);
    assert_eq!(result.history.len(), 2);
}

#[test]
fn following_the_transport_is_a_setting_that_works_at_once() {
    let follow_transport = |follow_transport| Settings {
        follow_transport,
        exact_offline: true,
        ..Settings::default()
    };
    let mut stage = stage(follow_transport(true));
    stage.transport.playing = false;
    stage.play_chord(8.0);
    let stopped = stage.wait("the audio", |s| s.level_dbfs > -30.0);
    assert_eq!(
        (stopped.state, stopped.analyzed_windows),
        (State::Stopped, 0)
    );
    stage.stream.set(follow_transport(false));
    // Poked along, since a setting waits for the next audio.
    let heard = loop {
        stage.play_chord(0.5);
        let snapshot = stage.stream.snapshot();
        if snapshot.latest.is_some() {
            break snapshot;
        }
    };
    assert_eq!(heard.state, State::Analyzing);
    stage.stream.set(follow_transport(true));
    let stopped = stage.wait("the stop", |s| s.state == State::Stopped);
    assert!(stopped.latest.is_some());
}

#[test]
fn a_stopped_transport_that_is_followed_costs_no_inference_and_keeps_its_last_result() {
    let mut stage = stage(Settings {
        follow_transport: true,
        ..Settings::default()
    });
    stage.play_chord(6.1);
    let playing = stage.wait_for_answer(6.0);
    stage.transport.playing = false;
    stage.play_chord(20.0);
    let stopped = stage.wait("the stop", |s| s.state == State::Stopped);
    assert!(
        (stopped.position_s - 6.1).abs() < 1e-3,
        "{}",
        stopped.position_s
    );
    assert_eq!(stopped.latest, playing.latest);
    assert_eq!(stopped.analyzed_windows, playing.analyzed_windows);
    // The next start begins a new window, and shows nothing old as new.
    stage.transport.playing = true;
    stage.play_chord(1.0);
    let started = stage.wait("the start", |s| s.state == State::Analyzing);
    assert!(started.latest.is_none() && started.generation > stopped.generation);
    assert_eq!(started.history, stopped.history);
}

#[test]
fn after_a_jump_nothing_old_is_shown_as_new() {
    let mut stage = stage(Settings::default());
    stage.play_chord(6.1);
    let before = stage.wait_for_answer(6.0);
    stage.transport.position = Some(1_000 * i64::from(RATE_HZ));
    stage.play_chord(4.0);
    let jumped = stage.wait("the jump", |s| s.position_s > 1_003.9);
    assert!(jumped.latest.is_none() && jumped.generation > before.generation);
    assert!(jumped.window_fill < 1.0);
    stage.play_chord(1.1);
    let after = stage.wait_for_answer(1_005.0);
    let latest = after.latest.as_ref().unwrap();
    assert_eq!(latest.host_samples, Some(1_000 * 48_000..1_005 * 48_000));
    assert_eq!(latest.generation, after.generation);
    assert_eq!(after.history.len(), before.history.len() + 1);
}

#[test]
fn a_loop_shorter_than_a_window_is_heard_from_its_second_round_on() {
    let mut stage = stage(Settings::default());
    for _ in 0..6 {
        stage.transport.position = Some(96_000);
        stage.play_chord(2.0);
    }
    let result = stage.wait("a result", |s| s.latest.is_some());
    let end = result
        .latest
        .as_ref()
        .unwrap()
        .host_samples
        .clone()
        .unwrap()
        .end;
    assert!((96_000..=2 * 96_000).contains(&end), "{end}");
}

#[test]
fn a_host_without_a_timeline_is_heard_on_the_streams_own_clock() {
    let mut stage = stage(Settings::default());
    stage.transport.position = None;
    stage.play_chord(6.1);
    let result = stage.wait_for_answer(6.0);
    assert_eq!(result.latest.as_ref().unwrap().host_samples, None);
}

#[test]
fn a_reset_forgets_and_a_start_does_if_asked_to() {
    let mut stage = stage(Settings {
        reset_on_start: true,
        ..Settings::default()
    });
    stage.play_chord(5.1);
    stage.wait_for_answer(5.0);
    stage.tap.reset();
    stage.play_chord(1.0);
    let reset = stage.wait("the reset", |s| s.latest.is_none());
    assert!(reset.history.is_empty());
    stage.play_chord(4.1);
    stage.wait("a result", |s| s.latest.is_some());
    stage.transport.playing = false;
    stage.play_chord(0.1);
    stage.transport.playing = true;
    stage.play_chord(1.0);
    let started = stage.wait("the start", |s| s.latest.is_none());
    assert!(started.history.is_empty());
    stage.play_chord(4.1);
    stage.wait("a result", |s| s.latest.is_some());
    stage.stream.reset();
    let reset = stage.wait("the reset", |s| s.latest.is_none());
    assert!(reset.history.is_empty());
}

#[test]
fn a_new_ring_at_another_rate_begins_a_new_window() {
    let mut stage = stage(Settings::default());
    stage.play_chord(6.1);
    let before = stage.wait_for_answer(6.0);
    let (mut other, reader) = tap(96_000);
    stage.stream.attach(reader);
    let attached = stage.wait("the new ring", |s| s.rate_hz == 96_000);
    assert!(attached.latest.is_none() && attached.generation > before.generation);
    let transport = Transport {
        position: None,
        ..stage.transport
    };
    for block in chord(96_000, 5.1).chunks(1_000) {
        other.push_exact(&[block], transport, std::time::Duration::from_secs(240));
    }
    let result = stage.wait_for_answer(5.0);
    assert_eq!(result.lost_frames, 0);
    stage.stream.detach();
    let detached = stage.wait("the detachment", |s| s.state == State::Idle);
    assert_eq!(detached.rate_hz, 0);
}

/// A host that drops blocks, as on an overloaded machine: results go on, each in its place.
#[test]
fn short_gaps_are_bridged_marked_and_counted() {
    let mut stage = stage(Settings::default());
    let rate = i64::from(RATE_HZ);
    // 30 ms are lost in each of the first three seconds, 50 ms later.
    for second in 0..3 {
        stage.transport.position = Some(second * rate);
        stage.play_chord(0.97);
    }
    stage.transport.position = Some(3 * rate);
    stage.play_chord(4.0);
    stage.transport.position = Some(7 * rate + rate / 20);
    stage.play_chord(1.1);
    let result = stage.wait_for_answer(8.0);
    assert_eq!(result.bridged_gaps, 4);
    let whole = result.generation;
    assert!(result.history.iter().all(|entry| entry.generation == whole));
    let windows: Vec<_> = result
        .history
        .iter()
        .map(|entry| (entry.host_samples.clone().unwrap(), entry.bridged_frames))
        .collect();
    let expected: Vec<_> = [(0, 3), (1, 2), (2, 1), (3, 0)]
        .into_iter()
        .map(|(start, gaps)| {
            let last = if start == 3 { 2_400 } else { 0 };
            (start * rate..(start + 5) * rate, gaps * 1_440 + last)
        })
        .collect();
    assert_eq!(windows, expected);
    // A little more is a jump, and a gap in a tenth of a window spoils it.
    stage.transport.position = Some(stage.transport.position.unwrap() + rate * 51 / 1_000);
    stage.play_chord(0.1);
    let jumped = stage.wait("the jump", |s| s.generation > whole);
    assert_eq!(jumped.bridged_gaps, 4);
    for _ in 0..12 {
        stage.play_chord(0.1);
        stage.transport.position = Some(stage.transport.position.unwrap() + rate / 20);
    }
    stage.play_chord(4.0);
    let spoiled = stage.wait("the first window", |s| count(s, Status::Gap) > 0);
    let expected = (jumped.generation, 16);
    assert_eq!((spoiled.generation, spoiled.bridged_gaps), expected);
    assert!(spoiled.latest.is_none());
}

#[test]
fn off_analyzes_nothing() {
    let mut stage = stage(Settings::default());
    stage.play_chord(6.1);
    let before = stage.wait_for_answer(6.0);
    *stage.controls.lock().unwrap() = Controls {
        analyze: false,
        ..Controls::default()
    };
    stage.wait("off", |s| s.state == State::Idle);
    stage.play_chord(20.0);
    let off = stage.wait("the audio", |s| s.position_s > 26.0);
    assert_eq!(off.analyzed_windows, before.analyzed_windows);
    assert_eq!(off.lost_frames, 0);
}
