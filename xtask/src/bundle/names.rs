//! The names of the bundles, from `bundler.toml`.

use std::fs;

use anyhow::{Context, Result};
use toml::Table;

use crate::workspace::Workspace;

const FILE: &str = "bundler.toml";

/// A package's entry.
pub(crate) struct Names {
    /// The name that users see, and the bundles' file name without its extension.
    pub name: String,
    /// The reverse domain name by which macOS tells bundles apart.
    pub identifier: String,
}

impl Names {
    /// Reads the entry of a package.
    pub(crate) fn read(workspace: &Workspace, package: &str) -> Result<Self> {
        let path = workspace.file(FILE);
        let text = fs::read_to_string(&path)
            .with_context(|| format!("{} cannot be read", path.display()))?;
        Self::parse(&text, package)
            .with_context(|| format!("{} is not as it should be", path.display()))
    }

    fn parse(text: &str, package: &str) -> Result<Self> {
        let table: Table = text.parse()?;
        let entry = table
            .get(package)
            .and_then(toml::Value::as_table)
            .with_context(|| format!("there is no [{package}]"))?;
        let text_at = |key: &str| {
            let value = entry.get(key).and_then(toml::Value::as_str);
            value
                .map(str::to_owned)
                .with_context(|| format!("'{key}' of [{package}] is missing"))
        };
        Ok(Self {
            name: text_at("name")?,
            identifier: text_at("identifier")?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_checkouts_names_are_read_and_missing_ones_named() {
        let text = include_str!("../../../bundler.toml");
        assert_eq!(Names::parse(text, "mertscope").unwrap().name, "Mertscope");
        for (text, package, expected) in [
            (text, "other", "[other]"),
            ("[mertscope]\nname = 'M'", "mertscope", "'identifier'"),
        ] {
            let error = format!("{:#}", Names::parse(text, package).err().unwrap());
            assert!(error.contains(expected), "{error}");
        }
    }
}
