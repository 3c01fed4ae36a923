//! The tap: a wait-free ring that carries mono samples from an audio callback to the live worker.
//!
//! [`tap`] makes both ends together. The [`Tap`] belongs to the audio callback and is wait-free: it
//! never allocates, locks, logs, waits or makes a system call (except in [`Tap::push_exact`], which
//! may wait, and only while the host renders). The [`TapReader`] belongs to the live worker.
//! A block goes in whole or not at all; a block that finds no room is counted to the frame.
//!
//! Deliberately not here: resampling, levels, and the replacement of NaN and infinite samples, which
//! the worker does.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use ringbuf::traits::{Consumer, Observer, Producer, Split};
use ringbuf::{HeapCons, HeapProd, HeapRb};

use crate::downmix::Downmixer;

/// Seconds of audio that the ring holds: a worker that is delayed by a whole window of 5 s, and then
/// some, loses nothing.
const RING_S: usize = 9;

/// Marks that may wait: at ten per second, enough for longer than the samples last.
const RING_MARKS: usize = 1024;

/// Samples downmixed at a time, on the stack: small compared with the stack of any audio thread.
const DOWNMIX_SAMPLES: usize = 256;

/// Deviation of the host's position that is no jump: hosts that keep time in floating-point seconds
/// round to a neighboring sample.
const ROUNDING_SAMPLES: u64 = 1;

/// Time that [`Tap::push_exact`] sleeps between two looks at the ring.
const EXACT_SLEEP: Duration = Duration::from_millis(1);

/// The host's transport at a block.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Transport {
    /// Whether the transport runs; `true` without a transport.
    pub playing: bool,
    /// The host's position at the block's first frame, in samples; `None` without a timeline.
    pub position: Option<i64>,
    /// Whether the host renders faster or slower than real time (a bounce).
    pub offline: bool,
}

impl Transport {
    /// A source without a timeline: always playing.
    pub const LIVE_INPUT: Self = Self {
        playing: true,
        position: None,
        offline: false,
    };
}

/// The start of a contiguous stretch: from here on the host's position advances with the samples.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Mark {
    /// Index of the sample that follows it: the number of samples that went into the ring before.
    pub at: u64,
    /// The host's transport at that sample.
    pub transport: Transport,
    /// Frames that were lost right before it.
    pub lost_frames: u64,
    /// Whether the host asked to discard everything before it.
    pub reset: bool,
    /// Whether the user starts again here: what follows is judged by itself.
    pub start_again: bool,
}

/// What the two ends tell each other.
#[derive(Debug)]
struct Counters {
    lost_frames: AtomicU64,
    pushed_frames: AtomicU64,
    /// Renders are to wait for the analysis.
    exact: AtomicBool,
    /// Audio comes faster than the clock goes.
    rendering: AtomicBool,
    /// The callback has waited since this was last read.
    waited: AtomicBool,
    /// The moment at which the reader last found the ring empty, in microseconds since `epoch`.
    emptied_us: AtomicU64,
    epoch: Instant,
    /// The reader is gone, so that waiting for it is useless.
    reader_gone: AtomicBool,
    /// Frames up to the last one for which one channel stands alone without a break.
    alone_frames: AtomicU64,
}

/// Makes the two ends of a ring for audio at `rate_hz`, with room for 9 s. It allocates, so call it
/// when a host activates the plugin, never in the audio callback.
///
/// # Examples
/// ```
/// use mertscope_audio::tap::{Transport, tap};
///
/// let (mut tap, mut reader) = tap(48_000);
/// // In the audio callback: one block of two channels.
/// tap.push(&[[1.0, 0.5], [0.0, 0.5]], Transport::LIVE_INPUT);
/// // On the worker: the mark before the first sample, and the mean of the channels.
/// let mut samples = Vec::new();
/// let mark = reader.take(1_024, &mut samples);
/// assert_eq!(mark.map(|mark| mark.at), Some(0));
/// assert_eq!(samples, [0.5, 0.5]);
/// ```
#[must_use]
pub fn tap(rate_hz: u32) -> (Tap, TapReader) {
    let (mut samples, mut read_samples) = HeapRb::new((rate_hz as usize * RING_S).max(1)).split();
    let (marks, read_marks) = HeapRb::new(RING_MARKS).split();
    // Touches each page here, so that the audio callback takes no page faults.
    samples.push_iter(std::iter::repeat(0.0));
    read_samples.clear();
    let counters = Arc::new(Counters {
        lost_frames: AtomicU64::new(0),
        pushed_frames: AtomicU64::new(0),
        exact: AtomicBool::new(true),
        rendering: AtomicBool::new(false),
        waited: AtomicBool::new(false),
        emptied_us: AtomicU64::new(0),
        epoch: Instant::now(),
        reader_gone: AtomicBool::new(false),
        alone_frames: AtomicU64::new(0),
    });
    let tap = Tap {
        samples,
        marks,
        counters: Arc::clone(&counters),
        last: None,
        since: 0,
        pushed_frames: 0,
        downmixer: Downmixer::default(),
        alone_frames: 0,
        pending_lost: 0,
        pending_reset: false,
        pending_start_again: false,
    };
    let reader = TapReader {
        samples: read_samples,
        marks: read_marks,
        counters,
        rate_hz,
        at: 0,
    };
    (tap, reader)
}

/// The audio callback's end of the ring.
pub struct Tap {
    samples: HeapProd<f32>,
    marks: HeapProd<Mark>,
    counters: Arc<Counters>,
    /// The transport of the last mark, and the frames since then, lost ones included.
    last: Option<Transport>,
    since: u64,
    pushed_frames: u64,
    downmixer: Downmixer,
    alone_frames: u64,
    /// For the next mark.
    pending_lost: u64,
    pending_reset: bool,
    pending_start_again: bool,
}

impl Tap {
    /// Takes in one block, `[channels][frames]`, as the mean of its channels, or one of them where they
    /// cancel each other. The samples may have any value. Wait-free; a block that finds no room is dropped and counted.
    pub fn push<C: AsRef<[f32]>>(&mut self, channels: &[C], at: Transport) {
        let frames = frames(channels);
        if frames == 0 {
            return;
        }
        let mark = self.mark(at);
        let room =
            self.samples.vacant_len() >= frames && (mark.is_none() || self.marks.vacant_len() > 0);
        if !room {
            self.lose(frames as u64);
            return;
        }
        if let Some(mark) = mark {
            // Before the samples: a reader that sees these also sees the mark. There is room, see above.
            let _ = self.marks.try_push(mark);
            self.last = Some(at);
            self.since = 0;
            self.pending_lost = 0;
            self.pending_reset = false;
            self.pending_start_again = false;
        }
        self.push_mono(channels, frames);
        self.since += frames as u64;
        self.pushed_frames += frames as u64;
        self.counters
            .pushed_frames
            .store(self.pushed_frames, Ordering::Relaxed);
    }

    /// Like [`Tap::push`], but in a render it waits for room, for at most `patience`, unless
    /// [`TapReader::set_exact`] says otherwise. In real time it never waits.
    ///
    /// A render is what the host calls one, and audio that comes faster than the clock goes.
    pub fn push_exact<C: AsRef<[f32]>>(
        &mut self,
        channels: &[C],
        at: Transport,
        patience: Duration,
    ) {
        let frames = frames(channels);
        let fits = frames <= self.samples.capacity().get();
        if fits && !self.has_room(frames) && self.is_render(at) {
            self.counters.waited.store(true, Ordering::Release);
            let start = Instant::now();
            while !self.has_room(frames)
                && self.counters.exact.load(Ordering::Acquire)
                && !self.counters.reader_gone.load(Ordering::Acquire)
                && start.elapsed() < patience
            {
                std::thread::sleep(EXACT_SLEEP);
            }
        }
        self.push(channels, at);
    }

    fn has_room(&self, frames: usize) -> bool {
        self.samples.vacant_len() >= frames && !self.marks.is_full()
    }

    /// Whether a block that finds no room is part of a render that is to wait.
    fn is_render(&self, at: Transport) -> bool {
        self.counters.exact.load(Ordering::Acquire)
            && (at.offline
                || self.counters.rendering.load(Ordering::Acquire)
                || self.outruns_the_clock())
    }

    /// Whether the samples in the ring came twice as fast as the clock goes, or faster: a render that the
    /// reader has not noticed yet. A late reader is no render. Called only when the ring is full; reading
    /// the clock is no system call on any supported system.
    fn outruns_the_clock(&self) -> bool {
        let waiting = self.samples.occupied_len();
        let emptied = Duration::from_micros(self.counters.emptied_us.load(Ordering::Acquire));
        let since = self.counters.epoch.elapsed().saturating_sub(emptied);
        let waiting_s = waiting as f64 / self.samples.capacity().get() as f64 * RING_S as f64;
        waiting * 2 > self.samples.capacity().get() && waiting_s > 2.0 * since.as_secs_f64()
    }

    /// Tells the reader to discard everything before the next block. Wait-free.
    pub fn reset(&mut self) {
        self.pending_reset = true;
    }

    /// Tells the reader that the user starts again with the next block. Wait-free.
    pub fn start_again(&mut self) {
        self.pending_start_again = true;
    }

    /// Frames that were lost so far because they found no room.
    #[must_use]
    pub fn lost_frames(&self) -> u64 {
        self.counters.lost_frames.load(Ordering::Relaxed)
    }

    /// Frames that went into the ring so far.
    #[must_use]
    pub fn pushed_frames(&self) -> u64 {
        self.pushed_frames
    }

    /// The mark that must precede a block, unless the block continues the last one.
    fn mark(&self, at: Transport) -> Option<Mark> {
        let continues = self.last.is_some_and(|last| {
            last.playing == at.playing
                && last.offline == at.offline
                && match (last.position, at.position) {
                    (None, None) => true,
                    // A stopped transport stays or is moved; neither matters.
                    (Some(_), Some(_)) if !at.playing => true,
                    (Some(from), Some(to)) => {
                        let expected = from.saturating_add_unsigned(self.since);
                        to.abs_diff(expected) <= ROUNDING_SAMPLES
                    }
                    _ => false,
                }
        });
        let is_asked = self.pending_reset || self.pending_start_again;
        (!continues || self.pending_lost > 0 || is_asked).then_some(Mark {
            at: self.pushed_frames,
            transport: at,
            lost_frames: self.pending_lost,
            reset: self.pending_reset,
            start_again: self.pending_start_again,
        })
    }

    fn lose(&mut self, frames: u64) {
        self.pending_lost += frames;
        // The host's position advances while samples are lost: a loss is no jump.
        self.since += frames;
        // Only this thread writes the counter, so no read-modify-write is needed.
        let lost = self.counters.lost_frames.load(Ordering::Relaxed) + frames;
        self.counters.lost_frames.store(lost, Ordering::Relaxed);
    }

    /// Pushes the channels' downmix, piece by piece.
    fn push_mono<C: AsRef<[f32]>>(&mut self, channels: &[C], frames: usize) {
        let mut mono = [0.0; DOWNMIX_SAMPLES];
        for start in (0..frames).step_by(DOWNMIX_SAMPLES) {
            let mono = &mut mono[..DOWNMIX_SAMPLES.min(frames - start)];
            self.downmixer.push_planar(channels, start, mono);
            self.samples.push_slice(mono);
        }
        self.alone_frames = match self.downmixer.is_alone() {
            true => self.alone_frames + frames as u64,
            false => 0,
        };
        self.counters
            .alone_frames
            .store(self.alone_frames, Ordering::Relaxed);
    }
}

/// Frames that every channel has.
fn frames<C: AsRef<[f32]>>(channels: &[C]) -> usize {
    channels
        .iter()
        .map(|channel| channel.as_ref().len())
        .min()
        .unwrap_or(0)
}

/// The worker's end of the ring.
pub struct TapReader {
    samples: HeapCons<f32>,
    marks: HeapCons<Mark>,
    counters: Arc<Counters>,
    rate_hz: u32,
    /// Samples taken out so far.
    at: u64,
}

impl TapReader {
    /// The rate of the samples in hertz.
    #[must_use]
    pub fn rate_hz(&self) -> u32 {
        self.rate_hz
    }

    /// Frames that were lost so far because they found no room.
    #[must_use]
    pub fn lost_frames(&self) -> u64 {
        self.counters.lost_frames.load(Ordering::Relaxed)
    }

    /// Frames that the audio callback handed over so far, with those that found no room.
    #[must_use]
    pub fn arrived_frames(&self) -> u64 {
        self.counters.pushed_frames.load(Ordering::Relaxed) + self.lost_frames()
    }

    /// Frames up to the last one in which one channel alone was taken, without a break, because the
    /// channels cancel each other.
    #[must_use]
    pub fn alone_frames(&self) -> u64 {
        self.counters.alone_frames.load(Ordering::Relaxed)
    }

    /// Sets whether [`Tap::push_exact`] waits in a render, at once. It does until this is called.
    pub fn set_exact(&self, exact: bool) {
        self.counters.exact.store(exact, Ordering::Release);
    }

    /// Tells the audio callback whether audio comes faster than the clock goes, as measured here.
    pub fn set_rendering(&self, rendering: bool) {
        self.counters.rendering.store(rendering, Ordering::Release);
    }

    /// Whether the audio callback has waited since the last call.
    #[must_use]
    pub fn take_waited(&self) -> bool {
        self.counters.waited.swap(false, Ordering::AcqRel)
    }

    /// Samples waiting in the ring.
    #[must_use]
    pub fn waiting_samples(&self) -> usize {
        self.samples.occupied_len()
    }

    /// The mark directly before the next sample, if there is one.
    #[must_use]
    pub fn mark_ahead(&self) -> Option<Mark> {
        let mark = self.marks.try_peek().copied();
        mark.filter(|mark| mark.at == self.at)
    }

    /// Takes the next stretch without a mark inside, at most `limit` samples: appends it to `out` and
    /// returns the mark before it, if there is one. No samples and no mark mean that the ring is
    /// empty.
    pub fn take(&mut self, limit: usize, out: &mut Vec<f32>) -> Option<Mark> {
        // Samples first: the marks of all samples counted here were published before them.
        let mut count = self.samples.occupied_len().min(limit);
        let mut before = None;
        if let Some(mark) = self.marks.try_peek().copied() {
            if mark.at == self.at {
                before = self.marks.try_pop();
                if let Some(next) = self.marks.try_peek() {
                    count = count.min((next.at - self.at) as usize);
                }
            } else {
                count = count.min((mark.at - self.at) as usize);
            }
        }
        let from = out.len();
        out.resize(from + count, 0.0);
        let taken = self.samples.pop_slice(&mut out[from..]);
        out.truncate(from + taken);
        self.at += taken as u64;
        if self.samples.is_empty() {
            let now_us = self.counters.epoch.elapsed().as_micros();
            let now_us = u64::try_from(now_us).unwrap_or(u64::MAX);
            self.counters.emptied_us.store(now_us, Ordering::Release);
        }
        before
    }
}

impl Drop for TapReader {
    fn drop(&mut self) {
        self.counters.reader_gone.store(true, Ordering::Release);
    }
}

impl std::fmt::Debug for Tap {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Tap")
            .field("pushed_frames", &self.pushed_frames)
            .field("lost_frames", &self.lost_frames())
            .finish_non_exhaustive()
    }
}

impl std::fmt::Debug for TapReader {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("TapReader")
            .field("rate_hz", &self.rate_hz)
            .field("waiting_samples", &self.waiting_samples())
            .finish_non_exhaustive()
    }
}
