//! Consent to a license: asked for once, before any request to the hub.

use std::fs;
use std::path::PathBuf;

use mertscope_tests::hub::COMMIT;
use mertscope_tests::output_with_input;

use super::home::{Home, ID, fails_with, succeeds};

#[test]
fn nothing_is_fetched_without_consent() {
    let home = Home::new();
    let silent = home.run(&["fetch", ID]);
    fails_with(
        &silent,
        2,
        &["CC-BY-NC-4.0", "https://creativecommons.org", "--yes"],
    );
    // A yes from a pipe is not a user's consent.
    let piped = output_with_input(&mut home.models_command(&["fetch", ID]), b"y\n");
    fails_with(&piped, 2, &["--accept-licence CC-BY-NC-4.0"]);
    let other = home.run(&["fetch", ID, "--accept-licence", "MIT"]);
    fails_with(&other, 2, &["CC-BY-NC-4.0", "MIT"]);
    assert!(
        home.hub.asked().is_empty(),
        "the hub was asked: {:?}",
        home.hub.asked()
    );
    assert_eq!(home.kept(), Vec::<PathBuf>::new());
}

#[test]
fn consent_holds_for_all_models_under_the_license() {
    let home = Home::new();
    let fetched = home.run(&["fetch", ID, "--accept-licence", "CC-BY-NC-4.0"]);
    succeeds(&fetched);
    assert!(fetched.err.contains("commercial"), "{}", fetched.err);
    let receipt = home.installed();
    assert!(
        receipt.contains(COMMIT) && receipt.contains(&home.hub.endpoint()),
        "{receipt}"
    );
    let record = fs::read_to_string(home.models().with_file_name("consent.toml")).unwrap();
    assert!(
        record.contains("CC-BY-NC-4.0") && record.contains("at = \"20"),
        "{record}"
    );
    home.publish("m-a-p/music2vec-v1");
    succeeds(&home.run(&["fetch", "music2vec-v1"]));
    assert_eq!(
        fs::read_to_string(home.models().with_file_name("consent.toml")).unwrap(),
        record
    );
    let listed = home.run(&["list"]);
    assert_eq!(
        listed.out.matches("state     installed").count(),
        2,
        "{}",
        listed.out
    );
    // Every model under this license, and none under another.
    let under = listed
        .out
        .matches("license   CC-BY-NC-4.0, agreed to: ")
        .count();
    assert_eq!(under, 8, "{}", listed.out);
    assert_eq!(
        listed.out.matches(", agreed to: ").count(),
        under,
        "{}",
        listed.out
    );
    assert!(listed.out.contains("MIT OR Apache-2.0, not agreed to yet"));
    // A second fetch sends no request.
    home.hub.forget();
    succeeds(&home.fetch());
    assert!(home.hub.asked().is_empty());
}

#[test]
fn an_unknown_model_is_answered_with_the_known_ones() {
    let home = Home::new();
    let unknown = home.run(&["fetch", "MERT-v9", "--yes"]);
    fails_with(&unknown, 1, &["MERT-v9", "MERT-v1-330M", "music2vec-v1"]);
}

#[test]
fn an_optional_file_may_be_missing() {
    let home = Home::new();
    home.hub
        .publish("m-a-p/MERT-v0-public", "config.json", "{}");
    home.hub
        .publish("m-a-p/MERT-v0-public", "pytorch_model.bin", "weights");
    succeeds(&home.run(&["fetch", "mert-v0-public", "--yes"]));
    let listed = home.run(&["list", "--json"]).json();
    let public = listed["models"].as_array().unwrap().iter();
    let mut public = public.filter(|model| model["id"] == "MERT-v0-public");
    let files = public.next().unwrap()["files"].as_array().unwrap().len();
    assert_eq!(files, 2);
}
