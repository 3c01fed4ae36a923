//! References and teaching through the window, with the engine and music behind it.

use std::path::Path;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use egui::accesskit::Role;
use egui::{Key, Vec2, vec2};
use egui_kittest::kittest::{NodeT, Queryable};
use mertscope::connection::Connection;
use mertscope_audio::decode::{Block, Decoder};
use mertscope_audio::downmix::downmix_interleaved;
use mertscope_audio::tap::{Tap, Transport, tap};
use mertscope_heads::few_shot::saved::SavedExamples;
use mertscope_live::{ModelState, Snapshot};
use mertscope_ui::host::EditorHost;
use mertscope_ui::state::{Comparison, EngineChoice, RawState, SavedReferences, StateField};
use mertscope_ui::view_settings::Page;

use crate::Window;
use crate::instance::Whole;
use crate::window::open;

/// A time that only a deadlock reaches.
const FOREVER: Duration = Duration::from_secs(120);
const SIZE: Vec2 = vec2(960.0, 900.0);

/// A demo piece in mono, and its rate.
fn piece(name: &str, seconds: usize) -> (Vec<f32>, u32) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../assets/demo");
    let mut decoder = Decoder::open(&folder.join(name)).unwrap();
    let (rate_hz, channels) = (decoder.rate_hz(), decoder.channels());
    let mut mono = Vec::new();
    while let Some(Block::Samples(samples)) = decoder.next_block().unwrap() {
        downmix_interleaved(samples, channels, &mut mono);
    }
    mono.truncate(seconds * rate_hz as usize);
    (mono, rate_hz)
}

/// A window on the study page, and an instance behind it that listens.
struct Playing {
    window: Window,
    connection: Arc<Connection>,
    tap: Tap,
    position: i64,
}

impl Playing {
    fn new(rate_hz: u32) -> Self {
        Self::on(Whole::default(), rate_hz)
    }

    fn on(whole: Whole, rate_hz: u32) -> Self {
        let Whole {
            stage, connection, ..
        } = whole;
        stage.host.state().set(&EngineChoice {
            exact_offline: true,
            ..EngineChoice::default()
        });
        let (tap, tap_reader) = tap(rate_hz);
        connection.attach(tap_reader);
        let mut playing = Self {
            window: open(stage, Page::Study, Snapshot::default(), SIZE),
            connection,
            tap,
            position: 0,
        };
        playing.wait("the model", |s| s.model.state == ModelState::Ready);
        playing
    }

    /// Waits for an expected snapshot, and shows it.
    fn wait(&mut self, what: &str, is_there: impl Fn(&Snapshot) -> bool) -> Arc<Snapshot> {
        let start = Instant::now();
        loop {
            let snapshot = self.connection.snapshot();
            if is_there(&snapshot) {
                self.window.state_mut().snapshot = Arc::clone(&snapshot);
                self.window.run();
                return snapshot;
            }
            assert!(start.elapsed() < FOREVER, "{what} never came");
            thread::sleep(Duration::from_millis(2));
        }
    }

    /// Waits until the project holds an expected value: it gets that just after the snapshot.
    fn wait_saved<T: StateField>(&self, is_there: impl Fn(&T) -> bool) -> T {
        let start = Instant::now();
        loop {
            let saved = self.window.state().stage.host.state().get();
            if let Some(saved) = saved.filter(&is_there) {
                return saved;
            }
            assert!(start.elapsed() < FOREVER, "the project never got it");
            thread::sleep(Duration::from_millis(2));
        }
    }

    /// Plays audio after a jump, and waits for its last window.
    fn play(&mut self, audio: &[f32]) {
        self.position += 1 << 24;
        let begin = self.position;
        for block in audio.chunks(512) {
            let transport = Transport {
                playing: true,
                position: Some(self.position),
                offline: true,
            };
            self.tap.push_exact(&[block], transport, FOREVER);
            self.position += block.len() as i64;
        }
        let is_analyzed = |s: &Snapshot| {
            let samples = s
                .latest
                .as_ref()
                .and_then(|latest| latest.host_samples.clone());
            samples.is_some_and(|samples| samples.end > begin + audio.len() as i64 / 2)
        };
        self.wait("a result", is_analyzed);
    }

    fn press(&mut self, label: &str) {
        self.window.get_by_label(label).focus();
        self.window.run();
        self.window.key_press(Key::Enter);
        self.window.run();
    }

    fn click(&mut self, label: &str) {
        self.window.get_by_label(label).click();
        self.window.run();
    }

    /// Types into a field and presses Enter.
    fn enter(&mut self, field: &str, text: &str) {
        self.type_into(field, text);
        self.window.key_press(Key::Enter);
        self.window.run();
    }

    fn type_into(&mut self, field: &str, text: &str) {
        let node = self.window.get_by_role_and_label(Role::TextInput, field);
        node.focus();
        self.window.run();
        let node = self.window.get_by_role_and_label(Role::TextInput, field);
        node.type_text(text);
        self.window.run();
    }

    fn words(&self, part: &str) -> String {
        let node = self.window.get_by_label_contains(part);
        let node = node.accesskit_node();
        node.label().or_else(|| node.value()).unwrap()
    }
}

#[test]
fn labels_are_marked_counted_learned_undone_and_forgotten() {
    let (rock, rate_hz) = piece("headwind.ogg", 12);
    let (jazz, _) = piece("corner-table.ogg", 12);
    let mut playing = Playing::new(rate_hz);
    // Without music there is nothing to mark, and a notice says so.
    playing.enter("New label", "loud");
    playing.wait("a sentence", |s| s.study.notice.is_some());
    assert!(
        playing
            .words("No window was analyzed")
            .contains("play some music")
    );

    playing.play(&rock);
    playing.enter("New label", "loud");
    let snapshot = playing.wait("a mark", |s| s.study.labeled_examples.count(0) > 0);
    assert_eq!(snapshot.study.labeled_examples.count(0), 3);
    assert!(playing.words("loud: ").contains("3 examples"));
    assert!(playing.words("so far").contains("another label"));
    playing.click("1");
    playing.press("Mark as loud");
    playing.wait("one more", |s| s.study.labeled_examples.count(0) == 4);

    playing.play(&jazz);
    playing.click("3");
    playing.enter("New label", "quiet");
    playing.wait("a head", |s| {
        s.study.user_head.is_some() && !s.study.is_fitting
    });
    assert!(
        playing
            .words("Learned from 7 examples of 2 labels")
            .ends_with('.')
    );
    playing.play(&jazz);
    let words = playing.words("quiet: ");
    let percent: f32 = words
        .split("now ")
        .nth(1)
        .unwrap()
        .trim_end_matches(" %")
        .parse()
        .unwrap();
    assert!(percent > 50.0, "{words}");
    let has = |count| move |saved: &SavedExamples| saved.clone().load(None).examples() == count;
    playing.wait_saved(has(7));

    playing.press("Undo mark");
    playing.wait("three less", |s| s.study.labeled_examples.examples() == 4);
    assert!(playing.window.query_by_label("Mark as quiet").is_none());
    playing.press("Forget all");
    playing.wait("none", |s| s.study.labeled_examples.examples() == 0);
    playing.press("Bring back");
    playing.wait("those again", |s| s.study.labeled_examples.examples() == 4);
    playing.wait_saved(has(4));
}

#[test]
fn a_head_with_a_bad_name_is_not_saved() {
    let (rock, rate_hz) = piece("headwind.ogg", 9);
    let mut playing = Playing::new(rate_hz);
    playing.play(&rock);
    for label in ["one", "two"] {
        playing.enter("New label", label);
    }
    playing.wait("a head", |s| {
        s.study.user_head.is_some() && !s.study.is_fitting
    });
    playing.enter("Name of the head", "no/name");
    playing.wait("a sentence", |s| s.study.notice.is_some());
    assert!(playing.words("no/name").contains("can't be a name"));
}

#[test]
fn references_are_captured_renamed_removed_and_put_back() {
    let (rock, rate_hz) = piece("headwind.ogg", 9);
    let (jazz, _) = piece("corner-table.ogg", 9);
    let mut playing = Playing::new(rate_hz);
    playing.play(&rock);
    playing.press("Capture now");
    playing.wait("a reference", |s| s.study.references.len() == 1);
    assert!(
        playing
            .window
            .query_by_label("Rename Reference 1")
            .is_some()
    );
    playing.play(&jazz);
    playing.enter("Name of the next reference", "Night");
    playing.wait("another", |s| s.study.references.len() == 2);
    playing.play(&jazz);
    let far: f32 = playing.words("Distance to Reference 1: ")[25..]
        .parse()
        .unwrap();
    let near: f32 = playing.words("Distance to Night: ")[19..].parse().unwrap();
    assert!(near < far, "{near} to itself, {far} to rock");
    playing.click("Night as B");
    assert!(
        playing
            .words("Distances: ")
            .starts_with("Distances: Night is nearer")
    );
    playing.click("Night as A");
    let SavedReferences(saved) = playing.wait_saved(|saved: &SavedReferences| saved.0.len() == 2);
    let ids: Vec<String> = saved.into_iter().map(|r| r.id).collect();
    let chosen: Comparison = playing.window.state().stage.host.state().get().unwrap();
    assert_eq!((chosen.a, chosen.b), (ids[1].clone(), ids[0].clone()));

    playing.click("Layer by layer");
    playing.play(&rock);
    playing.wait("layers", |s| s.study.layers.is_some());
    assert!(playing.window.query_all_by_label_contains("Layer ").count() >= 3);

    playing.click("Rename Night");
    playing.enter("New name of the reference", " and day");
    playing.wait("a name", |s| s.study.references[1].name == "Night and day");
    playing.click("Remove Night and day");
    playing.wait("one less", |s| s.study.references.len() == 1);
    playing.click("Put back");
    playing.wait("both", |s| s.study.references.len() == 2);
    playing
        .wait_saved(|SavedReferences(saved)| saved.len() == 2 && saved[1].name == "Night and day");
}

#[test]
fn a_file_is_chosen_by_its_path_and_a_bad_one_gives_a_sentence() {
    let mut playing = Playing::new(48_000);
    let demo = |name: &str| {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../assets/demo");
        let path = dunce::canonicalize(folder.join(name)).unwrap();
        path.display().to_string()
    };
    for (file, good) in [("demo.toml", false), ("corner-table.ogg", true)] {
        playing.click("File…");
        let node = playing
            .window
            .get_by_role_and_label(Role::TextInput, "Path");
        node.focus();
        playing.window.run();
        playing
            .window
            .key_press_modifiers(egui::Modifiers::COMMAND, Key::A);
        playing.window.run();
        playing.enter("Path", &demo(file));
        if good {
            let snapshot = playing.wait("a reference", |s| s.study.references.len() == 1);
            assert_eq!(snapshot.study.references[0].name, "corner-table");
        } else {
            playing.wait("a sentence", |s| s.study.notice.is_some());
            assert!(playing.words("demo.toml").ends_with('.'));
        }
    }
}

#[test]
fn a_missing_file_of_examples_gives_a_notice_and_leaves_the_others() {
    let whole = Whole::default();
    let file = "ab".repeat(32);
    let encoder = "0".repeat(64);
    let text = format!(
        r#"{{"lessons":{{"encoder_sha256":"{encoder}","layer":4,"labels":["drop"],"files":["{file}"],"examples":[{{"label":0,"values":"3c00"}}]}}}}"#
    );
    let project: RawState = serde_json::from_str(&text).unwrap();
    whole
        .stage
        .host
        .state()
        .set(&project.get::<SavedExamples>().unwrap());
    let mut playing = Playing::on(whole, 48_000);
    let snapshot = playing.wait("the example", |s| s.study.labeled_examples.examples() == 1);
    assert_eq!(
        snapshot
            .study
            .labeled_examples
            .missing()
            .collect::<Vec<_>>(),
        [&file]
    );
    let notice = playing.words("Older examples are not here");
    assert!(notice.contains(&file) && notice.ends_with('.'), "{notice}");
    // The project still names the file, so that it is found when it comes back.
    let saved: SavedExamples = playing.window.state().stage.host.state().get().unwrap();
    assert!(!saved.is_whole());
}
