//! A window of the test library, with an editor and a snapshot in it.

use std::sync::Arc;

use egui::accesskit::Role;
use egui::{Key, Vec2};
use egui_kittest::Harness;
use egui_kittest::kittest::Queryable;
use mertscope_live::Snapshot;
use mertscope_ui::editor_ui::EditorUi;
use mertscope_ui::host::EditorHost;
use mertscope_ui::view_settings::{Page, ViewSettings};

use crate::stage::Stage;

/// The contents of the window.
pub(crate) struct Shown<H> {
    pub stage: Stage<H>,
    pub snapshot: Arc<Snapshot>,
    editor_ui: Option<EditorUi>,
}

/// A window of the test library.
pub(crate) type Window<H> = Harness<'static, Shown<H>>;

/// Opens a window on a page.
pub(crate) fn open<H: EditorHost + 'static>(
    stage: Stage<H>,
    page: Page,
    snapshot: Snapshot,
    size: Vec2,
) -> Window<H> {
    let view_settings: ViewSettings = stage.host.state().get().unwrap_or_default();
    stage.host.state().set(&ViewSettings {
        page,
        ..view_settings
    });
    let shown = Shown {
        stage,
        snapshot: Arc::new(snapshot),
        editor_ui: None,
    };
    let draw = |ui: &mut egui::Ui, shown: &mut Shown<H>| {
        let editor_ui = shown
            .editor_ui
            .get_or_insert_with(|| shown.stage.editor_ui(ui.ctx()));
        editor_ui.ui(ui, &shown.snapshot);
    };
    let builder = Harness::builder().with_size(size).with_max_steps(8);
    let mut window = builder.build_ui_state(draw, shown);
    window.run();
    window
}

/// Focuses a control, which scrolls to it, and presses Enter.
pub(crate) fn press<H>(window: &mut Window<H>, role: Role, label: &str) {
    window.get_by_role_and_label(role, label).focus();
    window.run();
    window.key_press(Key::Enter);
    window.run();
}

/// Replaces the text of a field, and leaves the field with Enter.
pub(crate) fn write<H>(window: &mut Window<H>, label: &str, text: &str) {
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
