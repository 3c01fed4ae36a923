//! The decoder: reads audio files of any length as a stream of blocks, in constant memory.
//!
//! Runs on a job's thread; it reads disk or a pipe and allocates. A damaged stretch is skipped and
//! reported as a gap; a file that ends early gives all the audio it has, and a notice. A file whose rate
//! or channels change in the middle is read on. Encoder delay is cut off when the file states it (MP3
//! with LAME's tag, Ogg, Opus, MP4 with an edit list), padding by MP3 and Ogg.
//!
//! Deliberately not here: mixing to mono, resampling, windows; and no seeking: a file is read once,
//! from its start.

use std::{fmt, io::Read, path::Path};

pub use error::{DecodeError, FORMATS};

use codec::StreamFormat;
use demux::Demuxer;
use source::Access;
use track_decoder::{DecodeStep, TrackDecoder};

mod aac;
mod aiff;
mod caf;
mod codec;
mod demux;
mod error;
mod flac;
mod mp4;
mod ogg;
mod opus;
mod pcm;
mod section;
mod sniff;
mod source;
mod tags;
mod track_decoder;
mod w64;
mod wav;

/// Extensions of the supported formats, in lower case.
const EXTENSIONS: [&str; 28] = [
    "wav", "wave", "bwf", "rf64", "w64", "aif", "aiff", "aifc", "caf", "flac", "mp1", "mp2", "mp3",
    "mpa", "ogg", "oga", "ogv", "opus", "aac", "m4a", "m4b", "mp4", "m4v", "mov", "mka", "mkv",
    "webm", "weba",
];
/// Steps without a sample after which the file counts as having none.
const STEPS_BEFORE_SAMPLES: u32 = 16;
/// How much shorter than its header promises a file may be without a notice: about one frame of the
/// codec with the longest frames.
const TOLERANCE_S: f64 = 0.05;

/// Whether `path` has the extension of an audio format that [`Decoder`] reads, in upper or lower case.
///
/// For walking a folder; [`Decoder::open`] looks at the content only.
pub fn is_audio_path(path: &Path) -> bool {
    let extension = path.extension().and_then(|extension| extension.to_str());
    extension.is_some_and(|extension| {
        EXTENSIONS
            .iter()
            .any(|known| extension.eq_ignore_ascii_case(known))
    })
}

/// One block from a [`Decoder`].
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Block<'a> {
    /// Interleaved samples, `[frames, channels]`; full scale is ±1, but a floating-point file may
    /// hold any value, NaN and infinity included.
    Samples(&'a [f32]),
    /// A damaged stretch was skipped here, or a little before: Ogg states the time once per page.
    Gap {
        /// About how many frames are missing; 0 when that is unknown. The number comes from the file:
        /// never allocate by it.
        frames: u64,
    },
    /// The blocks from here on have another rate or another number of channels.
    NewFormat {
        /// Samples per second in each channel.
        rate_hz: u32,
        /// Channels that [`Samples`](Self::Samples) interleaves.
        channels: usize,
    },
}

/// Reads one audio file or stream from its start to its end.
///
/// # Examples
/// ```
/// use std::io::Cursor;
/// use mertscope_audio::decode::{Block, Decoder};
///
/// // A WAV file of two stereo frames at 44,100 Hz in 16 bits.
/// let wav = b"RIFF\x2c\0\0\0WAVEfmt \x10\0\0\0\x01\0\x02\0\x44\xac\0\0\x10\xb1\x02\0\x04\0\x10\0data\x08\0\0\0\
///             \0\x40\0\xc0\0\x20\0\xe0";
/// let mut decoder = Decoder::from_reader(Cursor::new(wav), "standard input")?;
/// assert_eq!((decoder.rate_hz(), decoder.channels()), (44_100, 2));
/// while let Some(block) = decoder.next_block()? {
///     match block {
///         Block::Samples(samples) => assert_eq!(samples, [0.5, -0.5, 0.25, -0.25]),
///         Block::Gap { frames } => println!("{frames} frames are missing"),
///         Block::NewFormat { rate_hz, .. } => println!("it goes on at {rate_hz} Hz"),
///     }
/// }
/// assert_eq!(decoder.truncated(), None);
/// # Ok::<(), mertscope_audio::decode::DecodeError>(())
/// ```
pub struct Decoder {
    name: String,
    stream: TrackDecoder,
    format: StreamFormat,
    /// Whether `stream` has a block that was not handed out yet.
    is_held: bool,
    /// Frames missing before that block, if any are.
    gap: Option<u64>,
    /// Seconds handed out or reported missing in formats before the present one.
    earlier_s: f64,
    /// Frames handed out or reported missing in the present format.
    position_frames: u64,
    /// Whether the stream ended in the middle of a packet or header; `None` before its end.
    is_cut: Option<bool>,
    has_failed: bool,
}

impl Decoder {
    /// Opens the file at `path` and decodes its first block. A named pipe is read as
    /// [`from_reader`](Self::from_reader) does.
    ///
    /// # Errors
    /// Any [`DecodeError`]. The content decides which format is read, not the extension.
    pub fn open(path: &Path) -> Result<Self, DecodeError> {
        Self::open_named(path, &path.display().to_string())
    }

    /// Does the same for a file that messages call `name`, as for a copy of a file from elsewhere.
    ///
    /// # Errors
    /// Those of [`open`](Self::open).
    pub fn open_named(path: &Path, name: &str) -> Result<Self, DecodeError> {
        let start = |access| Self::start(source::open_path(path, name, access)?, name.to_owned());
        match start(Access::Seeking) {
            // Readers that can seek look at a file's end first, and some give up when that end is
            // damaged or missing. Reading forward only, they give the audio before it.
            Err(damage @ (DecodeError::Damaged { .. } | DecodeError::NoSamples { .. })) => {
                start(Access::Forward).map_err(|_| damage)
            }
            result => result,
        }
    }

    /// Reads a stream that can't seek, such as standard input; messages call it `name`.
    ///
    /// # Errors
    /// Any [`DecodeError`] except those about paths.
    pub fn from_reader(
        reader: impl Read + Send + Sync + 'static,
        name: &str,
    ) -> Result<Self, DecodeError> {
        let opened = source::open_pipe(reader, name)?;
        Self::start(opened, name.to_owned())
    }

    /// Decodes up to the first samples, which give the format more reliably than a header.
    fn start(opened: source::OpenedSource, name: String) -> Result<Self, DecodeError> {
        let mut stream = TrackDecoder::new(Demuxer::open(opened, &name)?, name.clone())?;
        for _ in 0..STEPS_BEFORE_SAMPLES {
            match (stream.step()?, stream.format()) {
                (DecodeStep::Samples { gap }, Some(format)) => {
                    return Ok(Self {
                        name,
                        stream,
                        format,
                        is_held: true,
                        gap,
                        earlier_s: 0.0,
                        position_frames: 0,
                        is_cut: None,
                        has_failed: false,
                    });
                }
                (DecodeStep::End { .. }, _) => break,
                _ => {}
            }
        }
        Err(DecodeError::NoSamples { name })
    }

    /// Samples per second in each channel, of the last block.
    pub fn rate_hz(&self) -> u32 {
        self.format.rate_hz
    }

    /// Channels that the last [`Block::Samples`] interleaves.
    pub fn channels(&self) -> usize {
        self.format.channels
    }

    /// Length in frames as the header states it, or guessed from the bit rate: for a progress bar,
    /// never for an allocation. `None` after a change of format.
    pub fn frames(&self) -> Option<u64> {
        self.stream.track().frames
    }

    /// The next block, in a buffer that the next call reuses; `None` at the end and after an error.
    ///
    /// # Errors
    /// [`DecodeError::Read`] when reading fails, and [`DecodeError::Damaged`] for a stream that claims a
    /// format that no recording has.
    pub fn next_block(&mut self) -> Result<Option<Block<'_>>, DecodeError> {
        if self.has_failed || self.is_cut.is_some() {
            return Ok(None);
        }
        if !self.is_held {
            match self.stream.step().inspect_err(|_| self.has_failed = true)? {
                DecodeStep::Samples { gap } => (self.is_held, self.gap) = (true, gap),
                DecodeStep::Format(format) => return Ok(Some(self.change(format))),
                DecodeStep::Damage => return Ok(Some(Block::Gap { frames: 0 })),
                DecodeStep::End { is_clean } => {
                    self.is_cut = Some(!is_clean);
                    return Ok(None);
                }
            }
        }
        if let Some(frames) = self.gap.take() {
            self.position_frames = self.position_frames.saturating_add(frames);
            return Ok(Some(Block::Gap { frames }));
        }
        self.is_held = false;
        let samples = self.stream.samples();
        self.position_frames = self
            .position_frames
            .saturating_add((samples.len() / self.format.channels) as u64);
        Ok(Some(Block::Samples(samples)))
    }

    fn change(&mut self, format: StreamFormat) -> Block<'static> {
        self.earlier_s = self.position_s();
        self.position_frames = 0;
        self.format = format;
        Block::NewFormat {
            rate_hz: format.rate_hz,
            channels: format.channels,
        }
    }

    fn position_s(&self) -> f64 {
        self.earlier_s + self.position_frames as f64 / f64::from(self.format.rate_hz)
    }

    /// Whether only the AAC-LC part of HE-AAC is decoded, which has half the rate and spectrum.
    pub fn is_core_only(&self) -> bool {
        self.stream.track().is_core
    }

    /// After the end: a sentence for the user when the file broke off early; `None` otherwise.
    pub fn truncated(&self) -> Option<String> {
        let is_cut = self.is_cut?;
        let rate_hz = f64::from(self.format.rate_hz);
        let found_s = self.position_s();
        let track = self.stream.track();
        let promised_s = track
            .frames
            .filter(|_| track.length_is_promised)
            .map(|frames| frames as f64 / rate_hz);
        match promised_s {
            Some(promised_s) if found_s + TOLERANCE_S < promised_s => Some(format!(
                "It ends after {found_s:.1} s although its header promises {promised_s:.1} s; what is there was analyzed."
            )),
            _ if is_cut => Some(format!(
                "It breaks off after {found_s:.1} s; what is there was analyzed."
            )),
            _ => None,
        }
    }
}

impl fmt::Debug for Decoder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Decoder")
            .field("name", &self.name)
            .field("format", &self.format)
            .finish_non_exhaustive()
    }
}
