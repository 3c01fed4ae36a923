//! A file and its position. Atomics, because the audio callback reads and writes them too; the notice has a
//! lock, which the callback never takes.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use mertscope_audio::Notice;
use mertscope_audio::decode::{DecodeError, Decoder};
use mertscope_model::lock;

/// Frames in a block of the ring.
pub(super) const BLOCK_FRAMES: usize = 256;

/// A block of the file at the rate of the output.
#[derive(Clone, Copy)]
pub(super) struct Block {
    /// The [`FilePlayer::epoch`] that it was read for.
    pub(super) epoch: u32,
    /// Its first frame's place in the file, in frames at the output's rate.
    pub(super) position: i64,
    /// The number of its frames; 0 marks the file's end.
    pub(super) frames: usize,
    /// Left and right.
    pub(super) samples: [[f32; BLOCK_FRAMES]; 2],
}

/// See the module.
#[derive(Debug)]
pub(crate) struct FilePlayer {
    path: PathBuf,
    rate_hz: u32,
    duration_s: Option<f64>,
    playing: AtomicBool,
    repeat: AtomicBool,
    /// The file has ended.
    pub(super) ended: AtomicBool,
    /// Counts seeks: blocks that were read for an older one are dropped.
    pub(super) epoch: AtomicU32,
    /// The target of the last seek, and the position of playback, in seconds, as the bits of `f64`s.
    target_s: AtomicU64,
    pub(super) position_s: AtomicU64,
    notice: Mutex<Option<Notice>>,
}

impl FilePlayer {
    /// Opens the file at `path`, paused at its beginning. Decodes its first block.
    ///
    /// # Errors
    /// [`DecodeError`], when the file does not exist or holds no audio that can be read.
    pub(crate) fn open(path: &Path, repeat: bool) -> Result<Arc<Self>, DecodeError> {
        let decoder = Decoder::open(path)?;
        let rate_hz = decoder.rate_hz();
        Ok(Arc::new(Self {
            path: path.to_owned(),
            rate_hz,
            duration_s: decoder
                .frames()
                .map(|frames| frames as f64 / f64::from(rate_hz)),
            playing: AtomicBool::new(false),
            repeat: AtomicBool::new(repeat),
            ended: AtomicBool::new(false),
            epoch: AtomicU32::new(0),
            target_s: AtomicU64::new(0),
            position_s: AtomicU64::new(0),
            notice: Mutex::default(),
        }))
    }

    /// Makes the next reader start at the position of playback.
    pub(super) fn restart_at_position(&self) {
        self.target_s
            .store(self.position_s.load(Ordering::Relaxed), Ordering::Relaxed);
    }

    /// The file's path.
    #[must_use]
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// The file's own rate in hertz.
    #[must_use]
    pub(crate) fn rate_hz(&self) -> u32 {
        self.rate_hz
    }

    /// The file's length in seconds, if its header has it.
    #[must_use]
    pub(crate) fn duration_s(&self) -> Option<f64> {
        self.duration_s
    }

    /// The position of playback, in seconds from the file's beginning.
    #[must_use]
    pub(crate) fn position_s(&self) -> f64 {
        f64::from_bits(self.position_s.load(Ordering::Relaxed))
    }

    /// Whether the file plays.
    #[must_use]
    pub(crate) fn is_playing(&self) -> bool {
        self.playing.load(Ordering::Relaxed)
    }

    /// Whether the file has ended.
    #[must_use]
    pub(crate) fn has_ended(&self) -> bool {
        self.ended.load(Ordering::Acquire)
    }

    /// Plays on; from the beginning when the file has ended.
    pub(crate) fn play(&self) {
        if self.has_ended() {
            self.seek(0.0);
        }
        self.playing.store(true, Ordering::Relaxed);
    }

    /// Pauses.
    pub(crate) fn pause(&self) {
        self.playing.store(false, Ordering::Relaxed);
    }

    /// Goes to `position_s` seconds from the beginning, playing or paused.
    pub(crate) fn seek(&self, position_s: f64) {
        let longest_s = self.duration_s.unwrap_or(f64::MAX);
        let bits = position_s.clamp(0.0, longest_s).to_bits();
        self.target_s.store(bits, Ordering::Relaxed);
        self.position_s.store(bits, Ordering::Relaxed);
        self.ended.store(false, Ordering::Relaxed);
        self.epoch.fetch_add(1, Ordering::Release);
    }

    /// Whether the file starts again at its end.
    #[must_use]
    pub(crate) fn repeats(&self) -> bool {
        self.repeat.load(Ordering::Relaxed)
    }

    /// Sets whether the file starts again at its end.
    pub(crate) fn set_repeat(&self, repeat: bool) {
        self.repeat.store(repeat, Ordering::Relaxed);
    }

    /// The notice about damage in the file, once it is found.
    #[must_use]
    pub(crate) fn notice(&self) -> Option<Notice> {
        let notice = lock(&self.notice);
        notice.clone()
    }

    /// Sets the notice about damage.
    pub(super) fn fail(&self, sentence: String) {
        *lock(&self.notice) = Some(Notice::warning(sentence));
    }

    /// The present epoch, and where it began, in seconds.
    pub(super) fn wanted(&self) -> (u32, f64) {
        let epoch = self.epoch.load(Ordering::Acquire);
        (epoch, f64::from_bits(self.target_s.load(Ordering::Relaxed)))
    }

    pub(super) fn is_superseded(&self, epoch: u32) -> bool {
        self.epoch.load(Ordering::Relaxed) != epoch
    }
}
