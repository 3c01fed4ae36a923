//! The plugin's window in a VST3 host on X11: its size at every scale, and hosts whose event loop runs on
//! another thread or that have none.
#![cfg(target_os = "linux")]

use std::thread;

use mertscope_tests::vst3_host::{EventLoop, View, Vst3};
use mertscope_tests::window::{Picture, Screen, test_on_a_screen};

/// The window's first size, in logical points.
const FIRST: (f64, f64) = (960.0, 600.0);

/// The smallest window, in logical points.
const SMALLEST: (f64, f64) = (480.0, 320.0);

/// The scales that desktops offer.
const SCALES: [f64; 5] = [1.0, 1.25, 1.5, 2.0, 3.0];

/// Where hosts run their event loops.
const EVENT_LOOPS: [EventLoop; 3] = [EventLoop::SameThread, EventLoop::OwnThread, EventLoop::None];

fn pixels((width, height): (f64, f64), scale: f64) -> (u32, u32) {
    (
        (width * scale).round() as u32,
        (height * scale).round() as u32,
    )
}

/// Waits until the whole window is drawn in this size.
fn drawn(view: &View<'_>, what: &str, (width, height): (u32, u32)) -> Picture {
    view.wait_for(what, |picture| {
        let size = (picture.width as u32, picture.height as u32);
        // The status bar at the bottom has text.
        let bottom = picture.colors([0.0, 0.94, 1.0, 1.0]) >= 8;
        size == (width, height) && picture.is_covered() && bottom
    });
    view.wait_until_still()
}

/// The sizes that were asked for, all of them on this thread.
fn asked(view: &View<'_>) -> Vec<(u32, u32)> {
    view.run_event_loop();
    let here = thread::current().id();
    let asked = view.resizes_asked_for().into_iter();
    asked
        .map(|(size, thread)| {
            assert_eq!(thread, here, "a request from another thread");
            size
        })
        .collect()
}

#[test]
fn the_window_has_its_size_at_every_resolution_of_the_desktop() {
    if !test_on_a_screen("the_window_has_its_size_at_every_resolution_of_the_desktop") {
        return;
    }
    let screen = Screen::connect();
    let plugin = Vst3::new();
    for event_loop in EVENT_LOOPS {
        // Where the loop runs matters at a scale other than 1 only.
        let scales = if event_loop == EventLoop::OwnThread {
            SCALES.as_slice()
        } else {
            &SCALES[3..4]
        };
        for &scale in scales {
            screen.set_dpi(Some((96.0 * scale) as u32));
            let view = plugin.view().open(&screen, event_loop);
            let size = pixels(FIRST, scale);
            assert_eq!(
                view.content().told_size(),
                size,
                "{event_loop:?} at {scale}"
            );
            assert_eq!(view.plugin_size(), size, "{event_loop:?} at {scale}");
            drawn(&view, &format!("scale {scale}"), size).keep(&format!("vst3-dpi-{scale}"));
            let smallest = view.content().adjusted_size((1, 1));
            assert_eq!(
                smallest,
                pixels(SMALLEST, scale),
                "{event_loop:?} at {scale}"
            );
            assert_eq!(asked(&view), [], "{event_loop:?} at {scale}");
            view.close();
        }
    }
}

/// A toolkit that resizes the plugin's window itself caused a request to the host, and an abort where the
/// event loop has a thread of its own.
#[test]
fn a_size_from_a_toolkit_is_no_request() {
    if !test_on_a_screen("a_size_from_a_toolkit_is_no_request") {
        return;
    }
    let screen = Screen::connect();
    for event_loop in EVENT_LOOPS {
        let plugin = Vst3::new();
        let view = plugin.view().open(&screen, event_loop);
        drawn(&view, "the window", (960, 600));
        for size in [(800, 500), (1300, 900), (480, 320)] {
            view.resize(size);
            view.resize_plugin(size);
            drawn(&view, "the toolkit's size", size);
            assert_eq!(asked(&view), [], "{event_loop:?}");
            assert_eq!(view.content().told_size(), size, "{event_loop:?}");
        }
        assert!(!view.content().set_size((100_000, 1)));
        view.resize((700, 500));
        assert!(view.content().set_size((700, 500)));
        drawn(&view, "the host's size", (700, 500));
        view.close();
    }
}

#[test]
fn the_window_says_that_it_can_be_embedded() {
    if !test_on_a_screen("the_window_says_that_it_can_be_embedded") {
        return;
    }
    let screen = Screen::connect();
    let plugin = Vst3::new();
    let view = plugin.view().open(&screen, EventLoop::SameThread);
    assert_eq!(view.plugin_property("_XEMBED_INFO"), Some(vec![0, 1]));
    view.close();
}

/// A host that tells its scale after it has opened the window is asked for the new size on its own thread.
#[test]
fn a_host_that_changes_its_scale_is_asked_for_the_new_size_once() {
    if !test_on_a_screen("a_host_that_changes_its_scale_is_asked_for_the_new_size_once") {
        return;
    }
    let screen = Screen::connect();
    let plugin = Vst3::new();
    let view = plugin.view().open(&screen, EventLoop::SameThread);
    drawn(&view, "the window", (960, 600));
    for (scale, size) in [(2.0, (1920, 1200)), (1.5, (1440, 900)), (1.0, (960, 600))] {
        assert!(view.content().set_scale(scale));
        assert_eq!(view.content().told_size(), size);
        assert_eq!(asked(&view), [size]);
        view.resize(size);
        drawn(&view, "the new scale", size);
    }
    for scale in [0.0, 1e-9, 1e9] {
        assert!(!view.content().set_scale(scale), "{scale}");
    }
    view.close();
}

/// A host's automation presses the trigger, which is off again at once; all other parameters keep their value.
#[test]
fn the_trigger_alone_is_off_again_after_it_was_automated() {
    let plugin = Vst3::new();
    let before = plugin.values();
    // The last block sets every parameter to one.
    plugin.automate(2);
    let off: Vec<usize> = plugin
        .values()
        .iter()
        .enumerate()
        .filter(|(_, value)| **value == 0.0)
        .map(|(index, _)| index)
        .collect();
    assert_eq!(off.len(), 1, "{off:?} of {}", before.len());
}

/// A host may tell its scale before it opens the window, and asks for the size then.
#[test]
fn a_scale_that_is_told_before_the_window_opens_is_its_scale() {
    if !test_on_a_screen("a_scale_that_is_told_before_the_window_opens_is_its_scale") {
        return;
    }
    let screen = Screen::connect();
    let plugin = Vst3::new();
    for scale in SCALES {
        let content = plugin.view();
        for impossible in [0.0, -1.0, 1e9, f32::NAN] {
            assert!(!content.set_scale(impossible), "{impossible}");
        }
        assert!(content.set_scale(scale as f32));
        let size = pixels(FIRST, scale);
        assert_eq!(content.told_size(), size, "before, at {scale}");
        let view = content.open(&screen, EventLoop::SameThread);
        assert_eq!(view.plugin_size(), size, "at {scale}");
        drawn(&view, &format!("scale {scale}"), size).keep(&format!("vst3-told-{scale}"));
        assert_eq!(
            view.content().adjusted_size((1, 1)),
            pixels(SMALLEST, scale)
        );
        assert_eq!(asked(&view), [], "at {scale}");
        view.close();
    }
    // The desktop's own scale comes first, and the host hears of it.
    screen.set_dpi(Some(192));
    let content = plugin.view();
    assert!(!content.set_scale(1.5) && content.set_scale(2.0));
    assert_eq!(content.told_size(), pixels(FIRST, 2.0));
    let view = content.open(&screen, EventLoop::SameThread);
    drawn(&view, "the desktop's scale", pixels(FIRST, 2.0));
    view.close();
}

/// Automation reaches an open window, wherever the host runs its event loop.
#[test]
fn parameters_are_automated_while_the_window_is_open() {
    if !test_on_a_screen("parameters_are_automated_while_the_window_is_open") {
        return;
    }
    let screen = Screen::connect();
    for event_loop in EVENT_LOOPS {
        let plugin = Vst3::new();
        let view = plugin.view().open(&screen, event_loop);
        drawn(&view, "the window", (960, 600));
        plugin.automate(500);
        view.run_event_loop();
        // From now on only the change of a parameter can repaint the window.
        plugin.set_all(0.0);
        let off = view.wait_until_still();
        plugin.set_all(1.0);
        let on = view.wait_for("the parameters' other values", |picture| *picture != off);
        assert!(on.is_covered(), "{event_loop:?}");
        view.close();
    }
}

/// The framework's own view panics when a parameter changes at the moment at which its window opens or closes.
#[test]
fn parameters_are_automated_while_windows_open_and_close() {
    if !test_on_a_screen("parameters_are_automated_while_windows_open_and_close") {
        return;
    }
    let screen = Screen::connect();
    for event_loop in EVENT_LOOPS {
        let plugin = Vst3::new();
        plugin.automate_during(|| {
            for _ in 0..4 {
                let view = plugin.view().open(&screen, event_loop);
                view.run_event_loop();
                view.close();
            }
            let view = plugin.view().open(&screen, event_loop);
            view.wait_for("the window", |picture| picture.is_covered());
            view.close();
        });
    }
}
