//! The plugin's window in a CLAP host on X11: its size at every scale, requests to the host, and whose
//! the keyboard is.
#![cfg(target_os = "linux")]

use std::thread;
use std::time::{Duration, Instant};

use mertscope_tests::host::Instance;
use mertscope_tests::window::{
    Editor, Picture, Region, Screen, test_on_a_screen, test_with_keys_on_a_screen,
};
use serde_json::Value;

/// The window's first size, in logical points.
const FIRST: (f64, f64) = (960.0, 600.0);

/// The smallest window, in logical points.
const SMALLEST: (f64, f64) = (480.0, 320.0);

/// The scales that desktops offer.
const SCALES: [f64; 5] = [1.0, 1.25, 1.5, 2.0, 3.0];

/// Parts of a window of the first size that show text without results, at every scale.
const PARTS: [Region; 3] = [
    [0.0, 0.0, 1.0, 0.06],
    [0.05, 0.12, 0.35, 0.55],
    [0.0, 0.94, 1.0, 1.0],
];

/// The time limit for the focus: long enough that only a hang exceeds it.
const PATIENCE: Duration = Duration::from_secs(60);

/// The fewest colors of a part with text.
const SHADES: usize = 8;

fn pixels((width, height): (f64, f64), scale: f64) -> (u32, u32) {
    (
        (width * scale).round() as u32,
        (height * scale).round() as u32,
    )
}

/// Waits until the whole window is drawn in this size.
fn drawn(editor: &Editor<'_>, what: &str, size: (u32, u32)) -> Picture {
    editor.wait_for(what, |picture| {
        (picture.width, picture.height) == (size.0 as usize, size.1 as usize)
            && picture.is_covered()
            && PARTS.iter().all(|part| picture.colors(*part) >= SHADES)
    });
    editor.wait_until_still()
}

/// The size that the project keeps, in logical points.
fn kept_size(instance: &mut Instance) -> Option<(u64, u64)> {
    let state = instance.state();
    let ours = state["fields"]["mertscope"].as_str().unwrap();
    let ours: Value = serde_json::from_str(ours).unwrap();
    let side = |name: &str| ours["window"][name].as_u64();
    side("width").zip(side("height"))
}

#[test]
fn the_window_has_its_size_at_every_scale_of_the_host() {
    if !test_on_a_screen("the_window_has_its_size_at_every_scale_of_the_host") {
        return;
    }
    let screen = Screen::connect();
    for scale in SCALES {
        let mut instance = Instance::default();
        let editor = screen.open_scaled(&mut instance, scale);
        let size = pixels(FIRST, scale);
        assert_eq!(editor.told_size(&mut instance), size, "at {scale}");
        assert_eq!(editor.plugin_size(), size, "at {scale}");
        drawn(&editor, &format!("scale {scale}"), size).keep(&format!("clap-scale-{scale}"));
        let smallest = editor.adjusted_size(&mut instance, (1, 1));
        assert_eq!(smallest, pixels(SMALLEST, scale), "at {scale}");
        // The size came with the window: there was nothing to ask for.
        assert_eq!(asked(&instance), [], "at {scale}");
        editor.close(&mut instance);
        assert!(matches!(kept_size(&mut instance), None | Some((960, 600))));
        // The host need not tell it again.
        let again = screen.open(&mut instance, (0, 0));
        assert_eq!(again.plugin_size(), size, "again at {scale}");
        again.close(&mut instance);
    }
}

#[test]
fn the_window_has_its_size_at_every_resolution_of_the_desktop() {
    if !test_on_a_screen("the_window_has_its_size_at_every_resolution_of_the_desktop") {
        return;
    }
    let screen = Screen::connect();
    for scale in SCALES {
        screen.set_dpi(Some((96.0 * scale) as u32));
        let mut instance = Instance::default();
        let editor = screen.open(&mut instance, (0, 0));
        let size = pixels(FIRST, scale);
        assert_eq!(editor.told_size(&mut instance), size, "at {scale}");
        assert_eq!(editor.plugin_size(), size, "at {scale}");
        drawn(&editor, &format!("scale {scale}"), size).keep(&format!("clap-dpi-{scale}"));
        // The desktop's scale counts: the host learns whether its own is in use.
        assert!(editor.set_scale(&mut instance, scale));
        assert!(!editor.set_scale(&mut instance, scale + 1.0));
        assert_eq!(editor.told_size(&mut instance), size, "at {scale}");
        assert_eq!(asked(&instance), [], "at {scale}");
        editor.resize_as_host(&mut instance, pixels((700.0, 440.0), scale));
        assert_eq!(kept_size(&mut instance), Some((700, 440)), "at {scale}");
        editor.close(&mut instance);
        // Where the desktop has no scale, it has the same size in points at the scale that the host told.
        screen.set_dpi(None);
        let again = screen.open(&mut instance, (0, 0));
        assert_eq!(again.plugin_size(), pixels((700.0, 440.0), scale));
        again.close(&mut instance);
    }
}

fn asked(instance: &Instance) -> Vec<(u32, u32)> {
    let here = thread::current().id();
    instance
        .plugin
        .access_shared_handler(|host| host.resizes_asked_for())
        .into_iter()
        .map(|(size, thread)| {
            assert_eq!(thread, here, "a request from another thread");
            size
        })
        .collect()
}

#[test]
fn a_host_that_changes_its_scale_is_asked_for_the_new_size_once() {
    if !test_on_a_screen("a_host_that_changes_its_scale_is_asked_for_the_new_size_once") {
        return;
    }
    let screen = Screen::connect();
    let mut instance = Instance::default();
    let editor = screen.open(&mut instance, (0, 0));
    drawn(&editor, "the first scale", (960, 600));
    assert!(editor.set_scale(&mut instance, 2.0));
    assert_eq!(asked(&instance), [(1920, 1200)]);
    editor.resize((1920, 1200));
    assert_eq!(editor.told_size(&mut instance), (1920, 1200));
    drawn(&editor, "the second scale", (1920, 1200));
    // A host that has no room keeps its window: nothing is cut off.
    instance
        .plugin
        .access_shared_handler(|host| host.refuse_resizes());
    assert!(editor.set_scale(&mut instance, 3.0));
    assert_eq!(asked(&instance), [(2880, 1800)]);
    assert_eq!(editor.plugin_size(), (1920, 1200));
    assert_eq!(editor.told_size(&mut instance), (1920, 1200));
    editor.close(&mut instance);
}

#[test]
fn a_size_from_a_toolkit_is_no_request() {
    if !test_on_a_screen("a_size_from_a_toolkit_is_no_request") {
        return;
    }
    let screen = Screen::connect();
    let mut instance = Instance::default();
    let editor = screen.open(&mut instance, (0, 0));
    drawn(&editor, "the window", (960, 600));
    for size in [(800, 500), (1300, 900), (480, 320)] {
        editor.resize(size);
        editor.resize_plugin(size);
        let fits = |picture: &Picture| picture.is_covered() && picture.width == size.0 as usize;
        editor.wait_for("the toolkit's size", fits);
        editor.wait_until_still();
        instance.plugin.call_on_main_thread_callback();
        assert_eq!(asked(&instance), []);
        assert_eq!(editor.told_size(&mut instance), size);
    }
    editor.close(&mut instance);
}

#[test]
fn numbers_that_no_window_has_are_refused() {
    if !test_on_a_screen("numbers_that_no_window_has_are_refused") {
        return;
    }
    let screen = Screen::connect();
    let mut instance = Instance::default();
    let editor = screen.open(&mut instance, (0, 0));
    for scale in [0.0, -1.0, f64::NAN, f64::INFINITY, 1e-9, 1e9] {
        assert!(!editor.set_scale(&mut instance, scale), "{scale}");
    }
    for size in [
        (0, 0),
        (0, 600),
        (960, 0),
        (100_000, 600),
        (u32::MAX, u32::MAX),
    ] {
        assert!(!editor.set_size(&mut instance, size), "{size:?}");
    }
    assert_eq!(editor.told_size(&mut instance), (960, 600));
    drawn(&editor, "the window", (960, 600));
    editor.close(&mut instance);
}

/// A host's window that is gone before the plugin's is no reason to end the host.
#[test]
fn a_host_may_remove_its_window_first() {
    if !test_on_a_screen("a_host_may_remove_its_window_first") {
        return;
    }
    let screen = Screen::connect();
    for _ in 0..2 {
        let mut instance = Instance::default();
        let first = screen.open(&mut instance, (0, 0));
        first.wait_for("a window", Picture::is_covered);
        first.remove_first(&mut instance);
        let second = screen.open(&mut instance, (0, 0));
        second.wait_for("a window", Picture::is_covered);
        second.close(&mut instance);
    }
}

/// The server ends the window's connection, not the host's.
#[test]
fn a_window_that_loses_the_server_does_not_end_the_host() {
    if !test_on_a_screen("a_window_that_loses_the_server_does_not_end_the_host") {
        return;
    }
    let screen = Screen::connect();
    let mut instance = Instance::default();
    let editor = screen.open(&mut instance, (0, 0));
    drawn(&editor, "the window", (960, 600));
    editor.lose_server();
    let begun = Instant::now();
    while editor.plugin().is_some() {
        assert!(begun.elapsed() < PATIENCE, "the window is still there");
    }
    // The window's thread finds out and ends.
    thread::sleep(Duration::from_secs(1));
    editor.close(&mut instance);
    let again = screen.open(&mut instance, (0, 0));
    drawn(&again, "the window", (960, 600));
    again.close(&mut instance);
}

/// Some hosts embed only a window that says that it can be embedded.
#[test]
fn the_window_says_that_it_can_be_embedded() {
    if !test_on_a_screen("the_window_says_that_it_can_be_embedded") {
        return;
    }
    let screen = Screen::connect();
    let mut instance = Instance::default();
    let editor = screen.open(&mut instance, (0, 0));
    // Version 0 of the protocol, and the flag of a window that is to be on the screen.
    assert_eq!(editor.plugin_property("_XEMBED_INFO"), Some(vec![0, 1]));
    editor.close(&mut instance);
}

/// The name of the Study page in the bar of a window of the first size.
const STUDY: (i32, i32) = (426, 20);

/// Waits until a window has the keyboard's focus.
fn wait_for_focus(screen: &Screen, window: u32) {
    let begun = Instant::now();
    while screen.focus() != window {
        assert!(begun.elapsed() < PATIENCE, "the focus stays elsewhere");
        thread::sleep(Duration::from_millis(10));
    }
}

/// Clicks on pages and controls leave the keyboard to the host, even while the pointer is over the window.
/// Controls that need it take it, and give it back.
#[test]
fn the_keyboard_is_the_hosts_except_for_text_and_tab() {
    if !test_with_keys_on_a_screen("the_keyboard_is_the_hosts_except_for_text_and_tab") {
        return;
    }
    let screen = Screen::connect();
    let mut instance = Instance::default();
    let editor = screen.open(&mut instance, (0, 0));
    let (host, plugin) = (editor.id(), editor.plugin().unwrap());
    drawn(&editor, "the window", (960, 600));
    editor.take_focus();
    let mut clicks = vec![
        (480, 590),
        (300, 20),
        (240, 20),
        (480, 560),
        (180, 200),
        STUDY,
    ];
    clicks.extend([(160, 20), STUDY]);
    for (x, y) in clicks {
        screen.move_pointer(x, y);
        screen.click();
        editor.wait_until_still();
        assert_eq!(screen.focus(), host, "after a click at {x}, {y}");
        editor.key_presses();
        screen.press("space");
        screen.press("a");
        screen.press("BackSpace");
        editor.wait_for_key_presses(3);
    }
    // A text field, wherever it is on the page, takes the focus.
    for y in (60..500).step_by(12) {
        screen.move_pointer(100, y);
        screen.click();
        thread::sleep(Duration::from_millis(200));
        if screen.focus() == plugin {
            break;
        }
    }
    wait_for_focus(&screen, plugin);
    let empty = editor.wait_until_still();
    editor.key_presses();
    screen.types("abc");
    editor.wait_for("the text", |picture| *picture != empty);
    assert_eq!(editor.key_presses(), 0);
    // It gives the focus back when the user clicks beside it, and lets go when the host takes it.
    screen.move_pointer(100, 540);
    screen.click();
    wait_for_focus(&screen, host);
    screen.press("space");
    editor.wait_for_key_presses(1);
    // Tab over the window goes through its controls.
    screen.press("Tab");
    wait_for_focus(&screen, plugin);
    editor.wait_until_still();
    editor.key_presses();
    // It starts again here, and deletes nothing there.
    screen.press("BackSpace");
    screen.press("Escape");
    wait_for_focus(&screen, host);
    assert_eq!(editor.key_presses(), 0);
    screen.press("space");
    editor.wait_for_key_presses(1);
    screen.press("Tab");
    wait_for_focus(&screen, plugin);
    editor.wait_until_still();
    editor.take_focus();
    editor.wait_until_still();
    assert_eq!(screen.focus(), host);
    editor.key_presses();
    screen.press("space");
    editor.wait_for_key_presses(1);
    editor.close(&mut instance);
}
