//! The header of WAV files: RIFF and its 64-bit form RF64 (EBU Tech 3306), also called BW64.

use std::io;

use symphonia::core::{
    codecs::audio::{AudioCodecId, well_known as codec},
    io::{MediaSourceStream, ReadBytes, SeekBuffered},
};

use super::{
    error::HeaderError,
    pcm::{Layout, PcmReader, little_endian},
};

/// Chunks before the samples at most: more than any writer leaves, few enough that an endless stream
/// of empty chunks ends.
pub(super) const MAX_CHUNKS: usize = 1000;
/// The longest `fmt ` chunk that has a meaning, WAVEFORMATEXTENSIBLE.
const FORMAT_BYTES: usize = 40;

const TAG_PCM: u16 = 0x0001;
const TAG_MS_ADPCM: u16 = 0x0002;
const TAG_FLOAT: u16 = 0x0003;
const TAG_ALAW: u16 = 0x0006;
const TAG_MULAW: u16 = 0x0007;
const TAG_IMA_ADPCM: u16 = 0x0011;
const TAG_EXTENSIBLE: u16 = 0xfffe;

/// Reads the header up to the first sample.
pub(super) fn open(mut source: MediaSourceStream<'static>) -> Result<PcmReader, HeaderError> {
    source.read_quad_bytes()?;
    let riff_bytes = u64::from(source.read_u32()?);
    source.read_quad_bytes()?;

    let mut layout = None;
    let mut data_bytes_64 = None;
    for _ in 0..MAX_CHUNKS {
        let id = source.read_quad_bytes()?;
        let bytes = source.read_u32()?;
        match &id {
            b"fmt " => layout = Some(read_format(&mut source, bytes)?),
            b"ds64" if bytes >= 24 => {
                source.read_u64()?;
                data_bytes_64 = Some(source.read_u64()?);
                skip(&mut source, bytes - 16)?;
            }
            b"data" => {
                let layout = layout
                    .ok_or_else(|| HeaderError::Damaged("it has no format chunk".to_owned()))?;
                let riff_end = riff_bytes + 8;
                let claimed_bytes = match (bytes, data_bytes_64) {
                    (u32::MAX, Some(long)) => Some(long),
                    (0, _) => bytes_without_length(&mut source, riff_end)?,
                    _ => Some(u64::from(bytes)),
                };
                return PcmReader::new(source, layout, claimed_bytes);
            }
            _ => skip(&mut source, bytes)?,
        }
    }
    Err(HeaderError::Damaged("it has no data chunk".to_owned()))
}

/// The length of a `data` chunk that states 0, in a file that should end at `riff_end`; `source` stands
/// at its first sample.
///
/// A recorder that crashed leaves 0 here, and in the outer length 0, the header's own length or all
/// ones; Pro Tools has left 0 here under a right outer length. When a data chunk is really empty, the
/// outer length covers the chunks around it.
fn bytes_without_length(
    source: &mut MediaSourceStream<'_>,
    riff_end: u64,
) -> io::Result<Option<u64>> {
    let start = source.pos();
    if riff_end <= start || riff_end > u64::from(u32::MAX) {
        return Ok(None);
    }
    let Some(left) = riff_end.checked_sub(start + 8) else {
        return Ok(Some(0));
    };
    let mut next = [0; 8];
    let mut read = 0;
    while read < next.len() {
        match source.read_buf(&mut next[read..]) {
            Ok(0) => break,
            Ok(more) => read += more,
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => break,
            Err(error) => return Err(error),
        }
    }
    source.seek_buffered_rev(read);
    let [name @ .., b0, b1, b2, b3] = next;
    let is_name = name.iter().all(|byte| (b' '..=b'~').contains(byte));
    let is_chunk = is_name && u64::from(u32::from_le_bytes([b0, b1, b2, b3])) <= left;
    Ok(Some(if is_chunk { 0 } else { left + 8 }))
}

/// Chunks begin at even positions.
fn skip(source: &mut MediaSourceStream<'_>, bytes: u32) -> io::Result<()> {
    source.ignore_bytes(u64::from(bytes) + u64::from(bytes & 1))
}

pub(super) fn read_format(
    source: &mut MediaSourceStream<'_>,
    bytes: u32,
) -> Result<Layout, HeaderError> {
    let mut format = [0; FORMAT_BYTES];
    let length = FORMAT_BYTES.min(bytes as usize);
    if length < 16 {
        return Err(HeaderError::Damaged(format!(
            "its format chunk has {length} bytes"
        )));
    }
    source.read_buf_exact(&mut format[..length])?;
    skip(source, bytes - length as u32)?;

    let word = |at: usize| u16::from_le_bytes([format[at], format[at + 1]]);
    let rate_hz = u32::from_le_bytes([format[4], format[5], format[6], format[7]]);
    let (channels, block_bytes, bits) = (word(2), word(12), word(14));
    // The extensible form has the tag in the first two bytes of its GUID.
    let tag = if word(0) == TAG_EXTENSIBLE && length == FORMAT_BYTES {
        word(24)
    } else {
        word(0)
    };

    let layout = match tag {
        TAG_PCM | TAG_FLOAT => {
            let sample_bytes = sample_bytes(bits, block_bytes, channels);
            let id = little_endian(tag == TAG_FLOAT, sample_bytes).ok_or_else(|| {
                HeaderError::Codec(format!(
                    "{bits}-bit {}",
                    if tag == TAG_PCM { "PCM" } else { "float" }
                ))
            })?;
            Layout::plain(id, sample_bytes, channels, rate_hz)
        }
        TAG_ALAW => Layout::plain(codec::CODEC_ID_PCM_ALAW, 1, channels, rate_hz),
        TAG_MULAW => Layout::plain(codec::CODEC_ID_PCM_MULAW, 1, channels, rate_hz),
        // A block begins with a header per channel: 7 bytes with the first two samples in
        // Microsoft's form, 4 bytes with the first sample in IMA's.
        TAG_MS_ADPCM => adpcm(
            codec::CODEC_ID_ADPCM_MS,
            7,
            2,
            block_bytes,
            channels,
            rate_hz,
        )?,
        TAG_IMA_ADPCM => adpcm(
            codec::CODEC_ID_ADPCM_IMA_WAV,
            4,
            1,
            block_bytes,
            channels,
            rate_hz,
        )?,
        other => return Err(HeaderError::Codec(tag_name(other))),
    };
    Ok(layout)
}

/// Bytes per sample, which may be more than its bits need: 20 bits in 3 bytes, 24 in 4.
fn sample_bytes(bits: u16, block_bytes: u16, channels: u16) -> u16 {
    let needed = bits.div_ceil(8);
    match block_bytes.checked_div(channels) {
        Some(stored) if stored * channels == block_bytes && stored >= needed => stored,
        _ => needed,
    }
}

fn adpcm(
    id: AudioCodecId,
    header_bytes: u16,
    header_frames: u64,
    block_bytes: u16,
    channels: u16,
    rate_hz: u32,
) -> Result<Layout, HeaderError> {
    if channels == 0 || channels > 2 {
        return Err(HeaderError::Codec(format!("{channels}-channel ADPCM")));
    }
    let coded = block_bytes
        .checked_sub(header_bytes * channels)
        .ok_or_else(|| HeaderError::Damaged(format!("its blocks have {block_bytes} bytes")))?;
    // Two samples per byte.
    let block_frames = u64::from(coded) * 2 / u64::from(channels) + header_frames;
    Ok(Layout {
        codec: id,
        rate_hz,
        channels,
        block_bytes: u64::from(block_bytes),
        block_frames,
    })
}

/// Names of the registered tags (RFC 2361) that occur in practice.
fn tag_name(tag: u16) -> String {
    match tag {
        0x0050 => "MPEG layer I/II".to_owned(),
        0x0055 => "MP3-in-WAV".to_owned(),
        0x0160..=0x0163 => "Windows Media".to_owned(),
        0x2000 | 0x0092 => "Dolby AC-3".to_owned(),
        0x00ff | 0x1610 => "AAC-in-WAV".to_owned(),
        other => format!("WAVE format {other:#06x}"),
    }
}
