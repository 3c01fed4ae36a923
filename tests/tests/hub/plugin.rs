//! Models in the built plugin, as a project chooses them: a checkpoint where it lies, and one of the
//! catalogue that was fetched. What it hears is read from its results log.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use mertscope_tests::host::{Instance, library, load};
use mertscope_tests::{chord, said};
use serde_json::{Value, json};

use super::home::{Home, succeeds};
use super::road::{at_home, fixture, publish};

/// Leads the second process to the plugin.
const CHILD: &str = "MERTSCOPE_TEST_PLUGIN";

/// Leads it to the weights that were fetched.
const WEIGHTS: &str = "MERTSCOPE_TEST_WEIGHTS";

const RATE_HZ: u32 = 48_000;
const FRAMES: usize = 2048;

/// How long a window may take to appear: a hang, not a measure.
const PATIENCE: Duration = Duration::from_secs(300);

/// The host is a process of its own, whose environment leads to a home with the model in it.
#[test]
fn a_project_s_model_is_heard_with() {
    if let Ok(library) = env::var(CHILD) {
        return host(Path::new(&library));
    }
    let home = Home::new();
    publish(&home, "MERT-v0", "thin");
    succeeds(&home.run(&["fetch", "MERT-v0", "--yes"]));
    let mut child = Command::new(env::current_exe().unwrap());
    child.args(["--exact", "plugin::a_project_s_model_is_heard_with"]);
    child.env(CHILD, library()).env(WEIGHTS, home.model());
    let ran = said(at_home(&home, &mut child));
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

/// Windows without an answer about key and genre, since the model has no heads, but heard.
fn is_answered(windows: &[Value], model: &str, window_s: f64) {
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

/// The windows of a bounce of 8 s with this model.
fn result(library: &Path, model: &Value) -> Vec<Value> {
    let entry = load(library);
    let mut instance = Instance::new(&entry);
    let mut state = instance.state();
    let project = json!({
        "version": 1,
        "model": model,
        "engine": { "exact_offline": true, "cpu_share": 1.0 },
    });
    state["fields"]["mertscope"] = json!(project.to_string());
    state["params"]["log"] = json!({ "bool": true });
    state["params"]["hop"] = json!({ "f32": 1.0 });
    assert!(instance.load_state(&state));
    instance.set_offline(true);
    let mut deck = instance.activate(RATE_HZ, FRAMES);
    for block in chord(RATE_HZ, 8.0).chunks_exact(FRAMES) {
        for channel in deck.input() {
            channel.copy_from_slice(block);
        }
        deck.play(FRAMES);
    }
    let begun = Instant::now();
    while logged()
        .last()
        .is_none_or(|last| last["end_s"].as_f64() < Some(7.0))
    {
        assert!(begun.elapsed() < PATIENCE, "{:?}", logged());
        thread::sleep(Duration::from_millis(50));
    }
    instance.deactivate(deck);
    // Letting go of it writes what is left.
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
