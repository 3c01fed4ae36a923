//! The Opus decoder: `opus-pure` behind symphonia's interface for decoders, because symphonia has none.
//!
//! It decodes at 48 kHz, whatever the rate before encoding was, and applies the gain of the header (RFC
//! 7845, section 5.1). The frames before the sound (pre-skip) are cut off by the caller, who knows the
//! container.

use opus_pure::{ChannelLayout, MAX_PACKET_SAMPLES, OpusDecoder, OpusMSDecoder};
use symphonia::core::{
    audio::{
        AsGenericAudioBufferRef, AudioBuffer, AudioMut, AudioSpec, Channels, GenericAudioBufferRef,
    },
    codecs::{
        CodecInfo,
        audio::{AudioCodecParameters, AudioDecoder, FinalizeResult},
    },
    errors::{Error, Result},
    packet::PacketRef,
};

/// The rate that all Opus is decoded at, in hertz.
pub(super) const RATE_HZ: u32 = 48_000;

/// The name in messages of Opus that is not decoded.
pub(super) const UNUSUAL_OPUS: &str = "Opus with an unusual channel layout";

/// What the identification header states (RFC 7845, section 5.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct OpusHead {
    pub channels: u8,
    /// Frames at 48 kHz to drop at the start.
    pub(crate) pre_skip_frames: u16,
    /// Gain in decibels times 256.
    pub(crate) gain_q8: i16,
    /// 0 is one stream, mono or stereo; 1 is surround, its channels in the order of Vorbis.
    pub(crate) mapping_family: u8,
}

impl OpusHead {
    /// Reads the header that a container keeps beside the track. MP4 stores its numbers with the other
    /// byte order, and the version is then 0.
    pub(crate) fn read(bytes: &[u8]) -> Option<Self> {
        let head = bytes.strip_prefix(b"OpusHead")?.first_chunk::<11>()?;
        let [
            version,
            channels,
            p0,
            p1,
            _,
            _,
            _,
            _,
            g0,
            g1,
            mapping_family,
        ] = *head;
        let is_big_endian = version == 0;
        let pair = |bytes: [u8; 2]| match is_big_endian {
            true => u16::from_be_bytes(bytes),
            false => u16::from_le_bytes(bytes),
        };
        (version >> 4 == 0 && channels > 0).then_some(Self {
            channels,
            pre_skip_frames: pair([p0, p1]),
            gain_q8: pair([g0, g1]).cast_signed(),
            mapping_family,
        })
    }
}

/// One stream, or several that are surround together.
enum Streams {
    One(Box<OpusDecoder>),
    Surround(OpusMSDecoder),
}

/// An Opus track's decoder.
pub(super) struct Opus {
    params: AudioCodecParameters,
    info: CodecInfo,
    streams: Streams,
    channels: usize,
    interleaved: Vec<f32>,
    block: AudioBuffer<f32>,
}

impl Opus {
    /// A decoder for a track with these parameters; [`Error::Unsupported`] for layouts other than mono,
    /// stereo and surround.
    pub(crate) fn new(params: &AudioCodecParameters) -> Result<Self> {
        let head = match params.extra_data.as_deref() {
            Some(bytes) => {
                OpusHead::read(bytes).ok_or(Error::DecodeError("its Opus header is invalid"))?
            }
            // Without a header, packets tell mono and stereo apart themselves.
            None => OpusHead {
                channels: 2,
                pre_skip_frames: 0,
                gain_q8: 0,
                mapping_family: 0,
            },
        };
        let channels = usize::from(head.channels);
        let gain_q8 = i32::from(head.gain_q8);
        let streams = match (head.mapping_family, channels) {
            (0, 1 | 2) => {
                let mut decoder =
                    OpusDecoder::new(RATE_HZ as i32, channels).map_err(unsupported)?;
                decoder.gain_q8 = gain_q8;
                Streams::One(Box::new(decoder))
            }
            (1, 1..=8) if has_usual_layout(params, channels) => {
                let mut decoder =
                    OpusMSDecoder::new(RATE_HZ as i32, channels, 1).map_err(unsupported)?;
                for stream in decoder.streams_mut() {
                    stream.gain_q8 = gain_q8;
                }
                Streams::Surround(decoder)
            }
            _ => return Err(Error::Unsupported(UNUSUAL_OPUS)),
        };
        let layout = Channels::Discrete(u16::from(head.channels));
        Ok(Self {
            params: params.clone(),
            info: CodecInfo {
                short_name: "opus",
                long_name: "Opus",
                profiles: &[],
            },
            streams,
            channels,
            interleaved: vec![0.0; MAX_PACKET_SAMPLES * channels],
            block: AudioBuffer::new(AudioSpec::new(RATE_HZ, layout), MAX_PACKET_SAMPLES),
        })
    }

    /// Decodes a packet into `block`.
    fn fill(&mut self, packet: &PacketRef<'_>) -> Result<()> {
        // An empty packet would ask for a lost one to be made up.
        if packet.data.is_empty() {
            return Err(Error::DecodeError("an empty Opus packet"));
        }
        let (data, room) = (packet.data, &mut self.interleaved);
        let frames = match &mut self.streams {
            Streams::One(decoder) => decoder.decode(data, MAX_PACKET_SAMPLES, room),
            Streams::Surround(decoder) => decoder.decode(data, MAX_PACKET_SAMPLES, room),
        };
        let frames = frames.map_err(|_| Error::DecodeError("a damaged Opus packet"))?;
        let samples = &self.interleaved[..frames * self.channels];
        self.block.render_uninit(Some(frames));
        for channel in 0..self.channels {
            if let Some(plane) = self.block.plane_mut(channel) {
                let channel = samples.iter().skip(channel).step_by(self.channels);
                plane
                    .iter_mut()
                    .zip(channel)
                    .for_each(|(to, from)| *to = *from);
            }
        }
        let trimmed = |ticks: u64| usize::try_from(ticks).unwrap_or(usize::MAX);
        let start = trimmed(packet.trim_start.get()).min(frames);
        let end = trimmed(packet.trim_end.get()).min(frames - start);
        self.block.trim(start, end);
        Ok(())
    }
}

/// Whether the streams are coupled and mapped as encoders do for this number of channels.
fn has_usual_layout(params: &AudioCodecParameters, channels: usize) -> bool {
    let Some(table) = params.extra_data.as_deref().and_then(|head| head.get(19..)) else {
        return false;
    };
    ChannelLayout::surround(channels, 1).is_ok_and(|usual| {
        let counts = [usual.nb_streams as u8, usual.nb_coupled_streams as u8];
        table.starts_with(&[&counts[..], &usual.mapping].concat())
    })
}

fn unsupported(_: opus_pure::Error) -> Error {
    Error::Unsupported(UNUSUAL_OPUS)
}

impl AudioDecoder for Opus {
    fn reset(&mut self) {
        let _ = match &mut self.streams {
            Streams::One(decoder) => decoder.reset_state(),
            Streams::Surround(decoder) => decoder.reset_state(),
        };
    }

    fn codec_info(&self) -> &CodecInfo {
        &self.info
    }

    fn codec_params(&self) -> &AudioCodecParameters {
        &self.params
    }

    fn decode_ref(&mut self, packet: &PacketRef<'_>) -> Result<GenericAudioBufferRef<'_>> {
        self.block.clear();
        self.fill(packet)?;
        Ok(self.block.as_generic_audio_buffer_ref())
    }

    fn finalize(&mut self) -> FinalizeResult {
        FinalizeResult::default()
    }

    fn last_decoded(&self) -> GenericAudioBufferRef<'_> {
        self.block.as_generic_audio_buffer_ref()
    }
}
