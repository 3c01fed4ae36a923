//! The panel by label and by keyboard, with real audio threads behind it.

use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use egui::accesskit::Role;
use egui::{Key, Modifiers, vec2};
use egui_kittest::Harness;
use egui_kittest::kittest::Queryable;

use super::*;
use crate::audio::AudioState;
use crate::choice::{AudioSource, Backend};
use crate::preferences::AUDIO_FIELD;
use mertscope::connection::Connection;
use mertscope::params::MertscopeParams;
use mertscope_ui::text;
use mertscope_ui::theme::Theme;

/// A panel for this choice, which is remembered too, with everything behind it.
fn panel(choice: AudioChoice) -> Arc<Panel> {
    let params = Arc::new(MertscopeParams::default());
    let connection = Connection::new(params, Arc::new(|| ()));
    let audio = Audio::start(connection, choice.clone(), false, false, Arc::new(|| ())).unwrap();
    let mut preferences = Preferences::default();
    preferences.set(AUDIO_FIELD, &choice);
    Arc::new(Panel::new(Arc::new(audio), choice, preferences, None))
}

/// The panel's bar, `width` points wide.
fn bar(panel: &Arc<Panel>, width: f32) -> Harness<'static> {
    let panel = Arc::clone(panel);
    let mut is_first = true;
    let draw = move |ui: &mut Ui| {
        // Fonts are in use from the frame after they are set.
        if std::mem::take(&mut is_first) {
            text::install(ui.ctx());
        } else {
            // The editor around it does the same, to leave the space bar to hosts.
            ui.input_mut(|input| input.consume_key(Modifiers::NONE, Key::Space));
            panel.bar_ui(ui, Theme::Dark.palette());
        }
    };
    let mut harness = Harness::builder()
        .with_size(vec2(width, 120.0))
        .build_ui(draw);
    harness.step();
    harness
}

fn remembered(panel: &Panel) -> AudioChoice {
    lock(&panel.state.preferences).get(AUDIO_FIELD).unwrap()
}

/// Waits until the audio thread has published an expected state.
fn until(panel: &Panel, what: &str, holds: impl Fn(&AudioState) -> bool) {
    let start = Instant::now();
    while !holds(&panel.state.audio.state()) {
        assert!(start.elapsed() < Duration::from_secs(60), "never: {what}");
        thread::sleep(Duration::from_millis(20));
    }
}

fn with_file(folder: &Path) -> AudioChoice {
    let file = folder.join("piece.wav");
    std::fs::copy("../../tests/fixtures/audio/tone.wav", &file).unwrap();
    AudioChoice {
        source: AudioSource::File,
        backend: Some(Backend::None),
        file: Some(file),
        ..AudioChoice::default()
    }
}

#[test]
fn the_player_is_operated_by_label_and_by_keyboard() {
    let folder = tempfile::tempdir().unwrap();
    let panel = panel(with_file(folder.path()));
    until(&panel, "the file is open", |state| {
        state.file_player.is_some()
    });
    let file_player = panel.state.audio.state().file_player.clone().unwrap();
    assert!(
        !file_player.is_playing(),
        "the last file waits for its user"
    );
    let mut bar = bar(&panel, 900.0);

    bar.get_by_role_and_label(Role::Switch, "Loop").click();
    bar.step();
    until(&panel, "it repeats", |state| state.choice.repeat);
    assert!(file_player.repeats() && remembered(&panel).repeat);

    bar.get_by_role_and_label(Role::Button, "Play").focus();
    bar.step();
    bar.key_press(Key::Enter);
    bar.step();
    assert!(file_player.is_playing());
    until(&panel, "it plays", |state| {
        state
            .file_player
            .as_ref()
            .is_some_and(|file_player| file_player.position_s() > 0.0)
    });
    bar.step();
    bar.key_press(Key::Space);
    bar.step();
    assert!(!file_player.is_playing(), "the space bar pauses");
    assert!(bar.query_by_label("Position").is_some());
}

#[test]
fn a_dropped_file_is_played_at_once_and_remembered() {
    let folder = tempfile::tempdir().unwrap();
    let chosen = with_file(folder.path());
    let dropped = folder.path().join("dropped.wav");
    std::fs::copy("../../tests/fixtures/audio/tone.wav", &dropped).unwrap();
    let panel = panel(AudioChoice {
        source: AudioSource::Input,
        ..chosen
    });
    panel.play_file(dropped.clone());
    until(&panel, "it plays", |state| {
        let file_player = state.file_player.as_ref();
        file_player.is_some_and(|file_player| file_player.position_s() > 0.0)
    });
    let choice = remembered(&panel);
    assert_eq!(
        (choice.source, choice.file),
        (AudioSource::File, Some(dropped))
    );

    panel.play_file(folder.path().to_owned());
    until(&panel, "a folder is refused", |state| {
        state
            .notice
            .as_ref()
            .is_some_and(|notice| notice.text.contains("is a folder"))
    });
}

#[test]
fn a_missing_device_stays_chosen() {
    let panel = panel(AudioChoice {
        input: Some("jack:away".to_owned()),
        ..AudioChoice::default()
    });
    until(&panel, "there is a notice", |state| state.notice.is_some());
    let mut bar = bar(&panel, 480.0);
    let notice = panel.state.audio.state().notice.clone().unwrap().text;
    assert!(bar.query_by_label(&notice).is_some(), "{notice}");
    assert!(
        bar.query_by_label_contains("jack:away (not connected)")
            .is_some()
    );

    bar.get_by_role_and_label(Role::RadioButton, "File").click();
    bar.step();
    until(&panel, "a file is wanted", |state| {
        state.choice.source == AudioSource::File
    });
    let notice = panel.state.audio.state().notice.clone().unwrap().text;
    assert!(notice.contains("No file is chosen"), "{notice}");
    let choice = remembered(&panel);
    assert_eq!(choice.source, AudioSource::File);
    assert_eq!(choice.input.as_deref(), Some("jack:away"));
}

#[test]
fn the_bar_has_a_height_at_any_width() {
    let panel = panel(AudioChoice {
        backend: Some(Backend::None),
        ..AudioChoice::default()
    });
    until(&panel, "there is a notice", |state| state.notice.is_some());
    for width in [1.0, 320.0, 480.0, 759.0, 760.0, 2000.0] {
        let mut bar = bar(&panel, width);
        bar.step();
        let height = panel.bar_height(width);
        assert!((40.0..=120.0).contains(&height), "{width}: {height}");
    }
}
