//! The study page by keyboard.

use egui::accesskit::Role;
use egui::vec2;
use egui_kittest::kittest::Queryable;
use mertscope_live::Request;
use mertscope_ui::view_settings::Page;

use crate::Stage;
use crate::music::snapshot;
use crate::reach::{operated, tabbed};
use crate::studied::studied;
use crate::window::{open, press};

#[test]
fn the_keyboard_reaches_everything_in_a_small_and_in_a_large_window() {
    for size in [vec2(480.0, 320.0), vec2(960.0, 900.0)] {
        for half in ["References", "Teach"] {
            let mut window = open(Stage::default(), Page::Study, studied(60), size);
            if size.x < 600.0 {
                window.get_by_label(half).click();
                window.run();
            }
            let controls = operated(&window);
            assert!(controls.len() > 14, "{controls:?}");
            let reached = tabbed(&mut window);
            for control in controls {
                assert!(!control.1.is_empty(), "a {:?} without a name", control.0);
                assert!(reached.contains(&control), "{size}: Tab misses {control:?}");
            }
        }
    }
}

#[test]
fn before_its_first_use_the_page_shows_an_example_and_the_first_step() {
    for size in [vec2(480.0, 320.0), vec2(960.0, 600.0)] {
        let mut window = open(Stage::default(), Page::Study, snapshot(60), size);
        let example = "Example of distances over time";
        assert_eq!(window.query_all_by_label_contains(example).count(), 1);
        press(&mut window, Role::Button, "Capture now");
        if size.x < 600.0 {
            window.get_by_label("Teach").click();
            window.run();
        }
        let example = "Example of labels over time";
        assert_eq!(window.query_all_by_label_contains(example).count(), 1);
        press(&mut window, Role::Button, "Mark a chorus");
        let asked = window.state().stage.host.asked.lock().unwrap().clone();
        assert!(
            matches!(
                asked.as_slice(),
                [
                    Request::Capture { name, .. },
                    Request::Mark { label, windows: 3 }
                ] if name == "Reference 1" && label == "chorus"
            ),
            "{asked:?}"
        );
    }
    // The user's own take the place of the examples.
    let window = open(
        Stage::default(),
        Page::Study,
        studied(60),
        vec2(960.0, 900.0),
    );
    assert!(window.query_by_label_contains("Example of").is_none());
}
