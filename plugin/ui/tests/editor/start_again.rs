//! Starting again and copying the key: by button, by key, and never by a key that is the host's.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use egui::accesskit::Role;
use egui::{Event, Key, OutputCommand, vec2};
use egui_kittest::kittest::{NodeT, Queryable};
use mertscope_live::{Entry, Snapshot};
use mertscope_music::Notation;
use mertscope_ui::host::EditorHost;
use mertscope_ui::parameters::ParameterChange;
use mertscope_ui::view_settings::Page;

use crate::host_panel::TestPanel;
use crate::music::snapshot;
use crate::window::open;
use crate::{Stage, Window};

const SIZE: egui::Vec2 = vec2(960.0, 600.0);

fn starts(window: &Window) -> usize {
    window.state().stage.host.starts.load(Ordering::Relaxed)
}

/// Draws a frame, and returns what was copied in it.
fn copied(window: &mut Window) -> Option<String> {
    window.step();
    let commands = &window.output().platform_output.commands;
    commands.iter().find_map(|command| match command {
        OutputCommand::CopyText(text) => Some(text.clone()),
        _ => None,
    })
}

/// What the keys for copying copy.
fn copied_by_keys(window: &mut Window) -> Option<String> {
    window.event(Event::Copy);
    copied(window)
}

fn shown_key(window: &Window) -> String {
    let result = window.state().snapshot.result().cloned().unwrap();
    let notation = window.state().stage.host.parameters().notation;
    result.key_label().unwrap().to_text(notation)
}

#[test]
fn a_button_and_a_key_start_again_while_a_control_has_the_focus() {
    let mut window = open(Stage::default(), Page::Overview, snapshot(60), SIZE);
    // Nothing here has the focus: the key is the host's.
    window.key_press(Key::Backspace);
    window.run();
    assert_eq!(starts(&window), 0);
    let button = window.get_by_role_and_label(Role::Button, "Start again");
    button.click();
    window.run();
    assert_eq!(starts(&window), 1);
    window.get_by_role_and_label(Role::Tab, "Genre").focus();
    window.run();
    window.key_press(Key::Backspace);
    window.run();
    assert_eq!(starts(&window), 2);
}

#[test]
fn the_app_has_the_keyboard_to_itself() {
    let stage = Stage {
        host_panel: Some(Arc::new(TestPanel::default())),
        ..Stage::default()
    };
    let mut window = open(stage, Page::Overview, snapshot(60), SIZE);
    window.key_press(Key::Backspace);
    window.run();
    assert_eq!(starts(&window), 1);
    let key = shown_key(&window);
    assert_eq!(copied_by_keys(&mut window), Some(key));
}

#[test]
fn the_shown_key_is_copied_by_button_and_by_key_in_the_notation_that_is_shown() {
    for notation in [Notation::Traditional, Notation::Camelot, Notation::OpenKey] {
        let stage = Stage::default();
        stage.host.change(ParameterChange::Notation(notation));
        let mut window = open(stage, Page::Key, snapshot(60), SIZE);
        let key = shown_key(&window);
        assert_eq!(copied_by_keys(&mut window), None, "it is the host's");
        let button = window.get_by_role_and_label(Role::Button, "Copy the key");
        button.focus();
        window.run();
        assert_eq!(copied_by_keys(&mut window), Some(key.clone()));
        window.run();
        window.key_down(Key::Enter);
        assert_eq!(copied(&mut window), Some(key));
    }
}

#[test]
fn without_a_key_there_is_nothing_to_copy() {
    let mut window = open(Stage::default(), Page::Key, snapshot(0), SIZE);
    let button = window.get_by_role_and_label(Role::Button, "Copy the key");
    assert!(button.accesskit_node().is_disabled());
    window.get_by_role_and_label(Role::Tab, "Key").focus();
    window.run();
    assert_eq!(copied_by_keys(&mut window), None);
}

/// Music in which the user started again after forty windows.
pub(crate) fn started_again() -> Snapshot {
    let plain = snapshot(60);
    let mut history: Vec<Arc<Entry>> = plain.history.to_vec();
    for entry in &mut history[40..] {
        *entry = Arc::new(Entry {
            generation: 2,
            restarts: 1,
            ..Entry::clone(entry)
        });
    }
    Snapshot {
        latest: history.last().cloned(),
        history: Arc::new(history),
        generation: 2,
        restarts: 1,
        ..plain
    }
}

#[test]
fn the_timeline_shows_where_the_user_started_again() {
    let words = |snapshot: Snapshot| {
        let window = open(Stage::default(), Page::Timeline, snapshot, SIZE);
        let node = window.get_by_label_contains("Timeline: ");
        node.accesskit_node().label().unwrap()
    };
    assert!(!words(snapshot(60)).contains("Started again"));
    let words = words(started_again());
    assert!(words.contains("Started again at 0:44.0."), "{words}");
}
