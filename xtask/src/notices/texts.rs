//! License texts: each text once, with the crates that use it.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

use super::crates::Crate;

const MIT: &str = include_str!("mit.txt");
const ISC: &str = include_str!("isc.txt");
const BOOST: &str = include_str!("boost.txt");
const UNLICENSE: &str = include_str!("unlicense.txt");

/// The texts that were added so far.
pub(super) struct Texts {
    apache: String,
    /// Users and text, by the text without its line breaks: many copies differ only in these.
    found: BTreeMap<String, (Vec<String>, String)>,
}

impl Texts {
    /// No texts yet; `apache` is a file with the Apache License 2.0.
    pub(super) fn new(apache: &Path) -> Result<Self> {
        Ok(Self {
            apache: read(apache)?,
            found: BTreeMap::new(),
        })
    }

    /// Adds the license files of a crate, or the standard text of its license.
    pub(super) fn add(&mut self, package: &Crate) -> Result<()> {
        let files = license_files(&package.folder)?;
        for file in &files {
            self.insert(package, read(file)?);
        }
        if !files
            .iter()
            .any(|file| file.parent() == Some(&package.folder))
        {
            let text = self.standard(package)?;
            self.insert(package, text);
        }
        Ok(())
    }

    /// Names and versions of crates, and the text that they share; sorted by the first name.
    pub(super) fn grouped(self) -> Vec<(Vec<String>, String)> {
        let mut grouped: Vec<_> = self.found.into_values().collect();
        grouped.sort();
        grouped
    }

    fn insert(&mut self, package: &Crate, text: String) {
        let key = text.split_whitespace().collect::<Vec<_>>().join(" ");
        let user = format!("{} {}", package.name, package.version);
        let (users, _) = self.found.entry(key).or_insert_with(|| (Vec::new(), text));
        if users.last() != Some(&user) {
            users.push(user);
        }
    }

    /// The text for a crate whose package has none. Of a choice of licenses it takes the one whose
    /// text names no author.
    fn standard(&self, package: &Crate) -> Result<String> {
        let words: Vec<&str> = package
            .license
            .split(|c: char| c.is_whitespace() || "()/".contains(c))
            .collect();
        let of = |template: &str| {
            let authors = match package.authors.as_slice() {
                [] => format!("the authors of {}", package.name),
                authors => authors.join(", "),
            };
            template.replace("{authors}", &authors)
        };
        Ok(if words.contains(&"Apache-2.0") {
            self.apache.clone()
        } else if words.contains(&"MIT") {
            of(MIT)
        } else if words.contains(&"ISC") {
            of(ISC)
        } else if words.contains(&"Unlicense") {
            UNLICENSE.to_owned()
        } else if words.contains(&"BSL-1.0") {
            BOOST.to_owned()
        } else {
            bail!(
                "the package {} {} comes without a license text, and the standard text of its license, {}, is not in \
                 xtask/src/notices; add it there",
                package.name,
                package.version,
                package.license
            )
        })
    }
}

/// The files of a package that are licenses or notices by their names, and the texts beside its
/// fonts.
fn license_files(folder: &Path) -> Result<Vec<PathBuf>> {
    const STEMS: [&str; 6] = [
        "license",
        "licence",
        "copying",
        "copyright",
        "notice",
        "unlicense",
    ];
    let names_a_license = |file: &Path| {
        let name = file.file_name().unwrap_or_default();
        let name = name.to_string_lossy().to_lowercase();
        STEMS.iter().any(|stem| name.starts_with(stem))
    };
    let mut files = files_in(folder)?;
    files.retain(|file| names_a_license(file));
    let fonts = folder.join("fonts");
    if fonts.is_dir() {
        let texts = files_in(&fonts)?.into_iter();
        files.extend(
            texts.filter(|file| file.extension().is_some_and(|extension| extension == "txt")),
        );
    }
    Ok(files)
}

fn files_in(folder: &Path) -> Result<Vec<PathBuf>> {
    let cannot = || {
        format!(
            "{} cannot be read; `cargo fetch` unpacks the dependencies again",
            folder.display()
        )
    };
    let entries = fs::read_dir(folder).with_context(cannot)?;
    let mut files = entries
        .map(|entry| Ok(entry?.path()))
        .collect::<Result<Vec<_>>>()?;
    files.retain(|file| file.is_file());
    files.sort();
    Ok(files)
}

fn read(file: &Path) -> Result<String> {
    let bytes = fs::read(file).with_context(|| format!("{} cannot be read", file.display()))?;
    // Some are in Latin-1: a name with a replaced letter is better than no bundle.
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn package(folder: &Path, name: &str, license: &str) -> Crate {
        let folder = folder.join(name);
        fs::create_dir_all(&folder).unwrap();
        Crate {
            name: name.into(),
            version: "1.0.0".into(),
            license: license.into(),
            source: String::new(),
            authors: vec!["Ada <ada@example.org>".into()],
            folder,
        }
    }

    fn texts(folder: &Path) -> Texts {
        let apache = folder.join("apache");
        fs::write(&apache, "the Apache License").unwrap();
        Texts::new(&apache).unwrap()
    }

    #[test]
    fn a_text_is_printed_once_for_all_that_came_with_it() {
        let scratch = tempfile::tempdir().unwrap();
        let mut texts = texts(scratch.path());
        for (name, text) in [
            ("one", "Be  kind.\n"),
            ("two", "Be\nkind."),
            ("three", "Be rich."),
        ] {
            let package = package(scratch.path(), name, "Unknown-1.0");
            fs::write(package.folder.join("LICENCE.md"), text).unwrap(); // spelling as stored
            fs::write(package.folder.join("README.md"), "no license").unwrap();
            texts.add(&package).unwrap();
        }
        let users: Vec<_> = texts
            .grouped()
            .into_iter()
            .map(|(users, _)| users)
            .collect();
        assert_eq!(users, [vec!["one 1.0.0", "two 1.0.0"], vec!["three 1.0.0"]]);
    }

    #[test]
    fn a_missing_text_is_the_licenses_own_with_the_authors() {
        let scratch = tempfile::tempdir().unwrap();
        for (license, expected) in [
            ("MIT OR Apache-2.0", "the Apache License"),
            ("MIT", "Copyright (c) Ada <ada@example.org>"),
            ("ISC", "Copyright (c) Ada <ada@example.org>"),
            ("BSL-1.0", "Boost Software License"),
            ("Unlicense", "released into the public domain"),
        ] {
            let mut texts = texts(scratch.path());
            texts
                .add(&package(scratch.path(), "bare", license))
                .unwrap();
            let (_, text) = texts.grouped().remove(0);
            assert!(text.contains(expected), "{license}: {text}");
        }
        let bare = package(scratch.path(), "bare", "Secret-1.0");
        let error = texts(scratch.path()).add(&bare).unwrap_err().to_string();
        assert!(
            error.contains("bare 1.0.0") && error.contains("Secret-1.0"),
            "{error}"
        );
    }

    #[test]
    fn the_texts_of_fonts_do_not_stand_for_the_crates_own() {
        let scratch = tempfile::tempdir().unwrap();
        let package = package(scratch.path(), "fonts", "(MIT OR Apache-2.0) AND OFL-1.1");
        fs::create_dir(package.folder.join("fonts")).unwrap();
        fs::write(
            package.folder.join("fonts/OFL.txt"),
            "the Open Font License",
        )
        .unwrap();
        let mut texts = texts(scratch.path());
        texts.add(&package).unwrap();
        let found: Vec<_> = texts.grouped().into_iter().map(|(_, text)| text).collect();
        assert_eq!(found, ["the Apache License", "the Open Font License"]);
    }
}
