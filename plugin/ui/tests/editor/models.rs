//! The device and the models in the settings: by label and by keyboard.

use egui::accesskit::Role;
use egui::{Key, vec2};
use egui_kittest::kittest::{NodeT, Queryable};
use mertscope_live::Snapshot;
use mertscope_model::device::Choice;
use mertscope_ui::host::EditorHost;
use mertscope_ui::state::EngineChoice;
use mertscope_ui::view_settings::Page;

use crate::music::snapshot;
use crate::window::{open, press, write};
use crate::{Stage, Window};

fn opened(snapshot: Snapshot) -> Window {
    open(
        Stage::default(),
        Page::Settings,
        snapshot,
        vec2(960.0, 600.0),
    )
}

fn chosen(window: &Window) -> Choice {
    let engine: EngineChoice = window.state().stage.host.state().get().unwrap_or_default();
    engine.device
}

/// Opens the list of devices, which shows `current`, and picks one by keyboard.
fn pick(window: &mut Window, current: &str, title: &str) {
    press(window, Role::ComboBox, &format!("Device: {current}"));
    window.get_by_role_and_label(Role::Button, title).focus();
    window.run();
    window.key_press(Key::Enter);
    window.run();
}

#[test]
fn the_device_is_chosen_by_keyboard() {
    let mut window = opened(snapshot(10));
    assert_eq!(chosen(&window), Choice::Auto);
    pick(&mut window, "Automatic: the fastest there is", "CPU");
    assert_eq!(chosen(&window), Choice::Cpu);
    assert!(window.query_by_label("Device: CPU").is_some());
}

#[test]
fn the_address_of_a_server_outlives_another_choice() {
    let mut window = opened(snapshot(10));
    pick(&mut window, "Automatic: the fastest there is", "A server");
    assert_eq!(chosen(&window), Choice::remote(""));
    let url = "http://127.0.0.1:8123";
    write(&mut window, "Server address", url);
    assert_eq!(chosen(&window), Choice::remote(url));
    pick(&mut window, "A server", "CPU");
    assert_eq!(chosen(&window), Choice::Cpu);
    assert!(window.query_by_label("Server address").is_none());
    pick(&mut window, "CPU", "A server");
    assert_eq!(chosen(&window), Choice::remote(url));
    // An address that was removed stays away.
    write(&mut window, "Server address", " ");
    pick(&mut window, "A server", "CPU");
    pick(&mut window, "CPU", "A server");
    assert_eq!(chosen(&window), Choice::remote(""));
}

#[test]
fn a_published_model_has_a_bound_for_its_8_bit_forms() {
    let name = "8-bit error limit";
    let bound = |window: &Window| {
        let engine: EngineChoice = window.state().stage.host.state().get().unwrap_or_default();
        engine.most_err
    };
    let mut snapshot = snapshot(10);
    assert!(opened(snapshot.clone()).query_by_label(name).is_none());
    snapshot.model.running.as_mut().unwrap().depth = Some((8, 12));
    let mut window = opened(snapshot);
    assert_eq!(bound(&window), 0.15);
    window.get_by_role_and_label(Role::Slider, name).focus();
    window.run();
    window.key_press(Key::ArrowRight);
    window.run();
    assert!((bound(&window) - 0.16).abs() < 1e-6, "{}", bound(&window));
}

#[test]
fn a_folder_without_a_model_gives_a_sentence() {
    let folder = tempfile::tempdir().unwrap();
    let mut window = opened(snapshot(10));
    let path = folder.path().to_str().unwrap().to_owned();
    write(&mut window, "Folder of a model", &path);
    press(&mut window, Role::Button, "Import");
    // Without the field, which holds the path as well.
    let nodes = window.query_all_by_role(Role::Label);
    let labels = nodes.map(|node| node.accesskit_node().value().unwrap_or_default());
    let about: Vec<String> = labels.filter(|label| label.contains(&path)).collect();
    assert_eq!(about.len(), 1, "{about:?}");
}
