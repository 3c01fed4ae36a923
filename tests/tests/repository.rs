//! What must hold for the repository itself.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use mertscope_model::Manifest;
use mertscope_tests::{demo, repository};

/// The files that git tracks; nothing where this is no checkout.
fn tracked() -> Vec<PathBuf> {
    let git = Command::new("git")
        .args(["ls-files", "-z"])
        .current_dir(repository(""))
        .output();
    let listed = git.map(|git| git.stdout).unwrap_or_default();
    let names = String::from_utf8(listed).unwrap();
    names.split_terminator('\0').map(PathBuf::from).collect()
}

#[test]
fn the_top_level_is_the_owners() {
    for name in [
        "Cargo.toml",
        "Cargo.lock",
        "plugin",
        "engine",
        "xtask",
        "tests",
        "assets",
        "docs",
        "bundler.toml",
        "README.md",
        "ARCHITECTURE.md",
        "CONTRIBUTING.md",
        "CHANGELOG.md",
        "SECURITY.md",
        "LICENSE-MIT",
        "LICENSE-APACHE",
        ".ci/run",
        ".cargo/config.toml",
        "rust-toolchain.toml",
    ] {
        assert!(repository(name).exists(), "{name}");
    }
}

/// Every crate takes the workspace's lints; `architecture.rs` holds the arrows between them.
#[test]
fn every_crate_takes_the_lints_of_the_workspace() {
    let mut seen = 0;
    for path in tracked() {
        if !path.ends_with("Cargo.toml") || path.parent() == Some(Path::new("")) {
            continue;
        }
        let text = fs::read_to_string(repository("").join(&path)).unwrap();
        let manifest: toml::Table = text.parse().unwrap();
        let lints = manifest["lints"]["workspace"].as_bool();
        assert_eq!(lints, Some(true), "{}", path.display());
        seen += 1;
    }
    assert!(seen > 10 || tracked().is_empty(), "{seen}");
}

/// `engine/music` knows no audio, no model and no file.
#[test]
fn music_knows_nothing_of_audio() {
    for entry in fs::read_dir(repository("engine/music/src")).unwrap() {
        let path = entry.unwrap().path();
        let text = fs::read_to_string(&path).unwrap();
        for foreign in ["std::fs", "mertscope_"] {
            assert!(!text.contains(foreign), "{}: {foreign}", path.display());
        }
    }
}

/// Every folder of assets says where its content is from and under which license.
#[test]
fn assets_stand_beside_their_licenses() {
    for (folder, beside) in [
        (
            "embedded",
            &["CARD.md", "manifest.toml", "licences/musicnn-ISC.md"][..],
        ),
        ("demo", &["README.md", "LICENSE", "demo.toml"]),
        ("fonts", &["README.md", "OFL.txt"]),
    ] {
        for name in beside {
            let path = repository("assets").join(folder).join(name);
            assert!(
                fs::metadata(&path).is_ok_and(|m| m.len() > 200),
                "{}",
                path.display()
            );
        }
    }
    let pieces = demo();
    let bytes: u64 = pieces
        .iter()
        .map(|piece| fs::metadata(&piece.path).unwrap().len())
        .sum();
    assert!(
        pieces.len() >= 3 && bytes <= 4 << 20,
        "{} pieces, {bytes} bytes",
        pieces.len()
    );
    assert!(
        pieces.iter().any(|piece| piece.keys.len() > 1),
        "one modulates"
    );
}

/// Weights are tracked only where they are ours to give: the embedded model and test fixtures.
#[test]
fn no_other_weights_are_tracked() {
    const WEIGHTS: [&str; 6] = ["onnx", "safetensors", "bin", "ckpt", "pt", "pth"];
    for path in tracked() {
        let is_weights = path.extension().is_some_and(|e| {
            WEIGHTS
                .iter()
                .any(|weights| e.eq_ignore_ascii_case(weights))
        });
        let ours = ["assets/embedded", "tests/fixtures"].map(Path::new);
        assert!(
            !is_weights || ours.iter().any(|o| path.starts_with(o)),
            "{}",
            path.display()
        );
    }
}

/// The license of every crate in the lock file is one that `deny.toml` allows.
#[test]
fn dependencies_have_allowed_licenses() {
    let deny: toml::Table = fs::read_to_string(repository("deny.toml"))
        .unwrap()
        .parse()
        .unwrap();
    let allowed: Vec<&str> = deny["licenses"]["allow"]
        .as_array()
        .unwrap()
        .iter()
        .map(|license| license.as_str().unwrap())
        .collect();
    let metadata = Command::new(env!("CARGO"))
        .args(["metadata", "--format-version", "1", "--locked", "--offline"])
        .current_dir(repository(""))
        .output()
        .unwrap();
    let metadata: serde_json::Value = serde_json::from_slice(&metadata.stdout).unwrap();
    let packages = metadata["packages"].as_array().unwrap();
    assert!(packages.len() > 100);
    for package in packages {
        let license = package["license"].as_str().unwrap_or_default();
        // `/` is the old way to write OR; parentheses only group what stands between AND.
        let any = |choice: &str| {
            let choice = choice.trim_matches(['(', ')', ' ']).replace('/', " OR ");
            choice
                .split(" OR ")
                .any(|name| allowed.contains(&name.trim()))
        };
        let fine = license.split(" AND ").all(any);
        assert!(fine, "{} is under {license:?}", package["name"]);
    }
}

/// Relative links in the root documents lead somewhere.
#[test]
fn links_in_documents_lead_somewhere() {
    let mut seen = 0;
    for path in tracked() {
        if path.extension().is_none_or(|e| e != "md") {
            continue;
        }
        let text = fs::read_to_string(repository("").join(&path)).unwrap();
        let folder = repository("").join(path.parent().unwrap());
        for link in text
            .split("](")
            .skip(1)
            .filter_map(|rest| rest.split(')').next())
        {
            let target = link.split('#').next().unwrap();
            if !target.is_empty() && !target.contains("://") {
                seen += 1;
                assert!(folder.join(target).exists(), "{}: {link}", path.display());
            }
        }
    }
    assert!(seen > 0 || tracked().is_empty());
}

/// The manifest type reads what is shipped, and nothing but the manifest names the model.
#[test]
fn code_does_not_know_which_model_is_embedded() {
    let model = mertscope_model::Model::embedded().unwrap();
    let Manifest { id, graph, .. } = &model.manifest;
    for path in tracked() {
        if path.extension().is_some_and(|e| e == "rs") {
            let text = fs::read_to_string(repository("").join(&path)).unwrap();
            let named = text.contains(id.as_str()) || text.contains(graph.sha256.as_str());
            assert!(!named, "{} names the embedded model", path.display());
        }
    }
}
