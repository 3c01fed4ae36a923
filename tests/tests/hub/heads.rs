//! Heads that come along with a model, over HTTP from a hub on this machine: in health, and when the hub lacks one, has
//! another one, or the user does not want them. The model has the layers, width and name of MERT-v1-95M; its weights
//! lie in the store already, because the published length is pinned (`full_size` fetches such weights too).

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use mertscope_heads::head::marble::Labels;
use mertscope_model::sha256;
use mertscope_tests::host::library;
use mertscope_tests::hub::Faults;
use mertscope_tests::{CommandOutput, chord, mertscope, output_of, repository, wav};
use serde_json::{Value, json};

use super::checkpoints::at_home;
use super::home::{Home, fails_with, succeeds};
use super::plugin;

pub(crate) const ID: &str = "MERT-v1-95M";
const REPO: &str = "spaces/m-a-p/Music-Descriptor";
const FOLDER: &str = "Prediction_Head/best-layer-MERT-v1-95M";

/// Names the plugin in the environment of the second process.
const CHILD: &str = "MERTSCOPE_TEST_PLUGIN_HEADS";

fn fixture(name: &str) -> Vec<u8> {
    fs::read(repository("tests/fixtures/marble").join(name)).unwrap()
}

/// A checkpoint with the published length: the archive gets a comment at its end.
fn with_length(name: &str, length: usize) -> Vec<u8> {
    let mut bytes = fixture(name);
    let comment = length - bytes.len();
    let end = bytes.len() - 2;
    assert_eq!(bytes[end..], [0, 0], "the archive has a comment already");
    bytes[end..].copy_from_slice(&u16::try_from(comment).unwrap().to_le_bytes());
    bytes.resize(length, b' ');
    bytes
}

/// Publishes a file beside the published heads.
fn publish(home: &Home, name: &str, bytes: impl Into<Vec<u8>>) {
    home.hub.publish(REPO, &format!("{FOLDER}/{name}"), bytes);
}

/// The heads of a task with a published head of keys' shapes, in which each output is a tag.
fn tags(count: usize) -> String {
    let tags = (0..count).map(|n| (n.to_string(), json!(format!("tag---{n}"))));
    Value::Object(tags.collect()).to_string()
}

/// Publishes all eleven heads: two of the published lengths, and heads of the same format for the other tasks.
pub(crate) fn publish_all(home: &Home) {
    publish(home, "GS.ckpt", with_length("GS.ckpt", 1_629_851));
    publish(home, "GS.id2class.json", fixture("GS.id2class.json"));
    publish(home, "GTZAN.ckpt", with_length("GTZAN.ckpt", 1_601_115));
    publish(home, "MTGInstrument.ckpt", fixture("MTGInstrument.ckpt"));
    publish(home, "MTGInstrument.id2class.json", tags(40));
    for id in [
        "MTGGenre",
        "MTGMood",
        "MTGTop50",
        "EMO",
        "NSynthI",
        "NSynthP",
        "VocalSetS",
        "VocalSetT",
    ] {
        publish(home, &format!("{id}.ckpt"), fixture("GS.ckpt"));
        publish(home, &format!("{id}.id2class.json"), tags(24));
    }
}

/// A home in which the model is installed, without heads.
fn with_model() -> Home {
    let home = Home::new();
    let folder = home.models().join(ID);
    fs::create_dir_all(&folder).unwrap();
    let thin = repository("tests/fixtures/checkpoints/thin");
    let mut receipt = format!("format = 1\nid = \"{ID}\"\nsource = \"a test\"\n");
    for name in [
        "config.json",
        "preprocessor_config.json",
        "pytorch_model.bin",
    ] {
        let mut bytes = fs::read(thin.join(name)).unwrap();
        if name == "preprocessor_config.json" {
            bytes = String::from_utf8(bytes)
                .unwrap()
                .replace("16000", "24000")
                .into();
        }
        fs::write(folder.join(name), &bytes).unwrap();
        let (size, hash) = (bytes.len(), sha256(&bytes));
        receipt += &format!("[[file]]\nname = \"{name}\"\nsize = {size}\nsha256 = \"{hash}\"\n");
    }
    fs::write(folder.join("installed.toml"), receipt).unwrap();
    home
}

fn heads_folder(home: &Home) -> PathBuf {
    home.models().with_file_name("published-heads").join(ID)
}

/// `mertscope …` with the model, in this home.
fn with_id(home: &Home, arguments: &[&str]) -> CommandOutput {
    let mut command = mertscope();
    command.args(arguments).args(["--model", ID]);
    output_of(at_home(home, &mut command))
}

/// The windows of a chord as the model hears it, and what the command says.
pub(crate) fn analyzed(home: &Home) -> (Vec<Value>, String) {
    let song = home.path("chord.wav");
    fs::write(&song, wav(24_000, 1, &chord(24_000, 6.0))).unwrap();
    let analyzed = with_id(home, &["analyze", song.to_str().unwrap(), "--json"]);
    succeeds(&analyzed);
    let windows = analyzed.json()["files"][0]["timeline"]
        .as_array()
        .unwrap()
        .clone();
    assert!(windows.len() >= 2, "{}", analyzed.out);
    (windows, analyzed.err)
}

/// Checks that every window has probabilities of 24 keys and of GTZAN's genres.
pub(crate) fn name_key_and_genre(windows: &[Value]) {
    for window in windows {
        let sum = |task: &str, labels: usize| {
            let of = window[task].as_object().unwrap();
            assert_eq!(of.len(), labels, "{window}");
            of.values().map(|p| p.as_f64().unwrap()).sum::<f64>()
        };
        assert!((sum("key", 24) - 1.0).abs() < 1e-2, "{window}");
        assert!((sum("genre", 10) - 1.0).abs() < 1e-2, "{window}");
        assert!(window["genre"]["hiphop"].is_number(), "{window}");
    }
}

#[test]
fn published_heads_come_with_their_model_and_name_key_and_genre() {
    let home = with_model();
    publish_all(&home);
    let listed = home.run(&["list"]).out;
    assert!(
        listed.contains("Music-Descriptor: key (GS), genre (GTZAN)"),
        "{listed}"
    );
    assert!(listed.contains("no stated license; come along"), "{listed}");
    let (windows, said) = analyzed(&home);
    assert!(
        windows[0]["key"].is_null() && said.contains(&format!("models fetch {ID}")),
        "{said}"
    );

    let fetched = home.run(&["fetch", ID, "--yes"]);
    succeeds(&fetched);
    for words in [
        "11 heads of Music-Descriptor",
        "state no license",
        "--no-heads",
        "Its heads: key (GS), genre (GTZAN)",
    ] {
        assert!(fetched.err.contains(words), "“{words}”: {}", fetched.err);
    }
    let asked = home.hub.asked();
    let first = format!("/{REPO}/resolve/main/{FOLDER}/GS.id2class.json");
    assert!(asked.iter().any(|asked| asked.path == first), "{asked:?}");
    assert_eq!(home.hub.asked_second().len(), 11, "one checkpoint each");
    let consent = fs::read_to_string(home.models().with_file_name("consent.toml")).unwrap();
    assert!(consent.contains("no stated license") && consent.contains("CC-BY-NC-4.0"));
    let receipt = fs::read_to_string(heads_folder(&home).join("installed.toml")).unwrap();
    assert_eq!(receipt.matches("[[file]]").count(), 21, "{receipt}");

    let (windows, said) = analyzed(&home);
    name_key_and_genre(&windows);
    assert!(!said.contains("has no heads"), "{said}");
    let heads = with_id(&home, &["heads", "list"]);
    succeeds(&heads);
    for words in [
        "GS ",
        "layer 8, with the model",
        "GTZAN",
        "layer 7",
        "MTG-Instrument, 40 labels",
    ] {
        assert!(heads.out.contains(words), "“{words}”: {}", heads.out);
    }
    let info = with_id(&home, &["heads", "info", "GTZAN"]).out;
    assert!(
        info.contains("blues, classical, country") && info.contains("none stated"),
        "{info}"
    );
    are_exported_verified_and_removed(&home);
}

fn are_exported_verified_and_removed(home: &Home) {
    let file = home.path("key.safetensors");
    succeeds(&with_id(
        home,
        &["heads", "export", "GS", "--out", file.to_str().unwrap()],
    ));
    assert!(file.is_file());

    let listed = home.run(&["list", "--json"]).json();
    let models = listed["models"].as_array().unwrap();
    let ours = models.iter().find(|model| model["id"] == ID).unwrap();
    let each = ours["heads"]["heads"].as_array().unwrap();
    assert!(
        each.len() == 11 && each.iter().all(|head| head["installed"] == true),
        "{ours}"
    );
    let verified = home.run(&["verify", ID]);
    assert!(verified.out.contains("whole, 24 files"), "{verified:?}");
    // Nothing is missing any more.
    home.hub.forget();
    succeeds(&home.run(&["fetch", ID, "--yes"]));
    assert!(home.hub.asked().is_empty());
    succeeds(&home.run(&["remove", ID]));
    assert!(!heads_folder(home).exists() && !home.models().join(ID).exists());
}

/// The host is a process of its own, whose environment names a home with the model and its heads.
#[test]
fn the_plugin_names_the_genre_with_fetched_heads() {
    if let Ok(library) = env::var(CHILD) {
        let windows = plugin::result(Path::new(&library), &json!({ "id": ID }));
        assert!(windows.len() >= 3, "{windows:?}");
        let genres = Labels::of_task("genre").unwrap().names;
        for window in &windows {
            // The key head's weights were not trained: no key is clear enough to be named.
            let genre = window["genre"].as_str().unwrap();
            assert!(
                genres.iter().any(|name| name == genre) && window["model"] == ID,
                "{window}"
            );
        }
        return;
    }
    let home = with_model();
    publish_all(&home);
    succeeds(&home.run(&["fetch", ID, "--yes"]));
    let mut child = Command::new(env::current_exe().unwrap());
    child.args([
        "--exact",
        "heads::the_plugin_names_the_genre_with_fetched_heads",
    ]);
    let ran = output_of(at_home(&home, child.env(CHILD, library())));
    succeeds(&ran);
    assert!(ran.out.contains("1 passed"), "{}", ran.out);
}

#[test]
fn heads_that_were_not_agreed_to_are_left() {
    let home = with_model();
    publish_all(&home);
    succeeds(&home.run(&["fetch", ID, "--no-heads"]));
    let license = ["--accept-licence", "CC-BY-NC-4.0"];
    let bare = home.run(&[&["fetch", ID], &license[..]].concat());
    succeeds(&bare);
    for words in [
        "state no license",
        "are left, because you did not agree",
        "--yes",
    ] {
        assert!(bare.err.contains(words), "“{words}”: {}", bare.err);
    }
    // Without a terminal and a flag, the license on record is enough for the model alone.
    let silent = home.run(&["fetch", ID]);
    succeeds(&silent);
    assert!(silent.err.contains("are left"), "{}", silent.err);
    assert!(home.hub.asked().is_empty() && !heads_folder(&home).exists());
    let (windows, _) = analyzed(&home);
    assert!(windows[0]["key"].is_null());
}

#[test]
fn a_head_that_is_gone_or_has_changed_is_named_and_the_others_are_used() {
    let home = with_model();
    publish_all(&home);
    home.hub.withdraw(REPO, &format!("{FOLDER}/EMO.ckpt"));
    // Not of the pinned length.
    publish(&home, "GS.ckpt", fixture("GS.ckpt"));
    let fetched = home.run(&["fetch", ID, "--yes"]);
    fails_with(
        &fetched,
        1,
        &[
            "Not all published heads",
            "EMO.ckpt",
            "404",
            "GS.ckpt",
            "instead of 1629851",
            "works without them",
        ],
    );
    let (windows, _) = analyzed(&home);
    assert!(windows[0]["genre"].is_object() && windows[0]["key"].is_null());

    // Another fetch asks for these two alone.
    publish_all(&home);
    home.hub.forget();
    succeeds(&home.run(&["fetch", ID, "--yes"]));
    assert_eq!(home.hub.asked_second().len(), 2);
    name_key_and_genre(&analyzed(&home).0);
}

#[test]
fn heads_with_wrong_bytes_or_without_space_leave_the_model_as_it_was() {
    for (fault, words) in [
        (
            Faults {
                wrong_bytes: true,
                ..Faults::default()
            },
            ["is not the expected file", "There are 9 more"],
        ),
        (
            Faults {
                reported_size: Some(1 << 50),
                ..Faults::default()
            },
            ["too little free space", "MB are needed"],
        ),
        (
            Faults {
                status: Some((403, "GatedRepo")),
                ..Faults::default()
            },
            ["agreement for spaces/m-a-p/Music-Descriptor", "HF_TOKEN"],
        ),
    ] {
        let home = with_model();
        publish_all(&home);
        home.hub.fault(fault);
        let fetched = home.run(&["fetch", ID, "--yes"]);
        fails_with(&fetched, 1, &words);
        fails_with(
            &fetched,
            1,
            &["Not all published heads of MERT-v1-95M", "--no-heads"],
        );
        assert!(!heads_folder(&home).join("installed.toml").exists());
        let heads = with_id(&home, &["heads", "list"]);
        succeeds(&heads);
        assert!(heads.out.contains("has no heads"), "{heads:?}");
    }
}

#[test]
fn a_head_for_another_model_is_named_and_the_others_are_used() {
    let home = with_model();
    publish_all(&home);
    publish(&home, "EMO.ckpt", fixture("one.ckpt"));
    publish(&home, "EMO.id2class.json", tags(3));
    let fetched = home.run(&["fetch", ID, "--yes"]);
    fails_with(
        &fetched,
        1,
        &["The published head EMO of MERT-v1-95M can't be used", "768"],
    );
    let (windows, said) = analyzed(&home);
    name_key_and_genre(&windows);
    assert!(said.contains("head EMO"), "{said}");

    // A head that was changed on this disk is not read, and the model stays usable.
    let key = heads_folder(&home).join("GS.ckpt");
    let mut bytes = fs::read(&key).unwrap();
    bytes[1_000] ^= 1;
    fs::write(&key, bytes).unwrap();
    let (windows, said) = analyzed(&home);
    assert!(
        said.contains("GS.ckpt has changed") && windows[0]["key"].is_null(),
        "{said}"
    );
    fails_with(&home.run(&["verify", ID]), 1, &["GS.ckpt", "SHA-256"]);
    fs::remove_file(&key).unwrap();
    let (_, said) = analyzed(&home);
    assert!(
        said.contains("GS.ckpt") && said.contains("models fetch"),
        "{said}"
    );
    let again = home.run(&["fetch", ID, "--yes"]);
    assert!(again.err.contains("key (GS)"), "{}", again.err);
}
