//! The crates for other programs can be packaged: all that they need is inside them or in crates of that kind.
//!
//! Deliberately not here: building each from its package, which takes minutes; CONTRIBUTING.md has the command.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Component, Path, PathBuf};
use std::process::Command;

use mertscope_tests::repository;
use serde_json::Value;

fn cargo(arguments: &[&str]) -> String {
    let output = Command::new(env!("CARGO"))
        .args(arguments)
        .arg("--offline")
        .current_dir(repository(""))
        .output()
        .unwrap();
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{arguments:?}: {error}");
    String::from_utf8(output.stdout).unwrap()
}

/// The packages of the workspace that are meant for others.
fn packages() -> Vec<Value> {
    let metadata = cargo(&["metadata", "--no-deps", "--format-version", "1"]);
    let metadata: Value = serde_json::from_str(&metadata).unwrap();
    let packages = metadata["packages"].as_array().unwrap().iter();
    let for_others = packages.filter(|package| package["publish"].is_null());
    for_others.cloned().collect()
}

fn name(of: &Value) -> &str {
    of["name"].as_str().unwrap()
}

#[test]
fn they_are_the_engine_its_parts_and_the_command() {
    let packages = packages();
    let names: BTreeSet<&str> = packages.iter().map(name).collect();
    let parts = [
        "assets", "audio", "cli", "engine", "export", "heads", "hub", "live", "model", "music",
        "parts", "remote",
    ];
    let expected: Vec<String> = parts.map(|part| format!("mertscope-{part}")).to_vec();
    assert_eq!(names, expected.iter().map(String::as_str).collect());
    for package in &packages {
        for field in ["description", "license", "rust_version"] {
            assert!(package[field].is_string(), "{}: {field}", name(package));
        }
        // A crate out of its package finds its neighbors by their version.
        for below in package["dependencies"].as_array().unwrap() {
            if below["path"].is_string() && below["kind"].is_null() {
                assert!(names.contains(name(below)), "{}", name(package));
                let version = package["version"].as_str().unwrap();
                assert_eq!(below["req"], format!("^{version}"), "{}", name(below));
            }
        }
    }
}

#[test]
fn each_holds_its_licenses_and_what_it_compiles_in() {
    for package in packages() {
        let name = name(&package);
        let listed = cargo(&["package", "--list", "--allow-dirty", "--package", name]);
        let listed: BTreeSet<&Path> = listed.lines().map(Path::new).collect();
        for license in ["LICENSE-APACHE", "LICENSE-MIT"] {
            assert!(listed.contains(Path::new(license)), "{name}: {license}");
        }
        let folder = Path::new(package["manifest_path"].as_str().unwrap());
        let folder = folder.parent().unwrap();
        for source in listed
            .iter()
            .filter(|path| path.extension() == Some("rs".as_ref()))
        {
            let text = fs::read_to_string(folder.join(source)).unwrap();
            for included in included(&text) {
                let path = plain(&source.parent().unwrap().join(included));
                let is_there = path.is_some_and(|path| listed.contains(path.as_path()));
                assert!(is_there, "{name}: {} includes {included}", source.display());
            }
        }
    }
}

/// The files that a source text includes.
fn included(text: &str) -> Vec<&str> {
    let calls = ["include_bytes!(\"", "include_str!(\""];
    let rest = calls.iter().flat_map(|call| text.split(call).skip(1));
    rest.filter_map(|rest| rest.split('"').next()).collect()
}

/// A path without `..`; `None` when it leaves the folder that it starts from.
fn plain(path: &Path) -> Option<PathBuf> {
    let mut plain = PathBuf::new();
    for part in path.components() {
        match part {
            Component::ParentDir if !plain.pop() => return None,
            Component::ParentDir => {}
            part => plain.push(part),
        }
    }
    Some(plain)
}

#[test]
fn a_file_outside_of_its_crate_is_found() {
    assert_eq!(included("include_str!(\"../a.md\") b"), ["../a.md"]);
    assert_eq!(plain(Path::new("src/../a.md")), Some("a.md".into()));
    assert_eq!(plain(Path::new("src/../../a.md")), None);
}
