//! Exports and OSC: by label and by keyboard.

use std::fs;
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use egui::accesskit::Role;
use egui::vec2;
use egui_kittest::kittest::Queryable;
use mertscope_audio::Severity;
use mertscope_live::Snapshot;
use mertscope_ui::host::EditorHost;
use mertscope_ui::state::OscChoice;
use mertscope_ui::view_settings::Page;

use crate::Window;
use crate::instance::Whole;
use crate::music::snapshot;
use crate::window::{open, press, write};

fn opened(snapshot: Snapshot) -> Window {
    open(
        Whole::default().stage,
        Page::Settings,
        snapshot,
        vec2(960.0, 600.0),
    )
}

fn osc(window: &Window) -> OscChoice {
    window.state().stage.host.state().get().unwrap_or_default()
}

/// Waits for the outcome of an export; returns the sentence in the window, and whether it is an error.
fn sentence(window: &mut Window) -> (String, bool) {
    let begun = Instant::now();
    loop {
        let notice = window.state().stage.host.export_notice().unwrap();
        if !notice.text.starts_with("Writing") {
            window.run();
            assert!(
                window.query_by_label(&notice.text).is_some(),
                "{} is not shown",
                notice.text
            );
            return (notice.text, notice.severity == Severity::Error);
        }
        assert!(begun.elapsed() < Duration::from_secs(60), "{notice:?}");
        thread::sleep(Duration::from_millis(10));
    }
}

#[test]
fn every_kind_of_export_is_written_into_the_typed_folder() {
    let folder = tempfile::tempdir().unwrap();
    let mut window = opened(snapshot(60));
    write(
        &mut window,
        "Folder for exports",
        folder.path().to_str().unwrap(),
    );
    for kind in ["CSV", "JSON", "PNG", "MIDI"] {
        press(&mut window, Role::Button, kind);
        let (text, is_error) = sentence(&mut window);
        assert!(!is_error, "{text}");
        let name = text
            .rsplit(['/', '\\'])
            .next()
            .unwrap()
            .trim_end_matches('.');
        let path = folder.path().join(name);
        assert!(fs::metadata(&path).unwrap().len() > 20, "{text}");
    }
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 4);
}

#[test]
fn a_folder_that_cannot_be_written_gives_a_sentence() {
    let mut window = opened(snapshot(60));
    let mut cases = vec![("/nowhere/at/all", "there is no folder")];
    // Nobody may write there, not even root, who runs tests in containers.
    if Path::new("/sys/kernel").is_dir() {
        cases.push(("/sys/kernel", "you may not write into /sys/kernel"));
    }
    for (folder, expected) in cases {
        write(&mut window, "Folder for exports", folder);
        press(&mut window, Role::Button, "CSV");
        let (text, is_error) = sentence(&mut window);
        assert!(is_error && text.contains(expected), "{text}");
    }
}

#[test]
fn osc_is_set_up_and_a_bad_address_changes_nothing() {
    let mut window = opened(snapshot(10));
    write(&mut window, "OSC address", "127.0.0.1:9123");
    write(&mut window, "OSC name", "drums");
    press(&mut window, Role::Switch, "OSC");
    let chosen = OscChoice {
        enabled: true,
        address: "127.0.0.1:9123".to_owned(),
        name: "drums".to_owned(),
    };
    assert_eq!(osc(&window), chosen);
    assert!(window.query_by_label_contains("messages sent").is_some());
    for bad in ["nowhere", "127.0.0.1", "8.8.8.8:9000", "127.0.0.1:99999"] {
        let error = mertscope_export::osc::parse(bad).unwrap_err().to_string();
        write(&mut window, "OSC address", bad);
        assert!(window.query_by_label(&error).is_some(), "{bad}: {error}");
        assert_eq!(osc(&window), chosen, "{bad}");
    }
    press(&mut window, Role::Switch, "OSC");
    assert!(!osc(&window).enabled);
}
