//! The settings page: jumping to sections, and what the app leaves out.

use std::sync::Arc;

use egui::accesskit::{Role, Toggled};
use egui::{Vec2, vec2};
use egui_kittest::kittest::{NodeT, Queryable};
use mertscope_ui::view_settings::Page;

use crate::host_panel::TestPanel;
use crate::music::snapshot;
use crate::window::{open, press};
use crate::{Stage, Window};

const SIZES: [Vec2; 3] = [vec2(480.0, 320.0), vec2(960.0, 600.0), vec2(1600.0, 1000.0)];

/// A control of each section, near its head.
const FIRST: [(&str, Role, &str); 7] = [
    ("Analysis", Role::Switch, "Analyze"),
    ("Models", Role::Button, "In use "),
    ("Heads", Role::Label, "This model has no heads yet"),
    ("Device", Role::ComboBox, "Device: "),
    ("Display", Role::RadioButton, "8A"),
    ("Export", Role::TextInput, "Folder for exports"),
    ("Defaults", Role::Button, "Save as default"),
];

fn opened(size: Vec2, in_app: bool) -> Window {
    let panel = || Arc::new(TestPanel::default()) as _;
    let stage = Stage {
        host_panel: in_app.then(panel),
        ..Stage::default()
    };
    open(stage, Page::Settings, snapshot(60), size)
}

/// Whether a control is within the window.
fn is_in_view(window: &Window, size: Vec2, role: Role, label: &str) -> bool {
    let is_it = |node: &egui_kittest::Node<'_>| {
        let node = node.accesskit_node();
        let name = node.label().or_else(|| node.value());
        let named = name.unwrap_or_default().starts_with(label);
        node.role() == role && named
    };
    let mut nodes = window.query_all_by_label_contains(label).filter(is_it);
    let node = nodes
        .next()
        .unwrap_or_else(|| panic!("no {role:?} {label}"));
    let rect = node.rect();
    rect.top() > 40.0 && rect.bottom() < size.y - 30.0
}

/// The sections that are marked as the one that is read.
fn read(window: &Window) -> Vec<String> {
    let links = window.query_all_by_role(Role::Link);
    let links = links.filter_map(|link| {
        let node = link.accesskit_node();
        let is_read = node.toggled() == Some(Toggled::True);
        node.label().filter(|_| is_read)
    });
    links
        .filter_map(|label| label.strip_prefix("Go to ").map(str::to_owned))
        .collect()
}

#[test]
fn each_name_brings_its_section_into_view() {
    for size in SIZES {
        for (title, role, control) in FIRST.into_iter().rev() {
            let mut window = opened(size, false);
            assert_eq!(read(&window), ["Analysis"], "{size}");
            press(&mut window, Role::Link, &format!("Go to {title}"));
            assert!(is_in_view(&window, size, role, control), "{size} {title}");
            assert_eq!(read(&window), [title], "{size}");
            press(&mut window, Role::Link, "Go to Analysis");
            assert!(is_in_view(&window, size, Role::Switch, "Analyze"), "{size}");
            assert_eq!(read(&window), ["Analysis"], "{size}");
        }
    }
}

#[test]
fn the_app_has_its_own_section_and_leaves_out_what_only_a_daw_has() {
    for size in SIZES {
        let (daw, app) = (opened(size, false), opened(size, true));
        for (role, label) in [
            (Role::RadioButton, "Side-chain"),
            (Role::Switch, "Exact when rendering offline"),
        ] {
            assert!(daw.query_by_role_and_label(role, label).is_some());
            assert!(app.query_by_role_and_label(role, label).is_none());
        }
        assert!(daw.query_by_label("Go to Audio").is_none());
        let mut app = app;
        press(&mut app, Role::Link, "Go to Audio");
        assert!(is_in_view(&app, size, Role::Button, "Default"));
        for words in ["transport", "untouched"] {
            let said = app.query_by_label_contains(words);
            assert!(said.is_none(), "the app speaks of “{words}”");
        }
    }
}
