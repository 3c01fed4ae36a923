//! Files with their keys for DJ programs: a playlist in the order of the Camelot wheel, and rekordbox's XML.

use std::fmt::Write;
use std::path::{Path, PathBuf};

use lofty::file::TaggedFileExt;
use lofty::tag::Accessor;
use mertscope_music::{Key, Mode, Notation};

use crate::arguments::TagNotation;

/// A file with what is known of it.
#[derive(Debug, Clone)]
pub(super) struct Track {
    pub(super) file: PathBuf,
    pub(super) duration_s: f64,
    /// The key, when it is named.
    pub(super) key: Option<Key>,
}

/// The place of a key on a walk around the Camelot wheel on which each step is compatible: 1A, 1B, 2B, 2A, 3A, …
/// Neighbors are relative keys or a fifth apart; so are the last and the first.
fn place(key: Key) -> u32 {
    let camelot = key.to_text(Notation::Camelot);
    let number: u32 = camelot
        .trim_end_matches(['A', 'B'])
        .parse()
        .unwrap_or_default();
    let minor_first = number % 2 == 1;
    number * 2 + u32::from((key.mode() == Mode::Minor) != minor_first)
}

/// An extended M3U playlist in UTF-8, by compatible keys; files without a named key come last.
pub(super) fn m3u(tracks: &[Track]) -> String {
    let mut ordered: Vec<&Track> = tracks.iter().collect();
    ordered.sort_by_key(|track| track.key.map_or(u32::MAX, place));
    let mut text = "#EXTM3U\n".to_owned();
    for track in ordered {
        let name = track.file.file_stem().unwrap_or_default().to_string_lossy();
        let key = track.key.map_or_else(String::new, |key| {
            format!(" [{}]", key.to_text(Notation::Camelot))
        });
        let seconds = track.duration_s.round();
        // A line break in a name would end the line; writing to text can't fail.
        let one_line = |text: &str| text.replace(['\n', '\r'], " ");
        let _ = writeln!(text, "#EXTINF:{seconds},{}{key}", one_line(&name));
        let _ = writeln!(
            text,
            "{}",
            one_line(&absolute(&track.file).to_string_lossy())
        );
    }
    text
}

/// A collection as rekordbox's "XML format list" describes it, version 1.0.0, with a playlist of all tracks.
pub(super) fn rekordbox(tracks: &[Track], notation: TagNotation) -> String {
    let count = tracks.len();
    let mut text = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<DJ_PLAYLISTS Version=\"1.0.0\">\n  \
         <PRODUCT Name=\"Mertscope\" Version=\"{}\" Company=\"\"/>\n  <COLLECTION Entries=\"{count}\">\n",
        env!("CARGO_PKG_VERSION")
    );
    for (index, track) in tracks.iter().enumerate() {
        let (title, artist) = names(&track.file);
        let mut line = format!(
            "    <TRACK TrackID=\"{}\" Name=\"{}\"",
            index + 1,
            escaped(&title)
        );
        if let Some(artist) = artist {
            let _ = write!(line, " Artist=\"{}\"", escaped(&artist));
        }
        let _ = write!(line, " TotalTime=\"{}\"", track.duration_s.round());
        if let Some(key) = track.key {
            let _ = write!(line, " Tonality=\"{}\"", notation.text(key));
        }
        let _ = writeln!(
            text,
            "{line} Location=\"{}\"/>",
            location(&absolute(&track.file))
        );
    }
    text.push_str(
        "  </COLLECTION>\n  <PLAYLISTS>\n    <NODE Type=\"0\" Name=\"ROOT\" Count=\"1\">\n",
    );
    let _ = writeln!(
        text,
        "      <NODE Name=\"Mertscope\" Type=\"1\" KeyType=\"0\" Entries=\"{count}\">"
    );
    for index in 0..count {
        let _ = writeln!(text, "        <TRACK Key=\"{}\"/>", index + 1);
    }
    text.push_str("      </NODE>\n    </NODE>\n  </PLAYLISTS>\n</DJ_PLAYLISTS>\n");
    text
}

/// The title, which is the file's name when its tag has none, and the artist.
fn names(file: &Path) -> (String, Option<String>) {
    let read = lofty::read_from_path(file).ok();
    let tag = read
        .as_ref()
        .and_then(|read| read.primary_tag().or_else(|| read.first_tag()));
    let title = tag.and_then(|tag| tag.title().map(std::borrow::Cow::into_owned));
    let stem = || {
        file.file_stem()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned()
    };
    let artist = tag.and_then(|tag| tag.artist().map(std::borrow::Cow::into_owned));
    (title.unwrap_or_else(stem), artist)
}

fn absolute(file: &Path) -> PathBuf {
    std::path::absolute(file).unwrap_or_else(|_| file.to_owned())
}

/// The address of a file as rekordbox writes it: `file://localhost/` and the path with percent signs.
fn location(file: &Path) -> String {
    let path = file.to_string_lossy().replace('\\', "/");
    let mut address = "file://localhost/".to_owned();
    for byte in path.trim_start_matches('/').bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~/:".contains(&byte) {
            address.push(char::from(byte));
        } else {
            let _ = write!(address, "%{byte:02X}");
        }
    }
    address
}

/// Text for an attribute of XML 1.0, without the control characters that it can't hold.
fn escaped(text: &str) -> String {
    let mut out = String::new();
    for character in text.chars() {
        match character {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\t' | '\n' | '\r' => out.push(' '),
            other if other.is_control() => {}
            other => out.push(other),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A folder by an absolute path, and its address.
    const MUSIC: (&str, &str) = if cfg!(windows) {
        (r"C:\music", "C:/music")
    } else {
        ("/music", "music")
    };

    fn track(name: &str, key: Option<Key>) -> Track {
        Track {
            file: Path::new(MUSIC.0).join(name),
            duration_s: 61.4,
            key,
        }
    }

    /// The Camelot number and letter of both agree in one and differ by one step in the other.
    fn compatible(a: Key, b: Key) -> bool {
        let number = |key: Key| key.fifths();
        let apart = (number(a) + 12 - number(b)) % 12;
        (a.mode() == b.mode() && [1, 11].contains(&apart)) || (a.mode() != b.mode() && apart == 0)
    }

    #[test]
    fn all_keys_in_a_row_are_compatible_with_their_neighbors() {
        let mut keys: Vec<Key> = Key::all().collect();
        keys.sort_by_key(|key| place(*key));
        for pair in keys.windows(2) {
            assert!(compatible(pair[0], pair[1]), "{pair:?}");
        }
        assert!(compatible(keys[23], keys[0]));
    }

    #[test]
    fn a_playlist_ends_with_files_without_a_key() {
        let (a_minor, e_minor) = (Key::new(9, Mode::Minor), Key::new(4, Mode::Minor));
        let list = m3u(&[
            track("none.mp3", None),
            track("em.mp3", Some(e_minor)),
            track("am.mp3", Some(a_minor)),
        ]);
        let files: Vec<&str> = list.lines().filter(|line| !line.starts_with('#')).collect();
        let expected = ["am.mp3", "em.mp3", "none.mp3"].map(|name| Path::new(MUSIC.0).join(name));
        assert_eq!(files, expected.map(|file| file.display().to_string()));
        assert!(list.contains("#EXTINF:61,am [8A]"), "{list}");
    }

    #[test]
    fn rekordbox_gets_addresses_and_escaped_names() {
        let tracks = [
            track("A&B \"é\" 50%.mp3", Some(Key::new(6, Mode::Minor))),
            track("none.mp3", None),
        ];
        let xml = rekordbox(&tracks, TagNotation::Id3);
        let address = format!(
            "Location=\"file://localhost/{}/A%26B%20%22%C3%A9%22%2050%25.mp3\"",
            MUSIC.1
        );
        for part in [
            "<COLLECTION Entries=\"2\">",
            "Name=\"A&amp;B &quot;é&quot; 50%\"",
            "Tonality=\"F#m\"",
            &address,
        ] {
            assert!(xml.contains(part), "{part}: {xml}");
        }
        assert_eq!(xml.matches("Tonality").count(), 1);
    }
}
