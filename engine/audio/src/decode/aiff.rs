//! The header of AIFF and AIFF-C files (Apple's "Audio Interchange File Format" 1.3 and its draft of 1991
//! for AIFF-C).

use std::io;

use symphonia::core::{
    codecs::audio::well_known as codec,
    io::{MediaSource, MediaSourceStream, ReadBytes},
};

use super::{
    error::HeaderError,
    pcm::{Layout, PcmReader, big_endian, little_endian},
};

/// Chunks that are read at most: more than any writer leaves, few enough that an endless stream of
/// empty chunks ends.
const MAX_CHUNKS: usize = 1000;

/// Reads the header up to the first sample.
pub(super) fn open(mut source: MediaSourceStream<'static>) -> Result<PcmReader, HeaderError> {
    source.ignore_bytes(12)?;

    let mut layout = None;
    let mut sound: Option<(u64, Option<u64>)> = None;
    for _ in 0..MAX_CHUNKS {
        let id = source.read_quad_bytes()?;
        let bytes = source.read_be_u32()?;
        match &id {
            b"COMM" => layout = Some(read_common(&mut source, bytes)?),
            b"SSND" => {
                let offset = source.read_be_u32()?;
                source.read_be_u32()?;
                source.ignore_bytes(u64::from(offset))?;
                let head = u64::from(offset) + 8;
                // A writer that could not seek back leaves 0.
                let claimed_bytes = (bytes > 0).then(|| u64::from(bytes).saturating_sub(head));
                sound = Some((source.pos(), claimed_bytes));
                if layout.is_none() {
                    skip(&mut source, claimed_bytes.unwrap_or_default())?;
                }
            }
            _ => skip(&mut source, u64::from(bytes))?,
        }
        if let (Some(layout), Some((start, claimed_bytes))) = (layout, sound) {
            if source.pos() != start {
                // The format chunk came after the samples.
                if !source.is_seekable() {
                    return Err(HeaderError::Damaged(
                        "its format chunk comes after the samples, where a pipe can't go back to them".to_owned(),
                    ));
                }
                io::Seek::seek(&mut source, io::SeekFrom::Start(start))?;
            }
            return PcmReader::new(source, layout, claimed_bytes);
        }
    }
    Err(HeaderError::Damaged("it has no sound chunk".to_owned()))
}

/// Chunks begin at even positions.
fn skip(source: &mut MediaSourceStream<'_>, bytes: u64) -> io::Result<()> {
    source.ignore_bytes(bytes + (bytes & 1))
}

fn read_common(source: &mut MediaSourceStream<'_>, bytes: u32) -> Result<Layout, HeaderError> {
    if bytes < 18 {
        return Err(HeaderError::Damaged(format!(
            "its common chunk has {bytes} bytes"
        )));
    }
    let channels = source.read_be_u16()?;
    // The number of frames follows from the length of the sound chunk, which is right more often.
    source.read_be_u32()?;
    let bits = source.read_be_u16()?;
    let mut rate = [0; 10];
    source.read_buf_exact(&mut rate)?;
    let rate_hz = whole_hz(rate);
    let compression = if bytes >= 22 {
        source.read_quad_bytes()?
    } else {
        *b"NONE"
    };
    skip(source, u64::from(bytes - if bytes >= 22 { 22 } else { 18 }))?;

    let sample_bytes = bits.div_ceil(8);
    let (id, sample_bytes) = match &compression.to_ascii_lowercase()[..] {
        b"none" | b"twos" | b"in16" | b"in24" | b"in32" => (big_endian(sample_bytes), sample_bytes),
        b"sowt" if sample_bytes == 1 => (Some(codec::CODEC_ID_PCM_S8), 1),
        b"sowt" | b"42ni" | b"23ni" => (little_endian(false, sample_bytes), sample_bytes),
        b"raw " => (Some(codec::CODEC_ID_PCM_U8), 1),
        b"fl32" => (Some(codec::CODEC_ID_PCM_F32BE), 4),
        b"fl64" => (Some(codec::CODEC_ID_PCM_F64BE), 8),
        b"alaw" => (Some(codec::CODEC_ID_PCM_ALAW), 1),
        b"ulaw" => (Some(codec::CODEC_ID_PCM_MULAW), 1),
        _ => {
            return Err(HeaderError::Codec(format!(
                "AIFF-C \"{}\"",
                compression.escape_ascii()
            )));
        }
    };
    let id = id.ok_or_else(|| HeaderError::Codec(format!("{bits}-bit PCM")))?;
    Ok(Layout::plain(id, sample_bytes, channels, rate_hz))
}

/// The integer part of an IEEE 754 80-bit number, big-endian; 0 for a negative number or one
/// beyond 32 bits.
fn whole_hz(bytes: [u8; 10]) -> u32 {
    let [e0, e1, mantissa @ ..] = bytes;
    let exponent = u16::from_be_bytes([e0, e1]);
    let mantissa = u64::from_be_bytes(mantissa);
    // The mantissa has its integer bit written out at the top, so 2^0 (biased 16383) leaves one
    // bit.
    match exponent.checked_sub(16383) {
        Some(power @ 0..=31) => u32::try_from(mantissa >> (63 - power)).unwrap_or_default(),
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn customary_rates_are_read_from_80_bit_numbers() {
        // As SoX and Logic write them.
        assert_eq!(whole_hz([0x40, 0x0e, 0xac, 0x44, 0, 0, 0, 0, 0, 0]), 44_100);
        assert_eq!(whole_hz([0x40, 0x0e, 0xbb, 0x80, 0, 0, 0, 0, 0, 0]), 48_000);
        assert_eq!(whole_hz([0x40, 0x0b, 0xfa, 0, 0, 0, 0, 0, 0, 0]), 8_000);
        assert_eq!(
            whole_hz([0xc0, 0x0e, 0xac, 0x44, 0, 0, 0, 0, 0, 0]),
            0,
            "negative"
        );
        assert_eq!(
            whole_hz([0x7f, 0xff, 0xff, 0, 0, 0, 0, 0, 0, 0]),
            0,
            "infinite"
        );
    }
}
