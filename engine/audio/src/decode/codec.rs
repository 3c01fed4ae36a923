//! The codecs: packets of one track to blocks of samples, past panics.

use std::{
    fmt,
    panic::{self, AssertUnwindSafe},
};

use symphonia::{
    core::{
        audio::GenericAudioBufferRef,
        codecs::audio::{
            AudioCodecParameters, AudioDecoder, AudioDecoderOptions, well_known as codec,
        },
        errors::{Error, Result as SymphoniaResult},
        packet::Packet,
    },
    default::get_codecs,
};

use super::{
    aac,
    error::{DecodeError, HeaderError},
    opus::{Opus, UNUSUAL_OPUS},
};

/// Rate and channel count of a block.
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

/// A decoded block.
pub(super) struct Decoded {
    pub(crate) format: StreamFormat,
    /// Interleaved.
    pub(crate) samples: Vec<f32>,
    /// Frames missing before it, if any are.
    pub(crate) gap: Option<u64>,
}

impl Decoded {
    /// Samples in each channel.
    pub(crate) fn frames(&self) -> usize {
        self.samples.len() / self.format.channels.max(1)
    }
}

/// Decodes `packet` with `codec`, past panics.
pub(super) fn decode_with(
    codec: &mut Box<dyn AudioDecoder>,
    packet: &Packet,
) -> Result<Decoded, Error> {
    let read = |block: GenericAudioBufferRef<'_>| {
        let mut samples = Vec::new();
        if block.frames() > 0 {
            block.copy_to_vec_interleaved(&mut samples);
        }
        Decoded {
            format: StreamFormat {
                rate_hz: block.spec().rate(),
                channels: block.spec().channels().count(),
            },
            samples,
            gap: None,
        }
    };
    contained(|| codec.decode(packet).map(read))
}

/// The decoder of a track with these parameters; errors name `name`.
pub(super) fn make_codec(
    params: &AudioCodecParameters,
    name: &str,
) -> Result<Box<dyn AudioDecoder>, DecodeError> {
    let options = AudioDecoderOptions::default();
    let make = || match params.codec {
        codec::CODEC_ID_OPUS => Opus::new(params).map(|codec| Box::new(codec) as _),
        _ => get_codecs().make_audio_decoder(params, &options),
    };
    contained(make).map_err(|error| {
        let header_error = match error {
            Error::Unsupported(_) => HeaderError::Codec(codec_name(params)),
            other => HeaderError::Damaged(other.to_string()),
        };
        header_error.named(name)
    })
}

/// Calls symphonia, some of whose arithmetic overflows on damaged files (MP4 tables, ADPCM) and
/// panics in builds with overflow checks. A panic becomes [`Error::LimitError`], which symphonia
/// itself never returns here.
pub(super) fn contained<T>(call: impl FnOnce() -> SymphoniaResult<T>) -> SymphoniaResult<T> {
    panic::catch_unwind(AssertUnwindSafe(call))
        .unwrap_or(Err(Error::LimitError("its values overflow")))
}

/// The usual name of a codec that could not be decoded.
pub(super) fn codec_name(params: &AudioCodecParameters) -> String {
    let name = match params.codec {
        codec::CODEC_ID_AAC => return aac::name(params),
        codec::CODEC_ID_OPUS => UNUSUAL_OPUS,
        codec::CODEC_ID_AC3 => "Dolby AC-3",
        codec::CODEC_ID_EAC3 => "Dolby E-AC-3",
        codec::CODEC_ID_AC4 => "Dolby AC-4",
        codec::CODEC_ID_DCA => "DTS",
        codec::CODEC_ID_ALAC => "damaged ALAC",
        codec::CODEC_ID_FLAC => "damaged FLAC",
        codec::CODEC_ID_VORBIS => "damaged Vorbis",
        _ => "an unknown kind of",
    };
    name.to_owned()
}
