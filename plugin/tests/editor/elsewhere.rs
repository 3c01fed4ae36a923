//! What takes results elsewhere, and what the model runs on and where it comes from: by label and by keyboard.

use std::fs;
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use egui::accesskit::Role;
use egui::{Key, vec2};
use egui_kittest::kittest::{NodeT, Queryable};
use mertscope::editor::look::Page;
use mertscope::state::{EngineChoice, OscChoice};
use mertscope_engine::live::Snapshot;
use mertscope_engine::model::device::Choice;

use crate::stage::{Stage, snapshot};
use crate::window::{Window, open};

fn opened(snapshot: Snapshot) -> Window {
    open(
        Stage::default(),
        Page::Settings,
        snapshot,
        vec2(960.0, 600.0),
    )
}

/// Gives a control the focus, which scrolls to it, and presses Enter.
fn press(window: &mut Window, role: Role, label: &str) {
    window.get_by_role_and_label(role, label).focus();
    window.run();
    window.key_press(Key::Enter);
    window.run();
}

/// Puts text in place of what is in a field, and leaves it with Enter.
fn write(window: &mut Window, label: &str, text: &str) {
    window.get_by_role_and_label(Role::TextInput, label).focus();
    window.run();
    window.key_press_modifiers(egui::Modifiers::COMMAND, Key::A);
    window.run();
    window
        .get_by_role_and_label(Role::TextInput, label)
        .type_text(text);
    window.run();
    window.key_press(Key::Enter);
    window.run();
}

fn osc(window: &Window) -> OscChoice {
    window.state().stage.params.memory.get().unwrap_or_default()
}

/// Waits for what becomes of an export, and gives the sentence as it is in the window.
fn sentence(window: &mut Window) -> (String, bool) {
    let begun = Instant::now();
    loop {
        let notice = window.state().stage.connection.notice().unwrap();
        if !notice.text.starts_with("Writing") {
            window.run();
            assert!(
                window.query_by_label(&notice.text).is_some(),
                "{} is not shown",
                notice.text
            );
            return (notice.text, notice.is_error);
        }
        assert!(begun.elapsed() < Duration::from_secs(60), "{notice:?}");
        thread::sleep(Duration::from_millis(10));
    }
}

#[test]
fn every_kind_of_export_is_written_into_the_folder_that_was_typed() {
    let folder = tempfile::tempdir().unwrap();
    let mut window = opened(snapshot(60));
    write(
        &mut window,
        "Folder for exports",
        folder.path().to_str().unwrap(),
    );
    for kind in ["CSV", "JSON", "PNG", "MIDI"] {
        press(&mut window, Role::Button, kind);
        let (text, is_error) = sentence(&mut window);
        assert!(!is_error, "{text}");
        let name = text.rsplit('/').next().unwrap().trim_end_matches('.');
        let path = folder.path().join(name);
        assert!(fs::metadata(&path).unwrap().len() > 20, "{text}");
    }
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 4);
}

#[test]
fn a_folder_that_cannot_be_written_gives_a_sentence() {
    let mut window = opened(snapshot(60));
    let mut cases = vec![("/nowhere/at/all", "there is no folder")];
    // Nobody may write there, the administrator included, who runs tests in containers.
    if Path::new("/sys/kernel").is_dir() {
        cases.push(("/sys/kernel", "you may not write into /sys/kernel"));
    }
    for (folder, expected) in cases {
        write(&mut window, "Folder for exports", folder);
        press(&mut window, Role::Button, "CSV");
        let (text, is_error) = sentence(&mut window);
        assert!(is_error && text.contains(expected), "{text}");
    }
}

#[test]
fn osc_is_switched_and_addressed_and_a_bad_address_changes_nothing() {
    let mut window = opened(snapshot(10));
    write(&mut window, "OSC address", "127.0.0.1:9123");
    write(&mut window, "OSC name", "drums");
    press(&mut window, Role::Switch, "OSC");
    let chosen = OscChoice {
        enabled: true,
        address: "127.0.0.1:9123".to_owned(),
        name: "drums".to_owned(),
    };
    assert_eq!(osc(&window), chosen);
    assert!(window.query_by_label_contains("messages sent").is_some());
    for bad in ["nowhere", "127.0.0.1", "8.8.8.8:9000", "127.0.0.1:99999"] {
        let error = mertscope_engine::osc::parse(bad).unwrap_err().to_string();
        write(&mut window, "OSC address", bad);
        assert!(window.query_by_label(&error).is_some(), "{bad}: {error}");
        assert_eq!(osc(&window), chosen, "{bad}");
    }
    press(&mut window, Role::Switch, "OSC");
    assert!(!osc(&window).enabled);
}

#[test]
fn the_device_is_chosen_by_keyboard() {
    let mut window = opened(snapshot(10));
    let chosen = |window: &Window| {
        let engine: EngineChoice = window.state().stage.params.memory.get().unwrap_or_default();
        engine.device
    };
    assert_eq!(chosen(&window), Choice::Auto);
    press(
        &mut window,
        Role::ComboBox,
        "Device: Automatic: the fastest there is",
    );
    window.get_by_role_and_label(Role::Button, "CPU").focus();
    window.run();
    window.key_press(Key::Enter);
    window.run();
    assert_eq!(chosen(&window), Choice::Cpu);
    assert!(window.query_by_label("Device: CPU").is_some());
}

#[test]
fn a_folder_that_is_no_model_gives_a_sentence() {
    let folder = tempfile::tempdir().unwrap();
    let mut window = opened(snapshot(10));
    let path = folder.path().to_str().unwrap().to_owned();
    write(&mut window, "Folder of a model", &path);
    press(&mut window, Role::Button, "Import");
    // Not the field, which has the path in it as well.
    let said = window.query_all_by_role(Role::Label);
    let labels = said.map(|node| node.accesskit_node().value().unwrap_or_default());
    let about: Vec<String> = labels.filter(|label| label.contains(&path)).collect();
    assert_eq!(about.len(), 1, "{about:?}");
}
