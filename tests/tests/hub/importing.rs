//! Import from a folder, verification and removal, without a network.

use std::fs;
use std::path::{Path, PathBuf};

use mertscope_tests::chord;

use super::checkpoints::{embed, fixture};
use super::home::{Home, ID, fails_with, files_below, succeeds};

/// The home of a user whose model is small and has the sizes of [`ID`].
fn home() -> Home {
    Home::of(fs::read(fixture("thin").join("pytorch_model.bin")).unwrap())
}

/// A folder of this name with a model's files.
fn folder(home: &Home, name: &str) -> PathBuf {
    let folder = home.path(name);
    copy("thin", &folder);
    folder
}

fn copy(kind: &str, folder: &Path) {
    fs::create_dir_all(folder).unwrap();
    for file in fs::read_dir(fixture(kind)).unwrap().flatten() {
        fs::copy(file.path(), folder.join(file.file_name())).unwrap();
    }
}

/// Replaces a text in a file.
fn edit(file: &Path, from: &str, to: &str) {
    let text = fs::read_to_string(file).unwrap();
    assert!(text.contains(from), "{from} is not in {text}");
    fs::write(file, text.replacen(from, to, 1)).unwrap();
}

#[test]
fn a_folder_is_imported_verified_and_removed_without_a_network() {
    let home = home();
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
        &["pytorch_model.bin", "SHA-256", "models remove"],
    );

    succeeds(&home.run(&["remove", ID]));
    home.not_installed();
    assert_eq!(home.run(&["remove", ID]).code, 1);
    fails_with(&home.run(&["verify", ID]), 1, &["not installed"]);
    assert!(home.hub.asked().is_empty());
}

#[test]
fn a_weights_file_imports_its_folder_and_as_names_the_model() {
    let home = home();
    let source = folder(&home, "somewhere");
    let weights = source.join("pytorch_model.bin");
    let path = weights.to_str().unwrap();
    fails_with(&home.run(&["import", path, "--yes"]), 1, &["--as ID"]);
    let id = "MERT-v0-public";
    succeeds(&home.run(&["import", path, "--as", id, "--yes"]));
    let installed = home.models().join(id).join("pytorch_model.bin");
    assert!(fs::read(installed).unwrap() == home.weights);
    let bare = source.join("model.safetensors");
    let missing = home.run(&["import", bare.to_str().unwrap(), "--as", ID]);
    fails_with(&missing, 1, &["no such file"]);
}

#[test]
fn a_folder_without_a_model_is_refused_with_its_missing_files() {
    let home = home();
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
    fails_with(&failed, 1, &["1218387 bytes", "377552987"]);
    // The name of a clone, or of a snapshot in a copied cache, identifies the model.
    let snapshot = format!("models--m-a-p--MERT-v0/snapshots/{}", "ab".repeat(20));
    let source = folder(&home, &snapshot);
    succeeds(&home.run(&["import", source.to_str().unwrap(), "--yes"]));
    home.installed();
}

/// Files of one model under the id of another would give results that are wrong without a sign of it.
#[test]
fn files_that_do_not_fit_the_entry_are_refused_with_the_remedy() {
    let home = home();
    let import = |source: &Path, id: &str| {
        home.run(&["import", source.to_str().unwrap(), "--as", id, "--yes"])
    };
    let remedy = ["models list", "--model"];
    let fast = folder(&home, "fast");
    edit(&fast.join("preprocessor_config.json"), "16000", "24000");
    let words = [
        "preprocessor_config.json",
        "24000 Hz",
        "MERT-v0 takes 16000 Hz",
    ];
    fails_with(&import(&fast, ID), 1, &[&words[..], &remedy].concat());
    let large = folder(&home, "large");
    let words = ["config.json", "12 layers of 768", "24 layers of 1024"];
    let failed = import(&large, "MERT-v1-330M");
    fails_with(&failed, 1, &[&words[..], &remedy].concat());
    let small = home.path("small");
    copy("post-group", &small);
    fails_with(&import(&small, ID), 1, &["2 layers of 24", "MERT-v0"]);
    // A configuration that its weights contradict.
    edit(
        &large.join("config.json"),
        "\"intermediate_size\": 48",
        "\"intermediate_size\": 64",
    );
    let words = [
        "pytorch_model.bin",
        "intermediate_dense",
        "instead of [64, 768]",
    ];
    fails_with(&import(&large, ID), 1, &words);
    home.not_installed();
    assert!(!home.model().join("config.json").exists());
}

#[test]
fn weights_in_several_files_are_imported_used_and_removed_with_their_graphs() {
    let home = home();
    let source = folder(&home, "MERT-v0");
    let shard = "pytorch_model-00001-of-00001.bin";
    fs::rename(source.join("pytorch_model.bin"), source.join(shard)).unwrap();
    let index = source.join("pytorch_model.bin.index.json");
    let import = || home.run(&["import", source.to_str().unwrap(), "--yes"]);
    fs::write(&index, "{\"weight_map\": {\"a\": \"gone.bin\"}}").unwrap();
    fails_with(&import(), 1, &["gone.bin"]);
    fs::write(
        &index,
        format!("{{\"weight_map\": {{\"a\": \"{shard}\"}}}}"),
    )
    .unwrap();
    succeeds(&import());
    let verified = home.run(&["verify", ID]);
    assert!(verified.out.contains("whole, 4 files"), "{verified:?}");
    succeeds(&embed(&home, ID, &chord(16_000, 1.0), 16_000));
    let graphs = home.path("cache/mertscope/graphs");
    assert!(!files_below(&graphs).is_empty());
    succeeds(&home.run(&["remove", ID]));
    assert_eq!(files_below(&graphs), Vec::<PathBuf>::new());
    assert!(!home.model().exists());
}

/// What a browser or a clone without Git LFS leaves in the place of the weights.
#[test]
fn a_page_or_a_pointer_in_the_place_of_the_weights_is_told() {
    let home = home();
    let source = folder(&home, "MERT-v0");
    let weights = source.join("pytorch_model.bin");
    for (text, words) in [
        (
            "<!DOCTYPE html><title>Sign in",
            ["a web page", "download button"],
        ),
        (
            "version https://git-lfs.github.com/spec/v1\noid sha256:0\n",
            ["a Git LFS pointer", "git lfs pull"],
        ),
    ] {
        fs::write(&weights, text).unwrap();
        let failed = home.run(&["import", source.to_str().unwrap(), "--yes"]);
        fails_with(&failed, 1, &[&words[..], &["pytorch_model.bin"]].concat());
    }
    home.not_installed();
}
