//! The name and the color of the next reference.

use std::path::Path;

use mertscope_heads::reference::MAX_REFERENCES;

use crate::color;
use crate::view_context::ViewContext;

/// The first of “Reference 1”, “Reference 2”, … that no reference has.
pub(super) fn next_name(context: &ViewContext<'_>) -> String {
    let taken = |name: &String| {
        let mut references = context.live.study.references.iter();
        references.any(|reference| reference.name == *name)
    };
    let names = (1..=MAX_REFERENCES + 1).map(|n| format!("Reference {n}"));
    names
        .into_iter()
        .find(|name| !taken(name))
        .unwrap_or_default()
}

/// The first color that no reference has.
pub(super) fn next_color(context: &ViewContext<'_>) -> [u8; 3] {
    let free = next_colors(context).next();
    free.unwrap_or(color::REFERENCES[0])
}

/// The colors that no reference has, and then all of them over and over.
pub(super) fn next_colors(context: &ViewContext<'_>) -> impl Iterator<Item = [u8; 3]> {
    let taken = |color: &[u8; 3]| {
        let mut references = context.live.study.references.iter();
        references.any(|reference| reference.color == *color)
    };
    let free = color::REFERENCES
        .into_iter()
        .filter(move |color| !taken(color));
    free.chain(color::REFERENCES.into_iter().cycle())
}

/// The file's name without its extension.
pub(super) fn name_from_path(path: &Path) -> String {
    let stem = path
        .file_stem()
        .map(|stem| stem.to_string_lossy().into_owned());
    stem.unwrap_or_else(|| "File".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn references_from_files_take_the_files_names() {
        let path = Path::new("/music/My mix.v2.wav");
        assert_eq!(name_from_path(path), "My mix.v2");
    }
}
