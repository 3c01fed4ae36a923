//! The third-party notices of the bundles: the authors, licenses and license texts of everything in
//! them.
//!
//! They are generated from cargo's list of the packages that are compiled in and from the files that
//! came with each package, so that no list has to be kept. A package without a license text gets the
//! standard text of its license with its authors; a license that is not known here stops the
//! bundling. Not here: ONNX Runtime's own documents, which go into the bundles unchanged.

mod crates;
mod texts;

use std::fmt::Write;
use std::fs;
use std::path::Path;

use anyhow::{Context, Result};

use crate::workspace::Workspace;
pub(crate) use crates::{Crate, linked_into};
use texts::Texts;

/// Third-party parts that are not Rust crates: title, and the license's file or a folder of licenses.
const OTHERS: [(&str, &str); 4] = [
    (
        "Inter, the typeface of the plots (SIL Open Font License 1.1)",
        "assets/fonts/OFL.txt",
    ),
    ("The embedded model", "assets/embedded/CARD.md"),
    (
        "Licenses of what the embedded model was made from: musicnn's weights, and the music that it was trained on",
        "assets/embedded/licences",
    ),
    (
        "The Rust standard library (MIT OR Apache-2.0), used under the Apache License",
        "LICENSE-APACHE",
    ),
];

/// The notices for everything that is linked into these packages of the workspace.
pub(crate) fn third_party(workspace: &Workspace, crates: &[Crate]) -> Result<String> {
    let mut out = String::from(
        "Mertscope is made with the work of others, whom we thank. ONNX Runtime's license and notices are in files of\n\
         their own beside this one.\n",
    );
    for (title, path) in OTHERS {
        heading(&mut out, title);
        for text in documents(&workspace.file(path))? {
            writeln!(out, "{}\n", text.trim_end())?;
        }
    }
    heading(&mut out, "Rust crates");
    writeln!(
        out,
        "Those under MPL-2.0 are used unchanged; their source is at the address given.\n"
    )?;
    for Crate {
        name,
        version,
        license,
        source,
        ..
    } in crates
    {
        writeln!(out, "{name} {version}: {license}; {source}")?;
    }
    let mut texts = Texts::new(&workspace.file("LICENSE-APACHE"))?;
    for package in crates {
        texts.add(package)?;
    }
    for (users, text) in texts.grouped() {
        heading(&mut out, &format!("License of {}", users.join(", ")));
        writeln!(out, "{}", text.trim_end())?;
    }
    Ok(out)
}

fn heading(out: &mut String, title: &str) {
    out.push_str(&format!("\n{}\n{title}\n\n", "=".repeat(100)));
}

/// The text of a file, or of each text in a folder.
fn documents(path: &Path) -> Result<Vec<String>> {
    let read = |path: &Path| {
        fs::read_to_string(path).with_context(|| format!("{} cannot be read", path.display()))
    };
    if path.is_file() {
        return Ok(vec![read(path)?]);
    }
    let listed =
        fs::read_dir(path).with_context(|| format!("{} cannot be read", path.display()))?;
    let mut files = listed
        .map(|entry| Ok(entry?.path()))
        .collect::<Result<Vec<_>>>()?;
    files.retain(|file| {
        let extension = file.extension().unwrap_or_default();
        extension == "txt" || extension == "md"
    });
    files.sort();
    files.iter().map(|file| read(file)).collect()
}
