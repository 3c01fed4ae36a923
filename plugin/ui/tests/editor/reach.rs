//! The controls of a window, the controls that the keyboard reaches, and the time of the next frame.

use egui::accesskit::Role;
use egui::{Key, ViewportId};
use egui_kittest::Node;
use egui_kittest::kittest::{NodeT, Queryable, by};

use crate::Window;

/// Roles of controls that can be operated.
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

/// The controls that can be operated now, by role and label.
pub(crate) fn operated(window: &Window) -> Vec<(Role, String)> {
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

/// Presses Tab until the focus comes round; returns the controls that had it.
pub(crate) fn tabbed(window: &mut Window) -> Vec<(Role, String)> {
    let mut seen: Vec<(Role, String)> = Vec::new();
    for _ in 0..120 {
        window.key_press(Key::Tab);
        window.run_steps(2);
        let focused = window.query_all(by().predicate(|node| node.is_focused()));
        seen.extend(focused.map(|node| named(&node)));
    }
    seen
}

/// The time after which egui draws again without new input.
pub(crate) fn repaint_delay(window: &Window) -> std::time::Duration {
    window.output().viewport_output[&ViewportId::ROOT].repaint_delay
}
