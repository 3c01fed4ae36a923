//! The pipeline that builds the embedded model, and what it leaves in `assets/embedded`.

use std::collections::BTreeSet;
use std::env;
use std::fs;
use std::process::Command;

use mertscope_tests::{full, repository, skipped};

/// A model's folder is its manifest, what that names, the card and the licenses.
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

/// Every module says what it is and stands in the pipeline's page; none needs PyTorch for that.
#[test]
fn the_pipeline_is_python_that_compiles() {
    let mut python = Command::new("python3");
    let program = "import ast, pathlib, sys\n\
        for path in sorted(pathlib.Path(sys.argv[1]).rglob('*.py')):\n\
        \x20   tree = ast.parse(path.read_text(encoding='utf-8'), str(path))\n\
        \x20   name = path.relative_to(sys.argv[1]).as_posix()\n\
        \x20   assert ast.get_docstring(tree), f'{name} does not say what it is'\n\
        \x20   print(name)\n";
    let folder = repository("xtask/train");
    let Ok(output) = python.args(["-c", program]).arg(&folder).output() else {
        return skipped("train", "there is no python3");
    };
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{errors}");
    let modules = String::from_utf8(output.stdout).unwrap();
    // The code map of the pipeline's own page is complete.
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

/// Trains, exports and checks on committed targets. PyTorch is 3 GB, so that it is fetched for this
/// only where it was asked for: in CI, with `--full`, or by an earlier `cargo xtask train`.
#[test]
fn every_step_of_the_pipeline_works() {
    let there = repository("target/venv/train").exists();
    if !there && !full() && env::var_os("CI").is_none() {
        return skipped(
            "train",
            "PyTorch (3 GB) is fetched for it in CI or with --full",
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
