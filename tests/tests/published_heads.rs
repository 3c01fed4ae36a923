//! Heads in MARBLE's published format, from checkpoint to answer: the command imports and lists them;
//! files and live audio use them. The model has the layers, width and name of MERT-v1-95M.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use mertscope_audio::tap::{Transport, tap};
use mertscope_live::{Controls, Hop, Live, Settings, Snapshot};
use mertscope_model::runtime;
use mertscope_music::Key;
use mertscope_tests::home::{in_home, new_home};
use mertscope_tests::{CommandOutput, chord, mertscope, output_of, repository, wav};

/// Names the model in the environment of the second process.
const CHILD: &str = "MERTSCOPE_TEST_MODEL";

/// The time limit: only a deadlock exceeds it.
const FOREVER: Duration = Duration::from_secs(120);

struct Home {
    folder: tempfile::TempDir,
}

impl Home {
    fn new() -> Self {
        let home = Self { folder: new_home() };
        let thin = repository("tests/fixtures/checkpoints/thin");
        fs::create_dir(home.model()).unwrap();
        for name in ["config.json", "pytorch_model.bin"] {
            fs::copy(thin.join(name), home.model().join(name)).unwrap();
        }
        let name = "preprocessor_config.json";
        let text = fs::read_to_string(thin.join(name)).unwrap();
        fs::write(home.model().join(name), text.replace("16000", "24000")).unwrap();
        home
    }

    fn path(&self, name: &str) -> PathBuf {
        in_home(self.folder.path(), name)
    }

    fn model(&self) -> PathBuf {
        self.path("MERT-v1-95M")
    }

    /// Runs a command that keeps heads and graphs in this folder.
    fn run(&self, command: &mut Command) -> CommandOutput {
        let found = runtime::candidates(None).unwrap();
        let library = found.into_iter().find(|path| path.is_file()).unwrap();
        command
            .current_dir(self.folder.path())
            .env("ORT_DYLIB_PATH", library)
            .env("XDG_DATA_HOME", self.path("data"))
            .env("XDG_CACHE_HOME", self.path("cache"));
        output_of(command)
    }

    /// `mertscope … --model MODEL`.
    fn mertscope(&self, arguments: &[&str]) -> CommandOutput {
        self.run(mertscope().args(arguments).arg("--model").arg(self.model()))
    }

    fn import(&self, labels: &str, arguments: &[&str]) -> CommandOutput {
        let head = repository("tests/fixtures/marble/GS.ckpt");
        let fixed = [
            "heads",
            "import",
            head.to_str().unwrap(),
            "--labels",
            labels,
        ];
        self.mertscope(&[&fixed[..], arguments].concat())
    }
}

/// The label file of the head.
fn labels() -> String {
    let labels = repository("tests/fixtures/marble/GS.id2class.json");
    labels.to_str().unwrap().to_owned()
}

#[test]
fn a_published_head_is_imported_and_answers() {
    if let Some(model) = env::var_os(CHILD) {
        return live(Path::new(&model));
    }
    let home = Home::new();
    let bare = home.mertscope(&["heads", "list"]);
    assert!(bare.out.contains("has no heads"), "{bare:?}");

    // The hidden state comes from MARBLE's configuration, which a notice says; an option changes it.
    let taken = home.import(&labels(), &["--task", "key"]);
    assert_eq!(taken.code, 0, "{taken:?}");
    for words in ["layer 8", "MARBLE's numbers", "--layer names another"] {
        assert!(taken.err.contains(words), "“{words}”: {}", taken.err);
    }
    let ninth = home.import(
        &labels(),
        &["--task", "key", "--layer", "9", "--name", "app"],
    );
    assert!(
        ninth.code == 0 && ninth.err.contains("layer 9"),
        "{ninth:?}"
    );

    let list = home.mertscope(&["heads", "list"]).out;
    for words in ["GS ", "app ", "key, 24 labels, layer 8, yours", "layer 9"] {
        assert!(list.contains(words), "“{words}”: {list}");
    }
    let info = home.mertscope(&["heads", "info", "GS"]).out;
    for words in [
        "C major, Db major",
        "MARBLE",
        "whole clips",
        "not calibrated",
    ] {
        assert!(info.contains(words), "“{words}”: {info}");
    }

    let song = home.path("song.wav");
    fs::write(&song, wav(24_000, 1, &chord(24_000, 7.0))).unwrap();
    let analyzed = home.mertscope(&[
        "analyze",
        song.to_str().unwrap(),
        "--json",
        "--no-smoothing",
    ]);
    assert_eq!(analyzed.code, 0, "{}", analyzed.err);
    let result = analyzed.json();
    let windows = result["files"][0]["timeline"].as_array().unwrap();
    assert!(windows.len() >= 3, "{result:#}");
    for window in windows {
        let keys = window["key"].as_object().unwrap();
        let sum: f64 = keys.values().map(|p| p.as_f64().unwrap()).sum();
        assert!(keys.len() == 24 && (sum - 1.0).abs() < 1e-3, "{window}");
    }

    let mut child = Command::new(env::current_exe().unwrap());
    child.args(["--exact", "a_published_head_is_imported_and_answers"]);
    let ran = home.run(child.env(CHILD, home.model()));
    assert!(ran.code == 0 && ran.out.contains("1 passed"), "{ran:?}");
}

/// Checks the head on live audio, in a process whose data folder has the imported heads.
fn live(model: &Path) {
    let controls = Controls {
        hop: Hop::Seconds(1.0),
        ..Controls::default()
    };
    let settings = Settings {
        model: model.to_str().map(str::to_owned),
        exact_offline: true,
        ..Settings::default()
    };
    let stream = Live::acquire().open(settings, Arc::new(move || controls));
    let (mut tap, reader) = tap(48_000);
    stream.attach(reader);
    let mut position = 0;
    for block in chord(48_000, 6.5).chunks(512) {
        let transport = Transport {
            playing: true,
            position: Some(position),
            offline: true,
        };
        tap.push_exact(&[block], transport, FOREVER);
        position += block.len() as i64;
    }
    let start = Instant::now();
    let result: Arc<Snapshot> = loop {
        let snapshot = stream.snapshot();
        if snapshot.analyzed_windows >= 2 {
            break snapshot;
        }
        assert!(start.elapsed() < FOREVER, "{snapshot:#?}");
        thread::sleep(Duration::from_millis(5));
    };
    assert_eq!(result.error, None);
    let head = result
        .model
        .running
        .as_ref()
        .unwrap()
        .key_head
        .clone()
        .unwrap();
    assert_eq!(
        (head.id.as_str(), head.layers_text.as_str()),
        ("GS", "layer 8")
    );
    let latest = result.latest.as_ref().unwrap();
    let keys = latest.timed.result.as_ref().unwrap().key.unwrap();
    assert_eq!(keys.len(), Key::COUNT);
    assert!((keys.iter().sum::<f32>() - 1.0).abs() < 1e-3, "{keys:?}");
}

#[test]
fn a_published_head_without_labels_asks_for_them() {
    let home = Home::new();
    fs::write(home.path("few.txt"), "C major\nC minor\n").unwrap();
    for (labels, arguments, expected) in [
        (&*labels(), &[][..], "--task"),
        (
            &labels(),
            &["--task", "key", "--layer", "13"],
            "no layer 13",
        ),
        ("few.txt", &["--task", "key"], "2 labels"),
        ("gone.txt", &["--task", "key"], "gone.txt"),
        (&labels(), &["--task", "tempo"], "--layer"),
    ] {
        let refused = home.import(labels, arguments);
        assert_eq!(refused.code, 1, "{arguments:?}: {refused:?}");
        assert!(
            refused.err.contains(expected),
            "{arguments:?}: {}",
            refused.err
        );
    }
    assert!(!home.path("data/mertscope/heads").exists());
}
