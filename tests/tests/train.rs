//! The pipeline that builds the embedded model, and its product in `assets/embedded`.

use std::collections::BTreeSet;
use std::env;
use std::fs;
use std::process::Command;

use mertscope_tests::{repository, skipped, target};

/// A model's folder holds its manifest, the files that the manifest names, the card and the licenses.
#[test]
fn the_embedded_folder_holds_the_model_and_nothing_else() {
    let folder = repository("assets/embedded");
    let text = fs::read_to_string(folder.join("manifest.toml")).unwrap();
    let manifest: toml::Table = text.parse().unwrap();
    let named = |value: &toml::Value| value.get("file")?.as_str().map(str::to_owned);
    let mut expected: BTreeSet<String> = ["manifest.toml", "CARD.md", "licences"]
        .map(str::to_owned)
        .into();
    expected.extend(manifest.get("graph").and_then(named));
    expected.extend(manifest["graph"].get("fragment").and_then(named));
    expected.extend(manifest.get("map").and_then(named));
    let heads = manifest["heads"].as_array().unwrap();
    expected.extend(heads.iter().filter_map(named));
    let found: BTreeSet<String> = fs::read_dir(&folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    assert_eq!(found, expected);
    assert!(folder.join("licences/musicnn-ISC.md").exists());

    let card = fs::read_to_string(folder.join("CARD.md")).unwrap();
    let id = manifest["id"].as_str().unwrap();
    assert!(card.starts_with(&format!("# {id}:")), "the card is of {id}");
    let bytes = fs::metadata(folder.join("encoder.onnx")).unwrap().len();
    let size = format!("{:.1} MB", bytes as f64 / 1e6);
    assert!(card.contains(&size), "the card says {size}");
}

/// Python reads the modules without PyTorch.
#[test]
fn every_module_of_the_pipeline_parses_and_is_documented() {
    let mut python = Command::new("python3");
    let program = "import ast, pathlib, sys\n\
        for path in sorted(pathlib.Path(sys.argv[1]).rglob('*.py')):\n\
        \x20   tree = ast.parse(path.read_text(encoding='utf-8'), str(path))\n\
        \x20   name = path.relative_to(sys.argv[1]).as_posix()\n\
        \x20   assert ast.get_docstring(tree), f'{name} has no docstring'\n\
        \x20   print(name)\n";
    let folder = repository("xtask/train");
    let Ok(output) = python.args(["-c", program]).arg(&folder).output() else {
        return skipped(
            "every_module_of_the_pipeline_parses_and_is_documented",
            "there is no python3",
        );
    };
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{errors}");
    let modules = String::from_utf8(output.stdout).unwrap();
    // The pipeline's page lists every module.
    let page = fs::read_to_string(folder.join("README.md")).unwrap();
    let described =
        |module: &&str| !module.ends_with("__main__.py") && !module.ends_with("__init__.py");
    for module in modules.lines().filter(described) {
        assert!(
            page.contains(&format!("`{module}`")),
            "{module} is not in README.md"
        );
    }
}

/// Trains, exports and checks on committed targets. PyTorch is a download of 3 GB: the test runs when
/// an earlier `cargo xtask train` has fetched it, in CI, and with `cargo xtask test --full`; otherwise
/// it is listed as skipped.
#[test]
fn every_step_of_the_pipeline_works() {
    let is_fetched = target().join("venv/train").exists();
    let is_full = env::args().any(|argument| argument == "--include-ignored");
    if !is_fetched && !is_full && env::var_os("CI").is_none() {
        return skipped(
            "every_step_of_the_pipeline_works",
            "PyTorch (a download of 3 GB) is missing; `cargo xtask test --full` fetches it",
        );
    }
    let cargo = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let status = Command::new(cargo)
        .args(["xtask", "train", "--smoke"])
        .current_dir(repository(""))
        .status()
        .unwrap();
    assert!(status.success());
}
