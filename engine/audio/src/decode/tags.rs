//! Tags around a file's own bytes: ID3v2 and APEv2 before them, ID3v1, APEv2, Lyrics3 and ID3v2 behind.
//!
//! Taggers put them around any format, also those that have a place for text of their own. They are
//! taken away here, before a reader for the format sees the file: it would misname a file that begins
//! with one, and take one at the end for damaged audio.

use std::io::{self, Read, Seek, SeekFrom};

/// Tags on either side at most: more than any tagger leaves, few enough that a malicious file ends.
const MAX_TAGS: usize = 16;
/// Length of an ID3v2 header, and of its footer.
const ID3V2_BYTES: u64 = 10;
/// Length of an APEv2 header, and of its footer.
const APE_BYTES: u64 = 32;
/// Length of an ID3v1 tag.
const ID3V1_BYTES: u64 = 128;
/// Length of the block that extends an ID3v1 tag ("TAG+"), which stands before it.
const ID3V1_EXTENSION_BYTES: u64 = 227;
/// Length of the end of a Lyrics3 tag: six digits and its name.
const LYRICS3_BYTES: u64 = 15;
/// The longest of these ends.
const END_BYTES: u64 = ID3V1_BYTES + ID3V1_EXTENSION_BYTES;

/// Length of the tag that `head` begins with, or `None` if it begins with the file itself.
pub(super) fn head_bytes(head: &[u8]) -> Option<u64> {
    if let Some(length) = head.get(..10).and_then(|tag| id3v2_bytes(tag, b"ID3")) {
        return Some(length);
    }
    let ape = head.get(..APE_BYTES as usize)?;
    // The length counts what follows the header.
    ape.starts_with(b"APETAGEX")
        .then(|| APE_BYTES + u64::from(little_endian(&ape[12..16])))
}

/// Where the tags begin that end a file whose own bytes begin at `start`; `None` if there are none.
pub(super) fn start_of_tail(file: &mut (impl Read + Seek), start: u64) -> io::Result<Option<u64>> {
    let file_bytes = file.seek(SeekFrom::End(0))?;
    let mut end = file_bytes;
    for _ in 0..MAX_TAGS {
        let bytes = END_BYTES.min(end.saturating_sub(start));
        let mut tail = vec![0; bytes as usize];
        file.seek(SeekFrom::Start(end - bytes))?;
        file.read_exact(&mut tail)?;
        match tail_bytes(&tail) {
            Some(length) if start + length <= end => end -= length,
            _ => break,
        }
    }
    Ok((end < file_bytes).then_some(end))
}

/// Length of the tag that ends with `tail`, or `None` if there is none.
fn tail_bytes(tail: &[u8]) -> Option<u64> {
    let last = |bytes: u64| tail.len().checked_sub(bytes as usize).map(|at| &tail[at..]);
    if last(ID3V1_BYTES).is_some_and(|tag| tag.starts_with(b"TAG")) {
        let is_extended = last(END_BYTES).is_some_and(|tag| tag.starts_with(b"TAG+"));
        return Some(if is_extended { END_BYTES } else { ID3V1_BYTES });
    }
    if let Some(ape) = last(APE_BYTES).filter(|tag| tag.starts_with(b"APETAGEX")) {
        // The length counts the footer, and leaves out the header that a flag announces.
        let has_header = little_endian(&ape[20..24]) >> 31 == 1;
        let header_bytes = if has_header { APE_BYTES } else { 0 };
        return Some((u64::from(little_endian(&ape[12..16])) + header_bytes).max(APE_BYTES));
    }
    if let Some(lyrics) = last(LYRICS3_BYTES).filter(|tag| tag.ends_with(b"LYRICS200")) {
        let digits = std::str::from_utf8(&lyrics[..6]).ok()?;
        return digits.parse::<u64>().ok().map(|size| size + LYRICS3_BYTES);
    }
    last(ID3V2_BYTES).and_then(|footer| id3v2_bytes(footer, b"3DI"))
}

/// Length of an ID3v2 tag by its header or footer of ten bytes (ID3v2.4.0, sections 3.1 and 3.4).
fn id3v2_bytes(tag: &[u8], name: &[u8; 3]) -> Option<u64> {
    if !tag.starts_with(name) || tag[3] == 0xff || tag[4] == 0xff {
        return None;
    }
    let mut size = 0;
    for &byte in &tag[6..10] {
        if byte >= 0x80 {
            return None;
        }
        size = size << 7 | u64::from(byte);
    }
    let has_footer = tag[5] & 0x10 != 0;
    let frames = if has_footer { 2 } else { 1 };
    Some(size + frames * ID3V2_BYTES)
}

fn little_endian(bytes: &[u8]) -> u32 {
    bytes
        .iter()
        .rev()
        .fold(0, |value, &byte| value << 8 | u32::from(byte))
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use super::*;

    fn ape(content: &[u8], has_header: bool) -> Vec<u8> {
        let frame = |is_header: bool| {
            let flags = u32::from(has_header) << 31 | u32::from(is_header) << 29;
            let size = content.len() as u32 + 32;
            let numbers = [2000, size, 1, flags].map(u32::to_le_bytes).concat();
            [b"APETAGEX", &numbers[..], &[0; 8]].concat()
        };
        let header = if has_header { frame(true) } else { Vec::new() };
        [&header[..], content, &frame(false)].concat()
    }

    fn id3v1() -> Vec<u8> {
        [&b"TAG"[..], &[0x20; 125]].concat()
    }

    #[test]
    fn tags_behind_a_file_are_measured_one_after_the_other() {
        let extended = [&b"TAG+"[..], &[0; 223], &id3v1()].concat();
        let lyrics = b"LYRICSBEGININD0000210000021LYRICS200".to_vec();
        let id3v2 = b"ID3\x04\0\x10\0\0\0\x05abcde3DI\x04\0\x10\0\0\0\x05".to_vec();
        let rows = [
            vec![],
            id3v1(),
            extended,
            ape(b"Title", true),
            ape(b"Title", false),
            [ape(b"a long comment", true), id3v1()].concat(),
            [lyrics.clone(), id3v1()].concat(),
            id3v2,
        ];
        for tail in rows {
            let file = [b"the audio", &tail[..]].concat();
            assert_eq!(
                start_of_tail(&mut Cursor::new(&file), 0).unwrap(),
                (!tail.is_empty()).then_some(9),
                "{}",
                tail.escape_ascii()
            );
        }
    }

    /// A length that leads before the file's start is not believed.
    #[test]
    fn a_tag_longer_than_the_file_is_left_alone() {
        let mut tag = ape(b"Title", true);
        let at = tag.len() - 20;
        tag[at..at + 4].fill(0x7f);
        assert_eq!(start_of_tail(&mut Cursor::new(&tag), 0).unwrap(), None);
    }

    #[test]
    fn tags_before_a_file_are_measured_by_their_headers() {
        assert_eq!(head_bytes(b"ID3\x03\0\0\0\0\x01\x02..."), Some(140));
        assert_eq!(head_bytes(b"ID3\x04\0\x10\0\0\0\x05..."), Some(25));
        assert_eq!(head_bytes(&ape(b"Title", true)), Some(69));
        assert_eq!(head_bytes(b"ID3\x04\0\0\0\0\0\x80..."), None);
        assert_eq!(head_bytes(b"RIFF....WAVE"), None);
        assert_eq!(head_bytes(b"ID3"), None);
    }
}
