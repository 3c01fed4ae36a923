//! Import from a folder, verification and removal, without a network.

use std::fs;
use std::path::PathBuf;

use super::home::{Home, ID, fails_with, succeeds};

/// A folder of this name with a model's files.
fn folder(home: &Home, name: &str) -> PathBuf {
    let folder = home.path(name);
    fs::create_dir_all(&folder).unwrap();
    fs::write(folder.join("config.json"), "{}").unwrap();
    fs::write(folder.join("preprocessor_config.json"), "{}").unwrap();
    fs::write(folder.join("pytorch_model.bin"), &home.weights).unwrap();
    folder
}

#[test]
fn a_folder_is_imported_verified_and_removed_without_a_network() {
    let home = Home::new();
    let source = folder(&home, "Downloads/MERT-v0");
    let path = source.to_str().unwrap();
    fails_with(&home.run(&["import", path]), 2, &["CC-BY-NC-4.0"]);
    let imported = home.run(&["import", path, "--yes"]);
    succeeds(&imported);
    assert!(imported.err.contains("--model MERT-v0"), "{}", imported.err);
    let receipt = home.installed();
    assert!(
        receipt.contains(path) && !receipt.contains("revision"),
        "{receipt}"
    );
    assert!(fs::read(source.join("pytorch_model.bin")).unwrap() == home.weights);
    fails_with(
        &home.run(&["import", path]),
        1,
        &["installed already", "models remove"],
    );
    let verified = home.run(&["verify"]);
    succeeds(&verified);
    assert!(
        verified.out.contains("MERT-v0: whole, 3 files"),
        "{}",
        verified.out
    );

    let weights = home.model().join("pytorch_model.bin");
    let mut bytes = home.weights.clone();
    bytes[100_000] ^= 1;
    fs::write(&weights, bytes).unwrap();
    let failed = home.run(&["verify", ID]);
    fails_with(
        &failed,
        1,
        &["pytorch_model.bin", "SHA-256", "models fetch"],
    );

    succeeds(&home.run(&["remove", ID]));
    home.not_installed();
    assert_eq!(home.run(&["remove", ID]).code, 1);
    fails_with(&home.run(&["verify", ID]), 1, &["not installed"]);
    assert!(home.hub.asked().is_empty());
}

#[test]
fn a_weights_file_imports_its_folder_and_as_names_the_model() {
    let home = Home::new();
    let source = folder(&home, "somewhere");
    fs::rename(
        source.join("pytorch_model.bin"),
        source.join("model.safetensors"),
    )
    .unwrap();
    let weights = source.join("model.safetensors");
    let path = weights.to_str().unwrap();
    fails_with(&home.run(&["import", path, "--yes"]), 1, &["--as ID"]);
    succeeds(&home.run(&["import", path, "--as", "music2vec-v1", "--yes"]));
    let installed = home.models().join("music2vec-v1/model.safetensors");
    assert!(fs::read(installed).unwrap() == home.weights);
    let bare = source.join("pytorch_model.bin");
    let missing = home.run(&["import", bare.to_str().unwrap(), "--as", ID]);
    fails_with(&missing, 1, &["no such file"]);
}

#[test]
fn a_folder_without_a_model_is_refused_with_its_missing_files() {
    let home = Home::new();
    let empty = home.path("empty");
    fs::create_dir(&empty).unwrap();
    let failed = home.run(&["import", empty.to_str().unwrap(), "--as", ID, "--yes"]);
    fails_with(
        &failed,
        1,
        &["neither model.safetensors nor pytorch_model.bin"],
    );
    let source = folder(&home, "MERT-v0");
    fs::remove_file(source.join("preprocessor_config.json")).unwrap();
    let failed = home.run(&["import", source.to_str().unwrap(), "--yes"]);
    fails_with(&failed, 1, &["no preprocessor_config.json"]);
    home.not_installed();
    let source = folder(&home, "MERT-v1-95M");
    let failed = home.run(&["import", source.to_str().unwrap(), "--yes"]);
    fails_with(&failed, 1, &["300000 bytes", "377552987"]);
    // The name of a clone, or of a snapshot in a copied cache, identifies the model.
    let snapshot = format!("models--m-a-p--MERT-v0/snapshots/{}", "ab".repeat(20));
    let source = folder(&home, &snapshot);
    succeeds(&home.run(&["import", source.to_str().unwrap(), "--yes"]));
    home.installed();
}
