//! Every control by keyboard and by label, and its effect.

use std::collections::BTreeSet;

use egui::accesskit::Role;
use egui::{Key, OutputCommand, vec2};
use egui_kittest::kittest::Queryable;
use mertscope_live::Snapshot;
use mertscope_music::Notation;
use mertscope_ui::host::EditorHost;
use mertscope_ui::state::{EngineChoice, LogChoice, ModelChoice};
use mertscope_ui::theme::Theme;
use mertscope_ui::view_settings::{Page, ViewSettings};

use crate::Stage;
use crate::Window;
use crate::music::snapshot;
use crate::reach::{operated, tabbed};
use crate::studied::studied;
use crate::window::open;

const SIZE: egui::Vec2 = vec2(960.0, 600.0);

fn opened(page: Page) -> Window {
    open(Stage::default(), page, snapshot(60), SIZE)
}

fn view_settings(window: &Window) -> ViewSettings {
    window.state().stage.host.state().get().unwrap()
}

#[test]
fn every_control_has_a_name_and_the_keyboard_reaches_it() {
    for page in Page::TABS.into_iter().chain([Page::Settings]) {
        let mut window = opened(page);
        let controls = operated(&window);
        assert!(controls.len() >= 8, "{page:?}: {controls:?}");
        for (role, label) in &controls {
            assert!(!label.is_empty(), "{page:?}: a {role:?} without a name");
        }
        let reached: BTreeSet<String> = tabbed(&mut window)
            .into_iter()
            .map(|(role, label)| format!("{role:?} {label}"))
            .collect();
        for (role, label) in controls {
            let control = format!("{role:?} {label}");
            assert!(
                reached.contains(&control),
                "{page:?}: Tab does not reach {control}; it reaches {reached:#?}"
            );
        }
    }
}

#[test]
fn every_picture_has_a_text_equivalent() {
    let window = opened(Page::Overview);
    for words in ["Key: ", "Genre: ", "Map: ", "Timeline: ", "Status: "] {
        assert_eq!(
            window.query_all_by_label_contains(words).count(),
            1,
            "{words}"
        );
    }
    let key = window.get_by_label_contains("Key: ");
    let label = egui_kittest::kittest::NodeT::accesskit_node(&key)
        .label()
        .unwrap();
    assert!(
        label.contains("Runner-up") && label.contains("Mixes with"),
        "{label}"
    );
}

#[test]
fn tabs_change_the_page_and_the_project_remembers_it() {
    let mut window = opened(Page::Overview);
    window.get_by_label("Genre").click();
    window.run();
    assert_eq!(view_settings(&window).page, Page::Genre);
    window.get_by_label("Settings").click();
    window.run();
    assert_eq!(view_settings(&window).page, Page::Settings);
}

#[test]
fn enter_presses_and_space_is_left_to_the_host() {
    let mut window = opened(Page::Overview);
    window.get_by_label("Hold").focus();
    window.run();
    window.key_press(Key::Space);
    window.run();
    assert!(
        !window.state().stage.host.parameters().hold,
        "space pressed a button"
    );
    window.key_press(Key::Enter);
    window.run();
    assert!(window.state().stage.host.parameters().hold);
}

#[test]
fn hold_freezes_the_pictures_but_not_the_status() {
    let mut window = opened(Page::Overview);
    let words = |window: &Window, what: &str| {
        let node = window.get_by_label_contains(what);
        egui_kittest::kittest::NodeT::accesskit_node(&node)
            .label()
            .unwrap()
    };
    let (key, status) = (words(&window, "Key: "), words(&window, "Status: "));
    window.get_by_label("Hold").click();
    window.run();
    let later = Snapshot {
        level_dbfs: -3.0,
        ..snapshot(110)
    };
    window.state_mut().snapshot = std::sync::Arc::new(later);
    window.run();
    assert_eq!(words(&window, "Key: "), key);
    assert_ne!(words(&window, "Status: "), status);
    window.get_by_label("Hold").click();
    window.run();
    assert_ne!(words(&window, "Key: "), key);
}

#[test]
fn settings_reach_the_parameters_and_the_project() {
    let mut window = opened(Page::Settings);
    window
        .get_by_role_and_label(Role::Switch, "Smoothing")
        .click();
    window.run();
    assert!(!window.state().stage.host.parameters().smoothing);
    window
        .get_by_role_and_label(Role::Switch, "Start afresh")
        .click();
    window.run();
    let engine: EngineChoice = window.state().stage.host.state().get().unwrap();
    assert!(engine.reset_on_start && !engine.follow_transport);
    window
        .get_by_role_and_label(Role::Switch, "Follow the transport")
        .click();
    window.run();
    let engine: EngineChoice = window.state().stage.host.state().get().unwrap();
    assert!(engine.reset_on_start && engine.follow_transport);
    // The focus scrolls to it.
    window.get_by_role_and_label(Role::Switch, "Log").focus();
    window.run();
    window.key_press(Key::Enter);
    window.run();
    let log: LogChoice = window.state().stage.host.state().get().unwrap();
    assert!(log.enabled);
    // The focus scrolls to controls further down.
    for (label, check) in [
        (
            "8A",
            Box::new(|w: &Window| w.state().stage.host.parameters().notation == Notation::Camelot)
                as Box<dyn Fn(&Window) -> bool>,
        ),
        (
            "Light",
            Box::new(|w: &Window| view_settings(w).theme == Theme::Light),
        ),
        (
            "Reset",
            Box::new(|w: &Window| {
                w.state().stage.host.parameters().smoothing && view_settings(w).theme == Theme::Dark
            }),
        ),
    ] {
        window.get_by_label(label).focus();
        window.run();
        window.key_press(Key::Enter);
        window.run();
        assert!(check(&window), "{label} did nothing");
    }
}

#[test]
fn a_model_without_heads_and_map_says_how_to_get_them() {
    let mut bare = snapshot(60);
    let running = bare.model.running.as_mut().unwrap();
    (running.genre_labels, running.map) = (Default::default(), None);
    let mut latest = mertscope_live::Entry::clone(bare.latest.as_ref().unwrap());
    let result = latest.timed.result.as_mut().unwrap();
    (result.genre, result.genre_smoothed) = (None, None);
    (result.key, result.key_smoothed, result.key_answer) = (None, None, None);
    result.point = None;
    bare.latest = Some(std::sync::Arc::new(latest));
    for (page, what, remedy) in [
        (
            Page::Genre,
            "Genre: This model has no genre head",
            "mertscope heads",
        ),
        (
            Page::Key,
            "Key: This model has no key head",
            "mertscope heads",
        ),
        (Page::Map, "Map: This model has no map", "mertscope map fit"),
    ] {
        let window = open(Stage::default(), page, bare.clone(), SIZE);
        let node = window.get_by_label_contains(what);
        let label = egui_kittest::kittest::NodeT::accesskit_node(&node).label();
        assert!(label.as_ref().unwrap().contains(remedy), "{label:?}");
    }
}

#[test]
fn the_window_length_is_chosen_for_a_model_with_several() {
    let mut several = snapshot(60);
    let running = several.model.running.as_mut().unwrap();
    (running.window_s, running.windows_s) = (30.0, [5.0, 30.0].into());
    let mut window = open(Stage::default(), Page::Settings, several, SIZE);
    let choice = |window: &Window| -> ModelChoice {
        let state = &window.state().stage.host.state();
        state.get().unwrap()
    };
    let before = choice(&window);
    window.get_by_label("5 s").focus();
    window.run();
    window.key_press(Key::Enter);
    window.run();
    let shorter = ModelChoice {
        window_s: Some(5.0),
        ..before
    };
    assert_eq!(choice(&window), shorter);
    // The choice stays visible while the model loads again.
    let loading = Snapshot::default();
    window.state_mut().snapshot = std::sync::Arc::new(loading);
    window.run();
    assert_eq!(window.query_all_by_label("5 s").count(), 1);
    assert!(window.query_by_label("30 s").is_none());
    // A model with one window length offers no choice.
    let mut one = opened(Page::Settings);
    one.run();
    assert!(one.query_by_label("5 s").is_none());
}

#[test]
fn the_key_is_copied_in_the_notation_that_is_shown() {
    let mut window = opened(Page::Key);
    window.get_by_label_contains("Key: ").focus();
    window.run();
    window.key_down(Key::Enter);
    window.step();
    let copied =
        window
            .output()
            .platform_output
            .commands
            .iter()
            .find_map(|command| match command {
                OutputCommand::CopyText(text) => Some(text.clone()),
                _ => None,
            });
    let latest = window.state().snapshot.latest.clone().unwrap();
    let key = latest.timed.result.as_ref().unwrap().key_label().unwrap();
    assert_eq!(copied, Some(key.to_string()));
}

/// The timeline in words at the moment before the newest, reached by the keyboard.
fn read_back(window: &mut Window) -> String {
    window.get_by_label_contains("Timeline: ").focus();
    window.run();
    window.key_press(Key::ArrowLeft);
    window.run();
    let read = window.get_by_label_contains("Timeline at ");
    let node = egui_kittest::kittest::NodeT::accesskit_node(&read);
    node.label().unwrap()
}

#[test]
fn the_timeline_is_read_by_keys() {
    let words = read_back(&mut opened(Page::Timeline));
    assert!(words.contains('%'), "{words}");
}

#[test]
fn the_timeline_in_words_has_the_heads_that_read_frames() {
    let mut window = open(Stage::default(), Page::Timeline, studied(60), SIZE);
    let words = read_back(&mut window);
    let part = words.contains("Part: Verse") || words.contains("Part: Chorus");
    assert!(part, "{words}");
}

#[test]
fn the_first_run_notice_is_shown_once_per_user() {
    let folder = tempfile::tempdir().unwrap();
    let stage = || Stage {
        user: mertscope_ui::user::User::at(folder.path()),
        ..Stage::default()
    };
    let mut window = open(stage(), Page::Overview, snapshot(0), SIZE);
    window.get_by_label("Got it").click();
    window.run();
    assert!(window.query_by_label("Got it").is_none());
    let again = open(stage(), Page::Overview, snapshot(0), SIZE);
    assert!(again.query_by_label("Got it").is_none());
}
