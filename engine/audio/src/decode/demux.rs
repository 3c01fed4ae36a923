//! The demultiplexer: finds the audio track of an opened source and hands out its packets.

use symphonia::{
    core::{
        codecs::{
            CodecParameters,
            audio::{AudioCodecParameters, well_known as codec},
        },
        errors::{Error, Result as SymphoniaResult},
        formats::{
            FormatOptions, FormatReader, Track, TrackType,
            probe::Hint,
            well_known::{
                FORMAT_ID_ADTS, FORMAT_ID_CAF, FORMAT_ID_MKV, FORMAT_ID_MP1, FORMAT_ID_MP2,
                FORMAT_ID_MP3,
            },
        },
        io::{MediaSource, MediaSourceStream, MediaSourceStreamOptions},
        meta::MetadataOptions,
        packet::Packet,
        units::{TimeBase, Timestamp},
    },
    default::get_probe,
};

use super::{
    aac, aiff, caf,
    codec::contained,
    error::{DecodeError, HeaderError},
    opus::{self, OpusHead},
    pcm::PcmReader,
    sniff::SniffedKind,
    source::{OpenedSource, SourceFacts},
    w64, wav,
};

/// How far Matroska's times may jump before audio counts as missing, in seconds: they are rounded to
/// milliseconds, and live recordings stamp packets when they arrive.
const MATROSKA_TOLERANCE_S: f64 = 0.1;

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
    /// How far timestamps may jump before audio counts as missing, in seconds; `None` when they follow
    /// from the durations of the packets.
    pub(crate) tolerance_s: Option<f64>,
    /// What the encoder put before the sound: ticks, and ticks per second.
    pub(crate) delay: (u64, u32),
    /// Whether only the AAC-LC part of HE-AAC is decoded.
    pub(crate) is_core: bool,
    /// Whether the container's reader meets every end as a sudden one.
    pub(crate) ends_suddenly: bool,
}

/// A container, opened at its first packet.
pub(super) struct Demuxer {
    reader: Reader,
    facts: SourceFacts,
    is_pipe: bool,
}

enum Reader {
    Pcm(PcmReader),
    Symphonia(Box<dyn FormatReader>),
}

impl Demuxer {
    /// Recognizes the container; errors name `name`.
    pub(crate) fn open(opened: OpenedSource, name: &str) -> Result<Self, DecodeError> {
        let stream = MediaSourceStream::new(opened.source, MediaSourceStreamOptions::default());
        let is_pipe = !stream.is_seekable();
        let refused = |header_error: HeaderError| header_error.named(name);
        let pcm = |opened: Result<PcmReader, HeaderError>| {
            let reader = Reader::Pcm(opened.map_err(refused)?);
            let facts = SourceFacts::default();
            Ok(Self {
                reader,
                facts,
                is_pipe,
            })
        };
        match opened.kind {
            SniffedKind::Wave => return pcm(wav::open(stream)),
            SniffedKind::Wave64 => return pcm(w64::open(stream)),
            SniffedKind::Aiff => return pcm(aiff::open(stream)),
            SniffedKind::Caf { is_plain: true } => return pcm(caf::open(stream)),
            SniffedKind::Unsupported(codec) => {
                return Err(refused(HeaderError::Codec(codec.to_owned())));
            }
            SniffedKind::Foreign(found) => {
                let found = found.to_owned();
                return Err(DecodeError::NotAudio {
                    name: name.to_owned(),
                    found,
                });
            }
            SniffedKind::Mp4 { index_last: true } | SniffedKind::Caf { .. } if is_pipe => {
                return Err(DecodeError::IndexAtEnd {
                    name: name.to_owned(),
                });
            }
            _ => {}
        }
        let (formats, metadata) = (FormatOptions::default(), MetadataOptions::default());
        let reader = contained(|| get_probe().probe(&Hint::new(), stream, formats, metadata))
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
            })?;
        Ok(Self {
            reader: Reader::Symphonia(reader),
            facts: opened.facts,
            is_pipe,
        })
    }

    /// The audio track that is meant to be played at this point: a chained Ogg changes its tracks on
    /// the way.
    pub(crate) fn track(&self, name: &str) -> Result<AudioTrack, DecodeError> {
        let format = match &self.reader {
            Reader::Pcm(reader) => return Ok(pcm_track(reader)),
            Reader::Symphonia(format) => format,
        };
        let chosen = self.facts.mp4_track.as_ref().and_then(|chosen| {
            let mut tracks = format.tracks().iter();
            tracks.find(|track| track.id == chosen.id)
        });
        let track = chosen
            .or_else(|| format.default_track(TrackType::Audio))
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
        let mut found = AudioTrack {
            id: track.id,
            params: params.clone(),
            time_base: track.time_base,
            // Fragmented MP4 states 0.
            frames: track.num_frames.filter(|&frames| frames > 0),
            length_is_promised: true,
            padding_end: None,
            tolerance_s: None,
            delay: self.delay(params),
            is_core: false,
            ends_suddenly: false,
        };
        found.apply_container(format.as_ref(), track);
        found.ends_suddenly =
            self.is_pipe && !self.facts.is_damaged && format.format_info().format == FORMAT_ID_MKV;
        found.apply_core();
        found.frames = found.frames.map(|frames| found.without_delay(frames));
        if let Some(flac) = &self.facts.flac {
            found.frames = flac.frames;
            if !flac.has_places {
                found.time_base = None;
            }
        }
        Ok(found)
    }

    /// What the encoder put before the sound and no decoder cuts off, in ticks, and ticks per second.
    fn delay(&self, params: &AudioCodecParameters) -> (u64, u32) {
        if let Some(edit) = self.facts.mp4_track.and_then(|track| track.edit) {
            return (edit.start, edit.ticks_per_s);
        }
        let head = params.extra_data.as_deref().and_then(OpusHead::read);
        let opus = head.filter(|_| params.codec == codec::CODEC_ID_OPUS);
        let frames = opus.map_or(0, |head| head.pre_skip_frames);
        (u64::from(frames), opus::RATE_HZ)
    }

    /// The next packet of any track, `None` at a clean end.
    pub(crate) fn next_packet(&mut self) -> SymphoniaResult<Option<Packet>> {
        match &mut self.reader {
            Reader::Pcm(reader) => Ok(reader.next_packet()?),
            Reader::Symphonia(format) => contained(|| format.next_packet()),
        }
    }
}

fn pcm_track(reader: &PcmReader) -> AudioTrack {
    let params = reader.codec_params();
    AudioTrack {
        id: 0,
        time_base: params.sample_rate.and_then(TimeBase::try_from_recip),
        params,
        frames: reader.claimed_frames(),
        length_is_promised: true,
        padding_end: None,
        tolerance_s: None,
        delay: (0, 1),
        is_core: false,
        ends_suddenly: false,
    }
}

impl AudioTrack {
    /// What the container says about lengths and times.
    fn apply_container(&mut self, format: &dyn FormatReader, track: &Track) {
        match format.format_info().format {
            FORMAT_ID_MP1 | FORMAT_ID_MP2 | FORMAT_ID_MP3 => {
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
                self.length_is_promised = is_tagged;
                self.padding_end = Some(Timestamp::new(end));
            }
            // CAF counts whole packets, and the last one may be partly filled.
            FORMAT_ID_ADTS | FORMAT_ID_CAF => self.length_is_promised = false,
            FORMAT_ID_MKV => {
                // The length is that of the longest track, which may be a video.
                let mut tracks = format.tracks().iter();
                self.length_is_promised = tracks
                    .all(|track| matches!(track.codec_params, Some(CodecParameters::Audio(_))));
                let media = format.media_info();
                let ticks = media.duration.map(|duration| u128::from(duration.get()));
                self.frames = ticks
                    .zip(media.time_base)
                    .zip(self.params.sample_rate)
                    .and_then(|((ticks, base), rate_hz)| {
                        let scaled = ticks * u128::from(base.numer.get()) * u128::from(rate_hz);
                        u64::try_from(scaled / u128::from(base.denom.get())).ok()
                    });
                self.tolerance_s = Some(MATROSKA_TOLERANCE_S);
            }
            _ => {}
        }
    }

    /// A length without what the encoder put before the sound.
    fn without_delay(&self, frames: u64) -> u64 {
        let rate_hz = self.params.sample_rate.unwrap_or_default();
        frames.saturating_sub(self.delay_frames(rate_hz))
    }

    /// Frames at `rate_hz` that the encoder put before the sound.
    pub(crate) fn delay_frames(&self, rate_hz: u32) -> u64 {
        let (ticks, ticks_per_s) = self.delay;
        let frames = u128::from(ticks) * u128::from(rate_hz) / u128::from(ticks_per_s.max(1));
        u64::try_from(frames).unwrap_or(u64::MAX)
    }

    /// Replaces HE-AAC by the part of it that is decoded.
    fn apply_core(&mut self) {
        if self.params.codec != codec::CODEC_ID_AAC {
            return;
        }
        let Some(core) = aac::core(&self.params) else {
            return;
        };
        if let (Some(whole_hz), Some(core_hz)) = (self.params.sample_rate, core.sample_rate) {
            let scaled = |frames: u64| {
                let core = u128::from(frames) * u128::from(core_hz) / u128::from(whole_hz.max(1));
                u64::try_from(core).ok()
            };
            self.frames = self.frames.and_then(scaled);
        }
        self.params = core;
        self.is_core = true;
    }
}
