//! Checks of the files that are not Rust: spelling of all text, `.github`, and Python.
//!
//! The tools are Python packages that `setup::lint_tools` gets. Their settings lie in `typos.toml` and
//! `xtask/train/ruff.toml`, which the Python package extends.

use std::env::consts::EXE_SUFFIX;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};

use crate::workspace::Workspace;

const ISSUE_TEMPLATES: &str = ".github/ISSUE_TEMPLATE";

/// Each check's name and command; `python` is the interpreter of the environment with the tools.
///
/// # Errors
/// When a folder of `.github` can't be read.
pub(crate) fn checks(workspace: &Workspace, python: &Path) -> Result<Vec<(&'static str, Command)>> {
    let tool = |name: &str, arguments: &[&str]| {
        let mut command = Command::new(python.with_file_name(format!("{name}{EXE_SUFFIX}")));
        command.current_dir(&workspace.root).args(arguments);
        command
    };
    let schema = |name: &str, files: &[PathBuf]| {
        let mut command = tool("check-jsonschema", &["--builtin-schema", name]);
        command.args(files);
        command
    };
    let (config, forms): (Vec<_>, Vec<_>) = yaml_files(&workspace.file(ISSUE_TEMPLATES))?
        .into_iter()
        .partition(|path| path.ends_with("config.yml"));
    let workflows = yaml_files(&workspace.file(".github/workflows"))?;
    let dependabot = [workspace.file(".github/dependabot.yml")];
    Ok(vec![
        ("spelling", tool("typos", &[])),
        (
            "schema of workflows",
            schema("vendor.github-workflows", &workflows),
        ),
        (
            "schema of Dependabot's settings",
            schema("vendor.dependabot", &dependabot),
        ),
        (
            "schema of issue forms",
            schema("vendor.github-issue-forms", &forms),
        ),
        (
            "schema of the issue chooser",
            schema("vendor.github-issue-config", &config),
        ),
        (
            "security of workflows",
            tool("zizmor", &["--offline", ".github"]),
        ),
        (
            "Python",
            tool(
                "ruff",
                &["check", "--no-cache", "xtask/train", "engine/python"],
            ),
        ),
        (
            "format of Python",
            tool(
                "ruff",
                &[
                    "format",
                    "--no-cache",
                    "--check",
                    "xtask/train",
                    "engine/python",
                ],
            ),
        ),
    ])
}

/// The YAML files in a folder, in the order of their names.
fn yaml_files(folder: &Path) -> Result<Vec<PathBuf>> {
    let entries =
        fs::read_dir(folder).with_context(|| format!("{} cannot be read", folder.display()))?;
    let mut files = entries
        .map(|entry| Ok(entry?.path()))
        .collect::<Result<Vec<_>>>()?;
    files.retain(|path| path.extension().is_some_and(|extension| extension == "yml"));
    files.sort();
    Ok(files)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_yaml_file_of_github_is_checked_against_a_schema() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
        let workspace = Workspace {
            root: root.to_owned(),
            target: root.join("target"),
        };
        let checks = checks(&workspace, Path::new("venv/bin/python")).unwrap();
        let arguments: Vec<PathBuf> = checks
            .iter()
            .filter(|(what, _)| what.starts_with("schema"))
            .flat_map(|(_, check)| check.get_args().map(PathBuf::from))
            .collect();
        let github = root.join(".github");
        for folder in [
            github.clone(),
            github.join("workflows"),
            github.join("ISSUE_TEMPLATE"),
        ] {
            let files = yaml_files(&folder).unwrap();
            assert!(!files.is_empty(), "{}", folder.display());
            for file in files {
                assert!(arguments.contains(&file), "{}", file.display());
            }
        }
        for (what, check) in &checks {
            assert!(check.get_args().len() > 0 || *what == "spelling", "{what}");
            let program = Path::new(check.get_program());
            assert_eq!(program.parent(), Some(Path::new("venv/bin")), "{what}");
        }
    }
}
