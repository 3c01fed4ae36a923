//! The health of a running stream, in atomics: its count of frames, its peaks, and its loss.
//!
//! Written by the audio callback and by the backends' own threads, read by the audio thread and
//! the view. Only the reason of a loss has a lock, and no callback writes it.

use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};

use mertscope_model::lock;

/// See the module.
#[derive(Debug, Default)]
pub(crate) struct StreamHealth {
    /// Frames so far.
    frames: AtomicU64,
    /// Highest magnitudes since they were last read, left and right, as the bits of `f32`s.
    peaks: [AtomicU32; 2],
    lost: AtomicBool,
    reason: Mutex<Option<String>>,
}

impl StreamHealth {
    /// Takes in a block, `[channels][frames]`. Wait-free; for the audio callback.
    pub(crate) fn record<C: AsRef<[f32]>>(&self, channels: &[C]) {
        for (side, peak) in self.peaks.iter().enumerate() {
            // A single channel counts for both sides.
            let Some(samples) = channels.get(side).or(channels.last()) else {
                return;
            };
            let highest = samples.as_ref().iter().fold(0.0f32, |highest, sample| {
                // A comparison with NaN is false, so NaNs don't count.
                if sample.abs() > highest {
                    sample.abs()
                } else {
                    highest
                }
            });
            // The reader may set it to zero in between; reading a peak twice does no harm.
            if highest > f32::from_bits(peak.load(Ordering::Relaxed)) {
                peak.store(highest.to_bits(), Ordering::Relaxed);
            }
        }
        let frames = channels.first().map_or(0, |samples| samples.as_ref().len());
        // Only one callback writes it, so no read-modify-write is needed.
        let before = self.frames.load(Ordering::Relaxed);
        self.frames.store(before + frames as u64, Ordering::Relaxed);
    }

    /// Frames so far.
    #[must_use]
    pub(crate) fn frames(&self) -> u64 {
        self.frames.load(Ordering::Relaxed)
    }

    /// The highest magnitudes since the last call, left and right; full scale is 1.
    #[must_use]
    pub(crate) fn take_peaks(&self) -> [f32; 2] {
        self.peaks
            .each_ref()
            .map(|peak| f32::from_bits(peak.swap(0, Ordering::Relaxed)))
    }

    /// Marks the stream as lost. Not for the audio callback.
    pub(crate) fn lose(&self, reason: String) {
        let mut kept = lock(&self.reason);
        kept.get_or_insert(reason);
        drop(kept);
        self.lose_silently();
    }

    /// Marks the stream as lost, without allocating or locking.
    pub(crate) fn lose_silently(&self) {
        self.lost.store(true, Ordering::Release);
    }

    /// Why the stream is lost, once it is; empty when the reason is unknown.
    #[must_use]
    pub(crate) fn loss(&self) -> Option<String> {
        self.lost.load(Ordering::Acquire).then(|| {
            let mut kept = lock(&self.reason);
            kept.take().unwrap_or_default()
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn peaks_are_the_highest_since_the_last_reading() {
        let health = StreamHealth::default();
        health.record(&[&[0.25, -0.5][..], &[0.0, f32::NAN][..]]);
        health.record(&[&[0.1, 0.2][..], &[-0.75, 0.5][..]]);
        assert_eq!(health.take_peaks(), [0.5, 0.75]);
        assert_eq!(health.take_peaks(), [0.0, 0.0]);
        health.record(&[&[0.5][..]]);
        assert_eq!(health.take_peaks(), [0.5, 0.5], "mono shows on both sides");
        assert_eq!(health.frames(), 5);
    }

    #[test]
    fn the_first_reason_of_a_loss_is_kept() {
        let health = StreamHealth::default();
        assert_eq!(health.loss(), None);
        health.lose("unplugged".to_owned());
        health.lose("unplugged, and more".to_owned());
        assert_eq!(health.loss().as_deref(), Some("unplugged"));
    }
}
