//! The plugin's real window in a CLAP host: its content, opening, closing and resizing, and painting
//! only when something has changed.
#![cfg(target_os = "linux")]

use std::fs;
use std::thread;
use std::time::Duration;

use mertscope_tests::chord;
use mertscope_tests::host::Instance;
use mertscope_tests::window::{Picture, Region, Screen, test_on_a_screen};
use serde_json::{Value, json};

const RATE_HZ: u32 = 16_000;

/// Frames in a block.
const FRAMES: usize = 2048;

/// The main parts of a window of the first size, with their places.
const PARTS: [(&str, Region); 5] = [
    ("the bar", [0.0, 0.0, 1.0, 0.06]),
    ("the circle of fifths", [0.05, 0.12, 0.35, 0.55]),
    ("the genres", [0.5, 0.12, 0.95, 0.55]),
    ("the timeline", [0.05, 0.65, 0.975, 0.9]),
    ("the status strip", [0.0, 0.94, 1.0, 1.0]),
];

/// The number of windows that are opened and closed without a pause.
const REOPENINGS: usize = 30;

/// The fewest colors of a part: text alone has that many shades.
const SHADES: usize = 8;

/// The fewest colored pixels of a part that shows results.
const LIT: usize = 50;

/// An instance in an exact offline render, with a hop of one second.
fn instance() -> Instance {
    let mut instance = Instance::default();
    let mut state = instance.state();
    let mut object: Value =
        serde_json::from_str(state["fields"]["mertscope"].as_str().unwrap()).unwrap();
    object["engine"] = json!({ "exact_offline": true, "cpu_share": 1.0 });
    state["fields"]["mertscope"] = json!(object.to_string());
    state["params"]["hop"] = json!({ "f32": 1.0 });
    assert!(instance.load_state(&state));
    instance.set_offline(true);
    instance
}

/// Plays a chord; the last windows may be analyzed soon after.
fn play(instance: &mut Instance, seconds: f64) {
    let mut processor = instance.activate(RATE_HZ, FRAMES);
    for block in chord(RATE_HZ, seconds).chunks(FRAMES) {
        for channel in processor.input() {
            channel[..block.len()].copy_from_slice(block);
        }
        processor.play(block.len());
    }
    instance.deactivate(processor);
}

fn is_drawn(picture: &Picture) -> bool {
    let parts = PARTS.iter();
    picture.is_covered()
        && parts
            .into_iter()
            .all(|(_, part)| picture.colors(*part) >= SHADES)
}

/// The kernel's flag of a thread that runs no more code of the process.
const EXITING: u32 = 4;

/// The names of this process's threads, without those that are ending: a joined thread is still
/// listed for a moment.
fn threads() -> Vec<String> {
    let tasks = fs::read_dir("/proc/self/task").unwrap();
    let name = |task: Result<fs::DirEntry, _>| {
        // A thread that has ended has no line. The line: number (name) state, five numbers, flags.
        let line = fs::read_to_string(task.unwrap().path().join("stat")).ok()?;
        let (name, rest) = line.rsplit_once(')')?;
        let flags: u32 = rest.split_whitespace().nth(6)?.parse().ok()?;
        (flags & EXITING == 0).then(|| name.to_owned())
    };
    tasks.filter_map(name).collect()
}

/// Resident memory of this process in MB.
fn resident_mb() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmRSS:"));
    let kb = line.and_then(|line| line.split_whitespace().nth(1));
    kb.unwrap().parse::<u64>().unwrap() / 1024
}

/// Each main part of the window shows something; the picture is kept in `target/pictures`.
#[test]
fn the_window_shows_results_in_every_main_part() {
    if !test_on_a_screen("the_window_shows_results_in_every_main_part") {
        return;
    }
    let screen = Screen::connect();
    let mut instance = instance();
    play(&mut instance, 30.0);
    let editor = screen.open(&mut instance, (0, 0));
    editor.wait_for("all of the window", is_drawn);
    let picture = editor.wait_until_still();
    picture.keep("clap-window");
    for (what, part) in PARTS {
        let colors = picture.colors(part);
        assert!(colors >= SHADES, "{what} has {colors} colors");
    }
    // Results are drawn in color.
    for (what, part) in &PARTS[1..4] {
        let pixels = picture.colorful(*part);
        assert!(pixels >= LIT, "{what} has {pixels} pixels in color");
    }
    editor.close(&mut instance);
}

/// The window is drawn after any pause between its creation and its showing: a frame that was
/// requested too early must not be the last one.
#[test]
fn a_window_is_drawn_without_audio() {
    if !test_on_a_screen("a_window_is_drawn_without_audio") {
        return;
    }
    let screen = Screen::connect();
    for pause_ms in [0, 5, 20, 100, 400] {
        let mut instance = Instance::default();
        let pause = Duration::from_millis(pause_ms);
        let editor = screen.open_after(&mut instance, (0, 0), pause);
        let drawn = |picture: &Picture| {
            let part = |name: &str| PARTS.iter().find(|(what, _)| *what == name).unwrap().1;
            let has_shades = |name: &str| picture.colors(part(name)) >= SHADES;
            // Without results the parts without text are empty.
            let parts = ["the bar", "the circle of fifths", "the status strip"];
            picture.is_covered() && parts.into_iter().all(has_shades)
        };
        let what = format!("a window shown after {pause_ms} ms");
        let picture = editor.wait_for(&what, drawn);
        // No key is lit without results.
        let (_, circle) = PARTS[1];
        let lit = picture.colorful(circle);
        assert!(lit < LIT, "{lit} pixels of the idle circle are in color");
        // Each change that the host makes while nothing plays is drawn too.
        for theme in ["light", "dark", "light"] {
            let before = editor.wait_until_still();
            let mut state = instance.state();
            let mut object: Value =
                serde_json::from_str(state["fields"]["mertscope"].as_str().unwrap()).unwrap();
            object["look"] = json!({ "theme": theme });
            state["fields"]["mertscope"] = json!(object.to_string());
            assert!(instance.load_state(&state));
            editor.wait_for(theme, |picture| *picture != before);
        }
        editor.close(&mut instance);
    }
}

/// Two windows of two instances are open at once; one goes on when the other is closed.
#[test]
fn two_windows_are_open_at_once() {
    if !test_on_a_screen("two_windows_are_open_at_once") {
        return;
    }
    let screen = Screen::connect();
    let (mut first, mut second) = (instance(), instance());
    play(&mut first, 12.0);
    let one = screen.open(&mut first, (0, 0));
    let two = screen.open(&mut second, (700, 400));
    one.wait_for("the first window", is_drawn);
    two.wait_for("the second window", Picture::is_covered);
    one.close(&mut first);
    two.resize_as_host(&mut second, (640, 400));
    let same_size = |picture: &Picture| picture.is_covered() && picture.width == 640;
    two.wait_for("the second window, smaller", same_size);
    two.close(&mut second);
}

#[test]
fn eight_windows_leave_no_thread_and_no_memory() {
    leave_no_thread_and_no_memory("eight_windows_leave_no_thread_and_no_memory", 8);
}

#[test]
#[ignore = "long: opens 200 windows"]
fn two_hundred_windows_leave_no_thread_and_no_memory() {
    leave_no_thread_and_no_memory("two_hundred_windows_leave_no_thread_and_no_memory", 200);
}

/// Opens and closes windows one after another: no thread and less than 40 MB are left over, and the
/// last window is drawn as the first.
fn leave_no_thread_and_no_memory(test: &str, times: usize) {
    if !test_on_a_screen(test) {
        return;
    }
    let screen = Screen::connect();
    let mut instance = instance();
    play(&mut instance, 12.0);
    let mut mb_before = 0;
    for round in 0..times {
        let before = threads();
        let editor = screen.open(&mut instance, (0, 0));
        editor.wait_for("a window", Picture::is_covered);
        editor.close(&mut instance);
        // A closed window leaves no thread: a host may unload the plugin at once.
        let after = threads();
        assert!(after.len() <= before.len(), "{before:?} became {after:?}");
        // The first ones fill caches of the driver and of the engine's threads.
        if round == 3 {
            mb_before = resident_mb();
        }
    }
    let mb = resident_mb();
    println!("{times} windows: {mb_before} MB resident after four of them, {mb} MB after all");
    assert!(mb <= mb_before + 40, "{mb_before} MB became {mb} MB");
    let editor = screen.open(&mut instance, (0, 0));
    editor.wait_for("the last window", is_drawn);
    editor.close(&mut instance);
}

/// A window is closed and opened again at once, thirty times, each time beside a window of a new
/// instance: memory does not grow.
#[test]
fn reopened_windows_leave_no_memory() {
    if !test_on_a_screen("reopened_windows_leave_no_memory") {
        return;
    }
    let screen = Screen::connect();
    let mut first = instance();
    play(&mut first, 12.0);
    let mut mb = Vec::new();
    for round in 0..REOPENINGS {
        let editor = screen.open(&mut first, (0, 0));
        let mut other = instance();
        let beside = screen.open(&mut other, (700, 400));
        editor.wait_for("a window", Picture::is_covered);
        if round % 2 == 0 {
            beside.wait_for("a window beside it", Picture::is_covered);
        }
        editor.close(&mut first);
        beside.close(&mut other);
        mb.push(resident_mb());
    }
    let (early, late) = (mb[REOPENINGS / 3], mb[REOPENINGS - 1]);
    println!(
        "{REOPENINGS} reopenings: {early} MB resident after a third of them, {late} MB after all"
    );
    assert!(late <= early + 20, "{mb:?} MB");
    let editor = screen.open(&mut first, (0, 0));
    editor.wait_for("the last window", is_drawn);
    editor.close(&mut first);
}

/// Every size, from the smallest to a large one and back, is drawn to its edges and remembered.
#[test]
fn a_window_is_drawn_in_every_size() {
    if !test_on_a_screen("a_window_is_drawn_in_every_size") {
        return;
    }
    let screen = Screen::connect();
    let mut instance = instance();
    play(&mut instance, 12.0);
    let editor = screen.open(&mut instance, (0, 0));
    for size in [(480, 320), (960, 600), (1600, 1000), (731, 477), (480, 320)] {
        editor.resize_as_host(&mut instance, size);
        let fits = |picture: &Picture| {
            let same = (picture.width, picture.height) == (size.0 as usize, size.1 as usize);
            let bottom = picture.colors([0.0, 0.9, 1.0, 1.0]) >= SHADES;
            same && bottom && picture.is_covered()
        };
        editor.wait_for("a size", fits);
        assert_eq!(editor.told_size(&mut instance), size);
    }
    editor.close(&mut instance);
    let again = screen.open(&mut instance, (0, 0));
    assert_eq!(again.told_size(&mut instance), (480, 320));
    again.close(&mut instance);
}

/// A window is painted for music, not without a change, and not after it was closed.
#[test]
fn a_window_is_painted_only_when_there_is_something_new() {
    if !test_on_a_screen("a_window_is_painted_only_when_there_is_something_new") {
        return;
    }
    let screen = Screen::connect();
    let mut instance = instance();
    play(&mut instance, 12.0);
    let editor = screen.open(&mut instance, (0, 0));
    editor.wait_for("the window", is_drawn);
    // A busy machine analyzes the last windows late, one by one; after them there is nothing new.
    let before = editor.wait_until_still_for(Duration::from_secs(3));
    play(&mut instance, 12.0);
    let changed = |picture: &Picture| *picture != before;
    editor.wait_for("the new results", changed);
    assert!(editor.paints() > 0);
    // A closed window is not painted for new results.
    let threads_open = threads().len();
    editor.shut(&mut instance);
    assert!(threads().len() < threads_open, "its thread goes on");
    editor.paints();
    play(&mut instance, 12.0);
    thread::sleep(Duration::from_secs(1));
    assert_eq!(editor.paints(), 0, "painted after it was closed");
    editor.remove();
}
