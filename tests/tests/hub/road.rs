//! The whole road on checkpoints of the published format, small and with seeded random weights:
//! fetched over a connection that breaks, made into a graph, equal to the reference
//! implementation, and live.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use mertscope_engine::capture::{Transport, tap};
use mertscope_engine::live::{Controls, Hop, Live, ModelState, Settings, Snapshot};
use mertscope_engine::model::runtime;
use mertscope_tests::hub::Faults;
use mertscope_tests::{chord, mertscope, repository, said, wav};
use safetensors::SafeTensors;

use super::home::{Home, fails_with, succeeds};

/// Models whose lengths are not pinned, and a checkpoint of the same kind for each.
const MODELS: [(&str, &str); 4] = [
    ("MERT-v0-public", "post-group-bias"),
    ("MERT-v0", "post-group"),
    ("MERT-v1-330M", "pre-group"),
    ("music2vec-v1", "data2vec"),
];

fn fixture(kind: &str) -> PathBuf {
    repository("tests/fixtures/checkpoints").join(kind)
}

/// Has the hub offer the checkpoint of a kind as a model.
fn publish(home: &Home, id: &str, kind: &str) {
    for name in [
        "config.json",
        "preprocessor_config.json",
        "pytorch_model.bin",
    ] {
        let bytes = fs::read(fixture(kind).join(name)).unwrap();
        home.hub.publish(&format!("m-a-p/{id}"), name, bytes);
    }
}

/// Has `command` run in this home, with the ONNX Runtime of the user's real one.
fn at_home<'a>(home: &Home, command: &'a mut Command) -> &'a mut Command {
    let library = runtime::candidates(None).unwrap();
    let library = library.into_iter().find(|path| path.exists());
    command
        .env("HOME", home.path(""))
        .env("XDG_DATA_HOME", home.path("data"))
        .env("XDG_CACHE_HOME", home.path("cache"))
        .env(
            "ORT_DYLIB_PATH",
            library.expect("ONNX Runtime is installed"),
        )
}

fn floats(bytes: &[u8]) -> Vec<f32> {
    let value = |b: &[u8]| f32::from_le_bytes(b.try_into().unwrap());
    bytes.chunks_exact(4).map(value).collect()
}

#[test]
fn what_is_fetched_gives_the_reference_s_hidden_states() {
    let home = Home::new();
    for (id, kind) in MODELS {
        publish(&home, id, kind);
        home.hub.fault(Faults {
            cut: Some((1, 40_000)),
            ..Faults::default()
        });
        succeeds(&home.run(&["fetch", id, "--yes"]));
        assert_eq!(home.hub.asked_second().len(), 2, "it was taken up again");
        home.hub.forget();

        let expected = fs::read(fixture(kind).join("expected.safetensors")).unwrap();
        let expected = SafeTensors::deserialize(&expected).unwrap();
        let audio = floats(expected.tensor("audio").unwrap().data());
        let rate_hz = if id.contains("v1-330M") {
            24_000
        } else {
            16_000
        };
        let (song, out) = (home.path("song.wav"), home.path("out.npy"));
        fs::write(&song, wav(rate_hz, 1, &audio)).unwrap();
        let mut embed = mertscope();
        embed.arg("embed").arg(&song).arg("--out").arg(&out);
        embed.args(["--model", id, "--pool", "none", "--whole"]);
        succeeds(&said(at_home(&home, &mut embed)));

        let mut reference = Vec::new();
        for index in 0.. {
            match expected.tensor(&format!("hidden_states_{index}")) {
                Ok(layer) => reference.push(floats(layer.data())),
                Err(_) => break,
            }
        }
        let bytes = fs::read(&out).unwrap();
        let count: usize = reference.iter().map(Vec::len).sum();
        let ours = floats(&bytes[bytes.len() - 4 * count..]);
        let mut start = 0;
        for (index, layer) in reference.iter().enumerate() {
            let ours = &ours[start..start + layer.len()];
            start += layer.len();
            let squares: f32 = layer.iter().map(|x| x * x).sum();
            let rms = (squares / layer.len() as f32).sqrt();
            let off = layer.iter().zip(ours).map(|(a, b)| (a - b).abs());
            let worst = off.fold(0.0, f32::max);
            assert!(worst <= 1e-4 * rms.max(1.0), "{id}, layer {index}: {worst}");
        }
        assert!(reference.len() > 2);
    }
}

#[test]
fn a_fetched_model_analyses_files() {
    let home = Home::new();
    let song = home.path("song.wav");
    fs::write(&song, wav(16_000, 1, &chord(16_000, 8.0))).unwrap();
    let analyze = || {
        let mut analyze = mertscope();
        analyze
            .arg("analyze")
            .arg(&song)
            .args(["--model", "MERT-v0", "--json"]);
        said(at_home(&home, &mut analyze))
    };
    fails_with(&analyze(), 1, &["MERT-v0", "models fetch MERT-v0"]);
    publish(&home, "MERT-v0", "post-group");
    succeeds(&home.run(&["fetch", "MERT-v0", "--yes"]));
    let analysed = analyze();
    succeeds(&analysed);
    assert_eq!(
        analysed.json()["model"]["id"],
        "MERT-v0",
        "{}",
        analysed.out
    );
    // What was made of it goes with it.
    let graphs = home.path("cache/mertscope/graphs");
    let count = |folder: &Path| fs::read_dir(folder).map_or(0, Iterator::count);
    assert_eq!(count(&graphs), 1);
    succeeds(&home.run(&["remove", "MERT-v0"]));
    assert_eq!(count(&graphs), 0);
    fails_with(&analyze(), 1, &["MERT-v0", "models fetch MERT-v0"]);
}

/// The live engine in a process of its own, whose environment leads to the home.
#[test]
fn a_fetched_model_runs_live() {
    const CHILD: &str = "MERTSCOPE_TEST_LIVE";
    if env::var_os(CHILD).is_some() {
        return live();
    }
    let home = Home::new();
    publish(&home, "MERT-v0", "post-group");
    succeeds(&home.run(&["fetch", "MERT-v0", "--yes"]));
    let mut child = Command::new(env::current_exe().unwrap());
    child.args(["--exact", "road::a_fetched_model_runs_live", "--nocapture"]);
    let ran = said(at_home(&home, &mut child).env(CHILD, "1"));
    succeeds(&ran);
    assert!(ran.out.contains("1 passed"), "{}", ran.out);
}

fn live() {
    let controls = Controls {
        hop: Hop::Seconds(1.0),
        ..Controls::default()
    };
    let settings = Settings {
        model: Some("MERT-v0".to_owned()),
        exact_offline: true,
        ..Settings::default()
    };
    let stream = Live::acquire().open(settings, Arc::new(move || controls));
    let (mut tap, drain) = tap(48_000);
    stream.attach(drain);
    let wait = |what: &str, there: &dyn Fn(&Snapshot) -> bool| {
        // So long that only a deadlock reaches it.
        let end = Instant::now() + Duration::from_secs(120);
        loop {
            let snapshot = stream.snapshot();
            if there(&snapshot) {
                return snapshot;
            }
            assert!(Instant::now() < end, "{what} never came: {snapshot:#?}");
            thread::sleep(Duration::from_millis(5));
        }
    };
    let ready = wait("the model", &|s| s.model.state != ModelState::Loading);
    assert_eq!(ready.error, None);
    let running = ready.model.running.as_ref().unwrap();
    assert_eq!(running.id, "MERT-v0");
    let mut transport = Transport {
        playing: true,
        position: Some(0),
        offline: true,
    };
    for block in chord(48_000, 7.5).chunks(512) {
        tap.push_exact(&[block], transport, Duration::from_secs(120));
        transport.position = transport.position.map(|at| at + block.len() as i64);
    }
    let heard = wait("a window", &|s| s.analysed_windows >= 3);
    assert_eq!(heard.error, None);
    assert!(heard.latest.is_some());
}
