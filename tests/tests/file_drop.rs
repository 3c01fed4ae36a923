//! Files dragged by a source of our own over the real windows, of the plugin in a CLAP host and of the
//! standalone app, and dropped there.
#![cfg(target_os = "linux")]

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use mertscope_tests::host::Instance;
use mertscope_tests::window::{Screen, test_on_a_screen};
use mertscope_tests::xdnd::{DragSource, Target};
use mertscope_tests::{chord, standalone, wav, welcomed_user};
use serde_json::Value;

const RATE_HZ: u32 = 16_000;

/// A place in the windows, which are at the left top of the screen.
const AT: (i16, i16) = (300, 250);

/// The time limit for an effect: long enough that only a hang exceeds it.
const PATIENCE: Duration = Duration::from_secs(120);

/// A file of music, with a name that an address has to escape.
fn music(folder: &Path) -> PathBuf {
    let file = folder.join("My mix #1 é.wav");
    fs::write(&file, wav(RATE_HZ, 1, &chord(RATE_HZ, 12.0))).unwrap();
    file
}

fn wait_until<T>(what: &str, found: impl Fn() -> Option<T>) -> T {
    let begun = Instant::now();
    loop {
        if let Some(found) = found() {
            return found;
        }
        assert!(begun.elapsed() < PATIENCE, "never: {what}");
        thread::sleep(Duration::from_millis(50));
    }
}

/// Waits for a window that takes drags by our own receiver.
fn target(source: &DragSource) -> Target {
    wait_until("a window takes drags", || {
        let target = source.target_at(AT);
        target.filter(|target| target.receiver != target.window)
    })
}

fn our_state(instance: &mut Instance) -> Value {
    let state = instance.state();
    serde_json::from_str(state["fields"]["mertscope"].as_str().unwrap()).unwrap()
}

/// A drag shows what a drop would do, leaving hides it again, and a drop makes a reference on the study page.
#[test]
fn a_file_dropped_on_the_plugin_becomes_a_reference() {
    if !test_on_a_screen("a_file_dropped_on_the_plugin_becomes_a_reference") {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let file = music(folder.path());
    let screen = Screen::connect();
    let mut instance = Instance::default();
    // The engine runs from the first activation on.
    let processor = instance.activate(RATE_HZ, 512);
    let editor = screen.open(&mut instance, (0, 0));
    editor.wait_for("the window", |picture| picture.is_covered());
    let mut source = DragSource::new(&[&file]);
    let target = target(&source);
    let before = editor.wait_until_still();
    source.enter(target);
    assert!(source.move_to(target, AT));
    editor.wait_for("what a drop would do", |picture| *picture != before);
    let hovered = editor.wait_until_still();
    hovered.keep("file-drop");
    source.leave(target);
    editor.wait_for("the window as it was", |picture| *picture == before);

    source.enter(target);
    assert!(source.move_to(target, AT));
    assert!(source.drop_on(target));
    let begun = Instant::now();
    let state = loop {
        let state = our_state(&mut instance);
        if state.to_string().contains("My mix #1 é") {
            break state;
        }
        assert!(begun.elapsed() < PATIENCE, "no reference: {state}");
        thread::sleep(Duration::from_millis(100));
    };
    assert_eq!(state["look"]["page"], "study", "{state}");
    instance.deactivate(processor);
    editor.close(&mut instance);
}

/// A source that drags no file, or ends in the middle, leaves nothing over the window.
#[test]
fn a_drag_without_files_or_without_an_end_leaves_nothing() {
    if !test_on_a_screen("a_drag_without_files_or_without_an_end_leaves_nothing") {
        return;
    }
    let screen = Screen::connect();
    let mut instance = Instance::default();
    let editor = screen.open(&mut instance, (0, 0));
    editor.wait_for("the window", |picture| picture.is_covered());
    let mut empty = DragSource::new(&[]);
    let target = target(&empty);
    let before = editor.wait_until_still();
    empty.enter(target);
    // Only the list, which comes later, shows that there are no files.
    let _ = empty.move_to(target, AT);
    editor.wait_for("the window as it was", |picture| *picture == before);
    assert!(!empty.move_to(target, AT));
    assert!(!empty.drop_on(target));

    let folder = tempfile::tempdir().unwrap();
    let mut source = DragSource::new(&[&music(folder.path())]);
    source.enter(target);
    assert!(source.move_to(target, AT));
    editor.wait_for("what a drop would do", |picture| *picture != before);
    drop(source);
    editor.wait_for("the window as it was", |picture| *picture == before);
    editor.close(&mut instance);
}

#[test]
fn a_file_dropped_on_the_app_plays() {
    if !test_on_a_screen("a_file_dropped_on_the_app_plays") {
        return;
    }
    let config = welcomed_user();
    let file = music(config.path());
    let mut app = standalone(config.path(), "mertscope-test-no-server")
        .env("DISPLAY", env::var_os("DISPLAY").expect("a screen"))
        .args(["--backend", "none"])
        .spawn()
        .expect("the app starts");
    let mut source = DragSource::new(&[&file]);
    let target = target(&source);
    source.enter(target);
    assert!(source.move_to(target, AT));
    assert!(source.drop_on(target));
    let kept = config.path().join("mertscope/standalone.json");
    wait_until("the app plays the file", || {
        let text = fs::read_to_string(&kept).ok()?;
        let kept: Value = serde_json::from_str(&text).ok()?;
        let is_it = kept["audio"]["file"].as_str() == file.to_str();
        (is_it && kept["audio"]["source"] == "file").then_some(())
    });
    app.kill().expect("the app ends");
    app.wait().expect("the app ended");
}
