//! Reads a file ahead of its being played: decodes it, brings it to the output's rate, and fills
//! the ring. A thread of its own, as a decoder touches the disk and allocates.
//!
//! A seek reads the file from its beginning, since the decoder goes forward only: some hundred
//! times faster than it plays.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use mertscope_audio::decode::{Block as Decoded, DecodeError, Decoder};
use mertscope_audio::downmix::downmix_interleaved;
use mertscope_audio::resample::{ResampleError, Resampler};
use ringbuf::HeapProd;
use ringbuf::traits::Producer;

use super::file_player::{BLOCK_FRAMES, Block, FilePlayer};

/// How long the reader sleeps while there is nothing to do: a fraction of what is read ahead.
const REST: Duration = Duration::from_millis(15);

/// The longest gap that is believed, in seconds: its length comes from the damaged file itself.
const LONGEST_GAP_S: u64 = 60;

/// Reads until it is dropped.
pub(crate) struct Reader {
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Reader {
    pub(super) fn start(
        file_player: Arc<FilePlayer>,
        rate_hz: u32,
        ring: HeapProd<Block>,
    ) -> Result<Self, String> {
        let sides =
            Sides::new(file_player.rate_hz(), rate_hz).map_err(|error| error.to_string())?;
        let stop = Arc::new(AtomicBool::new(false));
        let mut work = Work {
            file_player,
            rate_hz,
            ring,
            sides,
            stop: Arc::clone(&stop),
        };
        let thread = thread::Builder::new()
            .name("mertscope-reader".to_owned())
            .spawn(move || work.run())
            .map_err(|error| {
                format!(
                    "The file can't be played: the system could not start another thread ({error})."
                )
            })?;
        Ok(Self {
            stop,
            thread: Some(thread),
        })
    }
}

impl Drop for Reader {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            thread.thread().unpark();
            // A panic in there was told by the silence.
            let _ = thread.join();
        }
    }
}

/// Why the reader came out of a stretch.
enum Out {
    /// The file is read to its end.
    Ended,
    /// There was a seek, or the reader is to stop.
    Superseded,
}

struct Work {
    file_player: Arc<FilePlayer>,
    rate_hz: u32,
    ring: HeapProd<Block>,
    sides: Sides,
    stop: Arc<AtomicBool>,
}

impl Work {
    fn run(&mut self) {
        while !self.stopped() {
            let (epoch, from_s) = self.file_player.wanted();
            match self.read(epoch, from_s) {
                Ok(Out::Superseded) => continue,
                Ok(Out::Ended) => {}
                Err(error) => self.file_player.fail(error.to_string()),
            }
            while !self.stopped() && !self.file_player.is_superseded(epoch) {
                thread::park_timeout(REST);
            }
        }
    }

    fn stopped(&self) -> bool {
        self.stop.load(Ordering::Relaxed)
    }

    /// Reads from `from_s` to the end, over and over if the file player repeats.
    fn read(&mut self, epoch: u32, from_s: f64) -> Result<Out, DecodeError> {
        let path = self.file_player.path().to_owned();
        let file_hz = f64::from(self.file_player.rate_hz());
        let mut skip = (from_s * file_hz).round() as u64;
        loop {
            let position = skip as f64 / file_hz * f64::from(self.rate_hz);
            let mut place = Place {
                epoch,
                position: position.round() as i64,
            };
            if let Out::Superseded = self.pass(&path, &mut skip, &mut place)? {
                return Ok(Out::Superseded);
            }
            if !self.file_player.repeats() {
                return Ok(self.put(&mut place, &[], &[]));
            }
            skip = 0;
        }
    }

    /// Reads the file once, but for its first `skip` frames.
    fn pass(&mut self, path: &Path, skip: &mut u64, place: &mut Place) -> Result<Out, DecodeError> {
        let mut decoder = Decoder::open(path)?;
        let channels = decoder.channels();
        let longest_gap = LONGEST_GAP_S * u64::from(decoder.rate_hz());
        self.sides.reset();
        loop {
            if self.stopped() || self.file_player.is_superseded(place.epoch) {
                return Ok(Out::Superseded);
            }
            match decoder.next_block()? {
                None => {
                    if let Some(sentence) = decoder.truncated() {
                        self.file_player.fail(sentence);
                    }
                    self.sides.finish();
                    return Ok(self.drain(place));
                }
                Some(Decoded::Samples(samples)) => {
                    let skipped = (*skip).min((samples.len() / channels) as u64);
                    *skip -= skipped;
                    self.sides
                        .push(&samples[skipped as usize * channels..], channels);
                }
                Some(Decoded::Gap { frames }) => {
                    let skipped = (*skip).min(frames);
                    *skip -= skipped;
                    self.sides.push_silence((frames - skipped).min(longest_gap));
                }
            }
            if let Out::Superseded = self.drain(place) {
                return Ok(Out::Superseded);
            }
        }
    }

    /// Puts what the sides have into the ring, waiting for room.
    fn drain(&mut self, place: &mut Place) -> Out {
        let [left, right] = self.sides.take();
        for (left, right) in left.chunks(BLOCK_FRAMES).zip(right.chunks(BLOCK_FRAMES)) {
            if let Out::Superseded = self.put(place, left, right) {
                return Out::Superseded;
            }
        }
        self.sides.give_back([left, right]);
        Out::Ended
    }

    /// Puts one block into the ring, waiting for room; an empty one is the file's end.
    fn put(&mut self, place: &mut Place, left: &[f32], right: &[f32]) -> Out {
        let mut block = Block {
            epoch: place.epoch,
            position: place.position,
            frames: left.len(),
            samples: [[0.0; BLOCK_FRAMES]; 2],
        };
        block.samples[0][..left.len()].copy_from_slice(left);
        block.samples[1][..right.len()].copy_from_slice(right);
        place.position += left.len() as i64;
        while let Err(back) = self.ring.try_push(block) {
            if self.stopped() || self.file_player.is_superseded(place.epoch) {
                return Out::Superseded;
            }
            block = back;
            thread::park_timeout(REST);
        }
        Out::Ended
    }
}

/// Where the next block belongs.
struct Place {
    epoch: u32,
    position: i64,
}

/// Both sides on their way to the output's rate.
struct Sides {
    /// Left and right; `None` where the rates are equal.
    resamplers: Option<[Resampler; 2]>,
    /// At the file's rate, and ready.
    decoded: [Vec<f32>; 2],
    ready: [Vec<f32>; 2],
}

impl Sides {
    fn new(file_hz: u32, rate_hz: u32) -> Result<Self, ResampleError> {
        let resampler = || Resampler::new(file_hz, rate_hz);
        Ok(Self {
            resamplers: match file_hz == rate_hz {
                true => None,
                false => Some([resampler()?, resampler()?]),
            },
            decoded: Default::default(),
            ready: Default::default(),
        })
    }

    fn reset(&mut self) {
        for resampler in self.resamplers.iter_mut().flatten() {
            // No input provokes an error, and the next reset makes up for one.
            let _ = resampler.reset();
        }
        self.ready.iter_mut().for_each(Vec::clear);
    }

    /// Takes in interleaved samples: one channel goes to both sides, two go each to theirs, more
    /// are heard on both as the mean that is analyzed.
    fn push(&mut self, samples: &[f32], channels: usize) {
        let [left, right] = &mut self.decoded;
        if channels == 2 {
            left.extend(samples.iter().step_by(2));
            right.extend(samples.iter().skip(1).step_by(2));
        } else {
            downmix_interleaved(samples, channels, left);
            right.extend_from_slice(left);
        }
        self.convert();
    }

    fn push_silence(&mut self, frames: u64) {
        for side in &mut self.decoded {
            side.resize(frames as usize, 0.0);
        }
        self.convert();
    }

    fn convert(&mut self) {
        let sides = self.decoded.iter_mut().zip(&mut self.ready).enumerate();
        for (side, (decoded, ready)) in sides {
            match &mut self.resamplers {
                // See `reset`.
                Some(resamplers) => drop(resamplers[side].push(decoded, ready)),
                None => ready.append(decoded),
            }
            decoded.clear();
        }
    }

    fn finish(&mut self) {
        let resamplers = self.resamplers.iter_mut().flatten();
        for (resampler, ready) in resamplers.zip(&mut self.ready) {
            // See `reset`.
            let _ = resampler.finish(ready);
        }
    }

    fn take(&mut self) -> [Vec<f32>; 2] {
        std::mem::take(&mut self.ready)
    }

    fn give_back(&mut self, mut taken: [Vec<f32>; 2]) {
        taken.iter_mut().for_each(Vec::clear);
        self.ready = taken;
    }
}
