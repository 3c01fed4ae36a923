//! The decoder of one audio track: packets to samples, past damaged packets and changes of format.

use std::{collections::VecDeque, io, mem};

use symphonia::core::{
    codecs::audio::{
        AudioDecoder,
        well_known::{CODEC_ID_MP1, CODEC_ID_MP2, CODEC_ID_MP3},
    },
    errors::Error,
    packet::Packet,
    units::Timestamp,
};

use super::{
    codec::{Decoded, StreamFormat, decode_with, make_codec},
    demux::{AudioTrack, Demuxer},
    error::{DecodeError, HeaderError},
    pcm::RATES_HZ,
};

/// Consecutive failures after which a new codec is made: a damaged stretch can leave the old one
/// unable to continue.
const FAILURES_TO_RENEW: u32 = 8;
/// Failures after which a gap is reported before it ends, so that a caller can cancel.
const FAILURES_TO_REPORT: u32 = 64;
/// Consecutive failures of the container after which decoding ends: the reader may be stuck.
const FAILURES_TO_GIVE_UP: u32 = 1000;
/// Consecutive blocks of another format that make a change of format; fewer are noise decoded as
/// audio.
const BLOCKS_TO_CHANGE: usize = 4;

/// The outcome of [`TrackDecoder::step`].
#[derive(Debug, PartialEq, Eq)]
pub(super) enum DecodeStep {
    /// [`TrackDecoder::samples`] has a new block; `gap` frames are missing before it, if any are.
    Samples { gap: Option<u64> },
    /// The next blocks have this format, which differs from the one before.
    Format(StreamFormat),
    /// Only damage was found for a while.
    Damage,
    /// The end; `is_clean` is false when it came in the middle of a packet or header.
    End { is_clean: bool },
}

/// An audio track and its codec.
pub(super) struct TrackDecoder {
    name: String,
    demuxer: Demuxer,
    track: AudioTrack,
    codec: Box<dyn AudioDecoder>,
    /// The format of the last block handed out.
    format: Option<StreamFormat>,
    /// The format that blocks have unless several in a row say otherwise.
    usual: Option<StreamFormat>,
    /// Whether the container announced a new stream, whose format is right from its first block.
    is_announced: bool,
    /// The block handed out last.
    samples: Vec<f32>,
    /// Blocks that were decoded and not handed out.
    ready: VecDeque<Decoded>,
    /// Consecutive blocks of another format, and the codec that decoded them, if the usual one refused.
    strange: VecDeque<Decoded>,
    other_codec: Option<Box<dyn AudioDecoder>>,
    /// Frames to drop, which the encoder put before the sound; `None` before the first block.
    delay_frames: Option<u64>,
    /// Seconds handed out: the place that messages name.
    done_s: f64,
    /// The timestamp at which the next packet should start, in the track's ticks.
    expected: Option<Timestamp>,
    codec_failures: u32,
    demuxer_failures: u32,
    /// At the end, whether it was clean.
    end: Option<bool>,
}

impl TrackDecoder {
    /// Chooses the audio track of `demuxer` and makes its codec.
    pub(crate) fn new(demuxer: Demuxer, name: String) -> Result<Self, DecodeError> {
        let track = demuxer.track(&name)?;
        let codec = make_codec(&track.params, &name)?;
        Ok(Self {
            name,
            demuxer,
            track,
            codec,
            format: None,
            usual: None,
            is_announced: true,
            samples: Vec::new(),
            ready: VecDeque::new(),
            strange: VecDeque::new(),
            other_codec: None,
            delay_frames: None,
            done_s: 0.0,
            expected: None,
            codec_failures: 0,
            demuxer_failures: 0,
            end: None,
        })
    }

    /// The track as the header had it.
    pub(crate) fn track(&self) -> &AudioTrack {
        &self.track
    }

    /// The format of the last block; `None` before the first.
    pub(crate) fn format(&self) -> Option<StreamFormat> {
        self.format
    }

    /// The last block, interleaved.
    pub(crate) fn samples(&self) -> &[f32] {
        &self.samples
    }

    /// Reads and decodes packets up to the next block of samples, the end, or
    /// [`FAILURES_TO_REPORT`] failures.
    pub(crate) fn step(&mut self) -> Result<DecodeStep, DecodeError> {
        let mut failures = 0;
        while failures < FAILURES_TO_REPORT {
            if let Some(step) = self.hand_out() {
                return Ok(step);
            }
            if let Some(is_clean) = self.end {
                return Ok(if failures > 0 {
                    DecodeStep::Damage
                } else {
                    DecodeStep::End { is_clean }
                });
            }
            match self.demuxer.next_packet() {
                Ok(Some(packet)) => {
                    self.demuxer_failures = 0;
                    if packet.track_id == self.track.id && !self.take(packet, failures > 0)? {
                        failures += 1;
                    }
                }
                Ok(None) => self.end = Some(true),
                Err(Error::IoError(error)) if error.kind() == io::ErrorKind::UnexpectedEof => {
                    self.end = Some(self.track.ends_suddenly);
                }
                // A panic leaves the container's reader in an unknown state.
                Err(Error::LimitError(_)) => self.end = Some(false),
                Err(Error::IoError(source)) => {
                    return Err(DecodeError::Read {
                        name: self.name.clone(),
                        at_s: self.done_s,
                        source,
                    });
                }
                Err(Error::ResetRequired) => {
                    // What came before is kept when the next part can't be read.
                    if self.start_next_part().is_err() {
                        self.end = Some(false);
                    }
                }
                Err(_) => {
                    failures += 1;
                    self.demuxer_failures += 1;
                    if self.demuxer_failures >= FAILURES_TO_GIVE_UP {
                        self.end = Some(false);
                    }
                }
            }
        }
        Ok(DecodeStep::Damage)
    }

    /// The next block that is ready, or its format first if that is new.
    fn hand_out(&mut self) -> Option<DecodeStep> {
        let found = self.ready.front()?.format;
        if self.format.is_some_and(|format| format != found) {
            self.format = Some(found);
            // The header stated the length of what came before.
            self.track.frames = None;
            self.track.length_is_promised = false;
            return Some(DecodeStep::Format(found));
        }
        let block = self.ready.pop_front()?;
        self.format = Some(found);
        self.samples = block.samples;
        let frames = self.samples.len() / found.channels;
        self.done_s += frames as f64 / f64::from(found.rate_hz);
        Some(DecodeStep::Samples { gap: block.gap })
    }

    /// Starts the next part of a chained Ogg: a stream of its own, often in the same format.
    fn start_next_part(&mut self) -> Result<(), DecodeError> {
        let track = self.demuxer.track(&self.name)?;
        self.codec = make_codec(&track.params, &self.name)?;
        self.track = AudioTrack {
            frames: None,
            length_is_promised: false,
            ..track
        };
        self.is_announced = true;
        self.strange.clear();
        self.other_codec = None;
        self.delay_frames = None;
        self.expected = None;
        Ok(())
    }

    /// Decodes `packet`, and puts its block among those that are ready or strange; false if it failed.
    fn take(&mut self, mut packet: Packet, is_after_failure: bool) -> Result<bool, DecodeError> {
        if self.track.padding_end.is_some_and(|end| packet.pts >= end) {
            packet.dur = packet.dur.saturating_add(mem::take(&mut packet.trim_end));
        }
        let Some(mut block) = self.decode(&packet)? else {
            return Ok(false);
        };
        let frames = block.frames();
        let jump = self.jump_before(&packet, block.format);
        self.expect_after(&packet, frames, block.format);
        if frames == 0 {
            // A codec's first packet may only prime it, and a packet of padding is trimmed whole.
            return Ok(true);
        }
        block.gap = (jump > 0 || is_after_failure).then_some(jump);
        self.cut_delay(&mut block);
        if block.samples.is_empty() {
            return Ok(true);
        }
        if self.is_announced || self.usual == Some(block.format) {
            let is_after_noise = !mem::take(&mut self.strange).is_empty();
            if is_after_noise && !self.is_announced {
                block.gap = Some(block.gap.unwrap_or(0));
            }
            self.usual = Some(block.format);
            self.is_announced = false;
            self.other_codec = None;
            self.ready.push_back(block);
            return Ok(true);
        }
        if self
            .strange
            .front()
            .is_some_and(|other| other.format != block.format)
        {
            self.strange.clear();
        }
        let found = block.format;
        self.strange.push_back(block);
        if self.strange.len() >= BLOCKS_TO_CHANGE {
            self.usual = Some(found);
            self.ready.append(&mut self.strange);
            if let Some(codec) = self.other_codec.take() {
                self.codec = codec;
            }
        }
        Ok(true)
    }

    /// Drops what the encoder put before the sound.
    fn cut_delay(&mut self, block: &mut Decoded) {
        let StreamFormat { rate_hz, channels } = block.format;
        let track = &self.track;
        let left = self
            .delay_frames
            .get_or_insert_with(|| track.delay_frames(rate_hz));
        let cut =
            (block.samples.len() / channels).min(usize::try_from(*left).unwrap_or(usize::MAX));
        *left -= cut as u64;
        block.samples.drain(..cut * channels);
    }

    /// Decodes `packet`; `None` if it is damaged.
    fn decode(&mut self, packet: &Packet) -> Result<Option<Decoded>, DecodeError> {
        let has_panicked = match decode_with(&mut self.codec, packet) {
            Ok(block) => {
                self.codec_failures = 0;
                return self.checked(block);
            }
            Err(error) => matches!(error, Error::LimitError(_)),
        };
        if let Some(block) = self.decode_with_other(packet)? {
            return self.checked(block);
        }
        self.codec_failures += 1;
        if has_panicked || self.codec_failures.is_multiple_of(FAILURES_TO_RENEW) {
            self.codec = make_codec(&self.track.params, &self.name)?;
        }
        Ok(None)
    }

    /// MPEG audio: decodes a packet that the codec refused. It keeps to its first format, so that the
    /// packet may have another one; the codec goes on if that was noise.
    fn decode_with_other(&mut self, packet: &Packet) -> Result<Option<Decoded>, DecodeError> {
        let is_mpeg = [CODEC_ID_MP1, CODEC_ID_MP2, CODEC_ID_MP3].contains(&self.track.params.codec);
        if !is_mpeg || self.usual.is_none() {
            return Ok(None);
        }
        let mut codec = match self.other_codec.take() {
            Some(codec) => codec,
            None => make_codec(&self.track.params, &self.name)?,
        };
        let Ok(block) = decode_with(&mut codec, packet) else {
            return Ok(None);
        };
        if self.usual == Some(block.format) {
            // It was the codec that had begun in noise.
            self.codec = codec;
        } else {
            self.other_codec = Some(codec);
        }
        Ok(Some(block))
    }

    /// Refuses a block whose format no recording has: an error at the start, damage later on.
    fn checked(&self, block: Decoded) -> Result<Option<Decoded>, DecodeError> {
        let found = block.format;
        if block.samples.is_empty() || RATES_HZ.contains(&found.rate_hz) && found.channels > 0 {
            return Ok(Some(block));
        }
        if self.usual.is_some() {
            return Ok(None);
        }
        Err(HeaderError::Damaged(format!("it claims {found}")).named(&self.name))
    }

    /// Frames between the end of the last packet and the start of `packet`; 0 without timestamps.
    fn jump_before(&self, packet: &Packet, format: StreamFormat) -> u64 {
        let (Some(expected), Some(time_base)) = (self.expected, self.track.time_base) else {
            return 0;
        };
        let ticks = packet
            .pts
            .duration_from(expected)
            .map_or(0, |jump| u128::from(jump.get()));
        let scaled = ticks * u128::from(time_base.numer.get()) * u128::from(format.rate_hz);
        let frames = u64::try_from(scaled / u128::from(time_base.denom.get())).unwrap_or(0);
        let tolerance_s = self.track.tolerance_s.unwrap_or_default();
        if frames as f64 > tolerance_s * f64::from(format.rate_hz) {
            frames
        } else {
            0
        }
    }

    /// Remembers when the packet after `packet` should start, which gave `frames`.
    fn expect_after(&mut self, packet: &Packet, frames: usize, format: StreamFormat) {
        self.expected = match (self.track.tolerance_s, self.track.time_base) {
            (Some(_), Some(time_base)) => {
                let ticks = frames as u128 * u128::from(time_base.denom.get())
                    / (u128::from(time_base.numer.get()) * u128::from(format.rate_hz.max(1)));
                let ticks = u64::try_from(ticks).unwrap_or_default();
                packet.pts.checked_add(ticks.into())
            }
            _ => packet.pts.checked_add(packet.block_dur()),
        };
    }
}
