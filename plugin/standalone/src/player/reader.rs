//! Reads a file ahead of playback: decodes it, resamples it to the output's rate, and fills
//! the ring, on a thread of its own, because a decoder reads from disk and allocates.
//!
//! A seek decodes the file from its beginning, because the decoder only goes forward: some hundred
//! times faster than playback.

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

/// The reader's sleep while there is nothing to do: a fraction of the audio decoded ahead.
const REST: Duration = Duration::from_millis(15);

/// The longest gap that is played, in seconds: its length comes from the damaged file itself.
const LONGEST_GAP_S: u64 = 60;

/// A thread that reads until this is dropped.
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
        let sides = StereoResampler::new(file_player.rate_hz(), rate_hz)
            .map_err(|error| error.to_string())?;
        let stop = Arc::new(AtomicBool::new(false));
        let mut work = ReadAhead {
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
                    "The file can't be played: the system could not start another thread ({error}). \
                     Close some programs and try again."
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
            // After a panic the silence has already shown it.
            let _ = thread.join();
        }
    }
}

/// Why reading stopped.
enum ReadEnd {
    /// The file is read to its end.
    Ended,
    /// A seek, or the end of the reader, made it useless.
    Superseded,
}

/// The reader's state on its thread.
struct ReadAhead {
    file_player: Arc<FilePlayer>,
    rate_hz: u32,
    ring: HeapProd<Block>,
    sides: StereoResampler,
    stop: Arc<AtomicBool>,
}

impl ReadAhead {
    fn run(&mut self) {
        while !self.stopped() {
            let (epoch, from_s) = self.file_player.wanted();
            match self.read(epoch, from_s) {
                Ok(ReadEnd::Superseded) => continue,
                Ok(ReadEnd::Ended) => {}
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

    /// Reads from `from_s` to the end, again and again while the file player repeats.
    fn read(&mut self, epoch: u32, from_s: f64) -> Result<ReadEnd, DecodeError> {
        let path = self.file_player.path().to_owned();
        let file_hz = f64::from(self.file_player.rate_hz());
        let mut skip = (from_s * file_hz).round() as u64;
        loop {
            let position = skip as f64 / file_hz * f64::from(self.rate_hz);
            let mut place = BlockPlace {
                epoch,
                position: position.round() as i64,
            };
            if let ReadEnd::Superseded = self.pass(&path, &mut skip, &mut place)? {
                return Ok(ReadEnd::Superseded);
            }
            if !self.file_player.repeats() {
                return Ok(self.put(&mut place, &[], &[]));
            }
            skip = 0;
        }
    }

    /// Reads the file once, without its first `skip` frames.
    fn pass(
        &mut self,
        path: &Path,
        skip: &mut u64,
        place: &mut BlockPlace,
    ) -> Result<ReadEnd, DecodeError> {
        let mut decoder = Decoder::open(path)?;
        let (mut file_hz, mut channels) = (decoder.rate_hz(), decoder.channels());
        self.sides.discard();
        if let Err(error) = self.sides.start(file_hz, self.rate_hz) {
            self.file_player.fail(error.to_string());
            return Ok(ReadEnd::Ended);
        }
        loop {
            if self.stopped() || self.file_player.is_superseded(place.epoch) {
                return Ok(ReadEnd::Superseded);
            }
            match decoder.next_block()? {
                None => {
                    if let Some(sentence) = decoder.truncated() {
                        self.file_player.fail(sentence);
                    }
                    self.sides.finish();
                    return Ok(self.put_ready(place));
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
                    let longest_gap = LONGEST_GAP_S * u64::from(file_hz);
                    self.sides.push_silence((frames - skipped).min(longest_gap));
                }
                Some(Decoded::NewFormat {
                    rate_hz,
                    channels: new,
                }) => {
                    self.sides.finish();
                    if let Err(error) = self.sides.start(rate_hz, self.rate_hz) {
                        self.file_player.fail(error.to_string());
                        return Ok(self.put_ready(place));
                    }
                    *skip = skip.saturating_mul(rate_hz.into()) / u64::from(file_hz);
                    (file_hz, channels) = (rate_hz, new);
                }
            }
            if let ReadEnd::Superseded = self.put_ready(place) {
                return Ok(ReadEnd::Superseded);
            }
        }
    }

    /// Puts all ready samples into the ring, waiting for room.
    fn put_ready(&mut self, place: &mut BlockPlace) -> ReadEnd {
        let [left, right] = self.sides.take();
        for (left, right) in left.chunks(BLOCK_FRAMES).zip(right.chunks(BLOCK_FRAMES)) {
            if let ReadEnd::Superseded = self.put(place, left, right) {
                return ReadEnd::Superseded;
            }
        }
        self.sides.give_back([left, right]);
        ReadEnd::Ended
    }

    /// Puts one block into the ring, waiting for room; an empty block marks the file's end.
    fn put(&mut self, place: &mut BlockPlace, left: &[f32], right: &[f32]) -> ReadEnd {
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
                return ReadEnd::Superseded;
            }
            block = back;
            thread::park_timeout(REST);
        }
        ReadEnd::Ended
    }
}

/// The epoch and the position of the next block.
struct BlockPlace {
    epoch: u32,
    position: i64,
}

/// Left and right, resampled to the output's rate.
struct StereoResampler {
    file_hz: u32,
    /// Left and right; `None` when the rates are equal.
    resamplers: Option<[Resampler; 2]>,
    /// Samples at the file's rate, and at the output's.
    decoded: [Vec<f32>; 2],
    ready: [Vec<f32>; 2],
}

impl StereoResampler {
    fn new(file_hz: u32, rate_hz: u32) -> Result<Self, ResampleError> {
        let resampler = || Resampler::new(file_hz, rate_hz);
        Ok(Self {
            file_hz,
            resamplers: match file_hz == rate_hz {
                true => None,
                false => Some([resampler()?, resampler()?]),
            },
            decoded: Default::default(),
            ready: Default::default(),
        })
    }

    /// Forgets the input, and takes it at `file_hz` from here on; what is ready stays.
    fn start(&mut self, file_hz: u32, rate_hz: u32) -> Result<(), ResampleError> {
        if file_hz != self.file_hz {
            let ready = std::mem::take(&mut self.ready);
            *self = Self {
                ready,
                ..Self::new(file_hz, rate_hz)?
            };
        }
        for resampler in self.resamplers.iter_mut().flatten() {
            // No input causes an error; after one the next reset would recover.
            let _ = resampler.reset();
        }
        Ok(())
    }

    /// Forgets what is ready.
    fn discard(&mut self) {
        self.ready.iter_mut().for_each(Vec::clear);
    }

    /// Takes in interleaved samples: one channel goes to both sides, two go to one side each; of more
    /// channels both sides get the mean, which is also analyzed.
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
                // See `start`.
                Some(resamplers) => drop(resamplers[side].push(decoded, ready)),
                None => ready.append(decoded),
            }
            decoded.clear();
        }
    }

    fn finish(&mut self) {
        let resamplers = self.resamplers.iter_mut().flatten();
        for (resampler, ready) in resamplers.zip(&mut self.ready) {
            // See `start`.
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

#[cfg(test)]
mod tests {
    use std::fs;

    use ringbuf::HeapRb;
    use ringbuf::traits::{Consumer, Split};

    use super::*;

    /// A radio rip: 0.4 s at 44.1 kHz, then 0.4 s at 48 kHz.
    #[test]
    fn a_file_whose_rate_changes_is_played_to_its_end() {
        let fixture = |name: &str| {
            let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/fixtures/audio");
            fs::read(Path::new(folder).join(name)).unwrap()
        };
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("rip.ogg");
        fs::write(
            &path,
            [fixture("tone.ogg"), fixture("tone-48k.ogg")].concat(),
        )
        .unwrap();
        let file_player = FilePlayer::open(&path, false).unwrap();
        let (producer, mut consumer) = HeapRb::new(1000).split();
        let reader = Reader::start(Arc::clone(&file_player), 48_000, producer).unwrap();
        let (mut frames, mut loudest) = (0, 0.0f32);
        loop {
            let Some(block) = consumer.try_pop() else {
                thread::yield_now();
                continue;
            };
            if block.frames == 0 {
                break;
            }
            frames += block.frames;
            let left = &block.samples[0][..block.frames];
            loudest = left.iter().fold(loudest, |most, x| most.max(x.abs()));
        }
        drop(reader);
        assert_eq!(frames, 2 * 19_200);
        assert!((0.45..0.6).contains(&loudest), "{loudest}");
    }
}
