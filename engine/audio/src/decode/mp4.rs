//! The audio track that an MP4 means to be played, by its track headers (ISO/IEC 14496-12), and the part
//! of it that its edit list keeps.
//!
//! Symphonia lists the tracks without their flags and without edits.

use std::{
    io::{self, Read, Seek, SeekFrom},
    ops::Range,
};

/// Boxes that are looked at in one place at most: more than any file has.
const MAX_BOXES: usize = 10_000;
/// The longest index that is held in memory for a pipe: that of several days of audio.
const MAX_INDEX_BYTES: u64 = 64 << 20;

/// The audio track to decode.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Mp4Track {
    pub id: u32,
    /// The part of the track that is played; `None` without a plain edit list.
    pub(crate) edit: Option<Edit>,
}

/// The only stretch of a track that is played.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Edit {
    /// Its start, in ticks of which `ticks_per_s` are a second.
    pub(crate) start: u64,
    pub(crate) ticks_per_s: u32,
}

/// The first enabled audio track, or the first if none is; `None` when there is none or the index is
/// damaged or missing.
pub(super) fn default_track(file: &mut (impl Read + Seek)) -> io::Result<Option<Mp4Track>> {
    let end = file.seek(SeekFrom::End(0))?;
    let mut first = None;
    for index in find(file, 0..end, b"moov")?.into_iter().take(1) {
        for track in find(file, index, b"trak")? {
            let Some((is_enabled, track)) = audio_track(file, track)? else {
                continue;
            };
            if is_enabled {
                return Ok(Some(track));
            }
            first.get_or_insert(track);
        }
    }
    Ok(first)
}

/// Reads on from a pipe until `start`, which has its first bytes, has all of the index that comes before
/// the audio.
pub(super) fn read_index(reader: &mut impl Read, start: &mut Vec<u8>) -> io::Result<()> {
    let mut at = 0_u64;
    for _ in 0..MAX_BOXES {
        if !read_up_to(reader, start, at + 16)? {
            break;
        }
        let head = &start[at as usize..];
        let length = match big_endian(&head[..4]) {
            1 => big_endian(&head[8..16]),
            length => length,
        };
        let is_audio = matches!(&head[4..8], b"mdat" | b"moof");
        let is_index = &head[4..8] == b"moov";
        at = at.saturating_add(length);
        if is_audio || length < 8 || !read_up_to(reader, start, at)? || is_index {
            break;
        }
    }
    Ok(())
}

/// Reads on until `start` has so many bytes; false if there are fewer or they are too many.
fn read_up_to(reader: &mut impl Read, start: &mut Vec<u8>, bytes: u64) -> io::Result<bool> {
    let missing = bytes.saturating_sub(start.len() as u64);
    if bytes > MAX_INDEX_BYTES {
        return Ok(false);
    }
    Ok(reader.take(missing).read_to_end(start)? as u64 == missing)
}

/// An audio track and whether it is enabled; `None` for tracks of another kind.
fn audio_track(
    file: &mut (impl Read + Seek),
    track: Range<u64>,
) -> io::Result<Option<(bool, Mp4Track)>> {
    let Some(media) = find(file, track.clone(), b"mdia")?.pop() else {
        return Ok(None);
    };
    let handler = read_first::<12>(file, media.clone(), b"hdlr")?;
    if handler.is_none_or(|handler| !handler.ends_with(b"soun")) {
        return Ok(None);
    }
    // The version, the flags, two times of 4 or 8 bytes, and the number of the track.
    let Some(header) = read_first::<24>(file, track.clone(), b"tkhd")? else {
        return Ok(None);
    };
    let id_at = if header[0] == 1 { 20 } else { 12 };
    let id = big_endian(&header[id_at..id_at + 4]);
    let edit = match find(file, track, b"edts")?.pop() {
        Some(edits) => edit(file, edits, media)?,
        None => None,
    };
    Ok(Some((
        header[3] & 1 == 1,
        Mp4Track {
            id: id as u32,
            edit,
        },
    )))
}

/// The edit when there is one only, after any number of empty ones, which are a pause before it.
fn edit(
    file: &mut (impl Read + Seek),
    edits: Range<u64>,
    media: Range<u64>,
) -> io::Result<Option<Edit>> {
    let Some(times) = read_first::<24>(file, media, b"mdhd")? else {
        return Ok(None);
    };
    let scale_at = if times[0] == 1 { 20 } else { 12 };
    let ticks_per_s = big_endian(&times[scale_at..scale_at + 4]) as u32;
    let Some(list) = find(file, edits, b"elst")?.pop() else {
        return Ok(None);
    };
    file.seek(SeekFrom::Start(list.start))?;
    let mut head = [0; 8];
    file.read_exact(&mut head)?;
    let number_bytes = if head[0] == 1 { 8 } else { 4 };
    let count = big_endian(&head[4..]).min(16);
    let mut start = None;
    for _ in 0..count {
        // The length, the start in the media, and the speed.
        let mut entry = vec![0; 2 * number_bytes + 4];
        file.read_exact(&mut entry)?;
        let media_time = &entry[number_bytes..2 * number_bytes];
        if media_time.iter().all(|&byte| byte == 0xff) {
            continue;
        }
        if start.replace(big_endian(media_time)).is_some() {
            return Ok(None);
        }
    }
    let is_plain = |&start: &u64| ticks_per_s > 0 && start < 1 << 40;
    Ok(start
        .filter(is_plain)
        .map(|start| Edit { start, ticks_per_s }))
}

/// The first bytes of the content of the first box of a kind in `within`.
fn read_first<const N: usize>(
    file: &mut (impl Read + Seek),
    within: Range<u64>,
    kind: &[u8; 4],
) -> io::Result<Option<[u8; N]>> {
    let Some(content) = find(file, within, kind)?.into_iter().next() else {
        return Ok(None);
    };
    if content.end - content.start < N as u64 {
        return Ok(None);
    }
    file.seek(SeekFrom::Start(content.start))?;
    let mut bytes = [0; N];
    file.read_exact(&mut bytes)?;
    Ok(Some(bytes))
}

/// The contents of the boxes of a kind that lie directly in `within`.
fn find(
    file: &mut (impl Read + Seek),
    within: Range<u64>,
    kind: &[u8; 4],
) -> io::Result<Vec<Range<u64>>> {
    let mut found = Vec::new();
    let mut at = within.start;
    for _ in 0..MAX_BOXES {
        if at + 8 > within.end {
            break;
        }
        file.seek(SeekFrom::Start(at))?;
        let mut head = [0; 16];
        file.read_exact(&mut head[..8])?;
        // 1: the length follows in 64 bits; 0: up to the end.
        let (head_bytes, length) = match big_endian(&head[..4]) {
            1 if at + 16 <= within.end => {
                file.read_exact(&mut head[8..])?;
                (16, big_endian(&head[8..]))
            }
            0 => (8, within.end - at),
            length => (8, length),
        };
        let end = at.saturating_add(length).min(within.end);
        if length < head_bytes {
            break;
        }
        if &head[4..8] == kind {
            found.push(at + head_bytes..end);
        }
        at = end;
    }
    Ok(found)
}

fn big_endian(bytes: &[u8]) -> u64 {
    bytes
        .iter()
        .fold(0, |value, &byte| value << 8 | u64::from(byte))
}
