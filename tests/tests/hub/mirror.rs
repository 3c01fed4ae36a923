//! A mirror that redirects to the hub: followed for files that are pinned, and refused otherwise with the
//! hub's address. The token stays with the mirror, which the user named.

use std::fs;

use mertscope_tests::hub::{Asked, Faults, Hub};
use mertscope_tests::output_of;

use super::home::{Home, ID, fails_with, succeeds};

/// A server that answers every request with a redirect to the home's hub.
fn mirror(home: &Home) -> Hub {
    let mirror = Hub::start();
    mirror.fault(Faults {
        mirror_of: Some(home.hub.endpoint()),
        ..Faults::default()
    });
    mirror
}

fn has_token(asked: &Asked) -> bool {
    asked.header("authorization").is_some()
}

#[test]
fn a_mirror_that_redirects_is_followed_for_pinned_files() {
    let home = Home::new();
    succeeds(&home.fetch());
    home.installed();
    fs::remove_file(home.model().join("pytorch_model.bin")).unwrap();
    home.hub.forget();
    let mirror = mirror(&home);
    let mut fetch = home.models_command(&["fetch", ID, "--yes"]);
    fetch.env("HF_ENDPOINT", mirror.endpoint());
    succeeds(&output_of(fetch.env("HF_TOKEN", "hf_secret")));
    home.installed();
    assert!(mirror.asked().iter().all(has_token) && !mirror.asked().is_empty());
    assert!(
        !home.hub.asked().iter().any(has_token),
        "{:?}",
        home.hub.asked()
    );

    // Another content is refused, whatever the mirror's target says.
    fs::remove_file(home.model().join("pytorch_model.bin")).unwrap();
    let changed: Vec<u8> = home.weights.iter().map(|byte| !byte).collect();
    home.hub
        .publish("m-a-p/MERT-v0", "pytorch_model.bin", changed);
    let mut fetch = home.models_command(&["fetch", ID, "--yes"]);
    let failed = output_of(fetch.env("HF_ENDPOINT", mirror.endpoint()));
    fails_with(&failed, 1, &["has changed", "SHA-256"]);
}

#[test]
fn a_mirror_that_redirects_is_not_trusted_for_new_files() {
    let home = Home::new();
    let mirror = mirror(&home);
    let mut fetch = home.models_command(&["fetch", ID, "--yes"]);
    let failed = output_of(fetch.env("HF_ENDPOINT", mirror.endpoint()));
    let remedy = format!("set HF_ENDPOINT to {}", home.hub.endpoint());
    fails_with(&failed, 1, &["passes requests on", &remedy]);
    home.not_installed();
    // The remedy helps.
    succeeds(&home.fetch());
    home.installed();
}
