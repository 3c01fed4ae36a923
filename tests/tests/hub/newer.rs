//! MERT-v2 and MuQ live, on small networks: in the live engine and in the built plugin, each cut after the layer
//! of its head, with what the status bar says of that.
//!
//! The length of MERT-v2-FullSong's and MuQ's weights is pinned, so that they run from folders of their names.
//! Deliberately not here: MusicFM, whose files name no sizes, so that no small network runs as one.

use std::env;
use std::fs;
use std::path::Path;
use std::process::Command;

use mertscope_heads::package::ModelPackage;
use mertscope_model::{Precision, measured_form, runtime};
use mertscope_tests::host::library;
use mertscope_tests::random::Random;
use mertscope_tests::{chord, mertscope, output_of, wav};
use serde_json::json;

use super::checkpoints::{at_home, embed, fixture, runs_live};
use super::home::{Home, fails_with, succeeds};
use super::mert2;
use super::plugin::{is_answered, result};

/// Names the folder of the models in the environment of the second process.
const CHILD: &str = "MERTSCOPE_TEST_NEWER";

/// The models with the precision asked for, and what the status bar says of each.
const FORMS: [(&str, Option<Precision>, &str); 4] = [
    ("MERT-v2-30s", None, "MERT-v2-30s, layers ≤ 2, fp32"),
    (
        "MERT-v2-30s",
        Some(Precision::Int8),
        "MERT-v2-30s, layers ≤ 2, int8",
    ),
    (
        "MERT-v2-FullSong",
        Some(Precision::Int8),
        "MERT-v2-FullSong, layers ≤ 2, int8",
    ),
    (
        "MuQ-large-msd-iter",
        Some(Precision::Int8),
        "MuQ-large-msd-iter, layers ≤ 1, int8",
    ),
];

#[test]
fn the_newer_models_run_live_and_in_the_plugin_as_far_as_their_heads_listen() {
    if let Ok(models) = env::var(CHILD) {
        return plays(Path::new(&models));
    }
    let home = mert2::home();
    let models = mert2::installed(&home).parent().unwrap().to_owned();
    copy("mert2", &models.join("MERT-v2-FullSong"), made_for_songs);
    copy("muq", &models.join("MuQ-large-msd-iter"), |config| config);
    sounds(&home.path("sounds"));
    for id in ["MERT-v2-30s", "MERT-v2-FullSong", "MuQ-large-msd-iter"] {
        train(&home, &models.join(id), id);
    }
    let mut child = Command::new(env::current_exe().unwrap());
    child.args([
        "--exact",
        "newer::the_newer_models_run_live_and_in_the_plugin_as_far_as_their_heads_listen",
        "--nocapture",
    ]);
    let ran = output_of(at_home(&home, &mut child).env(CHILD, &models));
    succeeds(&ran);
    assert!(ran.out.contains("1 passed"), "{}", ran.out);
}

#[test]
fn a_song_is_taken_whole_only_by_a_model_that_was_made_for_songs() {
    let home = Home::new();
    let song = chord(24_000, 70.0);
    let folder = home.path("MERT-v2-FullSong");
    copy("mert2", &folder, made_for_songs);
    succeeds(&embed(&home, folder.to_str().unwrap(), &song, 24_000));
    let folder = fixture("mert2");
    let refused = embed(&home, folder.to_str().unwrap(), &song, 24_000);
    fails_with(&refused, 1, &["longer than 60 s", "--max-seconds"]);
}

/// The configuration of the variant for whole songs.
fn made_for_songs(config: String) -> String {
    let config = config.replace("\"variant\": \"30s\"", "\"variant\": \"fs\"");
    config.replace("\"context_seconds\": 30.0", "\"context_seconds\": 360.0")
}

/// Plays to each model, in the live engine of this process and in the plugin.
fn plays(models: &Path) {
    for (id, precision, form) in FORMS {
        let folder = models.join(id);
        let live = runs_live(folder.to_str().unwrap(), id, precision, None, |_| true);
        assert_eq!(live, form);
    }
    the_cheapest_form_is_chosen(&models.join("MERT-v2-30s"));
    for id in ["MERT-v2-30s", "MERT-v2-FullSong", "MuQ-large-msd-iter"] {
        let folder = models.join(id);
        let windows = result(library(), &json!({ "id": folder.to_str() }));
        is_answered(&windows, id, 5.0);
    }
}

/// A bound that any form keeps and one that none does, with what the status bar says, and what is known afterwards.
fn the_cheapest_form_is_chosen(folder: &Path) {
    let known = |most_err| {
        let package = ModelPackage::find(folder.to_str()).unwrap();
        let runtime = runtime::load(None).unwrap();
        measured_form(runtime, &package.model, &package.layers_in_use(), most_err)
    };
    assert_eq!(known(100.0), None);
    let id = "MERT-v2-30s";
    let form = |most_err, precision: &str| {
        let is_settled = |form: &str| form.contains(precision);
        runs_live(
            folder.to_str().unwrap(),
            id,
            None,
            Some(most_err),
            is_settled,
        )
    };
    // It runs in single precision until its forms are measured, and then changes.
    let cheapest = form(100.0, "int8-fast");
    let (precision, err) = known(100.0).expect(&cheapest);
    assert_eq!(precision, Precision::Int8Fast);
    assert_eq!(
        cheapest,
        format!("{id}, layers ≤ 2, int8-fast, err {:.2}", err.unwrap())
    );
    // The other form is measured in the background; single precision stays.
    assert_eq!(form(1e-6, "fp32"), "MERT-v2-30s, layers ≤ 2, fp32");
}

/// Copies a small network into a folder, with another configuration.
fn copy(kind: &str, folder: &Path, configuration: impl Fn(String) -> String) {
    fs::create_dir_all(folder).unwrap();
    for name in ["preprocessor_config.json", "model.safetensors"] {
        let from = fixture(kind).join(name);
        if from.is_file() {
            fs::copy(from, folder.join(name)).unwrap();
        }
    }
    let config = fs::read_to_string(fixture(kind).join("config.json")).unwrap();
    fs::write(folder.join("config.json"), configuration(config)).unwrap();
}

/// Writes chords and noises, a folder of each.
fn sounds(folder: &Path) {
    let mut random = Random::new(7);
    for n in 0..4 {
        let noise: Vec<f32> = (0..24_000 * 6)
            .map(|_| (random.bits() as u32 as f32 / u32::MAX as f32 - 0.5) * 0.1 * (n + 1) as f32)
            .collect();
        let chord: Vec<f32> = chord(24_000, 6.0)
            .iter()
            .map(|x| x / (n + 1) as f32)
            .collect();
        for (name, samples) in [("noise", noise), ("chord", chord)] {
            fs::create_dir_all(folder.join(name)).unwrap();
            let path = folder.join(name).join(format!("{n}.wav"));
            fs::write(path, wav(24_000, 1, &samples)).unwrap();
        }
    }
}

/// Trains a head on hidden state 1 of the model in a folder.
fn train(home: &Home, model: &Path, name: &str) {
    let mut train = mertscope();
    train.args(["heads", "train", "--task", "sound", "--layers", "1"]);
    train.args(["--name", &name.to_lowercase(), "--quiet", "--data"]);
    train.arg(home.path("sounds")).arg("--model").arg(model);
    succeeds(&output_of(at_home(home, &mut train)));
}
