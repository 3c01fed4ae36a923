//! References and teaching, live.

use std::path::Path;

use mertscope_engine::decode::{Block, Decoder};
use mertscope_engine::fold::fold_interleaved;
use mertscope_engine::live::{Request, Settings, Snapshot};
use mertscope_engine::teach::Lessons;

use crate::stage::Stage;

/// The first seconds of a demo piece in mono, and its rate.
fn piece(name: &str, seconds: usize) -> (Vec<f32>, u32) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../assets/demo");
    let mut decoder = Decoder::open(&folder.join(name)).unwrap();
    let (rate_hz, channels) = (decoder.rate_hz(), decoder.channels());
    let mut mono = Vec::new();
    while let Some(Block::Samples(samples)) = decoder.next_block().unwrap() {
        fold_interleaved(samples, channels, &mut mono);
    }
    mono.truncate(seconds * rate_hz as usize);
    (mono, rate_hz)
}

/// Plays audio from the start of the timeline again, and waits for the answer to its last window.
fn play(stage: &mut Stage, audio: &[f32], end_s: f64) -> std::sync::Arc<Snapshot> {
    stage.transport.position = Some(0);
    // An answer from before would look the same, and audio from before the reset is forgotten.
    let before = stage.stream.snapshot().generation;
    stage.stream.reset();
    stage.wait("the reset", |s| s.generation > before && s.latest.is_none());
    stage.play(audio);
    // The resampler wants a little more before it gives the last samples.
    stage.play(&[0.0; 4_096]);
    stage.wait_for_answer(end_s)
}

fn distances(snapshot: &Snapshot) -> Vec<f32> {
    let heard = snapshot.latest.as_ref().unwrap().reading.heard.as_ref();
    heard.unwrap().distances.iter().map(|(_, d)| *d).collect()
}

#[test]
fn what_was_captured_has_no_distance_to_itself_and_some_to_other_music() {
    let (rock, rate_hz) = piece("headwind.ogg", 5);
    let (jazz, other_hz) = piece("corner-table.ogg", 5);
    assert_eq!(rate_hz, other_hz);
    let mut stage = Stage::exact(rate_hz, 5.0, Settings::default());
    stage.stream.ask(Request::Capture {
        name: "nothing".to_owned(),
        colour: [0; 3],
    });
    let snapshot = stage.wait("a notice", |s| s.study.notice.is_some());
    assert!(snapshot.study.references.is_empty());

    play(&mut stage, &rock, 5.0);
    stage.stream.ask(Request::Capture {
        name: "rock".to_owned(),
        colour: [200, 0, 0],
    });
    let snapshot = stage.wait("the reference", |s| s.study.references.len() == 1);
    assert_eq!(snapshot.study.notice, None);
    let reference = &snapshot.study.references[0];
    assert_eq!(
        (reference.name.as_str(), reference.path().count()),
        ("rock", 1)
    );
    let again = distances(&play(&mut stage, &rock, 5.0));
    let other = distances(&play(&mut stage, &jazz, 5.0));
    assert!(again[0] < 1e-5, "{again:?}");
    assert!(other[0] > 0.3, "{other:?}");
    // A project gives it back as it was.
    let text = serde_json::to_string(&**reference).unwrap();
    let read = vec![std::sync::Arc::new(serde_json::from_str(&text).unwrap())];
    stage.stream.ask(Request::References(Vec::new()));
    stage.wait("no reference", |s| s.study.references.is_empty());
    stage.stream.ask(Request::References(read));
    stage.wait("the reference", |s| s.study.references.len() == 1);
    assert_eq!(distances(&play(&mut stage, &jazz, 5.0)), other);
}

#[test]
fn marked_windows_become_a_head_that_is_used_at_once() {
    let (rock, rate_hz) = piece("headwind.ogg", 12);
    let (jazz, _) = piece("corner-table.ogg", 12);
    let mut stage = Stage::exact(rate_hz, 1.0, Settings::default());
    let mark = |stage: &Stage, label: &str, windows| {
        let label = label.to_owned();
        stage.stream.ask(Request::Mark { label, windows });
    };
    play(&mut stage, &rock, 12.0);
    mark(&stage, "loud", 4);
    let snapshot = stage.wait("examples", |s| s.study.lessons.count(0) == 4);
    assert!(
        snapshot.study.taught.is_none(),
        "one label is nothing to tell apart"
    );
    play(&mut stage, &jazz, 12.0);
    mark(&stage, "quiet", 5);
    mark(&stage, "oops", 1);
    stage.stream.ask(Request::Undo);
    let snapshot = stage.wait("a head", |s| {
        s.study
            .taught
            .as_ref()
            .is_some_and(|(head, _)| head.labels.len() == 2)
    });
    assert_eq!(snapshot.study.lessons.labels, ["loud", "quiet"]);
    assert_eq!(
        snapshot
            .model
            .running
            .as_ref()
            .unwrap()
            .heads
            .last()
            .unwrap()
            .id,
        "taught"
    );

    for (label, audio) in [&rock, &jazz].into_iter().enumerate() {
        let snapshot = play(&mut stage, audio, 12.0);
        let heard = snapshot
            .latest
            .as_ref()
            .unwrap()
            .reading
            .heard
            .clone()
            .unwrap();
        let probabilities = heard.others.last().unwrap();
        assert!(probabilities[label] > 0.5, "{label}: {probabilities:?}");
    }
    stage.stream.ask(Request::Lessons(Lessons::default()));
    let snapshot = stage.wait("nothing", |s| s.study.taught.is_none());
    assert!(snapshot.model.running.as_ref().unwrap().heads.is_empty());
}
