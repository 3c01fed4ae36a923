//! The third-party notices of the bundles: who wrote what is in them, under which licence, with the
//! licences' texts.
//!
//! Generated from what is really compiled in (cargo's own account of it) and the files that came
//! with each package, so that no list has to be kept. A package without a licence text of its own
//! gets its licence's standard text with its authors; one whose licence is not known here stops the
//! bundling. Not here: ONNX Runtime's own documents, which go into the bundles as they are.

mod crates;
mod texts;

use std::fmt::Write;
use std::fs;
use std::path::Path;

use anyhow::{Context, Result};

use crate::workspace::Workspace;
use crates::Crate;
use texts::Texts;

/// What is not a Rust crate: its title and its licence's file, or the folder of them.
const OTHERS: [(&str, &str); 4] = [
    (
        "Inter, the typeface of the plots (SIL Open Font License 1.1)",
        "assets/fonts/OFL.txt",
    ),
    ("The embedded model", "assets/embedded/CARD.md"),
    (
        "Licences of what the embedded model was made from: musicnn's weights, and the music that it was trained on",
        "assets/embedded/licences",
    ),
    (
        "The Rust standard library (MIT OR Apache-2.0), used under the Apache License",
        "LICENSE-APACHE",
    ),
];

/// The notices for all that these packages of the workspace are linked with on this machine.
pub fn third_party(workspace: &Workspace, packages: &[&str]) -> Result<String> {
    let crates = crates::linked_into(workspace, packages)?;
    let mut out = String::from(
        "Mertscope is made with the work of others, whom we thank. ONNX Runtime's licence and notices are in files of\n\
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
        licence,
        source,
        ..
    } in &crates
    {
        writeln!(out, "{name} {version}: {licence}; {source}")?;
    }
    let mut texts = Texts::new(&workspace.file("LICENSE-APACHE"))?;
    for package in &crates {
        texts.add(package)?;
    }
    for (users, text) in texts.grouped() {
        heading(&mut out, &format!("Licence of {}", users.join(", ")));
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
