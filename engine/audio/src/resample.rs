//! Streaming sample-rate conversion of mono audio: to a model's rate, and to a playback rate.
//!
//! A linear-phase windowed-sinc filter, run by `rubato`'s asynchronous resampler and wrapped so
//! that the output depends on the samples alone: output sample `k` is the sound at `k / target_hz`
//! seconds after the first input sample, and has the same bits however the input is divided.
//!
//! `rubato`'s FFT resampler is several times faster, but its blocks must hold whole numbers of
//! samples at both rates: the same filter would lag by 30 ms from 44.1 to 16 kHz, by 1.5 s from
//! 47,999 Hz to 24 kHz, where this one lags by 11 and 9 ms and still runs hundreds of times faster
//! than real time. When the rates have a ratio of small whole numbers, every output falls on a
//! precomputed phase of the filter; otherwise a cubic interpolates between neighboring phases.
//!
//! Runs on the live worker and on job threads, never in the audio callback: `push` may grow the
//! vector that it appends to. Deliberately not here: downmixing and the replacement of NaN and
//! infinite samples (`downmix`; a NaN invalidates one filter length of output, no more), gap handling
//! (the caller calls `reset`), and levels (the filter can overshoot ±1, nothing is clipped).

mod filter;

use std::fmt::Display;
use std::ops::RangeInclusive;

use filter::Filter;

/// Source rates that can be converted, in hertz.
const SOURCE_RANGE_HZ: RangeInclusive<u32> = 8_000..=768_000;

/// Target rates, in hertz.
const TARGET_RANGE_HZ: RangeInclusive<u32> = 8_000..=192_000;

/// Why a sample-rate conversion could not be made.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ResampleError {
    /// The source rate lies outside 8,000 to 768,000 Hz.
    #[error(
        "Audio at {source_hz} Hz cannot be analyzed: rates from {min} to {max} Hz are supported. \
         Convert the audio, or set the host, to such a rate.",
        min = SOURCE_RANGE_HZ.start(),
        max = SOURCE_RANGE_HZ.end()
    )]
    SourceRate {
        /// The requested rate, in hertz.
        source_hz: u32,
    },
    /// The target rate lies outside 8,000 to 192,000 Hz.
    #[error(
        "Audio cannot be converted to {target_hz} Hz for a model: rates from {min} to {max} Hz are \
         supported. Choose another model.",
        min = TARGET_RANGE_HZ.start(),
        max = TARGET_RANGE_HZ.end()
    )]
    TargetRate {
        /// The requested rate, in hertz.
        target_hz: u32,
    },
    /// The filter refused a size or ratio that this module computed: a defect that no input causes.
    #[error(
        "The sample-rate converter failed ({reason}). This is a defect in Mertscope: please report \
         it with this message and the two sample rates."
    )]
    Internal {
        /// The filter's message.
        reason: String,
    },
}

/// Wraps an error of the filter, which no caller can cause.
fn internal(error: impl Display) -> ResampleError {
    ResampleError::Internal {
        reason: error.to_string(),
    }
}

/// A streaming mono converter from one fixed rate to another.
///
/// Between two resets, `push` and `finish` together give `round(pushed * target_hz / source_hz)`
/// samples, halves rounded up. [`new`](Self::new) allocates all buffers.
///
/// # Examples
/// ```
/// use mertscope_audio::resample::Resampler;
///
/// let mut resampler = Resampler::new(48_000, 24_000)?;
/// let mut out = Vec::new();
/// for block in [[0.0; 480], [0.5; 480]] {
///     resampler.push(&block, &mut out)?;
/// }
/// resampler.finish(&mut out)?;
/// assert_eq!(out.len(), 480);
/// # Ok::<(), mertscope_audio::resample::ResampleError>(())
/// ```
#[derive(Debug)]
pub struct Resampler {
    source_hz: u32,
    target_hz: u32,
    /// `None` when the rates are equal and samples pass through untouched.
    filter: Option<Filter>,
    pushed_samples: u64,
}

impl Resampler {
    /// Makes a converter from `source_hz` (8,000 to 768,000) to `target_hz` (8,000 to 192,000).
    ///
    /// # Errors
    ///
    /// [`ResampleError::SourceRate`] or [`ResampleError::TargetRate`] for a rate out of range.
    pub fn new(source_hz: u32, target_hz: u32) -> Result<Self, ResampleError> {
        if !SOURCE_RANGE_HZ.contains(&source_hz) {
            return Err(ResampleError::SourceRate { source_hz });
        }
        if !TARGET_RANGE_HZ.contains(&target_hz) {
            return Err(ResampleError::TargetRate { target_hz });
        }
        let filter = if source_hz == target_hz {
            None
        } else {
            Some(Filter::new(source_hz, target_hz)?)
        };
        Ok(Self {
            source_hz,
            target_hz,
            filter,
            pushed_samples: 0,
        })
    }

    /// The rate of the pushed samples, in hertz.
    #[must_use]
    pub fn source_hz(&self) -> u32 {
        self.source_hz
    }

    /// The rate of the output samples, in hertz.
    #[must_use]
    pub fn target_hz(&self) -> u32 {
        self.target_hz
    }

    /// The latency in samples at `source_hz`: how much input may have to follow a moment before `push`
    /// gives that moment's output sample, which is half the filter and one chunk. About 9 ms from 44.1
    /// or 48 kHz to 24 kHz, 17 ms from 8 kHz, 0 when the rates are equal.
    #[must_use]
    pub fn latency_samples(&self) -> usize {
        self.filter.as_ref().map_or(0, Filter::latency_samples)
    }

    /// Takes `mono` samples (any number, also none) and appends the outputs that are ready to `out`.
    ///
    /// # Errors
    ///
    /// [`ResampleError::Internal`], which no input causes.
    pub fn push(&mut self, mono: &[f32], out: &mut Vec<f32>) -> Result<(), ResampleError> {
        self.pushed_samples += mono.len() as u64;
        match &mut self.filter {
            None => out.extend_from_slice(mono),
            Some(filter) => filter.push(mono, out)?,
        }
        Ok(())
    }

    /// Appends the tail to `out`, as if silence followed, and resets.
    ///
    /// # Errors
    ///
    /// [`ResampleError::Internal`], which no input causes.
    pub fn finish(&mut self, out: &mut Vec<f32>) -> Result<(), ResampleError> {
        if let Some(filter) = &mut self.filter {
            let (source, target) = (u64::from(self.source_hz), u64::from(self.target_hz));
            // Does not overflow for any stream of under 50 years at 96 kHz.
            let total_samples = (2 * self.pushed_samples * target + source) / (2 * source);
            filter.flush(total_samples, out)?;
        }
        self.reset()
    }

    /// Forgets all input; the next sample pushed is again at time zero.
    ///
    /// # Errors
    ///
    /// [`ResampleError::Internal`], which no input causes.
    pub fn reset(&mut self) -> Result<(), ResampleError> {
        self.pushed_samples = 0;
        self.filter.as_mut().map_or(Ok(()), Filter::reset)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Rates for each path through the converter: both directions, few and many phases, the cubic,
    /// and pass-through.
    const RATE_PAIRS_HZ: [(u32, u32); 11] = [
        (48_000, 24_000),
        (44_100, 24_000),
        (44_100, 16_000),
        (11_025, 24_000),
        (8_000, 48_000),
        (44_100, 96_000),
        (8_000, 192_000),
        (47_999, 24_000),
        (11_127, 16_000),
        (768_000, 8_000),
        (24_000, 24_000),
    ];

    /// Seeded white noise within ±1 (xorshift64).
    fn noise(samples: usize) -> Vec<f32> {
        let mut state = 0x9e37_79b9_7f4a_7c15_u64;
        std::iter::repeat_with(|| {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            (state >> 40) as f32 / (1 << 23) as f32 - 1.0
        })
        .take(samples)
        .collect()
    }

    fn convert(resampler: &mut Resampler, mono: &[f32], chunk_samples: usize) -> Vec<u32> {
        let mut out = Vec::new();
        for chunk in mono.chunks(chunk_samples) {
            resampler.push(chunk, &mut out).unwrap();
            resampler.push(&[], &mut out).unwrap();
        }
        resampler.finish(&mut out).unwrap();
        out.iter().map(|sample| sample.to_bits()).collect()
    }

    #[test]
    fn output_does_not_depend_on_how_the_input_is_divided() {
        for (source_hz, target_hz) in RATE_PAIRS_HZ {
            let mut resampler = Resampler::new(source_hz, target_hz).unwrap();
            let mono = noise(source_hz as usize / 10 + 7);
            let at_once = convert(&mut resampler, &mono, mono.len());
            for chunk_samples in [1, 2, 13, 240, 241, 1_021] {
                assert!(
                    convert(&mut resampler, &mono, chunk_samples) == at_once,
                    "{source_hz} to {target_hz} Hz in chunks of {chunk_samples}"
                );
            }
        }
    }

    #[test]
    fn output_count_is_the_rounded_share_of_the_input_count() {
        for (source_hz, target_hz) in RATE_PAIRS_HZ {
            let mut resampler = Resampler::new(source_hz, target_hz).unwrap();
            let mono = noise(3_000);
            for samples in (0..20).chain([239, 240, 241, 997, 3_000]) {
                let exact = samples as f64 * f64::from(target_hz) / f64::from(source_hz);
                assert_eq!(
                    convert(&mut resampler, &mono[..samples], 100).len(),
                    (exact + 0.5).floor() as usize,
                    "{samples} samples from {source_hz} to {target_hz} Hz"
                );
            }
        }
    }

    #[test]
    fn half_a_sample_rounds_up() {
        let mut resampler = Resampler::new(48_000, 24_000).unwrap();
        assert_eq!(convert(&mut resampler, &[1.0; 5], 5).len(), 3);
    }

    #[test]
    fn an_impulse_comes_out_centered_on_its_own_time() {
        for (source_hz, target_hz) in RATE_PAIRS_HZ {
            let mut resampler = Resampler::new(source_hz, target_hz).unwrap();
            // The one moment after zero that surely has a sample at both rates is a full second.
            for second in [0, 1] {
                let (at, center) = (second * source_hz as usize, second * target_hz as usize);
                let mut mono = vec![0.0; at + source_hz as usize / 10];
                mono[at] = 1.0;
                let mut out = Vec::new();
                resampler.push(&mono, &mut out).unwrap();
                resampler.finish(&mut out).unwrap();
                let peak = out[center];
                assert!(peak > 0.9 * (target_hz as f32 / source_hz as f32).min(1.0));
                for away in 1..=center.min(200) {
                    let (before, after) = (out[center - away], out[center + away]);
                    assert!(
                        after < peak && (before - after).abs() < 2.0e-6 * peak,
                        "{source_hz} to {target_hz} Hz, {away} away: {before} {after} of {peak}"
                    );
                }
            }
        }
    }

    #[test]
    fn each_output_comes_within_the_stated_latency() {
        for (source_hz, target_hz) in RATE_PAIRS_HZ {
            let mut resampler = Resampler::new(source_hz, target_hz).unwrap();
            let step = f64::from(source_hz) / f64::from(target_hz);
            let latency_samples = resampler.latency_samples() as f64;
            assert!(latency_samples <= 0.020 * f64::from(source_hz));
            let mut out = Vec::new();
            for (pushed, sample) in noise(source_hz as usize / 10).into_iter().enumerate() {
                resampler.push(&[sample], &mut out).unwrap();
                let next_due = out.len() as f64 * step + latency_samples;
                assert!(
                    (pushed + 1) as f64 <= next_due,
                    "{source_hz} to {target_hz} Hz"
                );
            }
        }
    }

    #[test]
    fn reset_forgets_and_finish_resets() {
        for (source_hz, target_hz) in RATE_PAIRS_HZ {
            let mono = noise(source_hz as usize / 20);
            let mut resampler = Resampler::new(source_hz, target_hz).unwrap();
            let fresh = convert(&mut resampler, &mono, 64);
            resampler
                .push(&mono[..777.min(mono.len())], &mut Vec::new())
                .unwrap();
            resampler.reset().unwrap();
            assert!(convert(&mut resampler, &mono, 64) == fresh);
            assert!(convert(&mut resampler, &mono, 64) == fresh);
        }
    }

    #[test]
    fn equal_rates_pass_every_bit_through() {
        let mut resampler = Resampler::new(24_000, 24_000).unwrap();
        let mono = [f32::from_bits(0x7fc0_1234), -0.0, 1.0e-45, 0.1];
        let bits = mono.map(f32::to_bits);
        assert_eq!(convert(&mut resampler, &mono, 3), bits);
        assert_eq!(resampler.latency_samples(), 0);
    }

    #[test]
    fn rates_out_of_range_are_refused_with_a_sentence() {
        for source_hz in [0, 7_999, 768_001, u32::MAX] {
            let error = Resampler::new(source_hz, 24_000).unwrap_err();
            assert_eq!(error, ResampleError::SourceRate { source_hz });
            assert!(error.to_string().contains("from 8000 to 768000 Hz"));
        }
        for target_hz in [0, 7_999, 192_001, u32::MAX] {
            let error = Resampler::new(48_000, target_hz).unwrap_err();
            assert_eq!(error, ResampleError::TargetRate { target_hz });
            assert!(error.to_string().contains("from 8000 to 192000 Hz"));
        }
    }
}
