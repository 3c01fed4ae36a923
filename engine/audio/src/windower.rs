//! The windower: cuts a stream of samples at a model's rate into sliding windows, and applies the
//! silence gate.
//!
//! Windows start at 0 and advance by the hop; the last one is aligned with the end, so that no audio
//! is left out. Window and hop bound the memory. Positions count samples of the stream: audio time,
//! never wall time.

use std::collections::VecDeque;
use std::ops::Range;

use crate::Status;

/// RMS level below which a window counts as silence, in dBFS: below the noise floor of any recording made
/// for listening, above 16-bit dither (−93 dBFS) and the noise of converters.
pub const SILENCE_DBFS: f32 = -70.0;

/// The same as an amplitude.
const SILENCE_RMS: f64 = 3.162_277_66e-4;

/// Samples at either end of a window that the gate ignores: there the resampling filter (96 samples
/// per side) rings when a constant offset begins or ends.
const EDGE_SAMPLES: usize = 128;

/// A window, with its place and status.
#[derive(Debug, Clone, PartialEq)]
pub struct Window {
    /// Position of its first sample in the stream.
    pub start: u64,
    /// Its samples; fewer than a window's length only when the whole stream is shorter.
    pub samples: Vec<f32>,
    /// Whether it can be analyzed, and if not, why.
    pub status: Status,
}

/// Cuts a stream into windows.
///
/// # Examples
/// ```
/// use mertscope_audio::{Status, windower::Windower};
///
/// let mut windower = Windower::new(80_000, 16_000);
/// windower.push(&[0.0; 90_000]);
/// let window = windower.next_window().expect("a whole window is there");
/// assert_eq!((window.start, window.status), (0, Status::Silent));
/// assert!(windower.next_window().is_none());
/// // The last window ends with the stream.
/// assert_eq!(windower.finish().map(|window| window.start), Some(10_000));
/// ```
#[derive(Debug)]
pub struct Windower {
    length: usize,
    hop: usize,
    buffer: VecDeque<f32>,
    /// Number of samples received so far.
    received: u64,
    /// Start of the next window.
    next: u64,
    /// End of the last window.
    covered: u64,
    marks: Vec<(Range<u64>, Status)>,
}

impl Windower {
    /// A windower for windows of `length` samples, one every `hop` samples; 0 counts as 1.
    #[must_use]
    pub fn new(length: usize, hop: usize) -> Self {
        Self {
            length: length.max(1),
            hop: hop.max(1),
            buffer: VecDeque::new(),
            received: 0,
            next: 0,
            covered: 0,
            marks: Vec::new(),
        }
    }

    /// Takes in the next samples of the stream.
    pub fn push(&mut self, samples: &[f32]) {
        self.buffer.extend(samples);
        self.received += samples.len() as u64;
    }

    /// Marks a stretch of the stream, past or future, that must not be analyzed.
    pub fn mark(&mut self, stretch: Range<u64>, status: Status) {
        match self.marks.last_mut() {
            // Adjacent marks are merged, so that a file full of them costs no memory.
            Some((last, same)) if *same == status && stretch.start <= last.end => {
                last.end = last.end.max(stretch.end);
            }
            _ => self.marks.push((stretch, status)),
        }
    }

    /// The next window, when all its samples are there.
    pub fn next_window(&mut self) -> Option<Window> {
        if self.received < self.next + self.length as u64 {
            return None;
        }
        let window = self.cut(self.next);
        self.next += self.hop as u64;
        self.forget();
        Some(window)
    }

    /// Changes the hop, from the last window to the next and between all later ones. When the next
    /// window would start before the oldest sample kept, it starts at that sample.
    pub fn set_hop(&mut self, hop: usize) {
        let hop = hop.max(1);
        if self.next > 0 {
            let oldest = self.received - self.buffer.len() as u64;
            self.next = (self.next - self.hop as u64 + hop as u64).max(oldest);
        }
        self.hop = hop;
    }

    /// Number of samples that the next window still lacks.
    #[must_use]
    pub fn missing(&self) -> u64 {
        (self.next + self.length as u64).saturating_sub(self.received)
    }

    /// Fill of the buffer as a share of a window, 0 to 1.
    #[must_use]
    pub fn fill(&self) -> f32 {
        (self.buffer.len() as f32 / self.length as f32).min(1.0)
    }

    /// The last window, aligned with the end of the stream; `None` when a window covers the end already.
    /// A stream shorter than a window gives one shorter window; an empty stream gives none.
    pub fn finish(mut self) -> Option<Window> {
        let start = self.received.saturating_sub(self.length as u64);
        (self.covered < self.received).then(|| self.cut(start))
    }

    fn cut(&mut self, start: u64) -> Window {
        let oldest = self.received - self.buffer.len() as u64;
        let from = (start - oldest) as usize;
        let to = (from + self.length).min(self.buffer.len());
        let samples: Vec<f32> = self.buffer.range(from..to).copied().collect();
        self.covered = start + samples.len() as u64;
        let marked = |wanted| {
            self.marks.iter().any(|(stretch, status)| {
                *status == wanted && stretch.start < self.covered && stretch.end > start
            })
        };
        let status = if marked(Status::Gap) {
            Status::Gap
        } else if marked(Status::Invalid) {
            Status::Invalid
        } else if is_silent(&samples) {
            Status::Silent
        } else {
            Status::Ok
        };
        Window {
            start,
            samples,
            status,
        }
    }

    /// Drops the samples and marks that neither the next window nor one aligned with the end can need.
    fn forget(&mut self) {
        let keep_from = self
            .next
            .min(self.received.saturating_sub(self.length as u64));
        let oldest = self.received - self.buffer.len() as u64;
        self.buffer
            .drain(..keep_from.saturating_sub(oldest) as usize);
        self.marks.retain(|(stretch, _)| stretch.end > keep_from);
    }
}

/// Whether the samples are silent: RMS about their mean, so that a constant offset is silence too.
#[must_use]
pub fn is_silent(samples: &[f32]) -> bool {
    let inner = samples
        .len()
        .checked_sub(EDGE_SAMPLES)
        .and_then(|end| samples.get(EDGE_SAMPLES..end));
    let samples = inner.filter(|inner| !inner.is_empty()).unwrap_or(samples);
    let count = samples.len().max(1) as f64;
    let mean = samples.iter().map(|x| f64::from(*x)).sum::<f64>() / count;
    let power = samples
        .iter()
        .map(|x| (f64::from(*x) - mean).powi(2))
        .sum::<f64>()
        / count;
    power.sqrt() < SILENCE_RMS
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tone(count: usize) -> Vec<f32> {
        (0..count).map(|n| (n as f32 * 0.3).sin()).collect()
    }

    fn windows(windower: Windower, samples: &[f32], chunk: usize) -> Vec<Window> {
        let mut windower = windower;
        let mut out = Vec::new();
        for chunk in samples.chunks(chunk) {
            windower.push(chunk);
            while let Some(window) = windower.next_window() {
                out.push(window);
            }
        }
        out.extend(windower.finish());
        out
    }

    #[test]
    fn windows_advance_by_the_hop_and_the_last_one_ends_with_the_stream() {
        for (length, hop, total, starts) in [
            (10, 4, 10, vec![0]),
            (10, 4, 14, vec![0, 4]),
            (10, 4, 17, vec![0, 4, 7]),
            (10, 25, 60, vec![0, 25, 50]),
            (10, 25, 40, vec![0, 25, 30]),
            (10, 4, 3, vec![0]),
            (10, 4, 0, vec![]),
        ] {
            let samples = tone(total);
            let found = windows(Windower::new(length, hop), &samples, 7);
            let got: Vec<u64> = found.iter().map(|w| w.start).collect();
            assert_eq!(got, starts, "length {length}, hop {hop}, total {total}");
            for window in found {
                let from = window.start as usize;
                let to = (from + length).min(total);
                assert_eq!(window.samples, samples[from..to]);
            }
        }
    }

    #[test]
    fn windows_do_not_depend_on_how_the_input_is_divided() {
        let samples = tone(1000);
        let whole = windows(Windower::new(100, 33), &samples, 1000);
        for chunk in [1, 7, 99, 100, 101] {
            assert_eq!(windows(Windower::new(100, 33), &samples, chunk), whole);
        }
    }

    #[test]
    fn a_hop_can_change_between_two_windows() {
        let samples = tone(200);
        let mut windower = Windower::new(10, 40);
        windower.push(&samples[..60]);
        let mut starts: Vec<u64> = std::iter::from_fn(|| windower.next_window())
            .map(|w| w.start)
            .collect();
        windower.set_hop(30); // the next one is at 70 now, not at 80
        assert_eq!(windower.missing(), 20);
        windower.push(&samples[60..100]);
        starts.extend(windower.next_window().map(|w| w.start));
        windower.push(&samples[100..105]);
        windower.set_hop(1); // sample 71 is gone: only the last ten samples are kept
        let last = windower.next_window().unwrap();
        starts.push(last.start);
        assert_eq!(starts, [0, 40, 70, 90]);
        assert_eq!(last.samples, samples[90..100]);
    }

    #[test]
    fn memory_is_bounded_by_window_and_hop() {
        let mut windower = Windower::new(100, 10);
        for n in 0..10_000 {
            windower.push(&tone(10));
            windower.mark(n * 10..n * 10 + 1, Status::Invalid);
            while windower.next_window().is_some() {}
            assert!(windower.buffer.len() <= 120, "{}", windower.buffer.len());
            assert!(windower.marks.len() <= 12, "{}", windower.marks.len());
        }
    }

    #[test]
    fn the_edges_of_a_constant_offset_are_silent_too() {
        let mut samples = vec![0.7; 2000];
        samples[..20].fill(0.3);
        assert!(is_silent(&samples));
        samples[1000..1200].fill(0.3);
        assert!(!is_silent(&samples));
    }

    #[test]
    fn marked_and_silent_windows_say_why_they_are_skipped() {
        let mut windower = Windower::new(10, 10);
        windower.mark(12..13, Status::Gap);
        windower.mark(15..16, Status::Invalid);
        windower.mark(20..21, Status::Invalid);
        let mut samples = tone(30);
        samples.extend([0.0; 10]); // silence
        samples.extend([0.5; 10]); // a constant offset
        samples.extend(tone(10).iter().map(|x| x * 3e-4)); // −73 dBFS
        samples.extend(tone(10).iter().map(|x| x * 2e-3)); // −61 dBFS
        let found: Vec<_> = windows(windower, &samples, 5)
            .iter()
            .map(|w| w.status)
            .collect();
        use Status::{Gap, Invalid, Ok, Silent};
        assert_eq!(found, [Ok, Gap, Invalid, Silent, Silent, Silent, Ok]);
    }
}
