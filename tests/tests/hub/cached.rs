//! Files that other programs have fetched from the hub: used in their cache, and left unchanged.

use std::fs;
use std::path::PathBuf;

use mertscope_model::sha256;
use mertscope_tests::hub::COMMIT;
use mertscope_tests::output_of;

use super::home::{Home, ID, fails_with, succeeds};

/// Puts the model into the hub's own cache, in the layout of `huggingface_hub`, and returns the path
/// of the weights' blob.
fn cache(home: &Home) -> PathBuf {
    let repo = home.path("hf/hub/models--m-a-p--MERT-v0");
    let snapshot = repo.join("snapshots").join(COMMIT);
    for folder in [&repo.join("refs"), &repo.join("blobs"), &snapshot] {
        fs::create_dir_all(folder).unwrap();
    }
    fs::write(repo.join("refs/main"), COMMIT).unwrap();
    let blob = repo.join("blobs").join(sha256(&home.weights));
    fs::write(&blob, &home.weights).unwrap();
    let link = snapshot.join("pytorch_model.bin");
    #[cfg(unix)]
    std::os::unix::fs::symlink(format!("../../blobs/{}", sha256(&home.weights)), link).unwrap();
    #[cfg(not(unix))]
    fs::copy(&blob, link).unwrap();
    fs::write(snapshot.join("config.json"), "{}").unwrap();
    fs::write(snapshot.join("preprocessor_config.json"), "{}").unwrap();
    blob
}

#[test]
fn the_cache_is_used_where_it_lies_and_left_alone() {
    let home = Home::new();
    let blob = cache(&home);
    let mut command = home.models_command(&["fetch", ID, "--yes"]);
    succeeds(&output_of(command.env("HF_HUB_OFFLINE", "1")));
    assert!(home.hub.asked().is_empty(), "{:?}", home.hub.asked());
    let listed = home.run(&["list", "--json"]).json();
    let ours = listed["models"].as_array().unwrap().iter();
    let ours = ours.filter(|model| model["id"] == ID).flat_map(|model| {
        let files = model["files"].as_array().unwrap().iter();
        files.map(|file| PathBuf::from(file["path"].as_str().unwrap()))
    });
    let paths: Vec<_> = ours.collect();
    assert_eq!(paths.len(), 3);
    assert!(
        paths
            .iter()
            .all(|path| path.starts_with(home.path("hf/hub"))),
        "{paths:?}"
    );
    succeeds(&home.run(&["verify", ID]));
    succeeds(&home.run(&["remove", ID]));
    assert!(fs::read(&blob).unwrap() == home.weights);
    // After the removal another fetch has to search again.
    home.not_installed();
    let mut command = home.models_command(&["fetch", ID]);
    let elsewhere = command
        .env("HF_HUB_OFFLINE", "1")
        .env("HF_HUB_CACHE", home.path("hf/hub"));
    succeeds(&output_of(elsewhere.env("HF_HOME", "/nonexistent")));
}

/// Where there are links a blob's name is its hash. A file in the place of the link names none.
#[cfg(unix)]
#[test]
fn a_damaged_cache_is_not_used() {
    let home = Home::new();
    let blob = cache(&home);
    let mut bytes = home.weights.clone();
    bytes[7] ^= 1;
    fs::write(&blob, bytes).unwrap();
    let mut command = home.models_command(&["fetch", ID, "--yes"]);
    let offline = output_of(command.env("HF_HUB_OFFLINE", "1"));
    fails_with(&offline, 1, &["HF_HUB_OFFLINE", "models import"]);
    succeeds(&home.fetch());
    home.installed();
}

#[test]
fn files_of_the_commit_in_the_cache_are_not_fetched() {
    let home = Home::new();
    cache(&home);
    let snapshot = home
        .path("hf/hub/models--m-a-p--MERT-v0/snapshots")
        .join(COMMIT);
    fs::remove_file(snapshot.join("config.json")).unwrap();
    succeeds(&home.fetch());
    assert!(home.hub.asked_second().is_empty(), "the weights were there");
    let receipt = fs::read_to_string(home.model().join("installed.toml")).unwrap();
    assert!(home.model().join("config.json").exists() && receipt.contains("snapshots"));
}

#[test]
fn offline_sends_no_request() {
    let home = Home::new();
    let mut command = home.models_command(&["fetch", ID, "--yes"]);
    let failed = output_of(command.env("HF_HUB_OFFLINE", "yes"));
    fails_with(&failed, 1, &["HF_HUB_OFFLINE", "models import"]);
    assert!(home.hub.asked().is_empty());
}

#[test]
fn a_cleared_cache_is_reported_and_fetched_again() {
    let home = Home::new();
    cache(&home);
    succeeds(&home.fetch());
    fs::remove_dir_all(home.path("hf")).unwrap();
    let listed = home.run(&["list"]);
    assert!(listed.out.contains("state     broken"), "{}", listed.out);
    let failed = home.run(&["verify"]);
    fails_with(&failed, 1, &["no longer as it was", "models fetch MERT-v0"]);
    // The hub's small files, which the receipt pins, differ from the cache's.
    fails_with(&home.fetch(), 1, &["has changed", "models remove"]);
    succeeds(&home.run(&["remove", ID]));
    succeeds(&home.fetch());
    home.installed();
}
