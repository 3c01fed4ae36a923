//! The header of Core Audio files (Apple's "Core Audio Format Specification" 1.0) with plain samples.
//!
//! Symphonia reads the compressed ones. It looks for the end of the samples first, which a recording cut
//! short and a pipe don't have.

use symphonia::core::{
    codecs::audio::well_known as codec,
    io::{MediaSourceStream, ReadBytes},
};

use super::{
    error::HeaderError,
    pcm::{Layout, PcmReader, big_endian, little_endian},
    wav::MAX_CHUNKS,
};

/// Length of the description that comes first.
const DESCRIPTION_BYTES: u64 = 32;

/// Whether a file with these first bytes is CAF, and whether its samples are plain.
pub(super) fn sniff(head: &[u8]) -> Option<bool> {
    if !head.starts_with(b"caff") {
        return None;
    }
    Some(matches!(
        head.get(28..32),
        Some(b"lpcm" | b"alaw" | b"ulaw")
    ))
}

/// Reads the header up to the first sample.
pub(super) fn open(mut source: MediaSourceStream<'static>) -> Result<PcmReader, HeaderError> {
    source.ignore_bytes(8)?;
    let mut layout = None;
    for _ in 0..MAX_CHUNKS {
        let name = source.read_quad_bytes()?;
        // -1 stands for "up to the end of the file".
        let bytes = u64::try_from(source.read_be_i64()?).ok();
        match (&name, bytes) {
            (b"desc", Some(bytes)) if bytes >= DESCRIPTION_BYTES => {
                layout = Some(read_description(&mut source)?);
                source.ignore_bytes(bytes - DESCRIPTION_BYTES)?;
            }
            (b"data", bytes) => {
                let layout = layout
                    .ok_or_else(|| HeaderError::Damaged("it has no description".to_owned()))?;
                // A count of edits comes before the samples.
                source.ignore_bytes(4)?;
                return PcmReader::new(source, layout, bytes.map(|bytes| bytes.saturating_sub(4)));
            }
            (_, Some(bytes)) => source.ignore_bytes(bytes)?,
            (_, None) => break,
        }
    }
    Err(HeaderError::Damaged("it has no data chunk".to_owned()))
}

fn read_description(source: &mut MediaSourceStream<'_>) -> Result<Layout, HeaderError> {
    let rate = source.read_be_f64()?;
    let format = source.read_quad_bytes()?;
    let flags = source.read_be_u32()?;
    let packet_bytes = source.read_be_u32()?;
    source.read_be_u32()?;
    let channels = source.read_be_u32()?;
    let bits = source.read_be_u32()?;
    let short = |number: u32| u16::try_from(number).unwrap_or(u16::MAX);
    let (is_float, is_little_endian) = (flags & 1 != 0, flags & 2 != 0);
    // A sample may have more bytes than its bits need.
    let stored = packet_bytes.checked_div(channels).unwrap_or_default();
    let sample_bytes = short(stored.max(bits.div_ceil(8)));
    let id = match (&format, is_float, is_little_endian) {
        (b"alaw", ..) => Some(codec::CODEC_ID_PCM_ALAW),
        (b"ulaw", ..) => Some(codec::CODEC_ID_PCM_MULAW),
        (_, false, _) if sample_bytes == 1 => Some(codec::CODEC_ID_PCM_S8),
        (_, is_float, true) => little_endian(is_float, sample_bytes),
        (_, false, false) => big_endian(sample_bytes),
        (_, true, false) if sample_bytes == 4 => Some(codec::CODEC_ID_PCM_F32BE),
        (_, true, false) if sample_bytes == 8 => Some(codec::CODEC_ID_PCM_F64BE),
        _ => None,
    };
    let id = id.ok_or_else(|| {
        let kind = if is_float { "float" } else { "PCM" };
        HeaderError::Codec(format!("{bits}-bit {kind}"))
    })?;
    // Out of range becomes 0 or the largest number, which no reader accepts.
    Ok(Layout::plain(
        id,
        sample_bytes,
        short(channels),
        rate as u32,
    ))
}
