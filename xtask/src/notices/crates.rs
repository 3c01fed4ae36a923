//! The crates that are linked into a program: `cargo tree` names them, `cargo metadata` has their
//! folders.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};
use serde_json::Value;

use crate::process;
use crate::workspace::Workspace;

/// A third-party package.
pub(crate) struct Crate {
    pub name: String,
    pub version: String,
    /// The SPDX expression of its manifest.
    pub license: String,
    /// The address of its source.
    pub source: String,
    pub authors: Vec<String>,
    /// The folder with its unpacked source.
    pub folder: PathBuf,
}

/// The crates that these packages are linked with for the target triple `target` (this machine
/// without one), sorted; without build scripts and procedural macros, which are not linked.
pub(crate) fn linked_into(
    workspace: &Workspace,
    packages: &[&str],
    target: Option<&str>,
) -> Result<Vec<Crate>> {
    let mut linked = BTreeSet::new();
    for package in packages {
        // One at a time: together, cargo would unite their features.
        let mut tree = workspace.cargo(["tree", "--package", package]);
        tree.args(["--all-features", "--edges", "normal,no-proc-macro"]);
        tree.args(["--prefix", "none", "--format", "{p}"]);
        if let Some(target) = target {
            tree.args(["--target", target]);
        }
        linked.extend(output(&mut tree)?.lines().filter_map(name_and_version));
    }
    // Without its features `metadata` leaves packages out that `tree` names for other systems.
    let mut metadata = workspace.cargo(["metadata", "--format-version", "1", "--all-features"]);
    let metadata: Value = serde_json::from_str(&output(&mut metadata)?)
        .context("the output of `cargo metadata` is not JSON")?;
    let mut crates = metadata["packages"]
        .as_array()
        .context("`cargo metadata` named no packages")?
        .iter()
        // Our own packages have no source.
        .filter(|package| !package["source"].is_null())
        .map(read)
        .collect::<Result<Vec<_>>>()?;
    crates.retain(|one| linked.contains(&(one.name.clone(), one.version.clone())));
    crates.sort_by(|a, b| (&a.name, &a.version).cmp(&(&b.name, &b.version)));
    Ok(crates)
}

/// From a line such as `ort v2.0.0-rc.15` or `toml v1.2.1 (*)`.
fn name_and_version(line: &str) -> Option<(String, String)> {
    let (name, rest) = line.split_once(" v")?;
    let version = rest.split_whitespace().next()?;
    Some((name.to_owned(), version.to_owned()))
}

fn read(package: &Value) -> Result<Crate> {
    let text = |key: &str| package[key].as_str().map(str::to_owned);
    let name = text("name").context("a package has no name")?;
    let missing = |key: &str| format!("the package {name} does not say its {key}");
    let manifest = text("manifest_path").with_context(|| missing("manifest_path"))?;
    let authors = package["authors"].as_array().into_iter().flatten();
    Ok(Crate {
        version: text("version").with_context(|| missing("version"))?,
        license: text("license").unwrap_or_else(|| "see the text below".into()),
        source: text("repository")
            .or_else(|| text("homepage"))
            .unwrap_or_else(|| "no address given".into()),
        authors: authors
            .filter_map(|author| author.as_str().map(str::to_owned))
            .collect(),
        folder: Path::new(&manifest)
            .parent()
            .with_context(|| missing("folder"))?
            .to_owned(),
        name,
    })
}

fn output(command: &mut Command) -> Result<String> {
    let done = command
        .output()
        .with_context(|| process::could_not_start(command))?;
    if !done.status.success() {
        bail!(
            "cargo could not list the dependencies: {}",
            String::from_utf8_lossy(&done.stderr).trim_end()
        );
    }
    String::from_utf8(done.stdout).context("the output of cargo is not UTF-8")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_of_cargo_tree_are_read() {
        let pair = |name: &str, version: &str| Some((name.to_owned(), version.to_owned()));
        assert_eq!(
            name_and_version("ort v2.0.0-rc.15"),
            pair("ort", "2.0.0-rc.15")
        );
        assert_eq!(name_and_version("toml v1.2.1 (*)"), pair("toml", "1.2.1"));
        assert_eq!(name_and_version(""), None);
    }
}
