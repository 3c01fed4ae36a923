//! A window of the test library, with an instance and a snapshot in it.

use std::sync::Arc;

use egui::accesskit::Role;
use egui::{Key, Vec2, ViewportId};
use egui_kittest::kittest::{NodeT, Queryable, by};
use egui_kittest::{Harness, Node};
use mertscope::editor::face::Face;
use mertscope::editor::look::{Look, Page};
use mertscope_engine::live::Snapshot;

use crate::stage::Stage;

/// Roles of what can be operated.
const OPERATED: [Role; 9] = [
    Role::Button,
    Role::CheckBox,
    Role::ComboBox,
    Role::Link,
    Role::RadioButton,
    Role::Slider,
    Role::Switch,
    Role::Tab,
    Role::TextInput,
];

/// What is in the window.
pub struct Shown {
    pub stage: Stage,
    pub snapshot: Arc<Snapshot>,
    face: Option<Face>,
}

/// A window that rests.
pub type Window = Harness<'static, Shown>;

/// Opens a window on a page.
pub fn open(stage: Stage, page: Page, snapshot: Snapshot, size: Vec2) -> Window {
    let look: Look = stage.params.memory.get().unwrap_or_default();
    stage.params.memory.set(&Look { page, ..look });
    let shown = Shown {
        stage,
        snapshot: Arc::new(snapshot),
        face: None,
    };
    let draw = |ui: &mut egui::Ui, shown: &mut Shown| {
        let face = shown.face.get_or_insert_with(|| shown.stage.face(ui.ctx()));
        face.ui(ui, &shown.snapshot);
    };
    let builder = Harness::builder().with_size(size).with_max_steps(8);
    let mut window = builder.build_ui_state(draw, shown);
    window.run();
    window
}

/// Everything that can be operated now, by role and label.
pub fn operated(window: &Window) -> Vec<(Role, String)> {
    let is_operated = |node: &egui_kittest::kittest::AccessKitNode<'_>| {
        OPERATED.contains(&node.role()) && !node.is_disabled()
    };
    let nodes = window.query_all(by().predicate(is_operated));
    nodes.map(|node| named(&node)).collect()
}

fn named(node: &Node<'_>) -> (Role, String) {
    let node = node.accesskit_node();
    (node.role(), node.label().unwrap_or_default())
}

/// Presses Tab until the focus comes round, and gives what had it.
pub fn tabbed(window: &mut Window) -> Vec<(Role, String)> {
    let mut seen: Vec<(Role, String)> = Vec::new();
    for _ in 0..120 {
        window.key_press(Key::Tab);
        window.run_steps(2);
        let focused = window.query_all(by().predicate(|node| node.is_focused()));
        seen.extend(focused.map(|node| named(&node)));
    }
    seen
}

/// How soon egui wants to draw again without anything new.
pub fn repaint_delay(window: &Window) -> std::time::Duration {
    window.output().viewport_output[&ViewportId::ROOT].repaint_delay
}
