//! A published checkpoint drives a stream like any model. It has no heads, so that windows are
//! answered without labels. Its graph of 80 kB is made in the user's cache, as for a user.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use mertscope_audio::Status;
use mertscope_live::{ModelState, Request, Settings, State};
use mertscope_model::{Model, Precision};

use crate::stage::Stage;

fn fixture(kind: &str) -> PathBuf {
    let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/fixtures");
    fixtures.join("checkpoints").join(kind)
}

#[test]
fn a_checkpoint_without_heads_answers_live() {
    let folder = fixture("post-group");
    let model = Model::open(&folder).unwrap();
    let settings = Settings {
        model: Some(folder.to_str().unwrap().to_owned()),
        model_sha256: Some(model.sha256().to_owned()),
        precision: Some(Precision::Int8),
        ..Settings::default()
    };
    let mut stage = Stage::exact(44_100, 1.0, settings);
    let ready = stage.stream.snapshot();
    assert_eq!(ready.model.state, ModelState::Ready, "{:?}", ready.error);
    let running = ready.model.running.clone().unwrap();
    assert_eq!(
        (running.id.as_str(), running.sha256.as_str()),
        ("post-group", model.sha256())
    );
    assert!(running.genre_labels.is_empty());
    stage.play_chord(7.5);
    let result = stage.wait_for_answer(7.0);
    assert_eq!(result.state, State::Analyzing);
    let latest = result.latest.clone().unwrap();
    assert_eq!(latest.timed.status, Status::Ok);
    let answer = latest.timed.result.clone().unwrap();
    assert!(answer.genre.is_none() && answer.key.is_none());
    assert_eq!(result.error, None);
}

/// music2vec hears 30 s at once, and 5 s where that is asked for: the window changes while music
/// plays, and the same model goes on. Of music2vec is its place in the catalogue, and thirteen
/// hidden states of 768; what is between them is small.
#[test]
fn the_window_of_a_model_that_has_several_is_chosen_live() {
    let folder = fixture("data2vec");
    let settings = |window_s| Settings {
        model: Some(folder.to_str().unwrap().to_owned()),
        window_s,
        ..Settings::default()
    };
    let mut stage = Stage::exact(16_000, 1.0, settings(None));
    let running = |stage: &Stage| stage.stream.snapshot().model.running.clone();
    assert_eq!(running(&stage).unwrap().window_s, 5.0);
    stage.play_chord(6.5);
    stage.wait_for_answer(6.0);

    stage.stream.set(settings(Some(2.0)));
    let changed = stage.wait("a shorter window", |s| {
        let running = s.model.running.as_ref();
        running.is_some_and(|running| running.window_s == 2.0)
    });
    let offered = changed.model.running.as_ref().unwrap().windows_s.to_vec();
    assert_eq!(offered, [2.0, 5.0]);
    stage.play_chord(4.0);
    let result = stage.wait("an answer", |s| {
        let latest = s.latest.as_ref();
        latest.is_some_and(|entry| entry.timed.end_s > 9.0)
    });
    let timed = &result.latest.as_ref().unwrap().timed;
    assert_eq!(timed.status, Status::Ok);
    assert!(
        (timed.end_s - timed.start_s - 2.0).abs() < 1e-9,
        "{timed:?}"
    );

    // A length that it can't take is refused with a reason, and the embedded model goes on.
    stage.stream.set(settings(Some(500.0)));
    let refused = stage.wait("a refusal", |s| s.model.state == ModelState::Missing);
    let error = refused.error.clone().unwrap();
    assert!(
        error.contains("500 s") && error.contains("data2vec"),
        "{error}"
    );
}

/// Four streams of one process, whose models have the same weights and names, but other configurations:
/// none hears with the session of another.
#[test]
fn configurations_of_the_same_weights_share_no_session() {
    let root = tempfile::tempdir().unwrap();
    let edits = [
        ("", ""),
        ("\"num_attention_heads\": 2", "\"num_attention_heads\": 4"),
        ("\"layer_norm_eps\": 1e-05", "\"layer_norm_eps\": 0.5"),
        (
            "\"do_stable_layer_norm\": false",
            "\"do_stable_layer_norm\": true",
        ),
    ];
    let mut stages = Vec::new();
    for (n, (from, to)) in edits.into_iter().enumerate() {
        let folder = root.path().join(n.to_string()).join("same name");
        fs::create_dir_all(&folder).unwrap();
        for file in ["preprocessor_config.json", "pytorch_model.bin"] {
            fs::copy(fixture("post-group").join(file), folder.join(file)).unwrap();
        }
        let config = fs::read_to_string(fixture("post-group").join("config.json")).unwrap();
        assert!(config.contains(from), "{from}");
        fs::write(folder.join("config.json"), config.replacen(from, to, 1)).unwrap();
        let settings = Settings {
            model: Some(folder.to_str().unwrap().to_owned()),
            ..Settings::default()
        };
        stages.push(Stage::exact(24_000, 5.0, settings));
    }
    let (mut names, mut hidden_states) = (BTreeSet::new(), BTreeSet::new());
    for stage in &mut stages {
        stage.play_chord(5.0);
        let heard = stage.wait_for_answer(5.0);
        names.insert(heard.model.running.as_ref().unwrap().sha256.clone());
        stage.stream.ask(Request::Capture {
            name: "chord".to_owned(),
            color: [0; 3],
        });
        let captured = stage.wait("the reference", |s| s.study.references.len() == 1);
        let reference = serde_json::to_value(&*captured.study.references[0]).unwrap();
        // The means of the layers above the first.
        assert_eq!(reference["further"].as_array().unwrap().len(), 2);
        hidden_states.insert(reference["further"].to_string());
    }
    assert_eq!((names.len(), hidden_states.len()), (4, 4));
}
