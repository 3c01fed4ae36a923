//! Folding channels to mono, and making the result safe to filter.
//!
//! Mono is the mean over the channels, summed in 32 bits in the order of the channels, which is the
//! convention of librosa's `to_mono`. Runs on the worker and on job threads, since the vector
//! appended to may grow. Deliberately not here: levels and meters.

use std::ops::Range;

/// Appends the mean over `channels` of each frame of interleaved `samples` to `mono`.
///
/// One channel is copied bit for bit. An incomplete last frame is left out; with no channels there
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

/// Samples that were no numbers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Replaced {
    /// How many there were.
    pub count: usize,
    /// From the first to behind the last of them.
    pub range: Range<usize>,
}

/// Replaces each NaN and infinity by silence and says how many there were and where.
///
/// To be called between folding and resampling: a filter smears a NaN over its whole length. It
/// also catches finite channels whose sum overflowed.
pub fn sanitize(mono: &mut [f32]) -> Option<Replaced> {
    let mut replaced: Option<Replaced> = None;
    for (n, sample) in mono.iter_mut().enumerate() {
        if !sample.is_finite() {
            *sample = 0.0;
            let replaced = replaced.get_or_insert(Replaced {
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
    fn sanitize_silences_and_locates_only_what_is_not_finite() {
        let (nan, inf) = (f32::NAN, f32::INFINITY);
        let mut mono = [0.5, nan, -inf, f32::MAX, inf, -0.0, f32::MIN_POSITIVE / 2.0];
        assert_eq!(
            sanitize(&mut mono),
            Some(Replaced {
                count: 3,
                range: 1..5
            })
        );
        let expected = [0.5, 0.0, 0.0, f32::MAX, 0.0, -0.0, f32::MIN_POSITIVE / 2.0];
        assert_eq!(bits(&mono), bits(&expected));
        assert_eq!(sanitize(&mut mono), None);
    }
}
