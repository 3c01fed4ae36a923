//! Reads audio files of any length as a stream of blocks, in memory that stays flat.
//!
//! Runs on a job's thread; reads disk or a pipe and allocates. What is damaged in the middle is
//! skipped and told; what ends early gives all there is and a note. Encoder delay and padding are
//! cut off where the file tells them (MP3 with LAME's tag, Ogg Vorbis); M4A keeps the few
//! hundredths of a second that its encoder put in front.
//!
//! Deliberately not here: mixing to mono, resampling, windows; and no seeking, a file is read once
//! from its start.

use std::{fmt, io::Read, path::Path};

pub use error::DecodeError;

use demux::Demuxer;
use source::Access;
use stream::{Format, Step, Stream};

mod aiff;
mod demux;
mod error;
mod pcm;
mod sniff;
mod source;
mod stream;
mod wav;

/// Extensions of the formats that are read, in lower case.
const EXTENSIONS: [&str; 14] = [
    "wav", "wave", "bwf", "rf64", "flac", "mp3", "ogg", "oga", "m4a", "m4b", "aac", "aif", "aiff",
    "aifc",
];
/// Steps without a sample after which a file is held to have none.
const STEPS_BEFORE_SAMPLES: u32 = 16;
/// How much shorter than promised a file may be without a word: about a frame of the codecs with
/// the longest.
const TOLERANCE_S: f64 = 0.05;

/// Whether `path` has the extension of an audio format that [`Decoder`] reads, in whatever case.
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

/// A piece of what a [`Decoder`] reads.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Block<'a> {
    /// Interleaved samples, `[frames, channels]`; full scale is ±1, but a floating-point file may
    /// hold anything, not a number and infinity included.
    Samples(&'a [f32]),
    /// A damaged stretch was skipped here, or a little before: Ogg tells time once in a page.
    Gap {
        /// About how many frames are missing; 0 when that can't be known. It comes from the file:
        /// never allocate by it.
        frames: u64,
    },
}

/// Reads one audio file or stream from its start to its end.
pub struct Decoder {
    name: String,
    stream: Stream,
    format: Format,
    /// Whether the stream's buffer has a block that was not handed out yet.
    is_held: bool,
    /// Frames missing before that block, if something is.
    gap: Option<u64>,
    /// Frames handed out or told missing.
    position_frames: u64,
    /// Whether the end came in the middle of something; `None` before it.
    is_cut: Option<bool>,
    has_failed: bool,
}

impl Decoder {
    /// Opens the file at `path` and decodes its first block. A named pipe is read as
    /// [`from_reader`](Self::from_reader) does.
    ///
    /// # Errors
    /// Any [`DecodeError`]; what the file's content is decides, not its extension.
    pub fn open(path: &Path) -> Result<Self, DecodeError> {
        let name = path.display().to_string();
        let start = |access| Self::start(source::open_path(path, &name, access)?, name.clone());
        match start(Access::Seeking) {
            // Readers that can seek look at a file's end first, and some give up when that is
            // damaged or missing. Going forward only, they give what is there.
            Err(damage @ (DecodeError::Damaged { .. } | DecodeError::NoSamples { .. })) => {
                start(Access::Forward).map_err(|_| damage)
            }
            result => result,
        }
    }

    /// Reads a stream that can't seek, such as standard input; `name` is what messages call it.
    ///
    /// # Errors
    /// Any [`DecodeError`] but those about paths.
    pub fn from_reader(
        reader: impl Read + Send + Sync + 'static,
        name: &str,
    ) -> Result<Self, DecodeError> {
        let opened = source::open_pipe(reader, name)?;
        Self::start(opened, name.to_owned())
    }

    /// Decodes up to the first samples, which tell the format better than a header does.
    fn start(opened: source::Opened, name: String) -> Result<Self, DecodeError> {
        let mut stream = Stream::new(Demuxer::open(opened, &name)?, name.clone())?;
        for _ in 0..STEPS_BEFORE_SAMPLES {
            match (stream.step()?, stream.format()) {
                (Step::Samples { gap }, Some(format)) => {
                    return Ok(Self {
                        name,
                        stream,
                        format,
                        is_held: true,
                        gap,
                        position_frames: 0,
                        is_cut: None,
                        has_failed: false,
                    });
                }
                (Step::End { .. }, _) => break,
                _ => {}
            }
        }
        Err(DecodeError::NoSamples { name })
    }

    /// Samples per second in each channel.
    pub fn rate_hz(&self) -> u32 {
        self.format.rate_hz
    }

    /// Channels that [`Block::Samples`] interleaves.
    pub fn channels(&self) -> usize {
        self.format.channels
    }

    /// Length in frames by the header, or guessed from the bit rate: for a progress bar, never for
    /// an allocation.
    pub fn frames(&self) -> Option<u64> {
        self.stream.track().frames
    }

    /// The next block, in a buffer that the next call reuses; `None` at the end and after an error.
    ///
    /// # Errors
    /// [`DecodeError::Read`] when reading fails and [`DecodeError::Changed`] when rate or channel count change; for a
    /// chained Ogg also what [`open`](Self::open) says of a first part.
    pub fn next_block(&mut self) -> Result<Option<Block<'_>>, DecodeError> {
        if self.has_failed || self.is_cut.is_some() {
            return Ok(None);
        }
        if !self.is_held {
            match self.stream.step().inspect_err(|_| self.has_failed = true)? {
                Step::Samples { gap } => (self.is_held, self.gap) = (true, gap),
                Step::Damage => return Ok(Some(Block::Gap { frames: 0 })),
                Step::End { is_clean } => {
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

    /// After the end: a sentence about the file, for the user, when it broke off before its end.
    pub fn truncated(&self) -> Option<String> {
        let is_cut = self.is_cut?;
        let rate_hz = f64::from(self.format.rate_hz);
        let is_s = self.position_frames as f64 / rate_hz;
        let track = self.stream.track();
        let promised_s = track
            .frames
            .filter(|_| track.length_is_promised)
            .map(|frames| frames as f64 / rate_hz);
        match promised_s {
            Some(promised_s) if is_s + TOLERANCE_S < promised_s => Some(format!(
                "It ends after {is_s:.1} s although its header promises {promised_s:.1} s; what is there was analyzed."
            )),
            _ if is_cut => Some(format!(
                "It breaks off after {is_s:.1} s; what is there was analyzed."
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
