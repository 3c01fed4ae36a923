//! Refusals and wrong answers of the hub: each gives a sentence with the remedy and installs nothing.

use mertscope_tests::hub::Faults;
use mertscope_tests::{CommandOutput, output_of};

use super::home::{Home, ID, fails_with, succeeds};

fn fetch_with(home: &Home, faults: Faults) -> CommandOutput {
    home.hub.fault(faults);
    home.fetch()
}

#[test]
fn a_refusal_says_what_to_do() {
    for (status, code, words) in [
        (401, "RepoNotFound", &["401", "set HF_TOKEN"][..]),
        (403, "GatedRepo", &["agreement", "set HF_TOKEN"]),
        (404, "EntryNotFound", &["404", "config.json", "HF_ENDPOINT"]),
        (418, "", &["status 418", "127.0.0.1"]),
    ] {
        let home = Home::new();
        let status = Some((status, code));
        let failed = fetch_with(
            &home,
            Faults {
                status,
                ..Faults::default()
            },
        );
        fails_with(&failed, 1, words);
        home.not_installed();
        assert_eq!(home.hub.asked().len(), 1, "it is not asked again");
    }
}

#[test]
fn a_token_that_is_refused_is_named() {
    let home = Home::new();
    let status = Some((401, ""));
    home.hub.fault(Faults {
        status,
        ..Faults::default()
    });
    let mut command = home.models_command(&["fetch", ID, "--yes"]);
    let failed = output_of(command.env("HF_TOKEN", "hf_wrong"));
    fails_with(&failed, 1, &["refuses the token in HF_TOKEN", "unset"]);
    assert!(!failed.err.contains("hf_wrong"));
}

#[test]
fn too_many_requests_become_a_sentence_after_retries() {
    let home = Home::new();
    let status = Some((429, ""));
    let failed = fetch_with(
        &home,
        Faults {
            status,
            ..Faults::default()
        },
    );
    fails_with(&failed, 1, &["429", "Wait"]);
    assert!(home.hub.asked().len() > 1);
}

#[test]
fn a_download_with_another_hash_is_deleted() {
    let home = Home::new();
    let wrong_bytes = true;
    let failed = fetch_with(
        &home,
        Faults {
            wrong_bytes,
            ..Faults::default()
        },
    );
    fails_with(&failed, 1, &["pytorch_model.bin", "SHA-256", "thrown away"]);
    home.not_installed();
    assert!(home.parts().is_empty(), "{:?}", home.parts());
    succeeds(&fetch_with(&home, Faults::default()));
    home.installed();
}

#[test]
fn a_server_that_is_no_hub_is_reported() {
    for (faults, words) in [
        (
            Faults {
                no_commit: true,
                ..Faults::default()
            },
            &["X-Repo-Commit", "HF_ENDPOINT"][..],
        ),
        (
            Faults {
                redirect_loop: true,
                ..Faults::default()
            },
            &["redirects again and again"],
        ),
        (
            Faults {
                reported_size: Some(300_001),
                ..Faults::default()
            },
            &["length"],
        ),
        (
            Faults {
                wrong_range: true,
                cut: Some((1, 1000)),
                ..Faults::default()
            },
            &["another part"],
        ),
    ] {
        let home = Home::new();
        fails_with(&fetch_with(&home, faults), 1, words);
        home.not_installed();
    }
}

#[test]
fn a_length_that_the_catalogue_pins_is_checked() {
    let home = Home::new();
    home.publish("m-a-p/MERT-v1-95M");
    let failed = home.run(&["fetch", "MERT-v1-95M", "--yes"]);
    fails_with(
        &failed,
        1,
        &["has changed", "300000 bytes instead of 377552987"],
    );
    assert!(home.hub.asked_second().is_empty());
}

#[test]
fn without_a_network_a_sentence_offers_the_import() {
    let home = Home::new();
    let mut command = home.models_command(&["fetch", ID, "--yes"]);
    // Nothing listens on the port of a dropped listener.
    let gone = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let endpoint = format!("http://{}", gone.local_addr().unwrap());
    drop(gone);
    let failed = output_of(command.env("HF_ENDPOINT", endpoint));
    fails_with(&failed, 1, &["can't be reached", "models import"]);
    let mut command = home.models_command(&["fetch", ID, "--yes"]);
    let failed = output_of(command.env("HF_ENDPOINT", "hub"));
    fails_with(&failed, 1, &["not a hub's address", "HF_ENDPOINT"]);
}
