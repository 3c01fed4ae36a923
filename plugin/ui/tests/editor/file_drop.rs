//! Files that are dragged over the window and dropped on it.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use egui::{DroppedFile, HoveredFile, vec2};
use egui_kittest::kittest::Queryable;
use mertscope_live::Request;
use mertscope_ui::host::EditorHost;
use mertscope_ui::view_settings::{Page, ViewSettings};

use crate::host_panel::TestPanel;
use crate::music::snapshot;
use crate::studied::{reference, studied};
use crate::window::open;
use crate::{Stage, Window};

const SIZE: egui::Vec2 = vec2(960.0, 600.0);

#[derive(Debug)]
struct File(PathBuf);

impl DroppedFile for File {
    fn path(&self) -> &Path {
        &self.0
    }

    fn bytes(&self) -> Result<Vec<u8>, String> {
        panic!("the thread that draws reads no file");
    }
}

/// Moves files over the window.
fn hover(window: &mut Window, paths: &[&str]) {
    let files = paths.iter().map(|path| HoveredFile {
        path: Some(path.into()),
        ..HoveredFile::default()
    });
    window.input_mut().hovered_files = files.collect();
    window.step();
}

/// Drops files on the window.
fn drop_files(window: &mut Window, paths: &[&str]) {
    let input = window.input_mut();
    input.hovered_files.clear();
    let files = paths.iter().map(|path| Arc::new(File(path.into())) as _);
    input.dropped_files = files.collect();
    window.step();
    window.run();
}

/// The files that were asked for as references: path, name and color.
fn references(window: &Window) -> Vec<(PathBuf, String, [u8; 3])> {
    let asked = window
        .state()
        .stage
        .host
        .asked
        .lock()
        .unwrap()
        .clone()
        .into_iter();
    let file = |request| match request {
        Request::File { path, name, color } => Some((path, name, color)),
        _ => None,
    };
    asked.filter_map(file).collect()
}

fn page(window: &Window) -> Page {
    let view_settings: ViewSettings = window.state().stage.host.state().get().unwrap();
    view_settings.page
}

/// A stage of the app, and its panel.
fn app() -> (Stage, Arc<TestPanel>) {
    let panel = Arc::new(TestPanel::default());
    let stage = Stage {
        host_panel: Some(panel.clone()),
        ..Stage::default()
    };
    (stage, panel)
}

#[test]
fn a_file_dropped_on_the_plugin_becomes_a_reference_on_every_page() {
    for from in Page::TABS.into_iter().chain([Page::Settings]) {
        let mut window = open(Stage::default(), from, snapshot(60), SIZE);
        hover(&mut window, &["/music/My mix.v2.wav"]);
        let words = "Drop to compare with “My mix.v2.wav”";
        assert_eq!(window.query_all_by_label(words).count(), 1, "{from:?}");
        drop_files(&mut window, &["/music/My mix.v2.wav"]);
        assert!(window.query_by_label_contains("Drop to").is_none());
        let asked = references(&window);
        let [(path, name, _)] = asked.as_slice() else {
            panic!("{from:?}: {asked:?}");
        };
        assert_eq!(path, Path::new("/music/My mix.v2.wav"));
        assert_eq!((name.as_str(), page(&window)), ("My mix.v2", Page::Study));
    }
}

#[test]
fn several_files_become_references_in_colors_of_their_own() {
    // Three colors are taken.
    let mut window = open(Stage::default(), Page::Study, studied(60), SIZE);
    hover(&mut window, &["/a.wav", "/b.wav"]);
    assert!(
        window
            .query_by_label("Drop to compare with 2 files")
            .is_some()
    );
    drop_files(&mut window, &["/a.wav", "/b.wav"]);
    let asked = references(&window);
    let shown = window.state().snapshot.study.references.iter();
    let mut colors: Vec<_> = shown.map(|reference| reference.color).collect();
    colors.extend(asked.iter().map(|(_, _, color)| *color));
    colors.sort_unstable();
    colors.dedup();
    assert_eq!((asked.len(), colors.len()), (2, 5));
}

#[test]
fn a_drop_shows_the_references_in_a_narrow_window() {
    let size = vec2(480.0, 320.0);
    let mut window = open(Stage::default(), Page::Study, snapshot(60), size);
    window.get_by_label("Teach").click();
    window.run();
    drop_files(&mut window, &["/a.wav"]);
    assert!(window.query_by_label("Capture now").is_some());
}

#[test]
fn where_no_reference_has_room_it_is_said_before_the_drop() {
    let mut full = studied(60);
    full.study.references = (0..8)
        .map(|n| Arc::new(reference(n, &format!("Reference {n}"))))
        .collect();
    let mut window = open(Stage::default(), Page::Map, full, SIZE);
    hover(&mut window, &["/a.wav"]);
    let words = "There are 8 references already. Remove one";
    assert!(window.query_by_label_contains(words).is_some());
}

#[test]
fn the_app_plays_a_dropped_file_but_compares_on_the_study_page() {
    let (stage, panel) = app();
    let mut window = open(stage, Page::Key, snapshot(60), SIZE);
    hover(&mut window, &["/music/set.flac", "/music/b.flac"]);
    let words = "Drop to play “set.flac”, the first of them";
    assert!(window.query_by_label(words).is_some());
    drop_files(&mut window, &["/music/set.flac", "/music/b.flac"]);
    assert_eq!(
        *panel.played.lock().unwrap(),
        [Path::new("/music/set.flac")]
    );
    assert!(references(&window).is_empty());
    assert_eq!(page(&window), Page::Key);

    window.get_by_label("Study").click();
    window.run();
    hover(&mut window, &["/music/b.flac"]);
    let words = "Drop to compare with “b.flac”";
    assert!(window.query_by_label(words).is_some());
    drop_files(&mut window, &["/music/b.flac"]);
    assert_eq!(references(&window).len(), 1);
    assert_eq!(panel.played.lock().unwrap().len(), 1);
}

#[test]
fn odd_drops_do_nothing_worse_than_a_request() {
    let mut window = open(Stage::default(), Page::Study, snapshot(60), SIZE);
    for path in ["", "/", "..", "/music/\u{1b}[31m\n.wav", &"é".repeat(3000)] {
        hover(&mut window, &[path]);
        drop_files(&mut window, &[path]);
    }
    assert_eq!(references(&window).len(), 5);
    // A drag of something that is no file.
    window.input_mut().hovered_files = vec![HoveredFile::default()];
    window.step();
    assert!(
        window
            .query_by_label("Drop to compare with the file")
            .is_some()
    );
    drop_files(&mut window, &[]);
    assert!(window.query_by_label_contains("Drop to").is_none());
}
