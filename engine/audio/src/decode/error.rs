//! The decoder's errors: sentences that name the file and the remedy.

use std::{io, path::PathBuf};

use thiserror::Error;

/// The formats that [`is_audio_path`](super::is_audio_path) and [`Decoder`](super::Decoder) accept, for
/// sentences.
pub const FORMATS: &str = "WAV, Wave64, AIFF, CAF, FLAC, MP1 to MP3, Ogg Vorbis, Opus, AAC/M4A, and the audio \
     of MP4, MOV, Matroska and WebM";

/// Why an audio file or stream could not be opened or read on.
#[derive(Debug, Error)]
pub enum DecodeError {
    /// No file is at the path.
    #[error("There is no file {}; check the path.", .path.display())]
    Missing {
        /// The path, as the caller gave it.
        path: PathBuf,
    },
    /// The path leads to a folder.
    #[error("{} is a folder, not an audio file; name a file inside it.", .path.display())]
    IsFolder {
        /// The path, as the caller gave it.
        path: PathBuf,
    },
    /// The operating system refused to open the file or to hand out its first bytes.
    #[error("{name} could not be opened ({source}); check its permissions and its disk.")]
    Unreadable {
        /// The file or stream.
        name: String,
        /// The operating system's reason.
        source: io::Error,
    },
    /// The file has no bytes.
    #[error("{name} is empty (0 bytes); export or copy it again.")]
    Empty {
        /// The file or stream.
        name: String,
    },
    /// The bytes are no supported audio format.
    #[error(
        "{name} is not audio that can be read here: it holds {found}. \
         Supported are {FORMATS}; convert it to FLAC or WAV if it holds sound."
    )]
    NotAudio {
        /// The file or stream.
        name: String,
        /// The content by its first bytes, with the article.
        found: String,
    },
    /// A known container holds a codec that has no decoder here.
    #[error("{name} holds {codec} audio, which cannot be decoded here; convert it to FLAC or WAV.")]
    UnsupportedCodec {
        /// The file or stream.
        name: String,
        /// The codec's usual name.
        codec: String,
    },
    /// A known container holds only pictures or subtitles.
    #[error("{name} has no audio track; choose a file with sound.")]
    NoAudioTrack {
        /// The file or stream.
        name: String,
    },
    /// The header is whole, but no audio after it could be decoded.
    #[error("{name} has a header but no audio samples; export or copy it again.")]
    NoSamples {
        /// The file or stream.
        name: String,
    },
    /// The header contradicts itself or breaks off.
    #[error("The header of {name} is damaged ({detail}); export or download it again.")]
    Damaged {
        /// The file or stream.
        name: String,
        /// The fault in the header.
        detail: String,
    },
    /// An MP4 or compressed CAF stream that can't seek has its index after the audio.
    #[error(
        "{name} is audio whose index stands at its end, so it cannot be read from a pipe; \
         save it as a file and open that, or rewrite an MP4 with \
         `ffmpeg -i IN.m4a -c copy -movflags +faststart OUT.m4a`."
    )]
    IndexAtEnd {
        /// The stream.
        name: String,
    },
    /// The disk, the network or the pipe failed while reading.
    #[error(
        "Reading {name} failed after {at_s:.1} s of audio ({source}); check its disk or connection and try again."
    )]
    Read {
        /// The file or stream.
        name: String,
        /// The place, in seconds of decoded audio.
        at_s: f64,
        /// The operating system's reason.
        source: io::Error,
    },
}

/// Why a header can't be used; [`named`](Self::named) adds the file's name.
#[derive(Debug)]
pub(super) enum HeaderError {
    /// It contradicts itself or breaks off.
    Damaged(String),
    /// It names a codec that has no decoder here.
    Codec(String),
    /// The operating system failed.
    Io(io::Error),
}

impl HeaderError {
    /// The error for the file or stream called `name`.
    pub(super) fn named(self, name: &str) -> DecodeError {
        let name = name.to_owned();
        match self {
            Self::Damaged(detail) => DecodeError::Damaged { name, detail },
            Self::Codec(codec) => DecodeError::UnsupportedCodec { name, codec },
            Self::Io(source) => DecodeError::Unreadable { name, source },
        }
    }
}

impl From<io::Error> for HeaderError {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::UnexpectedEof => Self::Damaged("it breaks off".to_owned()),
            _ => Self::Io(error),
        }
    }
}
