//! The list of heads in the settings: its texts and its switches.

use std::sync::Arc;

use egui::accesskit::Role;
use egui::{Key, vec2};
use egui_kittest::kittest::{NodeT, Queryable};
use mertscope_heads::head::{HeadInfo, Outputs, Reads};
use mertscope_live::Snapshot;
use mertscope_music::Confidence;
use mertscope_ui::host::EditorHost;
use mertscope_ui::state::HeadChoice;
use mertscope_ui::view_settings::Page;

use crate::Stage;
use crate::Window;
use crate::music::{GENRES, running, snapshot};
use crate::studied::studied;
use crate::window::open;

pub(crate) fn head(id: &str, task: &str, labels: &[&str]) -> HeadInfo {
    HeadInfo {
        id: id.to_owned(),
        sha256: "0".repeat(64),
        task: task.to_owned(),
        labels: labels.iter().map(|label| (*label).to_owned()).collect(),
        outputs: Outputs::Multiclass,
        threshold: None,
        confidence: Confidence::unfitted(None),
        is_calibrated: true,
        reads: Reads::Window,
        layers_text: "layer 4".to_owned(),
        metrics_text: "accuracy 0.812".to_owned(),
        source_text: "40 files of mine".to_owned(),
        license_text: "CC-BY-4.0".to_owned(),
        bytes: 13_744,
    }
}

/// A model with heads for genre and key, two for moods and one for energy, after this choice.
fn choosing(choice: &HeadChoice) -> Snapshot {
    let offered = [
        head("genre", "genre", &GENRES),
        head("key", "key", &["C major", "A minor"]),
        head("mood", "mood", &["calm", "wild"]),
        head("mood-2", "mood", &["sad", "glad"]),
        head("energy", "energy", &["low", "high"]),
    ];
    let in_use = |task: &str| {
        let mut of_task = offered.iter().filter(|info| info.task == task);
        match choice.0.get(task) {
            None => of_task.next().cloned(),
            Some(id) => of_task.find(|info| info.id == *id).cloned(),
        }
    };
    let mut running = running(&GENRES);
    running.genre_head = in_use("genre");
    running.key_head = in_use("key");
    running.heads = ["mood", "energy"].into_iter().filter_map(in_use).collect();
    running.offered = offered.to_vec().into();
    if running.genre_head.is_none() {
        running.genre_labels = Arc::default();
    }
    let mut snapshot = snapshot(60);
    snapshot.model.running = Some(running);
    snapshot
}

fn choice(window: &Window) -> HeadChoice {
    window.state().stage.host.state().get().unwrap_or_default()
}

/// Flips the switch of a head by mouse or by keyboard, and shows the model after that.
fn flip(window: &mut Window, id: &str, by_keyboard: bool) {
    let label = format!("Head {id}");
    if by_keyboard {
        window.get_by_role_and_label(Role::Switch, &label).focus();
        window.run();
        window.key_press(Key::Enter);
    } else {
        window.get_by_role_and_label(Role::Switch, &label).click();
    }
    window.run();
    window.state_mut().snapshot = Arc::new(choosing(&choice(window)));
    window.run();
}

fn is_on(window: &Window, id: &str) -> bool {
    let label = format!("Head {id}");
    let node = window.get_by_role_and_label(Role::Switch, &label);
    node.accesskit_node().toggled() == Some(egui::accesskit::Toggled::True)
}

#[test]
fn heads_are_switched_on_and_off_by_mouse_and_keyboard() {
    for by_keyboard in [false, true] {
        let stage = Stage::default();
        let shown = choosing(&HeadChoice::default());
        // The mouse needs the whole list on the screen; the keyboard scrolls to it.
        let size = vec2(960.0, if by_keyboard { 600.0 } else { 3000.0 });
        let mut window = open(stage, Page::Settings, shown, size);
        let pairs = |pairs: &[(&str, &str)]| {
            let pairs = pairs.iter();
            HeadChoice(pairs.map(|(t, id)| ((*t).into(), (*id).into())).collect())
        };
        let ids = ["genre", "key", "mood", "mood-2", "energy"];
        let on = |window: &Window| ids.map(|id| is_on(window, id));
        assert_eq!(on(&window), [true, true, true, false, true]);
        // One at a time answers for a task.
        flip(&mut window, "mood-2", by_keyboard);
        assert_eq!(choice(&window), pairs(&[("mood", "mood-2")]));
        assert_eq!(on(&window), [true, true, false, true, true]);
        flip(&mut window, "energy", by_keyboard);
        assert_eq!(
            choice(&window),
            pairs(&[("energy", ""), ("mood", "mood-2")])
        );
        assert_eq!(on(&window), [true, true, false, true, false]);
        // The default is not saved.
        flip(&mut window, "energy", by_keyboard);
        flip(&mut window, "mood", by_keyboard);
        assert_eq!(choice(&window), pairs(&[]));
        flip(&mut window, "genre", by_keyboard);
        assert_eq!(choice(&window), pairs(&[("genre", "")]));
        assert!(!is_on(&window, "genre"));
    }
}

#[test]
fn a_head_has_its_quality_and_origin_in_words() {
    let shown = choosing(&HeadChoice::default());
    let window = open(Stage::default(), Page::Settings, shown, vec2(480.0, 320.0));
    let count = |words: &str| window.query_all_by_label_contains(words).count();
    assert_eq!(count("2 labels · layer 4 · 14 kB · CC-BY-4.0"), 4);
    assert_eq!(count("13 labels · layer 4 · 14 kB · CC-BY-4.0"), 1);
    assert_eq!(count("accuracy 0.812 · 40 files of mine"), 5);
}

#[test]
fn the_page_names_a_head_that_is_switched_off() {
    let off = HeadChoice([("genre".to_owned(), String::new())].into());
    let window = open(
        Stage::default(),
        Page::Genre,
        choosing(&off),
        vec2(960.0, 600.0),
    );
    assert_eq!(
        window
            .query_all_by_label_contains("The genre head is switched off")
            .count(),
        1
    );
}

#[test]
fn a_label_below_the_threshold_is_not_named() {
    let unsure = |least: f32| {
        let mut shown = studied(60);
        let running = shown.model.running.as_mut().expect("a model");
        let mut genre = head("genre", "genre", &GENRES);
        genre.confidence = Confidence::unfitted(Some(least));
        running.genre_head = Some(genre);
        for info in Arc::make_mut(&mut running.heads) {
            info.threshold = Some(least);
        }
        let window = open(Stage::default(), Page::Genre, shown, vec2(960.0, 600.0));
        let count = |words: &str| window.query_all_by_label_contains(words).count();
        ["Genre: none is clear", "Taught: unsure,"].map(count)
    };
    assert_eq!(unsure(0.0), [0, 0]);
    assert_eq!(unsure(1.0), [1, 1]);
}
