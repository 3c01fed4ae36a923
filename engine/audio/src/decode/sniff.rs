//! The sniffer: a file's format from its first bytes, whatever its name.
//!
//! It distinguishes only the formats that choose a reader or make an error clearer; symphonia's own
//! probe finds the formats that symphonia reads.

use super::{aac, caf, ogg, opus::UNUSUAL_OPUS, w64};

/// Bytes from the start that the sniffer sees.
pub(super) const HEAD_BYTES: usize = 4096;

/// The format that the first bytes announce.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum SniffedKind {
    /// RIFF, RF64 or BW64 with WAVE inside.
    Wave,
    /// FORM with AIFF or AIFC inside.
    Aiff,
    /// Sony Wave64.
    Wave64,
    /// Core Audio, with plain samples or compressed ones.
    Caf {
        /// Whether the samples are plain.
        is_plain: bool,
    },
    /// Ogg with Opus.
    OggOpus,
    /// Matroska or WebM.
    Matroska,
    /// Native FLAC.
    Flac,
    /// MP4 or M4A; `index_last` when the audio data comes before the index.
    Mp4 {
        /// Whether `mdat` was met before `moov`.
        index_last: bool,
    },
    /// A container that is read here, with a codec that has no decoder; the codec's name.
    Unsupported(&'static str),
    /// Ogg whose first track is video; an audio track may follow.
    OggVideo,
    /// Certainly not a supported format; its name, with the article.
    Foreign(&'static str),
    /// Left to symphonia's probe.
    Unknown,
}

/// First bytes of well-known formats that are not supported, with their names.
const FOREIGN: &[(&[u8], &str)] = &[
    (b"\x30\x26\xb2\x75\x8e\x66\xcf\x11", "Windows Media (WMA)"),
    (b"wvpk", "WavPack audio"),
    (b"MAC ", "Monkey's Audio (APE)"),
    (b"TTA1", "True Audio (TTA)"),
    (b"MPCK", "Musepack audio"),
    (b"MP+", "Musepack audio"),
    (b"DSD ", "DSD audio (DSF)"),
    (b"FRM8", "DSD audio (DFF)"),
    (b".snd", "Sun/NeXT audio (AU)"),
    (b"#!AMR", "AMR speech"),
    (b"MThd", "a MIDI file (notes, no sound)"),
    (b"FLV\x01", "a Flash video"),
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

/// The format of a file that begins with `head` (its first [`HEAD_BYTES`], or all of it).
pub(super) fn sniff(head: &[u8]) -> SniffedKind {
    let form = head.get(8..12);
    match head.get(..4) {
        Some(b"RIFF" | b"RF64" | b"BW64") => match form {
            Some(b"WAVE") => return SniffedKind::Wave,
            Some(b"AVI ") => return SniffedKind::Foreign("an AVI video"),
            _ => {}
        },
        Some(b"FORM") if matches!(form, Some(b"AIFF" | b"AIFC")) => return SniffedKind::Aiff,
        Some(b"OggS") => {
            let packet = ogg::first_packet(head).unwrap_or_default();
            if packet.starts_with(b"OpusHead") && packet.get(18).is_some_and(|&family| family > 1) {
                return SniffedKind::Unsupported(UNUSUAL_OPUS);
            }
            if packet.starts_with(b"OpusHead") {
                return SniffedKind::OggOpus;
            }
            if packet.starts_with(b"Speex   ") {
                return SniffedKind::Unsupported("Speex");
            }
            if packet.starts_with(b"\x80theora") {
                return SniffedKind::OggVideo;
            }
        }
        Some(b"fLaC") => return SniffedKind::Flac,
        Some(b"\x1a\x45\xdf\xa3") => return SniffedKind::Matroska,
        Some(b"riff") if w64::is_head(head) => return SniffedKind::Wave64,
        _ => {}
    }
    if let Some(is_plain) = caf::sniff(head) {
        return SniffedKind::Caf { is_plain };
    }
    // ADTS: twelve bits of synchronization, one for MPEG-2, a layer of 0, and after one bit the profile,
    // which is one less than in MP4.
    if let [0xff, 0xf0 | 0xf1 | 0xf8 | 0xf9, third, ..] = head
        && third >> 6 != 1
    {
        return SniffedKind::Unsupported(aac::object_type_name(u32::from(third >> 6) + 1));
    }
    if matches!(head.get(4..8), Some(b"ftyp" | b"moov" | b"mdat" | b"wide")) {
        return SniffedKind::Mp4 {
            index_last: mp4_index_is_last(head),
        };
    }
    if let Some((_, name)) = FOREIGN.iter().find(|(magic, _)| head.starts_with(magic)) {
        return SniffedKind::Foreign(name);
    }
    if is_text(head) {
        let start = String::from_utf8_lossy(&head[..head.len().min(256)])
            .trim_start()
            .to_ascii_lowercase();
        let is_page = start.starts_with("<!doctype html") || start.starts_with("<html");
        return SniffedKind::Foreign(if is_page { "a web page" } else { "plain text" });
    }
    SniffedKind::Unknown
}

/// A name for bytes that nothing recognized, with the article.
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

/// Whether, among the top-level boxes (ISO/IEC 14496-12, section 4.2), the data comes before the
/// index.
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

/// Whether `head` is UTF-8 without control characters; its last character may be cut off.
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
    fn formats_are_recognized_by_their_first_bytes() {
        let rows: [(&[u8], SniffedKind); 12] = [
            (b"RIFF\x24\0\0\0WAVEfmt ", SniffedKind::Wave),
            (b"RF64\xff\xff\xff\xffWAVEds64", SniffedKind::Wave),
            (b"FORM\0\0\0\x20AIFCFVER", SniffedKind::Aiff),
            (
                b"RIFF\x24\0\0\0AVI LIST",
                SniffedKind::Foreign("an AVI video"),
            ),
            (
                b"\0\0\0\x08ftyp\0\0\0\x08free\0\0\x10\0mdat",
                SniffedKind::Mp4 { index_last: true },
            ),
            (
                b"\0\0\0\x08ftyp\0\0\x10\0moov",
                SniffedKind::Mp4 { index_last: false },
            ),
            ("Größe: 3 €".as_bytes(), SniffedKind::Foreign("plain text")),
            (b"  <HTML><body>", SniffedKind::Foreign("a web page")),
            (b"fLaC\0\0\0\x22", SniffedKind::Flac),
            (b"\xff\xf1\x50\x80", SniffedKind::Unknown),
            (
                b"\xff\xf1\x10\x80",
                SniffedKind::Unsupported("AAC Main profile"),
            ),
            (b"\x1a\x45\xdf\xa3", SniffedKind::Matroska),
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
