//! The decoder of one audio track: packets to samples, past damaged packets.

use std::{fmt, io};

use symphonia::{
    core::{
        codecs::audio::{AudioDecoder, AudioDecoderOptions},
        errors::Error,
        packet::Packet,
        units::Timestamp,
    },
    default::get_codecs,
};

use super::{
    demux::{AudioTrack, Demuxer, codec_name, contained},
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
const BLOCKS_TO_CHANGE: u32 = 4;

/// Rate and channel count, which must not change in the middle of a stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct StreamFormat {
    pub rate_hz: u32,
    pub channels: usize,
}

impl fmt::Display for StreamFormat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { rate_hz, channels } = self;
        write!(
            f,
            "{rate_hz} Hz with {channels} channel{}",
            if *channels == 1 { "" } else { "s" }
        )
    }
}

/// The outcome of [`TrackDecoder::step`].
#[derive(Debug, PartialEq, Eq)]
pub(super) enum DecodeStep {
    /// [`TrackDecoder::samples`] has a new block; `gap` frames are missing before it, if any are.
    Samples { gap: Option<u64> },
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
    /// The format of the first block.
    format: Option<StreamFormat>,
    samples: Vec<f32>,
    /// Frames handed out: the place that messages name.
    done_frames: u64,
    /// The timestamp at which the next packet should start, in the track's ticks.
    expected: Option<Timestamp>,
    codec_failures: u32,
    demuxer_failures: u32,
    /// Consecutive blocks of another format.
    strange_blocks: u32,
    /// At the end, whether it was clean.
    end: Option<bool>,
}

impl TrackDecoder {
    /// Chooses the audio track of `demuxer` and makes its codec.
    pub(crate) fn new(demuxer: Demuxer, name: String) -> Result<Self, DecodeError> {
        let track = demuxer.track(&name)?;
        let codec = make_codec(&track, &name)?;
        Ok(Self {
            name,
            demuxer,
            track,
            codec,
            format: None,
            samples: Vec::new(),
            done_frames: 0,
            expected: None,
            codec_failures: 0,
            demuxer_failures: 0,
            strange_blocks: 0,
            end: None,
        })
    }

    /// The track as the header had it.
    pub(crate) fn track(&self) -> &AudioTrack {
        &self.track
    }

    /// StreamFormat of the first block; `None` before it.
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
            if let Some(is_clean) = self.end {
                return Ok(if failures > 0 {
                    DecodeStep::Damage
                } else {
                    DecodeStep::End { is_clean }
                });
            }
            match self.demuxer.next_packet() {
                Ok(Some(mut packet)) => {
                    self.demuxer_failures = 0;
                    if packet.track_id != self.track.id {
                        continue;
                    }
                    if self.track.padding_end.is_some_and(|end| packet.pts >= end) {
                        packet.dur = packet
                            .dur
                            .saturating_add(std::mem::take(&mut packet.trim_end));
                    }
                    match self.decode(&packet)? {
                        Decoded::Samples => {
                            let jump = self.jump_before(&packet);
                            self.expected = packet.pts.checked_add(packet.block_dur());
                            let gap = (jump > 0 || failures > 0).then_some(jump);
                            return Ok(DecodeStep::Samples { gap });
                        }
                        Decoded::Nothing => {
                            self.expected = packet.pts.checked_add(packet.block_dur());
                        }
                        Decoded::Failure => failures += 1,
                    }
                }
                Ok(None) => self.end = Some(true),
                Err(Error::IoError(error)) if error.kind() == io::ErrorKind::UnexpectedEof => {
                    self.end = Some(false);
                }
                // A panic leaves the container's reader in an unknown state.
                Err(Error::LimitError(_)) => self.end = Some(false),
                Err(Error::IoError(source)) => {
                    return Err(DecodeError::Read {
                        name: self.name.clone(),
                        at_s: self.at_s(),
                        source,
                    });
                }
                Err(Error::ResetRequired) => self.start_next_part()?,
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

    /// Starts the next part of a chained Ogg: a stream of its own, often in the same format.
    fn start_next_part(&mut self) -> Result<(), DecodeError> {
        let track = self.demuxer.track(&self.name)?;
        self.codec = make_codec(&track, &self.name)?;
        // The length stays that of the first part.
        self.track = AudioTrack {
            frames: self.track.frames,
            length_is_promised: false,
            ..track
        };
        self.expected = None;
        Ok(())
    }

    /// Decodes `packet` into `samples`.
    fn decode(&mut self, packet: &Packet) -> Result<Decoded, DecodeError> {
        let block = match contained(|| self.codec.decode(packet)) {
            Ok(block) => block,
            Err(error) => {
                self.codec_failures += 1;
                let has_panicked = matches!(error, Error::LimitError(_));
                // A codec that was made again on noise keeps the noise's format.
                let is_misled = self.strange_blocks > 0;
                if has_panicked
                    || is_misled
                    || self.codec_failures.is_multiple_of(FAILURES_TO_RENEW)
                {
                    self.codec = make_codec(&self.track, &self.name)?;
                    self.strange_blocks = 0;
                }
                return Ok(Decoded::Failure);
            }
        };
        if block.frames() == 0 {
            return Ok(Decoded::Nothing);
        }
        let found = StreamFormat {
            rate_hz: block.spec().rate(),
            channels: block.spec().channels().count(),
        };
        if !RATES_HZ.contains(&found.rate_hz) || found.channels == 0 {
            return Err(HeaderError::Damaged(format!("it claims {found}")).named(&self.name));
        }
        let format = *self.format.get_or_insert(found);
        if found != format {
            self.strange_blocks += 1;
            if self.strange_blocks < BLOCKS_TO_CHANGE {
                return Ok(Decoded::Failure);
            }
            let (from, to, at_s) = (format.to_string(), found.to_string(), self.at_s());
            return Err(DecodeError::Changed {
                name: self.name.clone(),
                from,
                to,
                at_s,
            });
        }
        block.copy_to_vec_interleaved(&mut self.samples);
        self.done_frames += block.frames() as u64;
        self.codec_failures = 0;
        self.strange_blocks = 0;
        Ok(Decoded::Samples)
    }

    /// Frames between the end of the last packet and the start of `packet`; 0 without timestamps.
    fn jump_before(&self, packet: &Packet) -> u64 {
        let (Some(expected), Some(time_base), Some(format)) =
            (self.expected, self.track.time_base, self.format)
        else {
            return 0;
        };
        let ticks = packet
            .pts
            .duration_from(expected)
            .map_or(0, |jump| u128::from(jump.get()));
        let scaled = ticks * u128::from(time_base.numer.get()) * u128::from(format.rate_hz);
        u64::try_from(scaled / u128::from(time_base.denom.get())).unwrap_or(0)
    }

    fn at_s(&self) -> f64 {
        self.format.map_or(0.0, |format| {
            self.done_frames as f64 / f64::from(format.rate_hz)
        })
    }
}

/// The outcome of decoding one packet.
enum Decoded {
    Samples,
    /// No samples: a codec's first packet may only prime it, and a packet of padding is trimmed whole.
    Nothing,
    Failure,
}

fn make_codec(track: &AudioTrack, name: &str) -> Result<Box<dyn AudioDecoder>, DecodeError> {
    let options = AudioDecoderOptions::default();
    contained(|| get_codecs().make_audio_decoder(&track.params, &options)).map_err(|error| {
        let header_error = match error {
            Error::Unsupported(_) => HeaderError::Codec(codec_name(track.params.codec).to_owned()),
            other => HeaderError::Damaged(other.to_string()),
        };
        header_error.named(name)
    })
}
