//! The content of the bundles: the listed files and no other, their notices, and ONNX Runtime in the
//! folders where the products search it.

use std::collections::BTreeSet;
use std::env::consts;
use std::fs;
use std::path::{Path, PathBuf};

use mertscope_model::{Model, runtime, sha256};
use mertscope_tests::bundles::bundles;
use mertscope_tests::repository;
use serde_json::{Value, json};

/// The complete list of the bundles' files: it has neither weights that may not be redistributed nor
/// any other file of this machine. The embedded model is compiled in, and its license allows
/// redistribution.
#[test]
fn bundles_hold_only_the_listed_files() {
    let documents = [
        "LICENSE-APACHE.txt",
        "LICENSE-MIT.txt",
        "ONNXRuntime-LICENSE.txt",
        "ONNXRuntime-ThirdPartyNotices.txt",
        "THIRD-PARTY-NOTICES.txt",
    ];
    let folder = bundles();
    for path in &files_in(folder) {
        let name = path
            .file_name()
            .and_then(|name| name.to_str())
            .expect("a name");
        let bytes = fs::read(path).expect("a file of the bundles");
        let known = match name {
            "Mertscope.so"
            | "Mertscope.clap"
            | "Mertscope.vst3"
            | "Mertscope"
            | "mertscope"
            | "mertscope.exe"
            | "mertscope-standalone"
            | "mertscope-standalone.exe" => true,
            "Info.plist" | "PkgInfo" | "moduleinfo.json" => true,
            "Mertscope.icns" | "PlugIn.ico" | "desktop.ini" => true,
            _ if documents.contains(&name) => true,
            _ => pinned_runtime_hashes().contains(&sha256(&bytes)),
        };
        assert!(known, "{} is no known part of a bundle", path.display());
    }
    for path in files_in(&repository("assets")) {
        let extension = path.extension().unwrap_or_default();
        let is_weights = ["onnx", "safetensors", "bin", "pt", "pth"]
            .iter()
            .any(|known| extension == *known);
        assert!(
            !is_weights || path.parent() == Some(&repository("assets/embedded")),
            "{} could be compiled in",
            path.display()
        );
    }
    let model = Model::embedded_manifest().expect("the embedded model");
    assert!(
        model.license.contains("ISC") && !model.license.contains("NC"),
        "{}",
        model.license
    );
}

/// A host that scans without loading the plugin reads what the plugin itself says when it is loaded.
#[test]
fn the_description_of_the_vst3_plugin_is_complete() {
    let path = bundles().join("Mertscope.vst3/Contents/Resources/moduleinfo.json");
    let text = fs::read_to_string(path).expect("the description");
    // It is read as JSON5, of which JSON is a part.
    let info: Value = serde_json::from_str(&text).expect("JSON");
    let version = env!("CARGO_PKG_VERSION");
    assert_eq!(
        (&info["Name"], &info["Version"]),
        (&json!("Mertscope"), &json!(version))
    );
    let factory = &info["Factory Info"];
    assert_eq!(factory["Vendor"], "The Mertscope developers");
    assert_eq!(
        factory["Flags"],
        json!({"Unicode": true, "Classes Discardable": false, "Component Non Discardable": false})
    );
    let classes = info["Classes"].as_array().expect("classes");
    let [class] = classes.as_slice() else {
        panic!("one class: {text}");
    };
    // The bytes “MertscopePlugin1”: projects name the plugin by them.
    assert_eq!(class["CID"], "4D65727473636F7065506C7567696E31");
    assert_eq!(class["Category"], "Audio Module Class");
    assert_eq!(class["Name"], "Mertscope");
    assert_eq!(class["Vendor"], factory["Vendor"]);
    assert_eq!(class["Version"], version);
    assert_eq!(class["Sub Categories"], json!(["Fx", "Analyzer"]));
    let sdk = class["SDKVersion"].as_str().expect("a version");
    assert!(sdk.starts_with("VST 3."), "{sdk}");
}

/// The notices cover the crates that are compiled in, and the parts that are not crates.
#[test]
fn bundles_hold_the_notices_of_their_dependencies() {
    let notices = bundles().join("Mertscope/THIRD-PARTY-NOTICES.txt");
    let notices = fs::read_to_string(notices).expect("the notices");
    for owed in [
        "symphonia",
        "Mozilla Public License",
        "Music Technology Group",
        "The Inter Project Authors",
        "Robbert van der Helm",
    ] {
        assert!(notices.contains(owed), "the notices do not name {owed}");
    }
    assert!(
        !notices.contains("libtest-mimic"),
        "tests are not compiled in"
    );
}

/// ONNX Runtime is where the plugin and the command search it: beside the library
/// in the VST3, beside the command, and in the folder beside the CLAP, which is a single file on
/// Linux and Windows.
#[test]
fn bundles_hold_onnx_runtime_where_it_is_searched() {
    let (system, arch) = (consts::OS, consts::ARCH);
    let (clap, vst3) = match system {
        "macos" => ("Mertscope.clap/Contents/MacOS", "MacOS".to_owned()),
        "windows" => ("", format!("{}-win", arch.replace("aarch64", "arm64"))),
        _ => ("", format!("{arch}-{system}")),
    };
    assert_eq!(bundles().join("Mertscope.clap").is_file(), clap.is_empty());
    let vst3 = format!("Mertscope.vst3/Contents/{vst3}");
    for place in [clap, "Mertscope", &vst3] {
        let beside = bundles().join(place);
        let looked_for = runtime::candidates(Some(&beside)).expect("the pins");
        let found = looked_for.iter().find(|path| path.is_file());
        let carried = found.is_some_and(|path| path.starts_with(bundles()));
        assert!(carried, "{}: {looked_for:?}", beside.display());
    }
}

fn files_in(folder: &Path) -> Vec<PathBuf> {
    let (mut files, mut folders) = (Vec::new(), vec![folder.to_owned()]);
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).expect("a folder") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                folders.push(path);
            } else {
                files.push(path);
            }
        }
    }
    files
}

fn pinned_runtime_hashes() -> BTreeSet<String> {
    let text = fs::read_to_string(repository("assets/onnxruntime.toml")).expect("the pins");
    let pins: toml::Table = text.parse().expect("the pins are TOML");
    let builds = pins["build"].as_array().expect("builds").iter();
    let members = builds.flat_map(|build| build["members"].as_table().expect("members").values());
    members
        .map(|sha256| sha256.as_str().expect("a hash").to_owned())
        .collect()
}
