//! The whole road at full size: weights as PyTorch saves them, as long as the published ones, fetched
//! under the catalogue's name, checked, made into a graph, equal to the reference, and analyzing.

use std::env;
use std::fs;
use std::process::Command;

use mertscope_tests::{chord, mertscope, repository, said, skipped, wav};

use super::home::{Home, succeeds};
use super::road::{at_home, is_the_reference};

const ID: &str = "MERT-v1-95M";

#[test]
fn a_model_of_the_published_size_goes_the_whole_road() {
    if !mertscope_tests::full() {
        return;
    }
    let program = env::current_exe().unwrap();
    let python = program.ancestors().nth(3).unwrap();
    let python = python.join("venv/parity/bin/python");
    if !python.exists() {
        let reason = "PyTorch is not in target/venv/parity; `cargo xtask parity` puts it there";
        return skipped("a_model_of_the_published_size_goes_the_whole_road", reason);
    }
    let home = Home::new();
    let made = home.path("made").join(ID);
    let mut make = Command::new(python);
    make.arg("-B")
        .arg(repository("tests/fixtures/checkpoints/make.py"));
    succeeds(&said(make.arg(home.path("made")).arg(ID)));
    for name in [
        "config.json",
        "preprocessor_config.json",
        "pytorch_model.bin",
    ] {
        let bytes = fs::read(made.join(name)).unwrap();
        home.hub.publish(&format!("m-a-p/{ID}"), name, bytes);
    }
    // The hub of the tests hashes all of it before it answers.
    let mut fetch = home.models_command(&["fetch", ID, "--yes"]);
    succeeds(&said(fetch.env("HF_HUB_DOWNLOAD_TIMEOUT", "120")));
    succeeds(&home.run(&["verify", ID]));
    is_the_reference(&home, ID, &made);

    let song = home.path("song.wav");
    fs::write(&song, wav(24_000, 1, &chord(24_000, 6.0))).unwrap();
    let mut analyze = mertscope();
    analyze
        .arg("analyze")
        .arg(&song)
        .args(["--json", "--model", ID]);
    let analyzed = said(at_home(&home, &mut analyze));
    succeeds(&analyzed);
    let result = analyzed.json();
    assert_eq!(result["model"]["id"], ID, "{result:#}");
    assert!(result["files"][0]["timeline"].as_array().unwrap().len() >= 2);
}
