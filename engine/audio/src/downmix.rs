//! Downmixing to mono, and the replacement of NaN, infinite and impossibly large samples.
//!
//! Mono is the mean over the channels, summed in 32 bits in the order of the channels, as in
//! librosa's `to_mono`; one channel alone while the channels cancel each other. What takes slices also
//! runs in the audio callback and never allocates. Deliberately not here: levels and meters.

use std::ops::Range;

/// Appends the mean over `channels` of each frame of interleaved `samples` to `mono`.
///
/// One channel is copied bit for bit. An incomplete last frame is left out; without channels there
/// are no frames.
pub fn downmix_interleaved(samples: &[f32], channels: usize, mono: &mut Vec<f32>) {
    match channels {
        0 => {}
        1 => mono.extend_from_slice(samples),
        _ => mono.extend(
            samples
                .chunks_exact(channels)
                .map(|frame| frame.iter().sum::<f32>() / channels as f32),
        ),
    }
}

/// Mean power below which a block is silent and says nothing about its channels: −70 dBFS.
const SILENT_POWER: f64 = 1e-7;
/// Power of the mean, over that of the channels, below which they cancel each other: −40 dB. No number
/// of channels of which one alone has sound comes near.
const CANCELLING: f64 = 1e-4;
/// The same ratio, above which they no longer do: −30 dB.
const NO_LONGER_CANCELLING: f64 = 1e-3;
/// Frames over which a change between the mean and one channel is faded.
const FADE_FRAMES: f32 = 512.0;
/// Frames by whose power is decided, at least: a lower note than any bass lasts longer than one of its
/// waves' passage through zero.
const DECIDING_FRAMES: usize = 1024;
/// Channels of which one can stand for all.
const CANDIDATES: usize = 32;

/// Downmixes block by block, and takes the loudest channel alone where the channels cancel each other, as
/// when the polarity of one was inverted: the mean would be silent, or what a codec left of silence.
#[derive(Debug, Default)]
pub struct Downmixer {
    /// The channel that stands for all; `None` while that is their mean.
    alone: Option<usize>,
    /// The channel that was alone last, and its share in the last frame, from 0 to 1.
    fading: (usize, f32),
    has_begun: bool,
    alone_frames: u64,
    powers: Powers,
}

/// Sums of squares since the last decision.
#[derive(Debug, Default)]
struct Powers {
    frames: usize,
    of_mean: f64,
    of_all: f64,
    of_channels: [f64; CANDIDATES],
}

impl Downmixer {
    /// Appends a mono sample to `mono` for each frame of interleaved `samples`, as
    /// [`downmix_interleaved`] does but for channels that cancel each other.
    pub fn push(&mut self, samples: &[f32], channels: usize, mono: &mut Vec<f32>) {
        let start = mono.len();
        downmix_interleaved(samples, channels, mono);
        self.follow(channels, &mut mono[start..], |channel, frame| {
            samples[frame * channels + channel]
        });
    }

    /// Writes a mono sample to `mono` for each frame of `channels` from `start` on, as many as `mono` has.
    /// Wait-free; it allocates nothing.
    pub fn push_planar<C: AsRef<[f32]>>(&mut self, channels: &[C], start: usize, mono: &mut [f32]) {
        if let [one] = channels {
            mono.copy_from_slice(&one.as_ref()[start..start + mono.len()]);
            return;
        }
        let count = channels.len() as f32;
        mono.fill(0.0);
        for channel in channels {
            for (sum, sample) in mono.iter_mut().zip(&channel.as_ref()[start..]) {
                *sum += sample;
            }
        }
        for sum in mono.iter_mut() {
            *sum /= count;
        }
        self.follow(channels.len(), mono, |channel, frame| {
            channels[channel].as_ref()[start + frame]
        });
    }

    /// Replaces the `mean` of samples by one channel where that is to stand for all.
    fn follow(&mut self, channels: usize, mean: &mut [f32], sample: impl Fn(usize, usize) -> f32) {
        if channels < 2 {
            self.alone = None;
            return;
        }
        self.powers.add(channels, mean, &sample);
        // The first block is decided by itself, so that nothing of it is lost.
        if self.powers.frames >= DECIDING_FRAMES || !self.has_begun {
            self.decide(channels);
        }
        let target = if self.alone.is_some() { 1.0 } else { 0.0 };
        let (channel, mut share) = self.fading;
        let channel = self.alone.unwrap_or(channel);
        if !std::mem::replace(&mut self.has_begun, true) {
            share = target;
        }
        if (share, target) != (0.0, 0.0) && channel < channels {
            for (frame, mean) in mean.iter_mut().enumerate() {
                share = if share < target {
                    (share + 1.0 / FADE_FRAMES).min(target)
                } else {
                    (share - 1.0 / FADE_FRAMES).max(target)
                };
                *mean += share * (sample(channel, frame) - *mean);
            }
        }
        self.fading = (channel, share);
        if self.alone.is_some() {
            self.alone_frames += mean.len() as u64;
        }
    }

    /// Decides by the powers since the last decision whether one of the channels stands for all.
    fn decide(&mut self, channels: usize) {
        let powers = std::mem::take(&mut self.powers);
        let whole = powers.of_all / channels as f64;
        if whole.is_nan() || whole < SILENT_POWER * powers.frames as f64 {
            return;
        }
        let ratio = powers.of_mean / whole;
        if ratio > NO_LONGER_CANCELLING {
            self.alone = None;
        } else if ratio < CANCELLING && self.alone.is_none() {
            let candidates = powers.of_channels.iter().take(channels).enumerate();
            // Of equally loud channels the first.
            let loudest = candidates.max_by(|a, b| a.1.total_cmp(b.1).then(b.0.cmp(&a.0)));
            self.alone = loudest.map(|(channel, _)| channel);
        }
    }

    /// Frames so far that one channel stood for.
    #[must_use]
    pub fn alone_frames(&self) -> u64 {
        self.alone_frames
    }

    /// Whether one channel stands for all now.
    #[must_use]
    pub fn is_alone(&self) -> bool {
        self.alone.is_some()
    }
}

impl Powers {
    fn add(&mut self, channels: usize, mean: &[f32], sample: impl Fn(usize, usize) -> f32) {
        let square = |x: f32| f64::from(x) * f64::from(x);
        self.frames += mean.len();
        self.of_mean += mean.iter().map(|&x| square(x)).sum::<f64>();
        for channel in 0..channels {
            let power: f64 = (0..mean.len()).map(|n| square(sample(channel, n))).sum();
            self.of_all += power;
            if let Some(sum) = self.of_channels.get_mut(channel) {
                *sum += power;
            }
        }
    }
}

/// The largest sample that can be meant: full scale is 1, or 2^31 in files that hold whole numbers. The
/// sums and squares of larger ones would leave the range of 32 bits.
pub const LARGEST_SAMPLE: f32 = 1e12;

/// The NaN, infinite and far too large samples that [`sanitize`] replaced.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReplacedSamples {
    /// How many there were.
    pub count: usize,
    /// From the first of them to the one after the last.
    pub range: Range<usize>,
}

/// Replaces each sample that is NaN, infinite or beyond [`LARGEST_SAMPLE`] with silence; returns their
/// count and place.
///
/// Call it between downmixing and resampling, because a filter smears a NaN over its whole length.
/// It also catches finite channels whose sum overflowed.
pub fn sanitize(mono: &mut [f32]) -> Option<ReplacedSamples> {
    let mut replaced: Option<ReplacedSamples> = None;
    for (n, sample) in mono.iter_mut().enumerate() {
        // Not so for NaN.
        let is_sound = sample.abs() <= LARGEST_SAMPLE;
        if !is_sound {
            *sample = 0.0;
            let replaced = replaced.get_or_insert(ReplacedSamples {
                count: 0,
                range: n..n,
            });
            replaced.count += 1;
            replaced.range.end = n + 1;
        }
    }
    replaced
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bits(samples: &[f32]) -> Vec<u32> {
        samples.iter().map(|sample| sample.to_bits()).collect()
    }

    /// Three frames of three channels, whose means are exact in binary.
    const INTERLEAVED: [f32; 9] = [3.0, 6.0, 0.0, -1.5, 0.0, 0.0, 0.25, 0.25, 0.25];

    #[test]
    fn interleaved_frames_become_their_means_and_are_appended() {
        let mut mono = vec![9.0];
        downmix_interleaved(&INTERLEAVED, 3, &mut mono);
        assert_eq!(mono, [9.0, 3.0, -0.5, 0.25]);
    }

    #[test]
    fn one_channel_is_copied_bit_for_bit() {
        let samples = [f32::from_bits(0x7fc0_1234), -0.0, 1.0e-45, f32::INFINITY];
        let mut mono = Vec::new();
        downmix_interleaved(&samples, 1, &mut mono);
        assert_eq!(bits(&mono), bits(&samples));
    }

    #[test]
    fn no_channels_and_incomplete_frames_give_nothing() {
        let mut mono = Vec::new();
        downmix_interleaved(&[1.0, 2.0], 0, &mut mono);
        downmix_interleaved(&[1.0, 2.0], 3, &mut mono);
        assert!(mono.is_empty());
    }

    /// A tone on the left, and on the right the same times `factor`.
    fn stereo(frames: usize, factor: f32) -> Vec<f32> {
        (0..frames)
            .flat_map(|n| {
                let left = 0.5 * (n as f32 * 0.05).sin();
                [left, left * factor]
            })
            .collect()
    }

    fn left(samples: &[f32]) -> Vec<f32> {
        samples.iter().step_by(2).copied().collect()
    }

    #[test]
    fn channels_that_cancel_each_other_are_replaced_by_the_first() {
        let samples = stereo(4096, -1.0);
        let (mut downmixer, mut mono) = (Downmixer::default(), Vec::new());
        for block in samples.chunks(1000) {
            downmixer.push(block, 2, &mut mono);
        }
        assert_eq!(mono, left(&samples));
        assert_eq!(downmixer.alone_frames(), 4096);
    }

    /// The mean keeps its bits: equal channels, one silent channel, an inverted and weaker channel, and
    /// silence.
    #[test]
    fn other_channels_are_averaged_as_ever() {
        for factor in [1.0, 0.0, -0.9, 0.3] {
            let samples = [stereo(3000, factor), vec![0.0; 500]].concat();
            let (mut downmixer, mut mono, mut mean) = (Downmixer::default(), vec![], vec![]);
            downmixer.push(&samples, 2, &mut mono);
            downmix_interleaved(&samples, 2, &mut mean);
            assert_eq!(bits(&mono), bits(&mean), "{factor}");
            assert_eq!(downmixer.alone_frames(), 0, "{factor}");
        }
    }

    /// In the blocks of a host, too short to decide by, a change counts after 1024 frames.
    #[test]
    fn planar_blocks_are_downmixed_alike() {
        let channels = [left(&stereo(4096, -1.0)), left(&stereo(4096, 1.0))];
        let inverted: Vec<f32> = channels[0].iter().map(|x| -x).collect();
        let (mut downmixer, mut mono) = (Downmixer::default(), vec![9.0; 4096]);
        for (n, mono) in mono.chunks_mut(64).enumerate() {
            downmixer.push_planar(&[&channels[0], &inverted], n * 64, mono);
        }
        assert!(downmixer.is_alone());
        assert_eq!(mono[2048..], channels[0][2048..]);
        let mut mono = vec![9.0; 4096];
        for (n, mono) in mono.chunks_mut(64).enumerate() {
            downmixer.push_planar(&channels, n * 64, mono);
        }
        assert!(!downmixer.is_alone());
        assert_eq!(bits(&mono[2048..]), bits(&channels[0][2048..]));
    }

    /// Between a mean and one channel there is no click: no step is larger than the tone's own by more
    /// than a frame of the fade.
    #[test]
    fn the_change_to_one_channel_is_faded() {
        let (mut downmixer, mut mono) = (Downmixer::default(), Vec::new());
        for factor in [1.0, -1.0, 1.0] {
            downmixer.push(&stereo(2000, factor), 2, &mut mono);
        }
        assert_eq!(downmixer.alone_frames(), 2000);
        let tone = mono[..2000]
            .windows(2)
            .map(|pair| (pair[1] - pair[0]).abs());
        let largest = tone.fold(0.0, f32::max) + 0.5 / FADE_FRAMES;
        for (n, pair) in mono.windows(2).enumerate() {
            // The tone itself starts again with each block.
            if (n + 1) % 2000 != 0 {
                assert!((pair[1] - pair[0]).abs() <= largest, "frame {n}");
            }
        }
    }

    #[test]
    fn sanitize_silences_and_locates_only_impossible_samples() {
        let (nan, inf) = (f32::NAN, f32::INFINITY);
        let large = LARGEST_SAMPLE;
        let mut mono = [
            0.5,
            nan,
            -inf,
            large,
            f32::MAX,
            -0.0,
            f32::MIN_POSITIVE / 2.0,
        ];
        assert_eq!(
            sanitize(&mut mono),
            Some(ReplacedSamples {
                count: 3,
                range: 1..5
            })
        );
        let expected = [0.5, 0.0, 0.0, large, 0.0, -0.0, f32::MIN_POSITIVE / 2.0];
        assert_eq!(bits(&mono), bits(&expected));
        assert_eq!(sanitize(&mut mono), None);
    }
}
