//! A model of the published size, from the hub to results: its weights are saved by PyTorch, fetched
//! under the catalogue's name with its heads, checked and made into a graph that equals the reference.

use std::fs;
use std::process::Command;

use mertscope_tests::{output_of, repository, skipped, target};

use super::checkpoints::gives_the_hidden_states_of_the_reference;
use super::heads::{self, ID};
use super::home::{Home, succeeds};

#[test]
#[ignore = "long: makes, fetches and runs a model of MERT-v1-95M's full size"]
fn a_model_of_the_published_size_is_fetched_checked_and_runs() {
    let python = target().join("venv/parity/bin/python");
    if !python.exists() {
        let reason = "PyTorch is not in target/venv/parity; `cargo xtask parity` puts it there";
        return skipped(
            "a_model_of_the_published_size_is_fetched_checked_and_runs",
            reason,
        );
    }
    let home = Home::new();
    let made = home.path("made").join(ID);
    let mut make = Command::new(python);
    make.arg("-B")
        .arg(repository("tests/fixtures/checkpoints/make.py"));
    succeeds(&output_of(make.arg(home.path("made")).arg(ID)));
    for name in [
        "config.json",
        "preprocessor_config.json",
        "pytorch_model.bin",
    ] {
        let bytes = fs::read(made.join(name)).unwrap();
        home.hub.publish(&format!("m-a-p/{ID}"), name, bytes);
    }
    heads::publish_all(&home);
    // The tests' hub hashes the whole file before it answers.
    let mut fetch = home.models_command(&["fetch", ID, "--yes"]);
    succeeds(&output_of(fetch.env("HF_HUB_DOWNLOAD_TIMEOUT", "120")));
    succeeds(&home.run(&["verify", ID]));
    gives_the_hidden_states_of_the_reference(&home, ID, &made);

    // The heads came along: they name key and genre at once.
    heads::name_key_and_genre(&heads::analyzed(&home).0);
}
