//! Output files at paths that the user names: pictures, heads, maps, MIDI files.

use std::path::Path;

use anyhow::Context;
use mertscope_export::save;

/// Writes a file whole, or leaves an earlier file unchanged; `noun` names it in messages.
pub(crate) fn write(noun: &str, path: &Path, bytes: &[u8]) -> anyhow::Result<()> {
    save::replace(path, bytes).with_context(|| {
        let path = path.display();
        format!("The {noun} {path} can't be written; check its folder and the free space")
    })
}

/// Whether the name is that of a PNG picture.
pub(crate) fn is_png(path: &Path) -> bool {
    path.extension()
        .is_some_and(|extension| extension.eq_ignore_ascii_case("png"))
}
