//! Heads that are kept while the engine runs, and the choice among them.

use mertscope_heads::few_shot::LabeledExamples;
use mertscope_heads::head::HeadInfo;
use mertscope_heads::package::HeadChoice;
use mertscope_heads::package::ModelPackage;
use mertscope_heads::user_store::{StoredKind, UserStore};
use mertscope_live::{Settings, Snapshot};
use mertscope_model::Model;

use crate::own_data::has_own_data;
use crate::stage::Stage;

/// A head for the embedded model that tells two kinds of windows apart.
fn head(task: &str, labels: [&str; 2]) -> Vec<u8> {
    let manifest = Model::embedded_manifest().unwrap();
    let mut labeled_examples = LabeledExamples::default();
    for n in 0..20 {
        let side = if n % 2 == 0 { 1.0 } else { -1.0 };
        let value = |k: usize| side * (k % 5) as f32 * 0.2 + ((n * 61 + k * 17) as f32).sin();
        let values: Vec<f32> = (0..manifest.width).map(value).collect();
        labeled_examples
            .mark(labels[n % 2], 4, &values, manifest.sha256())
            .unwrap();
    }
    labeled_examples.fit(task, &manifest).unwrap().1
}

/// Ids of the heads that did not come with the model.
fn own<'a>(heads: impl Iterator<Item = &'a HeadInfo>) -> Vec<String> {
    let package = ModelPackage::embedded().unwrap();
    let came = |id: &str| package.heads.iter().any(|head| head.id() == id);
    let own = heads.filter(|head| !came(&head.id));
    own.map(|head| head.id.clone()).collect()
}

fn in_use(snapshot: &Snapshot) -> Vec<String> {
    own(snapshot.model.running.iter().flat_map(|r| r.heads.iter()))
}

fn offered(snapshot: &Snapshot) -> Vec<String> {
    own(snapshot.model.running.iter().flat_map(|r| r.offered.iter()))
}

/// What a window says for a task of two labels.
fn says(snapshot: &Snapshot, id: &str) -> bool {
    let running = snapshot.model.running.as_ref().unwrap();
    let info = running.heads.iter().find(|head| head.id == id).unwrap();
    let others = &snapshot.result().unwrap().others;
    let answer = others.iter().find(|(sha256, _)| **sha256 == *info.sha256);
    answer.is_some_and(|(_, answers)| answers.len() == 2)
}

/// Settings with heads for tasks, or none for them.
fn choosing(choice: &[(&str, &str)]) -> Settings {
    let pairs = choice.iter();
    let heads: HeadChoice = pairs
        .map(|(task, id)| ((*task).to_owned(), (*id).to_owned()))
        .collect();
    Settings {
        heads,
        exact_offline: true,
        ..Settings::default()
    }
}

#[test]
fn heads_are_found_chosen_and_left_out_while_the_engine_runs() {
    if !has_own_data("heads::heads_are_found_chosen_and_left_out_while_the_engine_runs") {
        return;
    }
    let mut stage = Stage::exact(16_000, 5.0, choosing(&[]));
    let snapshot = stage.wait("the model", |s| s.model.running.is_some());
    assert!(offered(&snapshot).is_empty());
    stage.play_chord(5.2);
    stage.wait_for_answer(5.0);

    // Heads that are kept now are found when it is looked again, and not before.
    let manifest = Model::embedded_manifest().unwrap();
    let store = UserStore::of(StoredKind::Heads, &manifest).unwrap();
    store.put("mood", &head("mood", ["calm", "wild"])).unwrap();
    store.put("mood-2", &head("mood", ["sad", "glad"])).unwrap();
    store.put("own-genre", &head("genre", ["a", "b"])).unwrap();
    stage.stream.refresh_models();
    let snapshot = stage.wait("the heads", |s| offered(s).len() == 3);
    assert_eq!(in_use(&snapshot), ["mood"]);
    assert_eq!(snapshot.history.len(), 1, "the history is kept");
    let play = |stage: &mut Stage| {
        let position = stage.transport.position.unwrap();
        let begun_s = position as f64 / 16_000.0;
        stage.play_chord(5.2);
        stage.wait("an answer", |s| {
            let latest = s.latest.as_ref();
            latest.is_some_and(|entry| entry.timed.end_s > begun_s)
        })
    };
    assert!(says(&play(&mut stage), "mood"));

    // Another one of the same task.
    stage.stream.set(choosing(&[("mood", "mood-2")]));
    stage.wait("the other head", |s| in_use(s) == ["mood-2"]);
    // None for the task, and none for the key.
    stage.stream.set(choosing(&[("mood", ""), ("key", "")]));
    stage.wait("no head", |s| in_use(s).is_empty());
    let answer = play(&mut stage);
    let said = answer.result().unwrap();
    assert!(said.key.is_none() && said.genre.is_some());
    assert!(answer.history.len() >= 3);

    // Genres of another head are not shown under its labels.
    stage.stream.set(choosing(&[("genre", "own-genre")]));
    let snapshot = stage.wait("the genres", |s| s.history.is_empty());
    let running = snapshot.model.running.as_ref().unwrap();
    assert_eq!(running.genre_labels.to_vec(), ["a", "b"]);
    let answer = play(&mut stage);
    assert_eq!(answer.result().unwrap().genre.as_ref().unwrap().len(), 2);

    // What is removed is gone, and what came with the model takes over.
    assert!(store.remove("own-genre").unwrap());
    stage.stream.refresh_models();
    let snapshot = stage.wait("the head's end", |s| offered(s).len() == 2);
    let running = snapshot.model.running.as_ref().unwrap();
    let shipped = ModelPackage::embedded().unwrap();
    let first = shipped.head("genre").unwrap();
    assert_eq!(running.genre_labels.to_vec(), first.labels);
}
