//! Files that the command writes where it is told to: pictures, heads, maps, MIDI files.

use std::path::Path;

use anyhow::Context;
use mertscope_export::save;

/// Writes a file, or leaves what was there; `what` names it for people.
pub(crate) fn write(what: &str, path: &Path, bytes: &[u8]) -> anyhow::Result<()> {
    save::replace(path, bytes).with_context(|| {
        let path = path.display();
        format!("The {what} {path} can't be written; check its folder and the free space")
    })
}

/// Whether a picture of this name is one of pixels.
pub(crate) fn is_png(path: &Path) -> bool {
    path.extension()
        .is_some_and(|extension| extension.eq_ignore_ascii_case("png"))
}
