//! Parameter changes through an instance, and the defaults of new instances.

use egui::{Key, vec2};
use egui_kittest::kittest::Queryable;
use mertscope_live::Hop;
use mertscope_music::Notation;
use mertscope_ui::host::EditorHost;
use mertscope_ui::parameters::{InputSource, ParameterValues};
use mertscope_ui::user::User;
use mertscope_ui::view_settings::{Page, ViewSettings};
use nih_plug::prelude::PluginState;

use crate::instance::Whole;
use crate::music::snapshot;
use crate::window::open;

/// The program takes the values for its next block, which never comes: they count all the same.
#[test]
fn each_change_reaches_its_parameter_at_once_and_as_one_gesture() {
    let whole = Whole::default();
    let host = &whole.stage.host;
    let wanted = ParameterValues {
        analyze: false,
        hop: Hop::Seconds(2.5),
        smoothing: false,
        source: InputSource::SideChain,
        hold: true,
        notation: Notation::OpenKey,
    };
    for change in wanted.changes() {
        host.change(change);
    }
    assert_eq!(host.parameters(), wanted);
    let gestures = whole.program.gestures.lock().unwrap();
    assert_eq!(*gestures, ["begin", "set", "end"].repeat(6));
}

#[test]
fn only_a_new_instance_takes_the_defaults() {
    let folder = tempfile::tempdir().unwrap();
    let user = User::at(folder.path());
    let whole = || Whole::new(user.clone());
    let mut window = open(
        whole().stage,
        Page::Settings,
        snapshot(0),
        vec2(960.0, 600.0),
    );
    window.get_by_label("Save as default").focus();
    window.run();
    window.key_press(Key::Enter);
    window.run();
    assert!(user.defaults::<PluginState>().is_some());
    let given = |whole: &Whole| whole.program.given.lock().unwrap().len();
    let new = whole();
    drop(new.stage.editor_ui(&egui::Context::default()));
    assert_eq!(given(&new), 1);
    let old = whole();
    old.stage.host.state().set(&ViewSettings::default());
    drop(old.stage.editor_ui(&egui::Context::default()));
    assert_eq!(given(&old), 0);
}
