//! Rules for the repository: its layout, licenses, documents and links.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use mertscope_model::Manifest;
use mertscope_tests::{demo, mertscope, output_of, repository, skipped, xtask};

/// The files that git tracks. Outside a checkout it reports the test `test` as skipped and returns
/// `None`.
fn tracked(test: &str) -> Option<Vec<PathBuf>> {
    let git = Command::new("git")
        .args(["ls-files", "-z"])
        .current_dir(repository(""))
        .output();
    let listed = git.map(|git| git.stdout).unwrap_or_default();
    let names = String::from_utf8(listed).unwrap();
    let names: Vec<PathBuf> = names.split_terminator('\0').map(PathBuf::from).collect();
    if names.is_empty() {
        skipped(test, "git lists no files: this is no checkout");
        return None;
    }
    Some(names)
}

/// The targets of the relative links in a page, as paths from the repository's root, without anchors.
fn links(page: &Path) -> Vec<PathBuf> {
    let text = fs::read_to_string(repository("").join(page)).unwrap();
    let folder = page.parent().unwrap();
    text.split("](")
        .skip(1)
        .filter_map(|rest| rest.split([')', '#']).next())
        .filter(|target| !target.is_empty() && !target.contains("://"))
        .map(|target| folder.join(target))
        .collect()
}

/// The lines in the code blocks of a page.
fn code(page: &str) -> Vec<String> {
    let text = fs::read_to_string(repository(page)).unwrap();
    let blocks = text.split("\n```").skip(1).step_by(2);
    blocks
        .flat_map(|block| block.lines().skip(1))
        .map(str::to_owned)
        .collect()
}

#[test]
fn the_top_level_has_its_listed_entries() {
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

/// `architecture.rs` tests the arrows between the crates.
#[test]
fn every_crate_takes_the_lints_of_the_workspace() {
    let Some(tracked) = tracked("every_crate_takes_the_lints_of_the_workspace") else {
        return;
    };
    let mut seen = 0;
    for path in tracked {
        if !path.ends_with("Cargo.toml") || path.parent() == Some(Path::new("")) {
            continue;
        }
        let text = fs::read_to_string(repository("").join(&path)).unwrap();
        let manifest: toml::Table = text.parse().unwrap();
        let lints = manifest["lints"]["workspace"].as_bool();
        assert_eq!(lints, Some(true), "{}", path.display());
        seen += 1;
    }
    assert!(seen > 10, "{seen}");
}

/// No library of the engine or the plugin may end a host by a panic, nor print: each denies it in its head.
#[test]
fn libraries_deny_panics_and_printing() {
    let engine = ["audio", "export", "heads", "hub", "live", "model", "music"];
    let mut heads: Vec<String> = engine
        .iter()
        .map(|name| format!("engine/{name}/src/lib.rs"))
        .collect();
    heads.extend(
        ["engine", "engine/python", "plugin", "plugin/ui"].map(|name| format!("{name}/src/lib.rs")),
    );
    for head in heads {
        let text = fs::read_to_string(repository(&head)).unwrap();
        for lint in [
            "unwrap_used",
            "expect_used",
            "panic",
            "print_stdout",
            "print_stderr",
        ] {
            let denied = format!("clippy::{lint}");
            assert!(text.contains(&denied), "{head}: {denied}");
        }
    }
}

/// `engine/music` is pure: it knows no audio, no model and no file.
#[test]
fn music_uses_no_file_and_no_other_crate() {
    for entry in fs::read_dir(repository("engine/music/src")).unwrap() {
        let path = entry.unwrap().path();
        let text = fs::read_to_string(&path).unwrap();
        // Examples in comments name the crate itself.
        let code = text
            .lines()
            .filter(|line| !line.trim_start().starts_with("//"));
        for line in code {
            for foreign in ["std::fs", "mertscope_"] {
                assert!(!line.contains(foreign), "{}: {line}", path.display());
            }
        }
    }
}

/// Every folder of assets names the source and the license of its content.
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

/// Only weights that we may redistribute are tracked: the embedded model and test fixtures.
#[test]
fn no_other_weights_are_tracked() {
    const WEIGHTS: [&str; 6] = ["onnx", "safetensors", "bin", "ckpt", "pt", "pth"];
    for path in tracked("no_other_weights_are_tracked").unwrap_or_default() {
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

/// The license of every crate in the lock file is one that `deny.toml` allows, to all crates or to this one.
#[test]
fn dependencies_have_allowed_licenses() {
    let deny: toml::Table = fs::read_to_string(repository("deny.toml"))
        .unwrap()
        .parse()
        .unwrap();
    let texts = |list: &toml::Value| -> Vec<String> {
        let list = list.as_array().unwrap().iter();
        list.map(|license| license.as_str().unwrap().to_owned())
            .collect()
    };
    let allowed = texts(&deny["licenses"]["allow"]);
    let exceptions: BTreeMap<&str, Vec<String>> = deny["licenses"]["exceptions"]
        .as_array()
        .unwrap()
        .iter()
        .map(|exception| {
            let name = exception["crate"].as_str().unwrap();
            (name, texts(&exception["allow"]))
        })
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
        let more = exceptions.get(package["name"].as_str().unwrap());
        let is_allowed = |name: &str| {
            let mut all = allowed.iter().chain(more.into_iter().flatten());
            all.any(|allowed| allowed == name)
        };
        // `/` is the old way to write OR; parentheses only group what stands between AND.
        let any = |choice: &str| {
            let choice = choice.trim_matches(['(', ')', ' ']).replace('/', " OR ");
            choice.split(" OR ").any(|name| is_allowed(name.trim()))
        };
        let fine = license.split(" AND ").all(any);
        assert!(fine, "{} is under {license:?}", package["name"]);
    }
}

#[test]
fn links_in_documents_lead_to_files() {
    let Some(tracked) = tracked("links_in_documents_lead_to_files") else {
        return;
    };
    let mut seen = 0;
    for page in tracked {
        if page.extension().is_some_and(|e| e == "md") {
            for target in links(&page) {
                seen += 1;
                let exists = repository("").join(&target).exists();
                assert!(exists, "{}: {}", page.display(), target.display());
            }
        }
    }
    assert!(seen > 0);
}

#[test]
fn the_readme_has_at_most_120_lines() {
    let text = fs::read_to_string(repository("README.md")).unwrap();
    let lines = text.lines().count();
    assert!(lines <= 120, "{lines} lines");
}

/// A reader of the README reaches every page of `docs` with two clicks at most.
#[test]
fn every_page_of_docs_is_linked() {
    let is_page = |path: &PathBuf| path.extension().is_some_and(|e| e == "md");
    let first: Vec<PathBuf> = links(Path::new("README.md"))
        .into_iter()
        .filter(is_page)
        .collect();
    let second = first.iter().flat_map(|page| links(page));
    let root = dunce::canonicalize(repository("")).unwrap();
    let reached: BTreeSet<PathBuf> = first
        .iter()
        .cloned()
        .chain(second)
        .map(|page| dunce::canonicalize(root.join(page)).unwrap())
        .collect();
    let mut seen = 0;
    for entry in fs::read_dir(root.join("docs")).unwrap() {
        let page = entry.unwrap().path();
        if is_page(&page) {
            seen += 1;
            assert!(reached.contains(&page), "{}", page.display());
        }
    }
    assert!(seen > 5, "{seen} pages");
}

/// The commands in the README's code blocks, and every `cargo xtask` in the documents, exist.
#[test]
fn commands_in_documents_exist() {
    let has_help = |mut program: Command, name: &str| {
        let output = output_of(program.args([name, "--help"]));
        assert_eq!(output.code, 0, "{name}: {}", output.err);
    };
    let is_in_a_name = |c: &char| c.is_ascii_lowercase() || *c == '-';
    let name = |rest: &str| -> String { rest.chars().take_while(is_in_a_name).collect() };
    let mut shown = 0;
    for line in code("README.md") {
        let command = line.strip_prefix("$ ").unwrap_or(&line);
        if let Some(rest) = command.strip_prefix("mertscope ") {
            has_help(mertscope(), &name(rest));
            shown += 1;
        }
    }
    assert!(shown > 0);
    let pages = fs::read_dir(repository("docs")).unwrap();
    let pages = pages.map(|entry| entry.unwrap().path());
    let mut names = BTreeSet::new();
    for page in pages.chain(["README.md", "CONTRIBUTING.md"].map(repository)) {
        let text = fs::read_to_string(&page).unwrap();
        names.extend(text.split("cargo xtask ").skip(1).map(&name));
    }
    // Options of `cargo xtask` itself, and mentions without a command.
    names.retain(|name| !name.is_empty() && !name.starts_with('-'));
    assert!(
        names.contains("demo") && names.contains("test"),
        "{names:?}"
    );
    for name in names {
        has_help(xtask(), &name);
    }
}

/// Only the manifest names the embedded model.
#[test]
fn code_does_not_know_which_model_is_embedded() {
    let model = mertscope_model::Model::embedded().unwrap();
    let Manifest { id, graph, .. } = &model.manifest;
    for path in tracked("code_does_not_know_which_model_is_embedded").unwrap_or_default() {
        if path.extension().is_some_and(|e| e == "rs") {
            let text = fs::read_to_string(repository("").join(&path)).unwrap();
            let named = text.contains(id.as_str()) || text.contains(graph.sha256.as_str());
            assert!(!named, "{} names the embedded model", path.display());
        }
    }
}
