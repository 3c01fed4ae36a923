//! The converter's windowed-sinc filter: `rubato`'s asynchronous resampler, with its starting
//! position set so that output 0 is centered on input 0.
//!
//! Runs on the thread of its `Resampler`. Deliberately not here: the number of outputs of a stream,
//! and the check of the rates.

use rubato::audioadapter_buffers::direct::InterleavedSlice;
use rubato::{
    Adjustable, Async, FixedAsync, Resampler, SincInterpolationParameters, SincInterpolationType,
    WindowFunction,
};

use super::{ResampleError, internal};

/// Filter length in samples of the lower of the two rates. With a Blackman-Harris window and
/// [`CUTOFF`] this puts the whole transition between 0.90 and 1.00 of the lower Nyquist frequency,
/// with a computed ripple under 0.0001 dB and a stop band under -111 dB.
const FILTER_SAMPLES: f64 = 192.0;

/// The filter's -6 dB point as a fraction of the lower Nyquist frequency; see [`FILTER_SAMPLES`].
const CUTOFF: f32 = 0.9425;

/// Phases per sample of the lower rate when a cubic interpolates between them. The error of cubic interpolation
/// falls with the fourth power of this number and is here far below that of 32-bit samples.
const CUBIC_PHASES: f64 = 128.0;

/// Largest term of the reduced rate ratio for which every phase is precomputed. It limits the table
/// to about `FILTER_SAMPLES * 1024` coefficients and covers every pair of customary rates.
const MAX_EXACT_TERM: u32 = 1_024;

/// Chunks passed to the filter per second of input; a chunk of 5 ms bounds the added latency.
const CHUNKS_PER_SECOND: u32 = 200;

#[derive(Debug)]
pub(super) struct Filter {
    sinc: Async<f32>,
    /// `target_hz / source_hz`.
    ratio: f64,
    /// Length of the filter's impulse response, in source samples.
    filter_samples: usize,
    /// The step, in source samples, of the discarded first output that sets the filter's position.
    first_step_samples: f64,
    /// Outputs between that one and the one centered on input 0, also discarded.
    lead_in_samples: usize,
    /// How many outputs are still to be discarded.
    skip_samples: usize,
    /// Outputs given since the last reset.
    given_samples: u64,
    /// One chunk of input; its first `pending_samples` are filled.
    pending: Vec<f32>,
    pending_samples: usize,
}

impl Filter {
    /// Builds the filter for two different rates, both in the ranges that `Resampler` allows.
    pub(super) fn new(source_hz: u32, target_hz: u32) -> Result<Self, ResampleError> {
        let ratio = f64::from(target_hz) / f64::from(source_hz);
        let step = ratio.recip();
        // rubato rounds up to a multiple of 8 itself; the position below needs the result.
        let filter_samples = ((FILTER_SAMPLES * step.max(1.0)).ceil() as usize).next_multiple_of(8);
        let chunk_samples = (source_hz / CHUNKS_PER_SECOND) as usize;

        let divisor = greatest_common_divisor(source_hz, target_hz);
        let (phases, interpolation) = if source_hz.max(target_hz) / divisor <= MAX_EXACT_TERM {
            (
                (target_hz / divisor) as usize,
                SincInterpolationType::Nearest,
            )
        } else {
            let phases = (CUBIC_PHASES / step.max(1.0)).ceil() as usize;
            (phases, SincInterpolationType::Cubic)
        };

        // In rubato 5, with filter length L, F phases, chunks of C and step r, an output's index is
        // that of the first sample under the filter, and the output is centered L/2 - 1 + 1/F later.
        // A reset puts the index at 1 - L. One output with step D, made from a chunk of silence,
        // takes it to 1 - L + D - C relative to the next chunk. Output 0 comes after m discarded
        // ones and is centered on input 0 if
        //     1 - L + D - C + (m + 1) r + L/2 - 1 + 1/F = 0.
        // Exactly one output fits into the chunk of silence if (C - 2)/2 < D <= C - 2. The smallest
        // m with D <= C - 3 gives C - 3 - r < D, inside those bounds since C > 2r + 4 for all rates
        // allowed.
        let half = filter_samples as f64 / 2.0 - (phases as f64).recip();
        let lead_in_samples = ((half + 3.0) * ratio).ceil() - 1.0;
        let first_step_samples = chunk_samples as f64 + half - (lead_in_samples + 1.0) * step;

        let sinc = Async::new_sinc(
            ratio,
            // The largest change of ratio that `reset` makes, and a little room for rounding.
            first_step_samples * ratio + 1.0,
            &SincInterpolationParameters {
                sinc_len: filter_samples,
                f_cutoff: Some(CUTOFF),
                oversampling_factor: phases,
                interpolation,
                window: WindowFunction::BlackmanHarris,
            },
            chunk_samples,
            1,
            FixedAsync::Input,
        )
        .map_err(internal)?;
        let mut filter = Self {
            sinc,
            ratio,
            filter_samples,
            first_step_samples,
            lead_in_samples: lead_in_samples as usize,
            skip_samples: 0,
            given_samples: 0,
            pending: vec![0.0; chunk_samples],
            pending_samples: 0,
        };
        filter.reset()?;
        Ok(filter)
    }

    /// Input that may have to follow a moment before its output comes, in source samples.
    pub(super) fn latency_samples(&self) -> usize {
        // rubato needs up to two samples beyond the right half of the filter.
        self.filter_samples / 2 + 2 + self.pending.len()
    }

    /// Takes any number of samples and appends the outputs that are ready to `out`.
    pub(super) fn push(
        &mut self,
        mut mono: &[f32],
        out: &mut Vec<f32>,
    ) -> Result<(), ResampleError> {
        while !mono.is_empty() {
            let room = &mut self.pending[self.pending_samples..];
            let (head, rest) = mono.split_at(room.len().min(mono.len()));
            room[..head.len()].copy_from_slice(head);
            self.pending_samples += head.len();
            mono = rest;
            if self.pending_samples == self.pending.len() {
                self.convert_pending(out)?;
            }
        }
        Ok(())
    }

    /// Feeds silence until `total_samples` outputs were given since the last reset. It never has to
    /// withdraw an output of an earlier `push`: an output is given only after half a filter of input
    /// has followed its center.
    pub(super) fn flush(
        &mut self,
        total_samples: u64,
        out: &mut Vec<f32>,
    ) -> Result<(), ResampleError> {
        while self.given_samples < total_samples {
            self.pending[self.pending_samples..].fill(0.0);
            self.convert_pending(out)?;
        }
        let excess = usize::try_from(self.given_samples - total_samples).map_err(internal)?;
        out.truncate(out.len() - excess);
        Ok(())
    }

    /// Forgets all input and moves the filter to its starting position.
    pub(super) fn reset(&mut self) -> Result<(), ResampleError> {
        self.sinc.reset();
        // rubato's position can be set only through the length of a step.
        self.set_ratio(self.first_step_samples.recip())?;
        self.pending.fill(0.0);
        self.convert_into(&mut [0.0])?;
        self.set_ratio(self.ratio)?;
        self.skip_samples = self.lead_in_samples;
        self.given_samples = 0;
        Ok(())
    }

    fn set_ratio(&mut self, ratio: f64) -> Result<(), ResampleError> {
        self.sinc.set_resample_ratio(ratio, false).map_err(internal)
    }

    /// Converts the chunk in `pending`, appends the outputs and discards those of the lead-in.
    fn convert_pending(&mut self, out: &mut Vec<f32>) -> Result<(), ResampleError> {
        let start = out.len();
        let ready_samples = self.sinc.output_frames_next();
        out.resize(start + ready_samples, 0.0);
        self.convert_into(&mut out[start..])?;

        let skipped_samples = self.skip_samples.min(ready_samples);
        out.drain(start..start + skipped_samples);
        self.skip_samples -= skipped_samples;
        self.given_samples += (ready_samples - skipped_samples) as u64;
        Ok(())
    }

    fn convert_into(&mut self, converted: &mut [f32]) -> Result<(), ResampleError> {
        let converted_samples = converted.len();
        let chunk = InterleavedSlice::new(self.pending.as_slice(), 1, self.pending.len())
            .map_err(internal)?;
        let mut converted =
            InterleavedSlice::new_mut(converted, 1, converted_samples).map_err(internal)?;
        self.sinc
            .process_into_buffer(&chunk, &mut converted, None)
            .map_err(internal)?;
        self.pending_samples = 0;
        Ok(())
    }
}

fn greatest_common_divisor(a: u32, b: u32) -> u32 {
    if b == 0 {
        a
    } else {
        greatest_common_divisor(b, a % b)
    }
}
