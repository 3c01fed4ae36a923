//! The comments of an Opus file in Ogg (RFC 7845, section 5.2), replaced by empty ones.
//!
//! Symphonia 0.6 waits for comments that it can read before it takes any packet for audio, so that a
//! broken comment would cost the whole file. A cover picture among them is not kept in memory either.

use std::io::{self, Read};

/// Length of a page's head before its table (RFC 3533, section 6).
const HEAD_BYTES: usize = 27;
/// Comments up to this length are replaced: symphonia's own limit for a packet.
const MAX_COMMENT_BYTES: usize = 16 << 20;
/// The comments' packet: its name, no vendor, no comment.
const EMPTY_COMMENTS: &[u8; 16] = b"OpusTags\0\0\0\0\0\0\0\0";

/// The start of the first packet of a file with these first bytes; `None` if it is not Ogg.
pub(super) fn first_packet(head: &[u8]) -> Option<&[u8]> {
    let table = usize::from(*head.strip_prefix(b"OggS").and(head.get(26))?);
    head.get(HEAD_BYTES + table..)
}

/// Reads the pages before the audio; returns what to read in place of them, and their length. Both are
/// the same when the comments don't have pages of their own.
pub(super) fn without_comments(file: &mut impl Read) -> io::Result<(Vec<u8>, u64)> {
    let mut read = Vec::new();
    let Some(first) = next_page(file, &mut read)? else {
        return Ok((read.clone(), read.len() as u64));
    };
    let first_bytes = read.len();
    let mut is_comment = false;
    while read.len() < MAX_COMMENT_BYTES {
        let start = read.len();
        let Some(page) = next_page(file, &mut read)? else {
            break;
        };
        let packet = &read[start + HEAD_BYTES + page.table.len()..];
        is_comment |= start == first_bytes && packet.starts_with(b"OpusTags");
        if !is_comment || page.serial != first.serial {
            break;
        }
        // A packet ends where a piece is shorter than 255.
        match page.table.iter().position(|&piece| piece < 255) {
            Some(last) if last + 1 == page.table.len() => {
                let replaced_bytes = read.len() as u64;
                read.truncate(first_bytes);
                read.extend(comment_page(first.serial));
                return Ok((read, replaced_bytes));
            }
            Some(_) => break,
            None => {}
        }
    }
    let read_bytes = read.len() as u64;
    Ok((read, read_bytes))
}

struct Page {
    serial: [u8; 4],
    /// The lengths of the pieces of packets.
    table: Vec<u8>,
}

/// Appends a page to `read`; `None` when the bytes, appended as well, are not a whole page.
fn next_page(file: &mut impl Read, read: &mut Vec<u8>) -> io::Result<Option<Page>> {
    let start = read.len();
    let mut more = |read: &mut Vec<u8>, bytes: usize| -> io::Result<bool> {
        Ok(file.by_ref().take(bytes as u64).read_to_end(read)? == bytes)
    };
    if !more(read, HEAD_BYTES)? || !read[start..].starts_with(b"OggS") {
        return Ok(None);
    }
    let pieces = usize::from(read[start + 26]);
    if !more(read, pieces)? {
        return Ok(None);
    }
    let head = &read[start..];
    let serial = [head[14], head[15], head[16], head[17]];
    let table = head[HEAD_BYTES..].to_vec();
    let body = table.iter().map(|&piece| usize::from(piece)).sum();
    Ok(more(read, body)?.then_some(Page { serial, table }))
}

/// The second page of a stream, with empty comments.
fn comment_page(serial: [u8; 4]) -> Vec<u8> {
    let mut page = b"OggS\0\0\0\0\0\0\0\0\0\0".to_vec();
    page.extend(serial);
    page.extend(b"\x01\0\0\0\0\0\0\0\x01");
    page.push(EMPTY_COMMENTS.len() as u8);
    page.extend(EMPTY_COMMENTS);
    let sum = checksum(&page);
    page[22..26].copy_from_slice(&sum.to_le_bytes());
    page
}

/// The checksum of a page whose own field is zero.
fn checksum(page: &[u8]) -> u32 {
    page.iter().fold(0, |sum, &byte| {
        (0..8).fold(sum ^ u32::from(byte) << 24, |sum: u32, _| {
            sum << 1 ^ if sum >> 31 == 1 { 0x04c1_1db7 } else { 0 }
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A page of a stream with this table and content.
    fn page(serial: u8, table: &[u8], content: &[u8]) -> Vec<u8> {
        let mut page = b"OggS\0\0\0\0\0\0\0\0\0\0".to_vec();
        page.extend([serial, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
        page.push(table.len() as u8);
        [&page[..], table, content].concat()
    }

    #[test]
    fn comments_of_any_number_of_pages_are_replaced() {
        let first = page(7, &[19], &[0; 19]);
        let long = [&b"OpusTags"[..], &[9; 247]].concat();
        let comments = [page(7, &[255], &long), page(7, &[255, 4], &[9; 259])].concat();
        let file = [&first[..], &comments, &page(7, &[3], b"abc")].concat();
        let (head, replaced_bytes) = without_comments(&mut &file[..]).unwrap();
        assert_eq!(replaced_bytes as usize, first.len() + comments.len());
        assert_eq!(head, [first, comment_page([7, 0, 0, 0])].concat());
    }

    #[test]
    fn other_pages_are_left_alone() {
        let first = page(7, &[19], &[0; 19]);
        let rows = [
            page(7, &[3], b"abc"),
            page(8, &[8], b"OpusTags"),
            page(7, &[8, 1], b"OpusTagsa"),
            page(7, &[255], b"OpusTags"),
            b"Ogg".to_vec(),
            vec![],
        ];
        for second in rows {
            let file = [&first[..], &second].concat();
            let (head, replaced_bytes) = without_comments(&mut &file[..]).unwrap();
            assert_eq!(replaced_bytes as usize, head.len());
            assert_eq!(head, file[..head.len()]);
        }
    }
}
