//! The mel spectrogram inside the graph, in single precision whatever the variant's precision is.
//!
//! The Fourier transform is a convolution with windowed cosines and sines: exact to the last places, and in
//! operators that every provider has. `DFT` and `STFT` of the ONNX standard are left to the CPU by nearly
//! all of them.

use std::f64::consts::TAU;

use super::builder::Builder;
use super::onnx::Attribute;
use crate::checkpoint::{Checkpoint, CheckpointError};

/// The sizes of a spectrogram.
#[derive(Debug, Clone, Copy)]
pub(super) struct MelSizes {
    /// Length of a spectrum's window, in samples.
    pub(super) fft_samples: usize,
    /// Samples from one spectrum to the next; at most half the window.
    pub(super) hop_samples: usize,
    /// Number of mel bands.
    pub(super) bands: usize,
}

impl MelSizes {
    fn bins(self) -> usize {
        self.fft_samples / 2 + 1
    }
}

type Floats = Result<Vec<f32>, CheckpointError>;

/// The natural logarithm of the mel spectrogram's power, at least 1e-10, of `samples`, `[batch, samples]`:
/// `[batch, bands, floor(samples / hop)]`, and with `last` one frame more.
///
/// Frames are centered: half a window is mirrored at both ends. `window` and `filters` (`[bins, bands]`) make
/// their values of the checkpoint.
pub(super) fn log_mel<N>(
    builder: &mut Builder<'_, N>,
    samples: &str,
    sizes: MelSizes,
    last: bool,
    window: impl Fn(&Checkpoint) -> Floats + 'static,
    filters: impl Fn(&Checkpoint) -> Floats + 'static,
) -> String {
    let MelSizes {
        fft_samples,
        hop_samples,
        bands,
    } = sizes;
    let bins = sizes.bins();
    let half = (fft_samples / 2) as i64;
    // Without the end of the padding, the last frame is missing.
    let end = if last {
        half
    } else {
        half - hop_samples as i64
    };
    let pads = builder.integers(&[0, half, 0, end]);
    let reflect = [("mode", Attribute::Text("reflect"))];
    let padded = builder.graph.node("Pad", &[samples, &pads], &reflect);
    let channel = builder.integers(&[1]);
    let x = builder.graph.node("Unsqueeze", &[&padded, &channel], &[]);
    let waves = builder.weight_f32(
        "spectrum's waves",
        &[2 * bins, 1, fft_samples],
        move |checkpoint| Ok(waves(&window(checkpoint)?)),
    );
    let settings = [
        ("kernel_shape", Attribute::Ints(&[fft_samples as i64])),
        ("strides", Attribute::Ints(&[hop_samples as i64])),
    ];
    let parts = builder.graph.node("Conv", &[&x, &waves], &settings);
    let squares = builder.graph.node("Mul", &[&parts, &parts], &[]);
    // The squares of the real and of the imaginary parts are summed by the filters too.
    let filters = builder.weight_f32("mel filters", &[bands, 2 * bins], move |checkpoint| {
        Ok(twice(&filters(checkpoint)?, bins, bands))
    });
    let power = builder.graph.node("MatMul", &[&filters, &squares], &[]);
    let least = builder.scalar_f32(1e-10);
    let power = builder.graph.node("Max", &[&power, &least], &[]);
    builder.graph.node("Log", &[&power], &[])
}

/// The factor from a natural logarithm to decibels.
pub(super) const DECIBELS: f64 = 10.0 / std::f64::consts::LN_10;

/// The windowed cosines and sines of every bin, `[2 · bins, 1, samples]`.
fn waves(window: &[f32]) -> Vec<f32> {
    let count = window.len();
    let bins = count / 2 + 1;
    let table: Vec<f64> = (0..count).map(|n| TAU * n as f64 / count as f64).collect();
    let mut out = Vec::with_capacity(2 * bins * count);
    for wave in [f64::cos, f64::sin] {
        let turn: Vec<f64> = table.iter().map(|angle| wave(*angle)).collect();
        for bin in 0..bins {
            let samples = window.iter().enumerate();
            out.extend(samples.map(|(n, w)| (f64::from(*w) * turn[bin * n % count]) as f32));
        }
    }
    out
}

/// Filters `[bins, bands]` as `[bands, 2 · bins]`, for the bins' real and imaginary parts.
fn twice(filters: &[f32], bins: usize, bands: usize) -> Vec<f32> {
    let mut out = Vec::with_capacity(2 * filters.len());
    for band in 0..bands {
        for _ in 0..2 {
            out.extend((0..bins).map(|bin| filters[bin * bands + band]));
        }
    }
    out
}

/// The periodic Hann window of so many samples (`torch.hann_window`).
pub(super) fn hann_window(samples: usize) -> Vec<f32> {
    let turn = |n: usize| (TAU * n as f64 / samples as f64).cos();
    (0..samples).map(|n| (0.5 - 0.5 * turn(n)) as f32).collect()
}

/// Triangles on the mel scale of HTK over 0 Hz to half the rate, not normalized, `[bins, bands]`: those of
/// torchaudio's `melscale_fbanks`, in its single precision.
pub(super) fn htk_filters(bins: usize, bands: usize, rate_hz: u32) -> Vec<f32> {
    let highest_hz = rate_hz as f32 / 2.0;
    let highest_mel = 2595.0 * (1.0 + f64::from(highest_hz) / 700.0).log10();
    let edge = |n: usize| {
        let mel = (highest_mel * n as f64 / (bands + 1) as f64) as f32;
        700.0 * (10f32.powf(mel / 2595.0) - 1.0)
    };
    let edges: Vec<f32> = (0..bands + 2).map(edge).collect();
    let mut out = Vec::with_capacity(bins * bands);
    for bin in 0..bins {
        let hz = (f64::from(highest_hz) * bin as f64 / (bins - 1) as f64) as f32;
        out.extend(edges.windows(3).map(|edges| {
            let rising = (hz - edges[0]) / (edges[1] - edges[0]);
            let falling = (edges[2] - hz) / (edges[2] - edges[1]);
            rising.min(falling).max(0.0)
        }));
    }
    out
}
