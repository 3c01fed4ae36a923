//! Answers as they are shown: a key, a question, or none; tuning; figures that are not calibrated.

use std::sync::Arc;

use egui::{Event, Key, OutputCommand, Rect, pos2, vec2};
use egui_kittest::kittest::{NodeT, Queryable};
use mertscope_live::{Entry, Snapshot};
use mertscope_music::{Confidence, KeyAnswer, Tuning};
use mertscope_ui::host::EditorHost;
use mertscope_ui::theme::Theme;
use mertscope_ui::view_settings::{Page, ViewSettings};

use crate::Stage;
use crate::heads::head;
use crate::music::snapshot;
use crate::raster::{Picture, picture};
use crate::window::open;

/// An answer to show.
#[derive(Clone, Copy)]
pub(crate) struct Shown {
    /// The two most probable keys with their figures; the rest shares what is left.
    pub keys: [(&'static str, f32); 2],
    pub tuning: Option<(f32, f32)>,
    pub is_calibrated: bool,
}

/// A sure key, in tune.
pub(crate) const NAMED: Shown = Shown {
    keys: [("A minor", 0.86), ("C major", 0.07)],
    tuning: Some((1.0, 0.9)),
    is_calibrated: true,
};

/// Two keys in question, out of tune.
pub(crate) const PAIR: Shown = Shown {
    keys: [("A minor", 0.44), ("C major", 0.31)],
    tuning: Some((32.0, 0.8)),
    is_calibrated: true,
};

/// Nothing clear, from a head of one's own.
pub(crate) const UNCLEAR: Shown = Shown {
    keys: [("Bb minor", 0.14), ("G# minor", 0.11)],
    tuning: Some((-41.0, 0.1)),
    is_calibrated: false,
};

/// Music with this answer in its last forty windows.
pub(crate) fn answered(shown: &Shown) -> Snapshot {
    let [(best, p), (second, q)] = shown.keys;
    let mut keys = [(1.0 - p - q) / 22.0; mertscope_music::Key::COUNT];
    for (key, p) in [(best, p), (second, q)] {
        let key: mertscope_music::Key = key.parse().unwrap();
        keys[key.index()] = p;
    }
    let tuning = shown
        .tuning
        .map(|(cents, certainty)| Tuning { cents, certainty });
    let answer = KeyAnswer::new(&keys, &Confidence::unfitted(None).live, None);
    let mut all = snapshot(60);
    let mut history: Vec<Arc<Entry>> = all.history.to_vec();
    for entry in &mut history[20..] {
        let mut changed = Entry::clone(entry);
        if let Some(result) = &mut changed.timed.result {
            (result.key, result.key_smoothed) = (Some(keys), Some(keys));
            result.key_answer = Some(answer);
            (result.tuning, result.tuning_smoothed) = (tuning, tuning);
        }
        *entry = Arc::new(changed);
    }
    all.latest = history.last().cloned();
    all.history = Arc::new(history);
    let mut key_head = head("key", "key", &["C major"]);
    key_head.is_calibrated = shown.is_calibrated;
    all.model.running.as_mut().unwrap().key_head = Some(key_head);
    all
}

/// The text equivalents of the circle and of the window before the newest on the timeline.
fn words(shown: &Shown) -> (String, String) {
    let mut window = open(
        Stage::default(),
        Page::Overview,
        answered(shown),
        vec2(960.0, 600.0),
    );
    let label = |window: &crate::Window, part: &str| {
        let node = window.get_by_label_contains(part);
        node.accesskit_node().label().unwrap()
    };
    let key = label(&window, "Key: ");
    window.get_by_label_contains("Timeline: ").focus();
    window.run();
    window.key_press(Key::ArrowLeft);
    window.run();
    (key, label(&window, "Timeline at "))
}

#[test]
fn a_key_a_question_and_no_key_are_told_apart_with_the_runner_up() {
    let (key, timeline) = words(&NAMED);
    assert!(
        key.starts_with("Key: A minor 86 %. Runner-up: C major 7 %."),
        "{key}"
    );
    assert!(
        timeline.contains("A minor 86 %, then C major 7 %"),
        "{timeline}"
    );
    let (key, timeline) = words(&PAIR);
    assert!(key.starts_with("Key: A minor or C major? "), "{key}");
    assert!(
        timeline.contains("A minor 44 % or C major 31 %?"),
        "{timeline}"
    );
    let (key, timeline) = words(&UNCLEAR);
    assert!(key.starts_with("Key: no clear key."), "{key}");
    assert!(timeline.contains("No clear key (Bb minor"), "{timeline}");
}

#[test]
fn only_figures_that_are_not_calibrated_say_so() {
    for (shown, says_so) in [(NAMED, false), (PAIR, false), (UNCLEAR, true)] {
        let (key, _) = words(&shown);
        assert_eq!(key.contains("not calibrated"), says_so, "{key}");
    }
}

#[test]
fn the_tuning_is_told_when_it_is_certain_and_more_than_nothing() {
    let (key, timeline) = words(&PAIR);
    for words in [&key, &timeline] {
        assert!(words.contains("+32 cents, A = 448 Hz"), "{words}");
    }
    for tuning in [None, Some((4.0, 0.9)), Some((-41.0, 0.1))] {
        let (key, timeline) = words(&Shown { tuning, ..PAIR });
        assert!(
            !key.contains("cents") && !timeline.contains("cents"),
            "{key}"
        );
    }
}

#[test]
fn a_question_is_copied_with_both_keys_and_no_key_is_not_copied() {
    for (shown, expected) in [(PAIR, Some("A minor or C major")), (UNCLEAR, None)] {
        let size = vec2(960.0, 600.0);
        let mut window = open(Stage::default(), Page::Key, answered(&shown), size);
        window.get_by_label_contains("Key: ").focus();
        window.run();
        window.event(Event::Copy);
        window.step();
        let commands = &window.output().platform_output.commands;
        let copied = commands.iter().find_map(|command| match command {
            OutputCommand::CopyText(text) => Some(text.as_str()),
            _ => None,
        });
        assert_eq!(copied, expected);
    }
}

/// A picture of the first page.
pub(crate) fn drawn(shown: &Shown, theme: Theme, size: egui::Vec2, scale: f32) -> Picture {
    let stage = Stage::default();
    stage.host.state().set(&ViewSettings {
        theme,
        ..ViewSettings::default()
    });
    picture(&stage, answered(shown), size, scale, &[])
}

/// The three states differ in the middle of the circle and on the timeline, in every theme and at the smallest
/// size.
#[test]
fn a_glance_tells_the_three_states_apart() {
    let size = vec2(480.0, 320.0);
    for theme in Theme::ALL {
        // Twice as fine once is enough: the pictures take their time.
        let scales = if theme == Theme::Dark {
            &[1.0, 2.0][..]
        } else {
            &[1.0]
        };
        for &scale in scales {
            let pictures = [NAMED, PAIR, UNCLEAR].map(|shown| drawn(&shown, theme, size, scale));
            let parts = [(70.0, 130.0, 170.0, 190.0), (360.0, 212.0, 470.0, 228.0)];
            for (left, top, right, bottom) in parts {
                let part = Rect::from_min_max(
                    pos2(left * scale, top * scale),
                    pos2(right * scale, bottom * scale),
                );
                let seen = pictures.each_ref().map(|picture| picture.part(part));
                for (a, b) in [(0, 1), (1, 2), (0, 2)] {
                    assert!(seen[a] != seen[b], "{theme:?} at {scale}: {a} is as {b}");
                }
            }
        }
    }
}

/// A head of styles with a label for what is none of them.
#[test]
fn none_of_these_is_an_absence() {
    const STYLES: [&str; 4] = ["electronic", "folk", "none of these", "rock"];
    let drawn = |best: usize| {
        let mut shown = answered(&NAMED);
        let running = shown.model.running.as_mut().unwrap();
        running.genre_labels = STYLES.map(str::to_owned).into();
        running.genre_head = Some(head("styles", "genre", &STYLES));
        let mut latest = Entry::clone(shown.latest.as_ref().unwrap());
        let result = latest.timed.result.as_mut().unwrap();
        let shares = (0..4).map(|n| if n == best { 0.7 } else { 0.1 }).collect();
        result.genre_smoothed = Some(shares);
        shown.latest = Some(Arc::new(latest));
        let window = open(Stage::default(), Page::Genre, shown, vec2(960.0, 600.0));
        let node = window.get_by_label_contains("Genre: ");
        node.accesskit_node().label().unwrap()
    };
    let words = drawn(2);
    assert!(words.starts_with("Genre: None of these 70 %"), "{words}");
    let words = drawn(0);
    assert!(words.starts_with("Genre: Electronic 70 %"), "{words}");
}
