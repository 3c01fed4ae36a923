//! The metadata before the audio of a native FLAC file (RFC 9639, section 8), written anew with only
//! what decoding needs.
//!
//! Symphonia 0.6 gives up on a file when any of its metadata is odd: an index whose places are no CD
//! frames, a comment with a wrong length, a smallest block of 0 samples, blocks of several sizes that
//! are numbered as if they had one. The audio is whole in all of these. It checks each frame against
//! the stream information too, so that one has to fit the frames that follow.

use std::io::{self, Read};

use super::{error::HeaderError, pcm::RATES_HZ};

/// Length of the stream information.
const INFO_BYTES: usize = 34;
/// The smallest block size that a stream may have.
const MIN_BLOCK_FRAMES: u16 = 16;

/// Metadata that symphonia reads, and what it would not find out.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct FlacHead {
    /// From the marker "fLaC" to the first bytes of the first frame.
    pub bytes: Vec<u8>,
    /// Bytes of the file that `bytes` stand in for.
    pub(crate) replaced_bytes: u64,
    /// Length of the audio, in frames of all channels; `None` when the file does not state it.
    pub(crate) frames: Option<u64>,
    /// Whether the places of the blocks follow from their numbers.
    pub(crate) has_places: bool,
}

/// Reads the metadata after the marker "fLaC", up to the first frame.
pub(super) fn read(file: &mut impl Read) -> Result<FlacHead, HeaderError> {
    let mut marker = [0; 4];
    file.read_exact(&mut marker)?;
    let mut replaced_bytes = 4;
    let mut info = None;
    loop {
        let mut header = [0; 4];
        file.read_exact(&mut header)?;
        let length = u64::from(u32::from_be_bytes([0, header[1], header[2], header[3]]));
        replaced_bytes += 4 + length;
        let mut rest = length;
        if header[0] & 0x7f == 0 && info.is_none() && length >= INFO_BYTES as u64 {
            let mut found = [0; INFO_BYTES];
            file.read_exact(&mut found)?;
            info = Some(found);
            rest -= INFO_BYTES as u64;
        }
        if io::copy(&mut file.by_ref().take(rest), &mut io::sink())? < rest {
            return Err(io::Error::from(io::ErrorKind::UnexpectedEof).into());
        }
        if header[0] & 0x80 != 0 {
            break;
        }
    }
    let info =
        info.ok_or_else(|| HeaderError::Damaged("it has no stream information".to_owned()))?;
    let mut first = Vec::new();
    file.by_ref().take(2).read_to_end(&mut first)?;
    replaced_bytes += first.len() as u64;
    rewrite(info, &first, replaced_bytes)
}

/// Makes the head from the stream information and the first bytes of the first frame.
fn rewrite(
    mut info: [u8; INFO_BYTES],
    first: &[u8],
    replaced_bytes: u64,
) -> Result<FlacHead, HeaderError> {
    let rate_hz = u32::from_be_bytes([0, info[10], info[11], info[12]]) >> 4;
    if !RATES_HZ.contains(&rate_hz) {
        return Err(HeaderError::Damaged(format!(
            "it claims a sample rate of {rate_hz} Hz"
        )));
    }
    let total = u64::from_be_bytes([
        0,
        0,
        0,
        info[13] & 0x0f,
        info[14],
        info[15],
        info[16],
        info[17],
    ]);
    let stated_min = u16::from_be_bytes([info[0], info[1]]);
    let stated_max = u16::from_be_bytes([info[2], info[3]]);
    let max = if stated_max < MIN_BLOCK_FRAMES {
        u16::MAX
    } else {
        stated_max
    };
    // The second bit of the frame's header tells whether blocks are numbered by their first samples.
    let (min, has_places) = match first {
        [0xff, 0xf9] => {
            let min = stated_min.max(MIN_BLOCK_FRAMES);
            (if min >= max { MIN_BLOCK_FRAMES } else { min }, true)
        }
        // Block sizes that differ under numbers of blocks come from encoders older than that bit,
        // whose numbers may be samples nevertheless. Symphonia takes such frames in a stream of one
        // size only.
        [0xff, 0xf8] => {
            let is_one_size = stated_min == max || stated_min < MIN_BLOCK_FRAMES;
            (max, is_one_size && max == stated_max)
        }
        _ => (stated_min.clamp(MIN_BLOCK_FRAMES, max), true),
    };
    info[0..2].copy_from_slice(&min.to_be_bytes());
    info[2..4].copy_from_slice(&max.to_be_bytes());
    // The sizes of the frames in bytes may be unknown, and help nobody.
    info[4..10].fill(0);
    if !has_places {
        // Symphonia would compare the last block's place with it.
        info[13] &= 0xf0;
        info[14..18].fill(0);
    }
    let bytes = [&b"fLaC\x80\0\0\x22"[..], &info, first].concat();
    Ok(FlacHead {
        bytes,
        replaced_bytes,
        frames: (total > 0).then_some(total),
        has_places,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A FLAC head with these block sizes, blocks of metadata, and the second byte of a frame.
    fn head(min: u16, max: u16, blocks: &[(u8, &[u8])], strategy: u8) -> Vec<u8> {
        // 44.1 kHz, stereo, 16 bits, 1000 samples.
        let rest = b"\0\0\x0e\0\x10\0\x0a\xc4\x42\xf0\0\0\x03\xe8";
        let info = [&min.to_be_bytes()[..], &max.to_be_bytes(), rest, &[7; 16]].concat();
        let blocks = [&[(0, &info[..])], blocks].concat();
        let last = blocks.len() - 1;
        let mut file = b"fLaC".to_vec();
        for (n, (kind, content)) in blocks.iter().enumerate() {
            file.push(if n == last { kind | 0x80 } else { *kind });
            file.extend(&(content.len() as u32).to_be_bytes()[1..]);
            file.extend(*content);
        }
        file.extend([0xff, strategy]);
        file
    }

    #[test]
    fn only_the_stream_information_is_kept() {
        let blocks: [(u8, &[u8]); 3] = [(4, b"\xff\xff\xff\xff"), (5, &[1; 40]), (1, &[0; 9])];
        let file = head(4096, 4096, &blocks, 0xf8);
        let found = read(&mut &file[..]).unwrap();
        assert_eq!(found.replaced_bytes, file.len() as u64);
        assert_eq!((found.frames, found.has_places), (Some(1000), true));
        assert_eq!(found.bytes.len(), 4 + 4 + 34 + 2);
        assert_eq!(found.bytes[4], 0x80);
        assert_eq!(found.bytes[12..18], [0; 6]);
        assert_eq!(found.bytes[18..42], file[18..42]);
    }

    #[test]
    fn block_sizes_are_made_to_fit_the_frames() {
        // Stated sizes and the frame's second byte; written sizes and whether places are known.
        let rows = [
            ((4096, 4096, 0xf8), (4096, 4096, true)),
            ((16, 4096, 0xf9), (16, 4096, true)),
            ((0, 4096, 0xf8), (4096, 4096, true)),
            ((0, 4096, 0xf9), (16, 4096, true)),
            ((4096, 4096, 0xf9), (16, 4096, true)),
            ((576, 4608, 0xf8), (4608, 4608, false)),
            ((0, 0, 0xf8), (65_535, 65_535, false)),
        ];
        for ((min, max, strategy), (new_min, new_max, has_places)) in rows {
            let found = read(&mut &head(min, max, &[], strategy)[..]).unwrap();
            let sizes = [new_min, new_max].map(u16::to_be_bytes).concat();
            assert_eq!(found.bytes[8..12], sizes, "{min} {max} {strategy:x}");
            assert_eq!(found.has_places, has_places, "{min} {max} {strategy:x}");
            assert_eq!(found.frames, Some(1000));
        }
    }

    #[test]
    fn metadata_that_breaks_off_is_damage() {
        let file = head(4096, 4096, &[(1, &[0; 100])], 0xf8);
        for cut in [3, 20, 45, 100] {
            assert!(matches!(
                read(&mut &file[..cut]),
                Err(HeaderError::Damaged(_))
            ));
        }
        assert!(matches!(
            read(&mut &b"fLaC\x81\0\0\0"[..]),
            Err(HeaderError::Damaged(_))
        ));
    }
}
