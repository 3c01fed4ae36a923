//! Tells from a file's first bytes what it is, whatever its name says.
//!
//! Only what decides the way in, or makes a refusal clearer, is told apart here; the formats that
//! go through symphonia are found by its own probe.

/// How many bytes from the start are looked at.
pub(super) const HEAD_BYTES: usize = 4096;

/// What the first bytes announce.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// RIFF, RF64 or BW64 with WAVE inside.
    Wave,
    /// FORM with AIFF or AIFC inside.
    Aiff,
    /// MP4 or M4A; `index_last` when the audio data comes before the index.
    Mp4 {
        /// Whether `mdat` was met before `moov`.
        index_last: bool,
    },
    /// Ogg with a codec that there is no decoder for.
    OggWith(&'static str),
    /// Ogg with pictures first; sound may follow.
    OggFilm,
    /// Certainly something else, named with its article.
    Foreign(&'static str),
    /// Up to the probe.
    Unknown,
}

/// Well-known beginnings of files that are not ours to read, with what they are.
const FOREIGN: &[(&[u8], &str)] = &[
    (b"\x1a\x45\xdf\xa3", "a Matroska or WebM film"),
    (b"\x30\x26\xb2\x75\x8e\x66\xcf\x11", "Windows Media (WMA)"),
    (b"wvpk", "WavPack audio"),
    (b"MAC ", "Monkey's Audio (APE)"),
    (b"TTA1", "True Audio (TTA)"),
    (b"MPCK", "Musepack audio"),
    (b"MP+", "Musepack audio"),
    (b"caff", "a Core Audio file (CAF)"),
    (b"DSD ", "DSD audio (DSF)"),
    (b"FRM8", "DSD audio (DFF)"),
    (b"riff\x2e\x91\xcf\x11", "Sony Wave64 audio"),
    (b".snd", "Sun/NeXT audio (AU)"),
    (b"#!AMR", "AMR speech"),
    (b"MThd", "a MIDI file (notes, no sound)"),
    (b"FLV\x01", "a Flash film"),
    (b"\x89PNG", "a PNG picture"),
    (b"\xff\xd8\xff", "a JPEG picture"),
    (b"GIF8", "a GIF picture"),
    (b"%PDF", "a PDF document"),
    (b"PK\x03\x04", "a ZIP archive"),
    (b"Rar!", "a RAR archive"),
    (b"7z\xbc\xaf", "a 7-Zip archive"),
    (b"\x1f\x8b", "a gzip archive"),
    (b"\x7fELF", "a program (ELF)"),
    (b"MZ\x90", "a program (Windows)"),
    (b"SQLite format 3", "an SQLite database"),
];

/// What a file that begins with `head` (its first [`HEAD_BYTES`], or all of it) is.
pub(super) fn sniff(head: &[u8]) -> Kind {
    let form = head.get(8..12);
    match head.get(..4) {
        Some(b"RIFF" | b"RF64" | b"BW64") => match form {
            Some(b"WAVE") => return Kind::Wave,
            Some(b"AVI ") => return Kind::Foreign("an AVI film"),
            _ => {}
        },
        Some(b"FORM") if matches!(form, Some(b"AIFF" | b"AIFC")) => return Kind::Aiff,
        Some(b"OggS") => {
            // A page header is 27 bytes and a table of as many bytes as the last of them says (RFC
            // 3533, section 6).
            let packet = head
                .get(26)
                .and_then(|&n| head.get(27 + usize::from(n)..))
                .unwrap_or_default();
            if packet.starts_with(b"OpusHead") {
                return Kind::OggWith("Opus");
            }
            if packet.starts_with(b"Speex   ") {
                return Kind::OggWith("Speex");
            }
            if packet.starts_with(b"\x80theora") {
                return Kind::OggFilm;
            }
        }
        _ => {}
    }
    if matches!(head.get(4..8), Some(b"ftyp" | b"moov" | b"mdat" | b"wide")) {
        return Kind::Mp4 {
            index_last: mp4_index_is_last(head),
        };
    }
    if let Some((_, what)) = FOREIGN.iter().find(|(magic, _)| head.starts_with(magic)) {
        return Kind::Foreign(what);
    }
    if is_text(head) {
        let start = String::from_utf8_lossy(&head[..head.len().min(256)])
            .trim_start()
            .to_ascii_lowercase();
        let is_page = start.starts_with("<!doctype html") || start.starts_with("<html");
        return Kind::Foreign(if is_page { "a web page" } else { "plain text" });
    }
    Kind::Unknown
}

/// What to call bytes that nothing recognized, with the article.
pub(super) fn describe(head: &[u8]) -> String {
    if head.iter().all(|&byte| byte == 0) {
        return "nothing but zero bytes, as in a download that never finished".to_owned();
    }
    let start: Vec<String> = head
        .iter()
        .take(8)
        .map(|byte| format!("{byte:02x}"))
        .collect();
    format!(
        "data of an unknown kind (its first bytes are {})",
        start.join(" ")
    )
}

/// Walks the top-level boxes (ISO/IEC 14496-12, section 4.2) for whichever of index and data comes
/// first.
fn mp4_index_is_last(head: &[u8]) -> bool {
    let mut rest = head;
    while let [s0, s1, s2, s3, kind @ ..] = rest {
        match kind.get(..4) {
            Some(b"moov" | b"moof") | None => return false,
            Some(b"mdat") => return true,
            Some(_) => {}
        }
        // 0 and 1 stand for "to the end" and "64 bits follow": neither occurs on the small boxes
        // before the index.
        let size = u32::from_be_bytes([*s0, *s1, *s2, *s3]) as usize;
        match rest.get(size.max(8)..) {
            Some(after) => rest = after,
            None => return false,
        }
    }
    false
}

/// UTF-8 without control characters; a character cut off at the end of `head` is no objection.
fn is_text(head: &[u8]) -> bool {
    let text = match std::str::from_utf8(head) {
        Ok(text) => text,
        Err(error) if error.error_len().is_none() => {
            std::str::from_utf8(&head[..error.valid_up_to()]).unwrap_or_default()
        }
        Err(_) => return false,
    };
    !text.is_empty()
        && !text
            .chars()
            .any(|c| c.is_control() && !matches!(c, '\t' | '\n' | '\r' | '\x0c'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_are_told_by_their_first_bytes() {
        let rows: [(&[u8], Kind); 9] = [
            (b"RIFF\x24\0\0\0WAVEfmt ", Kind::Wave),
            (b"RF64\xff\xff\xff\xffWAVEds64", Kind::Wave),
            (b"FORM\0\0\0\x20AIFCFVER", Kind::Aiff),
            (b"RIFF\x24\0\0\0AVI LIST", Kind::Foreign("an AVI film")),
            (
                b"\0\0\0\x08ftyp\0\0\0\x08free\0\0\x10\0mdat",
                Kind::Mp4 { index_last: true },
            ),
            (
                b"\0\0\0\x08ftyp\0\0\x10\0moov",
                Kind::Mp4 { index_last: false },
            ),
            ("Größe: 3 €".as_bytes(), Kind::Foreign("plain text")),
            (b"  <HTML><body>", Kind::Foreign("a web page")),
            (b"fLaC\0\0\0\x22", Kind::Unknown),
        ];
        for (head, kind) in rows {
            assert_eq!(sniff(head), kind, "{head:?}");
        }
    }

    #[test]
    fn text_cut_inside_a_character_is_still_text() {
        let text = "naïveté";
        assert!(is_text(&text.as_bytes()[..text.len() - 1]));
        assert!(!is_text(b"\xff\xfb\x90\x64"));
    }
}
