//! References and teaching, live.

use mertscope_audio::Severity;
use std::path::{Path, PathBuf};
use std::process::Command;

use mertscope_audio::decode::{Block, Decoder};
use mertscope_audio::downmix::downmix_interleaved;
use mertscope_heads::few_shot::LabeledExamples;
use mertscope_live::{Request, Settings, Snapshot};
use mertscope_model::runtime;

use crate::stage::Stage;

/// A demo piece.
fn demo(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../assets/demo")
        .join(name)
}

/// The first seconds of a demo piece in mono, and its rate.
fn piece(name: &str, seconds: usize) -> (Vec<f32>, u32) {
    let mut decoder = Decoder::open(&demo(name)).unwrap();
    let (rate_hz, channels) = (decoder.rate_hz(), decoder.channels());
    let mut mono = Vec::new();
    while let Some(Block::Samples(samples)) = decoder.next_block().unwrap() {
        downmix_interleaved(samples, channels, &mut mono);
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
    let result = snapshot.latest.as_ref().unwrap().timed.result.as_ref();
    result.unwrap().distances.iter().map(|(_, d)| *d).collect()
}

#[test]
fn what_was_captured_has_no_distance_to_itself_and_some_to_other_music() {
    let (rock, rate_hz) = piece("headwind.ogg", 5);
    let (jazz, other_hz) = piece("corner-table.ogg", 5);
    assert_eq!(rate_hz, other_hz);
    let mut stage = Stage::exact(rate_hz, 5.0, Settings::default());
    stage.stream.ask(Request::Capture {
        name: "nothing".to_owned(),
        color: [0; 3],
    });
    let snapshot = stage.wait("a notice", |s| s.study.notice.is_some());
    assert!(snapshot.study.references.is_empty());

    play(&mut stage, &rock, 5.0);
    stage.stream.ask(Request::Capture {
        name: "rock".to_owned(),
        color: [200, 0, 0],
    });
    let snapshot = stage.wait("the reference", |s| s.study.references.len() == 1);
    assert_eq!(snapshot.study.notice, None);
    let reference = &snapshot.study.references[0];
    assert_eq!(
        (reference.name.as_str(), reference.path().count()),
        ("rock", 1)
    );
    // On request each layer that the heads read has its distance, the compared one the same.
    let id = reference.id.clone();
    stage.stream.ask(Request::Layers(Some(id.clone())));
    let again = distances(&play(&mut stage, &rock, 5.0));
    let played = play(&mut stage, &jazz, 5.0);
    let other = distances(&played);
    let layers = played.study.layers.clone().unwrap();
    assert_eq!(layers.id, id);
    assert!(layers.distances.len() > 1, "{layers:?}");
    let compared = layers.distances.iter().find(|(_, d)| *d == other[0]);
    assert!(compared.is_some(), "{layers:?}, {other:?}");
    assert!(
        layers.distances.iter().all(|(_, d)| *d > 1e-4),
        "{layers:?}"
    );
    stage.stream.ask(Request::Layers(None));
    stage.wait("no layers", |s| s.study.layers.is_none());
    assert!(again[0] < 1e-5, "{again:?}");
    assert!(other[0] > 0.3, "{other:?}");
    // A project gives it back as it was.
    let text = serde_json::to_string(&**reference).unwrap();
    let read = vec![std::sync::Arc::new(serde_json::from_str(&text).unwrap())];
    stage.stream.ask(Request::SetReferences(Vec::new()));
    stage.wait("no reference", |s| s.study.references.is_empty());
    stage.stream.ask(Request::SetReferences(read));
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
    let snapshot = stage.wait("examples", |s| s.study.labeled_examples.count(0) == 4);
    assert!(
        snapshot.study.user_head.is_none(),
        "one label is nothing to tell apart"
    );
    play(&mut stage, &jazz, 12.0);
    mark(&stage, "quiet", 5);
    mark(&stage, "oops", 1);
    stage.stream.ask(Request::Undo);
    let snapshot = stage.wait("a head", |s| {
        s.study
            .user_head
            .as_ref()
            .is_some_and(|head| head.labels.len() == 2)
    });
    assert_eq!(snapshot.study.labeled_examples.labels, ["loud", "quiet"]);
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
        let result = snapshot.result().unwrap();
        let probabilities = &result.others.last().unwrap().1;
        assert!(probabilities[label] > 0.5, "{label}: {probabilities:?}");
    }
    stage
        .stream
        .ask(Request::SetExamples(LabeledExamples::default()));
    let snapshot = stage.wait("nothing", |s| s.study.user_head.is_none());
    let heads = &snapshot.model.running.as_ref().unwrap().heads;
    assert!(heads.iter().all(|head| head.id != "taught"), "{heads:?}");
}

#[test]
fn a_file_becomes_a_reference_while_music_plays() {
    let (rock, rate_hz) = piece("headwind.ogg", 12);
    let mut stage = Stage::exact(rate_hz, 1.0, Settings::default());
    stage.play(&rock);
    let file = |name: &str| Request::File {
        path: demo(name),
        name: name.to_owned(),
        color: [9; 3],
    };
    for name in ["corner-table.ogg", "headwind.ogg"] {
        stage.stream.ask(file(name));
    }
    // What is no audio has a sentence, and the others go on.
    stage.stream.ask(file("demo.toml"));
    let snapshot = stage.wait("the files", |s| {
        s.study.references.len() == 2 && s.study.file_progress.is_none() && s.study.notice.is_some()
    });
    let notice = snapshot.study.notice.clone().unwrap();
    assert!(notice.text.contains("demo.toml"), "{notice:?}");
    let references = snapshot.study.references.clone();
    assert!(references[0].path().count() > 3);
    assert_eq!(references[0].source_sha256.len(), 64);
    let [to_jazz, to_rock] = distances(&play(&mut stage, &rock, 12.0))[..] else {
        panic!("two distances");
    };
    assert!(to_rock < to_jazz, "{to_rock} to itself, {to_jazz} to jazz");

    let id = references[0].id.clone();
    let (name, first) = ("quiet".to_owned(), references[0].clone());
    stage.stream.ask(Request::Rename {
        id: id.clone(),
        name,
    });
    stage.wait("the name", |s| s.study.references[0].name == "quiet");
    stage.stream.ask(Request::Remove { id });
    stage.wait("one less", |s| s.study.references.len() == 1);
    let back = Request::PutBack {
        reference: first.clone(),
        at: 0,
    };
    stage.stream.ask(back);
    let snapshot = stage.wait("both", |s| s.study.references.len() == 2);
    assert_eq!(snapshot.study.references[0], first);
}

#[test]
fn a_file_that_nobody_wants_any_more_ends_without_a_word() {
    let stage = Stage::exact(48_000, 1.0, Settings::default());
    stage.wait("a model", |s| s.model.running.is_some());
    stage.stream.ask(Request::File {
        path: demo("two-rooms.ogg"),
        name: "two rooms".to_owned(),
        color: [9; 3],
    });
    stage.wait("its beginning", |s| s.study.file_progress.is_some());
    stage.stream.ask(Request::StopFiles);
    let snapshot = stage.wait("its end", |s| s.study.file_progress.is_none());
    assert!(snapshot.study.references.is_empty() && snapshot.study.notice.is_none());
}

/// Saved in a data folder of its own, and so in a process of its own.
#[test]
fn a_head_that_was_saved_is_in_use_at_once_and_by_the_next_instance() {
    const CHILD: &str = "MERTSCOPE_TEST_SAVES";
    if std::env::var_os(CHILD).is_none() {
        let data = tempfile::tempdir().unwrap();
        let name = "study::a_head_that_was_saved_is_in_use_at_once_and_by_the_next_instance";
        let child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", name, "--nocapture"])
            .env("XDG_DATA_HOME", data.path())
            .env("ORT_DYLIB_PATH", &runtime::load(None).unwrap().library)
            .env(CHILD, "1")
            .output()
            .unwrap();
        assert!(child.status.success(), "{child:#?}");
        let stored = data.path().join("mertscope/heads");
        let heads = std::fs::read_dir(stored).unwrap().next().unwrap().unwrap();
        assert_eq!(std::fs::read_dir(heads.path()).unwrap().count(), 1);
        return;
    }
    let (rock, rate_hz) = piece("headwind.ogg", 9);
    let (jazz, _) = piece("corner-table.ogg", 9);
    let mut stage = Stage::exact(rate_hz, 1.0, Settings::default());
    for (label, audio) in [("loud", &rock), ("quiet", &jazz)] {
        play(&mut stage, audio, 9.0);
        let label = label.to_owned();
        stage.stream.ask(Request::Mark { label, windows: 3 });
    }
    let save = |name: &str| Request::Save {
        name: name.to_owned(),
    };
    stage.wait("a head", |s| {
        s.study.user_head.is_some() && !s.study.is_fitting
    });
    for (name, expected) in [("a b", "can't be a name"), ("genre", "itself uses")] {
        stage.stream.ask(save(name));
        let is_shown = |s: &Snapshot| {
            s.study
                .notice
                .as_ref()
                .is_some_and(|n| n.severity == Severity::Error && n.text.contains(expected))
        };
        stage.wait(expected, is_shown);
    }
    let recent = stage.stream.snapshot().latest.clone();
    for sentence in ["“part”; it", "in place of"] {
        stage.stream.ask(save("part"));
        let is_shown = |s: &Snapshot| {
            s.study
                .notice
                .as_ref()
                .is_some_and(|n| n.severity == Severity::Info && n.text.contains(sentence))
        };
        stage.wait(sentence, is_shown);
    }
    let heads = |s: &Snapshot| {
        let running = s.model.running.as_ref();
        let heads = running.map_or(&[][..], |running| &running.heads);
        let tasks = heads.iter().map(|head| head.task.clone());
        tasks.collect::<Vec<_>>()
    };
    let snapshot = stage.wait("the head", |s| {
        heads(s).ends_with(&["part", "taught"].map(String::from))
    });
    // No result of before is lost by it.
    assert_eq!(snapshot.latest, recent);
    let snapshot = play(&mut stage, &rock, 9.0);
    let result = snapshot.result().unwrap();
    let running = snapshot.model.running.as_ref().unwrap();
    let part = running.heads.iter().find(|head| head.id == "part").unwrap();
    let said = result.prediction_of(&part.sha256).unwrap();
    assert!(said[0] > 0.5, "{said:?}");
    // An instance that loads the model from the disk finds the head there.
    drop(stage);
    let next = Stage::exact(rate_hz, 1.0, Settings::default());
    next.wait("the head", |s| {
        heads(s).last().is_some_and(|head| head == "part")
    });
}
