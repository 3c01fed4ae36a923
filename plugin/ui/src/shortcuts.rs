//! Keys that act without a control of their own: copying the key, and starting again.
//!
//! In a host they act only while a control here has the focus: all other keys are the host's.

use egui::{Event, Key, Modifiers, Ui};

use crate::key_answer;
use crate::view_context::ViewContext;

/// The key that starts again, as a host's window captures it and as people read it.
pub const START_AGAIN_KEY: &str = "Backspace";

/// Acts on the keys of this frame.
pub(crate) fn shortcuts(ui: &Ui, context: &ViewContext<'_>) {
    let egui = ui.ctx();
    let is_alone = context.host_panel.is_some();
    if egui.text_edit_focused() || !(is_alone || egui.egui_wants_keyboard_input()) {
        return;
    }
    let is_copy = |event: &Event| matches!(event, Event::Copy);
    if ui.input(|input| input.events.iter().any(is_copy))
        && let Some(key) = key_answer::copied(context)
    {
        egui.copy_text(key);
    }
    if ui.input_mut(|input| input.consume_key(Modifiers::NONE, Key::Backspace)) {
        context.host.start_again();
    }
}
