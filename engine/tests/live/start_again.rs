//! Starting again, as at a change of track: what follows is judged by itself, and nothing else is lost.

use mertscope_heads::timeline::WindowResult;
use mertscope_live::{Request, Settings, Snapshot};

use crate::stage::{Stage, chord};

const RATE_HZ: u32 = 48_000;

/// A second piece: the chord a tritone higher.
fn other_track(seconds: f64) -> Vec<f32> {
    let mut higher = chord(RATE_HZ, seconds * 2.0_f64.sqrt());
    let count = (seconds * f64::from(RATE_HZ)) as usize;
    for n in 0..count {
        higher[n] = higher[(n as f64 * 2.0_f64.sqrt()) as usize];
    }
    higher.truncate(count);
    higher
}

fn capture(name: &str) -> Request {
    Request::Capture {
        name: name.to_owned(),
        color: [0; 3],
    }
}

fn results(snapshot: &Snapshot, from_s: f64) -> Vec<WindowResult> {
    let entries = snapshot.history.iter();
    let late = entries.filter(|entry| entry.timed.start_s >= from_s - 1e-6);
    late.filter_map(|entry| entry.timed.result.clone())
        .collect()
}

#[test]
fn the_next_track_is_judged_by_itself_from_that_place_in_the_audio() {
    let mut alone = Stage::exact(RATE_HZ, 1.0, Settings::default());
    alone.play(&other_track(8.1));
    let expected = results(&alone.wait_for_answer(8.0), 0.0);
    let mut stage = Stage::exact(RATE_HZ, 1.0, Settings::default());
    stage.play_chord(8.5);
    stage.wait_for_answer(8.0);
    stage.tap.start_again();
    stage.play(&other_track(8.1));
    let after = stage.wait_for_answer(16.5);
    let again = results(&after, 8.5);
    assert_eq!(again.len(), 4);
    assert_eq!(again, expected);
    // What was heard before stays, and no window lies across the place.
    let places = |snapshot: &Snapshot| {
        let entries = snapshot.history.iter();
        let places = entries.map(|entry| (entry.timed.start_s, entry.restarts));
        places.collect::<Vec<_>>()
    };
    let expected = [0.0, 1.0, 2.0, 3.0].map(|start| (start, 0));
    let expected: Vec<_> = expected
        .into_iter()
        .chain([8.5, 9.5, 10.5, 11.5].map(|start| (start, 1)))
        .collect();
    assert_eq!(places(&after), expected);
    assert_eq!(after.restarts, 1);
}

#[test]
fn it_keeps_the_history_and_the_references_and_shows_nothing_old_as_new() {
    let mut stage = Stage::exact(RATE_HZ, 1.0, Settings::default());
    stage.play_chord(6.1);
    stage.wait_for_answer(6.0);
    stage.stream.ask(capture("the first"));
    let before = stage.wait("the reference", |s| s.study.references.len() == 1);
    stage.stream.start_again();
    let begun = stage.wait("the start", |s| s.restarts == 1);
    assert_eq!(begun.latest, None);
    assert_eq!(begun.history, before.history);
    assert_eq!(begun.study.references, before.study.references);
    assert!(begun.generation > before.generation);
    // Nothing was heard of the new track yet, so there is nothing to capture.
    stage.stream.ask(capture("too early"));
    stage.wait("a sentence", |s| s.study.notice.is_some());
    stage.play_chord(5.1);
    let after = stage.wait("an answer", |s| s.latest.is_some());
    let latest = after.latest.as_ref().unwrap();
    assert!(latest.timed.start_s >= 6.0, "{latest:?}");
    assert_eq!((latest.restarts, after.history.len()), (1, 3));
    assert_eq!(after.study.references.len(), 1);
}
