//! A published checkpoint drives a stream like any model. It has no heads, so that windows are
//! answered without labels. Its graph of 80 kB is made in the user's cache, as for a user.

use std::path::Path;

use mertscope_engine::live::{ModelState, Settings, State};
use mertscope_engine::model::{Model, Precision};
use mertscope_engine::timeline::Status;

use crate::stage::Stage;

#[test]
fn a_checkpoint_without_heads_answers_live() {
    let folder =
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/fixtures/checkpoints/post-group");
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
    let heard = stage.wait_for_answer(7.0);
    assert_eq!(heard.state, State::Analysing);
    let latest = heard.latest.clone().unwrap();
    assert_eq!(latest.reading.status, Status::Ok);
    let answer = latest.reading.heard.clone().unwrap();
    assert!(answer.genre.is_none() && answer.key.is_none());
    assert_eq!(heard.error, None);
}
