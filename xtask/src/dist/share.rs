//! The files of a Linux package below `share`: manual pages, completions, desktop entry, icon, bill of materials.

use super::manuals::Manuals;
use super::tree::Entry;
use crate::workspace::Workspace;

/// <https://specifications.freedesktop.org/desktop-entry-spec/latest/>
const DESKTOP_ENTRY: &str = "\
[Desktop Entry]
Type=Application
Name=Mertscope
GenericName=Music analyzer
Comment=Shows genre, key and embedding of the music that plays
Exec=mertscope-standalone --file %f
TryExec=mertscope-standalone
Icon=mertscope
Terminal=false
Categories=AudioVideo;Audio;Music;
Keywords=key;genre;analysis;embedding;
MimeType=audio/flac;audio/mpeg;audio/ogg;audio/x-wav;audio/mp4;audio/x-aiff;
StartupNotify=false
";

/// The entries, by their paths in `share`.
pub(super) fn files(workspace: &Workspace, manuals: &Manuals, bill: &str) -> Vec<Entry> {
    let mut entries = vec![
        Entry::bytes(DESKTOP_ENTRY, "applications/mertscope.desktop"),
        Entry::copy(
            workspace.file("assets/icons/mertscope.svg"),
            "icons/hicolor/scalable/apps/mertscope.svg",
        ),
        Entry::bytes(bill, "doc/mertscope/mertscope.cdx.json"),
    ];
    for (name, page) in &manuals.pages {
        entries.push(Entry::bytes(page.clone(), format!("man/man1/{name}.gz")));
    }
    for (path, script) in &manuals.completions {
        entries.push(Entry::bytes(script.clone(), *path));
    }
    entries
}
