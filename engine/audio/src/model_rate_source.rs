//! A file as mono samples at a model's rate: decoded, downmixed, cleaned of NaN and infinite samples
//! and resampled, in constant memory, with marks where the audio must not be analyzed. Runs on the
//! calling thread.

use std::ops::Range;

use crate::Status;
use crate::decode::{Block, DecodeError, Decoder};
use crate::downmix::{Downmixer, sanitize};
use crate::notice::Notice;
use crate::resample::{ResampleError, Resampler};

/// How far the resampling filter can smear a bad sample to either side, in seconds: more than half
/// the length of its longest impulse response.
pub const SMEAR_S: f64 = 0.05;

/// The longest gap that is filled with silence, in seconds: its length comes from the damaged file
/// and can't be trusted.
const LONGEST_GAP_S: u64 = 60;

/// Frames of silence that replace missing audio at a time.
const GAP_FRAMES: usize = 4096;

/// Level from which a sample is at full scale; 16-bit peaks reach it.
const FULL_SCALE: f32 = 0.9999;

/// Share of samples at full scale from which a file is called clipped: loud masters touch full
/// scale in up to a few samples per thousand, clipping keeps them there.
const CLIPPED_SHARE: f64 = 0.01;

/// Seconds of channels that cancel each other from which that is told: an effect may do it for a moment.
pub const CANCELLING_S: f64 = 1.0;

/// Why a file can't be read any further.
#[derive(Debug, thiserror::Error)]
pub enum ModelRateSourceError {
    /// It can't be decoded.
    #[error(transparent)]
    Decode(#[from] DecodeError),
    /// It can't be brought to the model's rate.
    #[error("{file}: {source}")]
    Resample {
        /// The file.
        file: String,
        /// The converter's error.
        source: ResampleError,
    },
}

/// A file as a stream of mono samples at a model's rate, with marks and notices.
///
/// # Examples
/// ```no_run
/// use std::path::Path;
/// use mertscope_audio::{decode::Decoder, model_rate_source::ModelRateSource};
///
/// let decoder = Decoder::open(Path::new("song.flac"))?;
/// let mut source = ModelRateSource::new(decoder, "song.flac", 24_000)?;
/// let mut samples = Vec::new();
/// while source.next(&mut samples)? {
///     for (range, status) in source.take_marks() {
///         println!("samples {range:?}: {}", status.as_str());
///     }
/// }
/// for notice in source.notices() {
///     println!("{}", notice.text);
/// }
/// # Ok::<(), mertscope_audio::model_rate_source::ModelRateSourceError>(())
/// ```
pub struct ModelRateSource {
    decoder: Decoder,
    resampler: Resampler,
    file: String,
    target_hz: u32,
    mono: Vec<f32>,
    gap_left: u64,
    ended: bool,
    marks: Vec<(Range<u64>, Status)>,
    downmixer: Downmixer,
    /// Frames in the present format.
    frames: u64,
    /// What came before the last change of format.
    earlier: Earlier,
    gaps: usize,
    non_finite: u64,
    full_scale: u64,
    lowest_hz: u32,
    most_channels: usize,
}

/// The part of a file before the last change of its format.
#[derive(Debug, Default)]
struct Earlier {
    frames: u64,
    seconds: f64,
    /// Samples at the model's rate.
    samples: u64,
    alone_s: f64,
    /// The first change: the format after it, and the place in seconds.
    first_change: Option<(String, f64)>,
    changes: usize,
}

impl ModelRateSource {
    /// A source that reads `decoder` at `target_hz`; messages call the file `file`.
    ///
    /// # Errors
    /// [`ModelRateSourceError::Resample`] for a rate that [`Resampler`] does not convert.
    pub fn new(decoder: Decoder, file: &str, target_hz: u32) -> Result<Self, ModelRateSourceError> {
        let resampler = Resampler::new(decoder.rate_hz(), target_hz).map_err(|source| {
            ModelRateSourceError::Resample {
                file: file.to_owned(),
                source,
            }
        })?;
        Ok(Self {
            lowest_hz: decoder.rate_hz(),
            most_channels: decoder.channels(),
            decoder,
            resampler,
            file: file.to_owned(),
            target_hz,
            mono: Vec::new(),
            gap_left: 0,
            ended: false,
            marks: Vec::new(),
            downmixer: Downmixer::default(),
            frames: 0,
            earlier: Earlier::default(),
            gaps: 0,
            non_finite: 0,
            full_scale: 0,
        })
    }

    /// Appends the next samples to `out`; `false` when there are no more.
    ///
    /// # Errors
    /// [`ModelRateSourceError`], when the file can't be read any further.
    pub fn next(&mut self, out: &mut Vec<f32>) -> Result<bool, ModelRateSourceError> {
        if self.ended {
            return Ok(false);
        }
        let mut ended = false;
        let mut changed = None;
        self.mono.clear();
        if self.gap_left > 0 {
            let frames = self.gap_left.min(GAP_FRAMES as u64);
            self.gap_left -= frames;
            self.mono.resize(frames as usize, 0.0);
        } else {
            let channels = self.decoder.channels();
            match self.decoder.next_block()? {
                Some(Block::Samples(samples)) => {
                    self.downmixer.push(samples, channels, &mut self.mono);
                    self.inspect();
                }
                Some(Block::Gap { frames }) => {
                    let longest = LONGEST_GAP_S * u64::from(self.decoder.rate_hz());
                    let frames = frames.min(longest);
                    self.gap_left = frames;
                    self.gaps += 1;
                    // Even a gap of unknown length invalidates the windows around it.
                    self.mark(self.frames..self.frames + frames.max(1), Status::Gap);
                }
                Some(Block::NewFormat { rate_hz, channels }) => changed = Some((rate_hz, channels)),
                None => ended = true,
            }
        }
        self.frames += self.mono.len() as u64;
        let converted = if ended || changed.is_some() {
            self.resampler.finish(out)
        } else {
            self.resampler.push(&self.mono, out)
        };
        let converted = match changed {
            Some((rate_hz, channels)) => converted.and_then(|()| self.change(rate_hz, channels)),
            None => converted,
        };
        converted.map_err(|source| ModelRateSourceError::Resample {
            file: self.file.clone(),
            source,
        })?;
        self.ended = ended;
        Ok(true)
    }

    /// Starts the conversion again for blocks of another format.
    fn change(&mut self, rate_hz: u32, channels: usize) -> Result<(), ResampleError> {
        let before_hz = self.resampler.source_hz();
        let (seconds, alone_s) = (self.duration_s(), self.alone_s());
        let earlier = &mut self.earlier;
        let to = match channels {
            1 => format!("{rate_hz} Hz with 1 channel"),
            _ => format!("{rate_hz} Hz with {channels} channels"),
        };
        earlier.first_change.get_or_insert((to, seconds));
        earlier.changes += 1;
        earlier.samples += rounded(self.frames, before_hz, self.target_hz);
        earlier.frames += self.frames;
        (earlier.seconds, earlier.alone_s) = (seconds, alone_s);
        self.frames = 0;
        self.downmixer = Downmixer::default();
        self.lowest_hz = self.lowest_hz.min(rate_hz);
        self.most_channels = self.most_channels.max(channels);
        self.resampler = Resampler::new(rate_hz, self.target_hz)?;
        Ok(())
    }

    /// Seconds in which one channel stood for all.
    fn alone_s(&self) -> f64 {
        let frames = self.downmixer.alone_frames() as f64;
        self.earlier.alone_s + frames / f64::from(self.resampler.source_hz())
    }

    /// Replaces NaN and infinite samples in `mono`, and counts them and the samples at full scale.
    fn inspect(&mut self) {
        let at_full_scale = |x: &&f32| x.abs() >= FULL_SCALE;
        let bad = sanitize(&mut self.mono);
        self.full_scale += self.mono.iter().filter(at_full_scale).count() as u64;
        if let Some(bad) = bad {
            self.non_finite += bad.count as u64;
            let start = self.frames + bad.range.start as u64;
            let end = self.frames + bad.range.end as u64;
            self.mark(start..end, Status::Invalid);
        }
    }

    /// Marks a range of source frames, converted to samples at the model's rate.
    fn mark(&mut self, frames: Range<u64>, status: Status) {
        let samples = |frame: u64, shift_s: f64| {
            let seconds = frame as f64 / f64::from(self.decoder.rate_hz()) + shift_s;
            self.earlier.samples + (seconds.max(0.0) * f64::from(self.target_hz)).round() as u64
        };
        let stretch = samples(frames.start, -SMEAR_S)..samples(frames.end, SMEAR_S);
        self.marks.push((stretch, status));
    }

    /// The ranges found since the last call that must not be analyzed, in samples at the model's rate.
    /// They never lie before the samples that the last [`next`](Self::next) gave.
    pub fn take_marks(&mut self) -> Vec<(Range<u64>, Status)> {
        std::mem::take(&mut self.marks)
    }

    /// Length of the audio read so far in seconds, missing audio included.
    #[must_use]
    pub fn duration_s(&self) -> f64 {
        self.earlier.seconds + self.frames as f64 / f64::from(self.resampler.source_hz())
    }

    /// Length in seconds as the file's header states it; only for a progress bar.
    #[must_use]
    pub fn promised_s(&self) -> Option<f64> {
        let frames = self.decoder.frames()?;
        Some(frames as f64 / f64::from(self.decoder.rate_hz()))
    }

    /// Notices to the user about the file's audio, complete at its end.
    #[must_use]
    pub fn notices(&self) -> Vec<Notice> {
        let cut_off = self.decoder.truncated().map(Notice::warning);
        let mut notices: Vec<Notice> = cut_off.into_iter().collect();
        notices.extend(self.change_notice());
        let channels = self.most_channels;
        if channels > 2 {
            notices.push(Notice::info(format!(
                "Its {channels} channels were averaged to mono."
            )));
        }
        let alone_s = self.alone_s();
        if alone_s >= CANCELLING_S {
            notices.push(Notice::warning(format!(
                "Its channels cancel each other for {alone_s:.1} s, so that a mono mix is silent: \
                 one of them was analyzed alone there. Check the polarity of the recording."
            )));
        }
        let rate_hz = self.lowest_hz;
        if self.decoder.is_core_only() {
            notices.push(Notice::warning(format!(
                "It is HE-AAC, of which only what lies below {} Hz is decoded here: trust its \
                 results less, or convert it to FLAC or WAV.",
                rate_hz / 2
            )));
        } else if rate_hz < self.target_hz {
            notices.push(Notice::warning(format!(
                "It was sampled at {rate_hz} Hz, so nothing above {} Hz is in it, and the model \
                 expects {} Hz: trust its results less, or use a better copy.",
                rate_hz / 2,
                self.target_hz
            )));
        }
        if self.gaps > 0 {
            let (stretches, were) = if self.gaps == 1 {
                ("stretch", "was")
            } else {
                ("stretches", "were")
            };
            notices.push(Notice::warning(format!(
                "{} {stretches} could not be decoded; the windows around {were} skipped. Use an \
                 intact copy for a full result.",
                self.gaps
            )));
        }
        if self.non_finite > 0 {
            notices.push(Notice::warning(format!(
                "{} of its samples are NaN, infinite or impossibly large; the windows with them were \
                 skipped. Export the file again.",
                self.non_finite
            )));
        }
        let frames = self.earlier.frames + self.frames;
        let clipped = self.full_scale as f64 / frames.max(1) as f64;
        if clipped >= CLIPPED_SHARE {
            notices.push(Notice::warning(format!(
                "{:.0} % of its samples are at full scale: it is clipped, and its results are less \
                 sure. Use an unclipped copy if there is one.",
                clipped * 100.0
            )));
        }
        notices
    }
    /// A sentence about changes of the format.
    fn change_notice(&self) -> Option<Notice> {
        let (to, at_s) = self.earlier.first_change.as_ref()?;
        let more = match self.earlier.changes {
            0 | 1 => String::new(),
            2 => ", and once more after that".to_owned(),
            count => format!(", and {} times more after that", count - 1),
        };
        Some(Notice::info(format!(
            "It changes to {to} after {at_s:.1} s{more}; all of it was analyzed."
        )))
    }
}

/// Samples at `target_hz` for `frames` at `source_hz`, as [`Resampler::finish`] rounds them.
fn rounded(frames: u64, source_hz: u32, target_hz: u32) -> u64 {
    let (source, target) = (u128::from(source_hz), u128::from(target_hz));
    let samples = (2 * u128::from(frames) * target + source) / (2 * source);
    u64::try_from(samples).unwrap_or(u64::MAX)
}
