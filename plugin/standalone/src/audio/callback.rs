//! The app's audio callbacks: an [`InputCallback`] listens to an input, an [`OutputCallback`] plays a file.
//! Both hand their samples to the engine's [`Tap`].
//!
//! As in the plugin, nothing here allocates, locks, logs, waits or makes a system call; a debug
//! build ends the process when something allocates. Blocks of any length are handled in
//! pieces that fit on the stack.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use cpal::{FromSample, Sample};
use mertscope_audio::tap::{Tap, Transport};
use nice_assert_no_alloc::assert_no_alloc;

use super::stream_health::StreamHealth;
use crate::choice::Channels;
use crate::player::PlayerCallback;

/// Frames per piece.
pub(super) const PIECE_FRAMES: usize = 256;

/// Listens to the chosen channels of an input.
pub(super) struct InputCallback {
    tap: Tap,
    health: Arc<StreamHealth>,
    channels: Channels,
}

impl InputCallback {
    /// A callback for these channels of an interleaved input.
    pub(super) fn new(tap: Tap, health: Arc<StreamHealth>, channels: Channels) -> Self {
        Self {
            tap,
            health,
            channels,
        }
    }

    /// Takes in a block, `[channels][frames]`, with all of its channels.
    pub(super) fn push<C: AsRef<[f32]>>(&mut self, channels: &[C]) {
        assert_no_alloc(|| {
            self.tap.push(channels, Transport::LIVE_INPUT);
            self.health.record(channels);
        });
    }

    /// Takes in the chosen channels of an interleaved block, `[frames, stride]`; nothing of a block that lacks
    /// them.
    pub(super) fn push_interleaved<T: Sample>(&mut self, samples: &[T], stride: usize)
    where
        f32: FromSample<T>,
    {
        let first = usize::from(self.channels.first);
        let second = first + usize::from(self.channels.count) - 1;
        if second >= stride {
            return;
        }
        let mut pieces = [[0.0; PIECE_FRAMES]; 2];
        for block in samples.chunks(PIECE_FRAMES * stride) {
            let frames = block.len() / stride;
            let [left, right] = &mut pieces;
            let (left, right) = (&mut left[..frames], &mut right[..frames]);
            for (frame, (left, right)) in block
                .chunks_exact(stride)
                .zip(left.iter_mut().zip(right.iter_mut()))
            {
                *left = f32::from_sample(frame[first]);
                *right = f32::from_sample(frame[second]);
            }
            match first == second {
                true => self.push(&[&*left]),
                false => self.push(&[&*left, &*right]),
            }
        }
    }
}

/// Plays a file: through a device, or unheard.
pub(super) struct OutputCallback {
    tap: Tap,
    health: Arc<StreamHealth>,
    player_callback: PlayerCallback,
    /// The volume, 0 to 1, as the bits of an `f32`.
    volume: Arc<AtomicU32>,
}

impl OutputCallback {
    /// Plays `player_callback` at the present value of `volume`.
    pub(super) fn new(
        tap: Tap,
        health: Arc<StreamHealth>,
        player_callback: PlayerCallback,
        volume: Arc<AtomicU32>,
    ) -> Self {
        Self {
            tap,
            health,
            player_callback,
            volume,
        }
    }

    /// Fills both sides with the file's next frames, at most [`PIECE_FRAMES`]. The analysis gets the file's
    /// own samples, the device gets them at the volume and within full scale.
    pub(super) fn play(&mut self, left: &mut [f32], right: &mut [f32]) {
        assert_no_alloc(|| {
            self.player_callback.fill(left, right, &mut self.tap);
            self.health.record(&[&*left, &*right]);
            let volume = f32::from_bits(self.volume.load(Ordering::Relaxed));
            for sample in left.iter_mut().chain(right) {
                let loud = *sample * volume;
                *sample = if loud.is_finite() {
                    loud.clamp(-1.0, 1.0)
                } else {
                    0.0
                };
            }
        });
    }

    /// Fills an interleaved block, `[frames, stride]`, with the file's next frames: both sides in a single
    /// channel, or in the first two.
    pub(super) fn play_interleaved<T: Sample + FromSample<f32>>(
        &mut self,
        out: &mut [T],
        stride: usize,
    ) {
        let mut pieces = [[0.0; PIECE_FRAMES]; 2];
        for block in out.chunks_mut(PIECE_FRAMES * stride) {
            let frames = block.len() / stride;
            let [left, right] = &mut pieces;
            let (left, right) = (&mut left[..frames], &mut right[..frames]);
            self.play(left, right);
            for (frame, (left, right)) in block
                .chunks_exact_mut(stride)
                .zip(left.iter().zip(right.iter()))
            {
                match frame {
                    [only] => *only = T::from_sample((left + right) / 2.0),
                    [first, second, rest @ ..] => {
                        *first = T::from_sample(*left);
                        *second = T::from_sample(*right);
                        rest.fill(T::EQUILIBRIUM);
                    }
                    [] => {}
                }
            }
        }
    }

    /// Plays the file's next `frames` without a device.
    pub(super) fn play_unheard(&mut self, frames: usize) {
        let mut pieces = [[0.0; PIECE_FRAMES]; 2];
        for start in (0..frames).step_by(PIECE_FRAMES) {
            let frames = PIECE_FRAMES.min(frames - start);
            let [left, right] = &mut pieces;
            self.play(&mut left[..frames], &mut right[..frames]);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use mertscope_audio::tap;

    fn captured(tap_reader: &mut tap::TapReader) -> Vec<f32> {
        let mut out = Vec::new();
        while tap_reader.waiting_samples() > 0 {
            tap_reader.take(usize::MAX, &mut out);
        }
        out
    }

    #[test]
    fn the_input_callback_takes_the_chosen_channels_only() {
        // Four channels; each sample has its channel in its tens, and its frame below.
        let frames = PIECE_FRAMES + 3;
        let block: Vec<f32> = (0..frames)
            .flat_map(|frame| {
                (0..4).map(move |channel| (channel * 10) as f32 + frame as f32 / 512.0)
            })
            .collect();
        for (channels, expected) in [("1", 0.0), ("4", 30.0), ("1-2", 5.0), ("3-4", 25.0)] {
            let (tap, mut tap_reader) = tap::tap(48_000);
            let health = Arc::new(StreamHealth::default());
            let mut callback =
                InputCallback::new(tap, Arc::clone(&health), channels.parse().unwrap());
            callback.push_interleaved(&block, 4);
            let mono = captured(&mut tap_reader);
            assert_eq!(mono.len(), frames, "{channels}");
            for (frame, sample) in mono.iter().enumerate() {
                assert_eq!(
                    *sample,
                    expected + frame as f32 / 512.0,
                    "{channels}: {frame}"
                );
            }
            assert_eq!(health.frames(), frames as u64);
        }
    }

    #[test]
    fn a_block_without_the_chosen_channels_is_not_taken_in() {
        let (tap, tap_reader) = tap::tap(48_000);
        let mut callback = InputCallback::new(tap, Arc::default(), "3-4".parse().unwrap());
        callback.push_interleaved(&[0i16; 64], 2);
        assert_eq!(tap_reader.waiting_samples(), 0);
    }

    #[test]
    fn integers_are_scaled_to_full_scale() {
        let (tap, mut tap_reader) = tap::tap(48_000);
        let mut callback = InputCallback::new(tap, Arc::default(), "1".parse().unwrap());
        callback.push_interleaved(&[i16::MIN, 0, i16::MAX / 2 + 1], 1);
        assert_eq!(captured(&mut tap_reader), [-1.0, 0.0, 0.5]);
    }
}
