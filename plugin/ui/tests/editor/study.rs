//! The study page by keyboard.

use egui::vec2;
use egui_kittest::kittest::Queryable;
use mertscope_ui::view_settings::Page;

use crate::Stage;
use crate::reach::{operated, tabbed};
use crate::studied::studied;
use crate::window::open;

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
