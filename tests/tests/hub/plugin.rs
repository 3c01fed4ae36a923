//! Models that a project chooses for the built plugin: a checkpoint in a folder, and a fetched model of
//! the catalogue. The tests read the plugin's results log.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use mertscope_tests::host::{Instance, library, load};
use mertscope_tests::{chord, output_of};
use serde_json::{Value, json};

use super::checkpoints::{at_home, fixture, publish};
use super::home::{Home, succeeds};

/// Names the plugin in the environment of the second process.
const CHILD: &str = "MERTSCOPE_TEST_PLUGIN";

/// Names the fetched weights in the environment of the second process.
const WEIGHTS: &str = "MERTSCOPE_TEST_WEIGHTS";

const RATE_HZ: u32 = 48_000;
const FRAMES: usize = 2048;

/// The time limit for a window: only a hang exceeds it.
const PATIENCE: Duration = Duration::from_secs(300);

/// The host is a process of its own, whose environment names a home with the model.
#[test]
fn the_plugin_uses_the_model_of_its_project() {
    if let Ok(library) = env::var(CHILD) {
        return host(Path::new(&library));
    }
    let home = Home::new();
    publish(&home, "MERT-v0", "thin");
    succeeds(&home.run(&["fetch", "MERT-v0", "--yes"]));
    let mut child = Command::new(env::current_exe().unwrap());
    child.args([
        "--exact",
        "plugin::the_plugin_uses_the_model_of_its_project",
    ]);
    child.env(CHILD, library()).env(WEIGHTS, home.model());
    let ran = output_of(at_home(&home, &mut child));
    succeeds(&ran);
    assert!(ran.out.contains("1 passed"), "{}", ran.out);
}

fn host(library: &Path) {
    let folder = fixture("post-group");
    let windows = result(library, &json!({ "id": folder.to_str() }));
    is_answered(&windows, "post-group", 5.0);

    let weights = PathBuf::from(env::var_os(WEIGHTS).unwrap()).join("pytorch_model.bin");
    let sha256 = mertscope_model::sha256(&fs::read(weights).unwrap());
    let fetched = json!({ "id": "MERT-v0", "sha256": sha256, "window_s": 2.5 });
    is_answered(&result(library, &fetched), "MERT-v0", 2.5);
}

/// Checks that windows were analyzed, without key and genre, because the model has no heads.
pub(crate) fn is_answered(windows: &[Value], model: &str, window_s: f64) {
    assert!(windows.len() >= 3, "{windows:?}");
    for window in windows {
        assert_eq!(window["status"], "ok", "{window}");
        assert_eq!(window["model"], model, "{window}");
        let device = window["device"].as_str().unwrap();
        assert!(device.contains("CPU"), "{window}");
        assert!(window["key"].is_null() && window["genre"].is_null());
        let time = |name: &str| window[name].as_f64().unwrap();
        let length_s = time("end_s") - time("start_s");
        assert!((length_s - window_s).abs() < 1e-6, "{window}");
    }
}

/// The windows of an offline render of 8 s with this model.
pub(crate) fn result(library: &Path, model: &Value) -> Vec<Value> {
    let entry = load(library);
    let mut instance = Instance::new(&entry);
    let mut state = instance.state();
    let project = json!({
        "version": 1,
        "model": model,
        "engine": { "exact_offline": true, "cpu_share": 1.0 },
        "log": { "enabled": true },
    });
    state["fields"]["mertscope"] = json!(project.to_string());
    state["params"]["hop"] = json!({ "f32": 1.0 });
    assert!(instance.load_state(&state));
    instance.set_offline(true);
    let mut processor = instance.activate(RATE_HZ, FRAMES);
    for block in chord(RATE_HZ, 8.0).chunks_exact(FRAMES) {
        for channel in processor.input() {
            channel.copy_from_slice(block);
        }
        processor.play(FRAMES);
    }
    let begun = Instant::now();
    while logged()
        .last()
        .is_none_or(|last| last["end_s"].as_f64() < Some(7.0))
    {
        assert!(begun.elapsed() < PATIENCE, "{:?}", logged());
        thread::sleep(Duration::from_millis(50));
    }
    instance.deactivate(processor);
    // Dropping the instance writes the rest of the log.
    drop(instance);
    let windows = logged();
    fs::remove_dir_all(logs()).unwrap();
    windows
}

fn logs() -> PathBuf {
    dirs::data_local_dir().unwrap().join("mertscope/logs")
}

/// The lines of the only log in this home.
fn logged() -> Vec<Value> {
    let logs = fs::read_dir(logs()).into_iter().flatten().flatten();
    let text: String = logs
        .map(|log| fs::read_to_string(log.path()).unwrap())
        .collect();
    let whole = text.rsplit_once('\n').map_or("", |(whole, _)| whole);
    whole
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}
