//! The first verified download pins commit and hashes; later changes are refused.

use std::fs;

use mertscope_tests::hub::COMMIT;

use super::home::{Home, ID, fails_with, succeeds};

#[test]
fn a_damaged_model_is_repaired_from_its_own_commit() {
    let home = Home::new();
    succeeds(&home.fetch());
    fs::write(home.model().join("pytorch_model.bin"), "short").unwrap();
    home.hub.forget();
    succeeds(&home.fetch());
    home.installed();
    let asked = home.hub.asked();
    let first = asked.iter().filter(|asked| !asked.second);
    assert!(
        first.into_iter().all(|asked| asked.path.contains(COMMIT)),
        "{asked:?}"
    );
}

#[test]
fn a_later_change_is_refused_until_the_model_is_removed() {
    let mut home = Home::new();
    succeeds(&home.fetch());
    fs::remove_file(home.model().join("pytorch_model.bin")).unwrap();
    // The same commit, with another content.
    home.weights = home.weights.iter().map(|byte| !byte).collect();
    home.publish("m-a-p/MERT-v0");
    let failed = home.fetch();
    fails_with(&failed, 1, &["has changed", "SHA-256", "models remove"]);
    // Another commit: the pinned one is gone.
    home.hub.move_to(&"ab".repeat(20));
    fails_with(&home.fetch(), 1, &["404", "models remove"]);
    succeeds(&home.run(&["remove", ID]));
    succeeds(&home.fetch());
    let receipt = home.installed();
    assert!(receipt.contains(&"ab".repeat(20)), "{receipt}");
}

#[test]
fn a_receipt_that_was_tampered_with_is_refused() {
    let home = Home::new();
    succeeds(&home.fetch());
    let receipt = home.model().join("installed.toml");
    let text = fs::read_to_string(&receipt).unwrap();
    let tampered = text.replace("name = \"config.json\"", "name = \"../../config.json\"");
    assert_ne!(text, tampered);
    fs::write(&receipt, tampered).unwrap();
    let listed = home.run(&["list"]);
    assert!(listed.out.contains("broken: The receipt"), "{}", listed.out);
    fails_with(&home.fetch(), 1, &["installed.toml", "models remove"]);
    succeeds(&home.run(&["remove", ID]));
    succeeds(&home.fetch());
}
