//! The header of Sony Wave64 files: WAV with lengths in 64 bits and identifiers of 16 bytes.

use std::io;

use symphonia::core::io::{MediaSourceStream, ReadBytes};

use super::{
    error::HeaderError,
    pcm::PcmReader,
    wav::{self, MAX_CHUNKS},
};

/// What every identifier that begins with a small letter ends with; the first is `riff`'s own.
const ENDS: [&[u8; 12]; 2] = [
    b"\x2e\x91\xcf\x11\xa5\xd6\x28\xdb\x04\xc1\x00\x00",
    b"\xf3\xac\xd3\x11\x8c\xd1\x00\xc0\x4f\x8e\xdb\x8a",
];
/// Length of a chunk's head, which its length counts.
const HEAD_BYTES: u64 = 24;

/// Whether a file with these first bytes is Wave64.
pub(super) fn is_head(head: &[u8]) -> bool {
    let begins = |at: usize, name: &[u8], end: &[u8]| {
        head.get(at..).is_some_and(|rest| {
            rest.strip_prefix(name)
                .is_some_and(|rest| rest.starts_with(end))
        })
    };
    begins(0, b"riff", ENDS[0]) && begins(24, b"wave", ENDS[1])
}

/// Reads the header up to the first sample.
pub(super) fn open(mut source: MediaSourceStream<'static>) -> Result<PcmReader, HeaderError> {
    source.ignore_bytes(HEAD_BYTES + 16)?;
    let mut layout = None;
    for _ in 0..MAX_CHUNKS {
        let name = source.read_quad_bytes()?;
        let mut end = [0; 12];
        source.read_buf_exact(&mut end)?;
        // A writer that could not seek back leaves 0, or more than any file has.
        let bytes = source.read_u64()?.checked_sub(HEAD_BYTES);
        let bytes = bytes.filter(|&bytes| bytes < i64::MAX as u64 - HEAD_BYTES);
        if &end != ENDS[1] {
            skip(&mut source, bytes)?;
            continue;
        }
        match (&name, bytes) {
            (b"fmt ", Some(bytes)) => {
                let short = u32::try_from(bytes).map_err(|_| {
                    HeaderError::Damaged(format!("its format chunk has {bytes} bytes"))
                })?;
                layout = Some(wav::read_format(&mut source, short)?);
                // A byte of it is gone when the length is odd.
                source.ignore_bytes(padding(bytes) & !1)?;
            }
            (b"data", bytes) => {
                let layout = layout
                    .ok_or_else(|| HeaderError::Damaged("it has no format chunk".to_owned()))?;
                return PcmReader::new(source, layout, bytes.filter(|&bytes| bytes > 0));
            }
            _ => skip(&mut source, bytes)?,
        }
    }
    Err(HeaderError::Damaged("it has no data chunk".to_owned()))
}

/// Bytes up to the next multiple of eight, at which chunks begin.
fn padding(bytes: u64) -> u64 {
    bytes.wrapping_neg() % 8
}

fn skip(source: &mut MediaSourceStream<'_>, bytes: Option<u64>) -> io::Result<()> {
    let bytes = bytes.unwrap_or_default();
    source.ignore_bytes(bytes.saturating_add(padding(bytes)))
}
