//! Downmixing to mono, and the replacement of NaN and infinite samples.
//!
//! Mono is the mean over the channels, summed in 32 bits in the order of the channels, as in
//! librosa's `to_mono`. Runs on the worker and on job threads, never in the audio callback: the
//! output vector may grow. Deliberately not here: levels and meters.

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

/// The NaN and infinite samples that [`sanitize`] replaced.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReplacedSamples {
    /// How many there were.
    pub count: usize,
    /// From the first of them to the one after the last.
    pub range: Range<usize>,
}

/// Replaces each NaN and infinite sample with silence; returns their count and place.
///
/// Call it between downmixing and resampling, because a filter smears a NaN over its whole length.
/// It also catches finite channels whose sum overflowed.
pub fn sanitize(mono: &mut [f32]) -> Option<ReplacedSamples> {
    let mut replaced: Option<ReplacedSamples> = None;
    for (n, sample) in mono.iter_mut().enumerate() {
        if !sample.is_finite() {
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

    #[test]
    fn sanitize_silences_and_locates_only_non_finite_samples() {
        let (nan, inf) = (f32::NAN, f32::INFINITY);
        let mut mono = [0.5, nan, -inf, f32::MAX, inf, -0.0, f32::MIN_POSITIVE / 2.0];
        assert_eq!(
            sanitize(&mut mono),
            Some(ReplacedSamples {
                count: 3,
                range: 1..5
            })
        );
        let expected = [0.5, 0.0, 0.0, f32::MAX, 0.0, -0.0, f32::MIN_POSITIVE / 2.0];
        assert_eq!(bits(&mono), bits(&expected));
        assert_eq!(sanitize(&mut mono), None);
    }
}
