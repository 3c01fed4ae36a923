//! The packets of WAV and AIFF: samples of one size from the header to the end.
//!
//! Not symphonia's reader, because that one refuses files that studios meet every day:
//! a recording that was never finalized, a file cut short, a stream whose writer could not know its
//! length, WAV beyond 4 GiB (RF64). Symphonia's PCM and ADPCM decoders decode the samples.

use std::{io, ops::RangeInclusive};

use symphonia::core::{
    audio::Channels,
    codecs::audio::{AudioCodecId, AudioCodecParameters, well_known as codec},
    io::{MediaSource, MediaSourceStream, ReadBytes},
    packet::Packet,
    units::{Duration, Timestamp},
};

use super::error::HeaderError;

/// Sample rates that a file may have: from 1 kHz to twice the highest rate that hosts are tested with.
pub(super) const RATES_HZ: RangeInclusive<u32> = 1_000..=1_536_000;
/// More channels than any recording has; a header that claims more is damaged.
const MAX_CHANNELS: u16 = 256;
/// Frames per packet when the codec sets none: enough to make the overhead vanish.
const PACKET_FRAMES: u64 = 4096;
/// Bytes per packet, which bounds its frames when there are many channels.
const PACKET_BYTES: u64 = 64 * 1024;
/// Lengths that writers leave when they can't seek back to fill in the true one: 0x7ffff000 by sox,
/// 0x80000000 by arecord, 0xffffffff, rounded down, by ffmpeg and others.
const UNKNOWN_LENGTHS: [RangeInclusive<u64>; 2] =
    [0x7fff_f000..=0x8000_0000, 0xffff_f000..=0xffff_ffff];

/// The layout of the samples, as either container states it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Layout {
    /// Symphonia's name for the sample format.
    pub codec: AudioCodecId,
    pub rate_hz: u32,
    pub channels: u16,
    /// Bytes of one indivisible block: a frame for PCM, a compressed block for ADPCM.
    pub(crate) block_bytes: u64,
    /// Frames that a block decodes to.
    pub(crate) block_frames: u64,
}

impl Layout {
    /// A layout of plain samples of `sample_bytes` each.
    pub(crate) fn plain(
        codec: AudioCodecId,
        sample_bytes: u16,
        channels: u16,
        rate_hz: u32,
    ) -> Self {
        let block_bytes = u64::from(sample_bytes) * u64::from(channels);
        Self {
            codec,
            rate_hz,
            channels,
            block_bytes,
            block_frames: 1,
        }
    }

    fn checked(self) -> Result<Self, HeaderError> {
        let damaged = |detail: String| Err(HeaderError::Damaged(detail));
        if !RATES_HZ.contains(&self.rate_hz) {
            return damaged(format!("it claims a sample rate of {} Hz", self.rate_hz));
        }
        if self.channels == 0 || self.channels > MAX_CHANNELS {
            return damaged(format!("it claims {} channels", self.channels));
        }
        if self.block_bytes == 0 || self.block_frames == 0 {
            return damaged("its blocks are empty".to_owned());
        }
        Ok(self)
    }
}

/// Cuts the samples of a WAV or AIFF into packets.
pub(super) struct PcmReader {
    source: MediaSourceStream<'static>,
    layout: Layout,
    /// Bytes to read at most; `u64::MAX` means up to the end of the source.
    left_bytes: u64,
    claimed_frames: Option<u64>,
    done_frames: u64,
}

impl PcmReader {
    /// Takes over `source`, which stands at the first sample; the header states that `claimed_bytes`
    /// follow, or nothing (`None`).
    pub(crate) fn new(
        source: MediaSourceStream<'static>,
        layout: Layout,
        claimed_bytes: Option<u64>,
    ) -> Result<Self, HeaderError> {
        let layout = layout.checked()?;
        let there = source.is_seekable().then(|| source.byte_len()).flatten();
        let there = there.map(|end| end.saturating_sub(source.pos()));
        let claimed_bytes = claimed_bytes.filter(|&claimed| {
            let is_placeholder = UNKNOWN_LENGTHS
                .iter()
                .any(|lengths| lengths.contains(&claimed));
            !is_placeholder || there.is_some_and(|there| there >= claimed)
        });
        let claimed_frames = claimed_bytes
            .or(there)
            .map(|bytes| (bytes / layout.block_bytes).saturating_mul(layout.block_frames));
        let left_bytes = claimed_bytes.unwrap_or(u64::MAX);
        Ok(Self {
            source,
            layout,
            left_bytes,
            claimed_frames,
            done_frames: 0,
        })
    }

    /// Frames that the header states, or else that the file has bytes for.
    pub(crate) fn claimed_frames(&self) -> Option<u64> {
        self.claimed_frames
    }

    /// The parameters for symphonia's decoder.
    pub(crate) fn codec_params(&self) -> AudioCodecParameters {
        let mut params = AudioCodecParameters::new();
        params
            .for_codec(self.layout.codec)
            .with_sample_rate(self.layout.rate_hz)
            .with_channels(Channels::Discrete(self.layout.channels))
            .with_max_frames_per_packet(self.packet_blocks() * self.layout.block_frames)
            .with_frames_per_block(self.layout.block_frames);
        params
    }

    /// The next packet of whole blocks; an incomplete block at the end is dropped.
    pub(crate) fn next_packet(&mut self) -> io::Result<Option<Packet>> {
        let block_bytes = self.layout.block_bytes;
        let wanted = (self.packet_blocks() * block_bytes).min(self.left_bytes);
        let mut data = vec![0; usize::try_from(wanted).unwrap_or_default()];
        let mut filled = 0;
        while filled < data.len() {
            match self.source.read_buf(&mut data[filled..]) {
                Ok(0) => break,
                Ok(read) => filled += read,
                Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => break,
                Err(error) => return Err(error),
            }
        }
        let blocks = filled as u64 / block_bytes;
        if blocks == 0 {
            return Ok(None);
        }
        self.left_bytes -= filled as u64;
        data.truncate(usize::try_from(blocks * block_bytes).unwrap_or_default());
        let frames = blocks * self.layout.block_frames;
        let start = Timestamp::new(i64::try_from(self.done_frames).unwrap_or(i64::MAX));
        self.done_frames += frames;
        Ok(Some(Packet::new(0, start, Duration::new(frames), data)))
    }

    fn packet_blocks(&self) -> u64 {
        let by_frames = PACKET_FRAMES / self.layout.block_frames;
        let by_bytes = PACKET_BYTES / self.layout.block_bytes;
        by_frames.min(by_bytes).max(1)
    }
}

/// Little-endian PCM and float by bytes per sample, as in WAV, where 8 bits are unsigned.
pub(super) fn little_endian(is_float: bool, sample_bytes: u16) -> Option<AudioCodecId> {
    match (is_float, sample_bytes) {
        (false, 1) => Some(codec::CODEC_ID_PCM_U8),
        (false, 2) => Some(codec::CODEC_ID_PCM_S16LE),
        (false, 3) => Some(codec::CODEC_ID_PCM_S24LE),
        (false, 4) => Some(codec::CODEC_ID_PCM_S32LE),
        (true, 4) => Some(codec::CODEC_ID_PCM_F32LE),
        (true, 8) => Some(codec::CODEC_ID_PCM_F64LE),
        _ => None,
    }
}

/// Big-endian PCM by bytes per sample, as in AIFF, where 8 bits are signed.
pub(super) fn big_endian(sample_bytes: u16) -> Option<AudioCodecId> {
    match sample_bytes {
        1 => Some(codec::CODEC_ID_PCM_S8),
        2 => Some(codec::CODEC_ID_PCM_S16BE),
        3 => Some(codec::CODEC_ID_PCM_S24BE),
        4 => Some(codec::CODEC_ID_PCM_S32BE),
        _ => None,
    }
}
