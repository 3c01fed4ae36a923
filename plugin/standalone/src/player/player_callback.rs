//! The part of the player that runs in the audio callback. Wait-free: nothing here allocates, locks, logs,
//! waits or makes a system call.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use mertscope_audio::tap::{Tap, Transport};
use ringbuf::HeapCons;
use ringbuf::traits::Consumer;

use super::file_player::{Block, FilePlayer};

/// See the module.
pub(crate) struct PlayerCallback {
    file_player: Arc<FilePlayer>,
    rate_hz: u32,
    ring: HeapCons<Block>,
    /// The block that is playing, and the number of its frames already played.
    block: Option<Block>,
    used: usize,
    /// The next frame's place in the file.
    position: i64,
}

impl PlayerCallback {
    pub(super) fn new(file_player: Arc<FilePlayer>, rate_hz: u32, ring: HeapCons<Block>) -> Self {
        Self {
            file_player,
            rate_hz,
            ring,
            block: None,
            used: 0,
            position: 0,
        }
    }

    /// Fills both sides, equally long, with the file's next frames, and pushes them into `tap` with their
    /// position in the file. When the reader is late it fills with silence, which does not go into `tap`; the
    /// file goes on where it was.
    pub(crate) fn fill(&mut self, left: &mut [f32], right: &mut [f32], tap: &mut Tap) {
        let mut at = 0;
        let playing = self.file_player.is_playing();
        while playing && at < left.len() && self.next() {
            let Some(block) = &self.block else {
                break;
            };
            if block.frames == 0 {
                self.file_player.ended.store(true, Ordering::Release);
                self.file_player.pause();
                self.block = None;
                break;
            }
            let frames = (block.frames - self.used).min(left.len() - at);
            let [from_left, from_right] = &block.samples;
            let (left, right) = (&mut left[at..at + frames], &mut right[at..at + frames]);
            left.copy_from_slice(&from_left[self.used..self.used + frames]);
            right.copy_from_slice(&from_right[self.used..self.used + frames]);
            let position = block.position + self.used as i64;
            tap.push(&[&*left, &*right], self.transport(true, position));
            self.used += frames;
            at += frames;
            self.position = position + frames as i64;
            let position_s = self.position as f64 / f64::from(self.rate_hz);
            self.file_player
                .position_s
                .store(position_s.to_bits(), Ordering::Relaxed);
        }
        let (left, right) = (&mut left[at..], &mut right[at..]);
        left.fill(0.0);
        right.fill(0.0);
        if !playing {
            tap.push(&[&*left, &*right], self.transport(false, self.position));
        }
    }

    /// Whether there is a block with frames left; blocks of an older epoch are dropped.
    fn next(&mut self) -> bool {
        let epoch = self.file_player.epoch.load(Ordering::Acquire);
        loop {
            match &self.block {
                Some(block)
                    if block.epoch == epoch && (self.used < block.frames || block.frames == 0) =>
                {
                    return true;
                }
                _ => {
                    self.block = self.ring.try_pop();
                    self.used = 0;
                    if self.block.is_none() {
                        return false;
                    }
                }
            }
        }
    }

    fn transport(&self, playing: bool, position: i64) -> Transport {
        Transport {
            playing,
            position: Some(position),
            offline: false,
        }
    }
}
