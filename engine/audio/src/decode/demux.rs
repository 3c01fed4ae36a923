//! The demultiplexer: finds the audio track of an opened source and hands out its packets.

use std::panic::{self, AssertUnwindSafe};

use symphonia::{
    core::{
        codecs::{
            CodecParameters,
            audio::{AudioCodecId, AudioCodecParameters, well_known as codec},
        },
        errors::{Error, Result as SymphoniaResult},
        formats::{
            FormatOptions, FormatReader, TrackType,
            probe::Hint,
            well_known::{FORMAT_ID_ADTS, FORMAT_ID_MP3},
        },
        io::{MediaSource, MediaSourceStream, MediaSourceStreamOptions},
        meta::MetadataOptions,
        packet::Packet,
        units::{TimeBase, Timestamp},
    },
    default::get_probe,
};

use super::{
    aiff,
    error::{DecodeError, HeaderError},
    pcm::PcmReader,
    sniff::SniffedKind,
    source::OpenedSource,
    wav,
};

/// The one track that is decoded.
#[derive(Debug, Clone)]
pub(super) struct AudioTrack {
    pub id: u32,
    pub params: AudioCodecParameters,
    /// Seconds per tick of the packets' timestamps.
    pub time_base: Option<TimeBase>,
    /// Length as the header states it, which may be a guess from the bit rate.
    pub frames: Option<u64>,
    /// Whether the header states the length, so that fewer frames mean a truncated file.
    pub(crate) length_is_promised: bool,
    /// MP3: where the padding that LAME's tag announces ends. Frames after it are audio, although
    /// symphonia would trim them too: another file joined to the first, or more audio than the bit
    /// rate of the first frames let it guess.
    pub(crate) padding_end: Option<Timestamp>,
}

/// A container, opened at its first packet.
pub(super) enum Demuxer {
    Pcm(PcmReader),
    Symphonia(Box<dyn FormatReader>),
}

impl Demuxer {
    /// Recognizes the container; errors name `name`.
    pub(crate) fn open(opened: OpenedSource, name: &str) -> Result<Self, DecodeError> {
        let stream = MediaSourceStream::new(opened.source, MediaSourceStreamOptions::default());
        let is_pipe = !stream.is_seekable();
        let refused = |header_error: HeaderError| header_error.named(name);
        match opened.kind {
            SniffedKind::Wave => return wav::open(stream).map(Self::Pcm).map_err(refused),
            SniffedKind::Aiff => return aiff::open(stream).map(Self::Pcm).map_err(refused),
            SniffedKind::OggUnsupported(codec) => {
                return Err(refused(HeaderError::Codec(codec.to_owned())));
            }
            SniffedKind::Foreign(found) => {
                let found = found.to_owned();
                return Err(DecodeError::NotAudio {
                    name: name.to_owned(),
                    found,
                });
            }
            SniffedKind::Mp4 { index_last: true } if is_pipe => {
                return Err(DecodeError::IndexAtEnd {
                    name: name.to_owned(),
                });
            }
            SniffedKind::Mp4 { .. } | SniffedKind::OggVideo | SniffedKind::Unknown => {}
        }
        let (formats, metadata) = (FormatOptions::default(), MetadataOptions::default());
        contained(|| get_probe().probe(&Hint::new(), stream, formats, metadata))
            .map(Self::Symphonia)
            .map_err(|error| match error {
                _ if opened.kind == SniffedKind::OggVideo => DecodeError::NoAudioTrack {
                    name: name.to_owned(),
                },
                Error::Unsupported(_) if opened.kind == SniffedKind::Unknown => {
                    DecodeError::NotAudio {
                        name: name.to_owned(),
                        found: opened.looks_like,
                    }
                }
                Error::IoError(source) => refused(HeaderError::from(source)),
                other => refused(HeaderError::Damaged(other.to_string())),
            })
    }

    /// The first audio track at this point: a chained Ogg changes its tracks on the way.
    pub(crate) fn track(&self, name: &str) -> Result<AudioTrack, DecodeError> {
        let format = match self {
            Self::Pcm(reader) => {
                let params = reader.codec_params();
                return Ok(AudioTrack {
                    id: 0,
                    time_base: params.sample_rate.and_then(TimeBase::try_from_recip),
                    params,
                    frames: reader.claimed_frames(),
                    length_is_promised: true,
                    padding_end: None,
                });
            }
            Self::Symphonia(format) => format,
        };
        let track = format
            .default_track(TrackType::Audio)
            .or_else(|| format.first_track(TrackType::Audio));
        let Some((track, Some(CodecParameters::Audio(params)))) =
            track.map(|track| (track, &track.codec_params))
        else {
            let is_unknown = format
                .tracks()
                .iter()
                .any(|track| track.codec_params.is_none());
            return Err(if is_unknown {
                HeaderError::Codec("an unknown kind of".to_owned()).named(name)
            } else {
                DecodeError::NoAudioTrack {
                    name: name.to_owned(),
                }
            });
        };
        let (length_is_promised, padding_end) = match format.format_info().format {
            FORMAT_ID_MP3 => {
                // Without LAME's tag, which also states the delay, the length may be a guess.
                let is_tagged = track.delay.is_some();
                let padded = track
                    .num_frames
                    .unwrap_or_default()
                    .saturating_add(track.padding.unwrap_or_default().into());
                let end = if is_tagged {
                    i64::try_from(padded).unwrap_or(i64::MAX)
                } else {
                    i64::MIN
                };
                (is_tagged, Some(Timestamp::new(end)))
            }
            FORMAT_ID_ADTS => (false, None),
            _ => (true, None),
        };
        Ok(AudioTrack {
            id: track.id,
            params: params.clone(),
            time_base: track.time_base,
            // Fragmented MP4 states 0.
            frames: track.num_frames.filter(|&frames| frames > 0),
            length_is_promised,
            padding_end,
        })
    }

    /// The next packet of any track, `None` at a clean end.
    pub(crate) fn next_packet(&mut self) -> SymphoniaResult<Option<Packet>> {
        match self {
            Self::Pcm(reader) => Ok(reader.next_packet()?),
            Self::Symphonia(format) => contained(|| format.next_packet()),
        }
    }
}

/// Calls symphonia, some of whose arithmetic overflows on damaged files (MP4 tables, ADPCM) and
/// panics in builds with overflow checks. A panic becomes [`Error::LimitError`], which symphonia
/// itself never returns here.
pub(super) fn contained<T>(call: impl FnOnce() -> SymphoniaResult<T>) -> SymphoniaResult<T> {
    panic::catch_unwind(AssertUnwindSafe(call))
        .unwrap_or(Err(Error::LimitError("its values overflow")))
}

/// The usual name of a codec that may have no decoder here.
pub(super) fn codec_name(id: AudioCodecId) -> &'static str {
    match id {
        codec::CODEC_ID_OPUS => "Opus",
        codec::CODEC_ID_AAC => "HE-AAC or multichannel AAC",
        codec::CODEC_ID_AC3 => "Dolby AC-3",
        codec::CODEC_ID_EAC3 => "Dolby E-AC-3",
        codec::CODEC_ID_AC4 => "Dolby AC-4",
        codec::CODEC_ID_DCA => "DTS",
        codec::CODEC_ID_MP1 => "MP1",
        codec::CODEC_ID_MP2 => "MP2",
        codec::CODEC_ID_ALAC => "damaged ALAC",
        codec::CODEC_ID_FLAC => "damaged FLAC",
        codec::CODEC_ID_VORBIS => "damaged Vorbis",
        _ => "an unknown kind of",
    }
}
