//! The converter's figures for all customary rates, measured with test tones in 64 bits: level and
//! timing in the pass band, everything other than the tone (aliases, images, noise) at all
//! frequencies, and drift over an hour. `--nocapture` prints them.

#![allow(
    clippy::unwrap_used,
    reason = "an error in a step is a failure of the test"
)]

use std::f64::consts::TAU;
use std::time::Instant;

use mertscope_audio::resample::Resampler;

/// From higher customary rates to the models' rates.
const DOWN_HZ: [(u32, u32); 14] = [
    (44_100, 24_000),
    (48_000, 24_000),
    (88_200, 24_000),
    (96_000, 24_000),
    (176_400, 24_000),
    (192_000, 24_000),
    (44_100, 16_000),
    (48_000, 16_000),
    (88_200, 16_000),
    (96_000, 16_000),
    (176_400, 16_000),
    (192_000, 16_000),
    (24_000, 16_000),
    (768_000, 24_000),
];

/// From lower rates to the models' rates.
const UP_HZ: [(u32, u32); 6] = [
    (8_000, 24_000),
    (11_025, 24_000),
    (12_000, 24_000),
    (16_000, 24_000),
    (22_050, 24_000),
    (8_000, 16_000),
];

/// Rates without a large common divisor, for which the filter interpolates.
const ODD_HZ: [(u32, u32); 5] = [
    (47_999, 24_000),
    (11_127, 24_000),
    (24_001, 24_000),
    (767_999, 16_000),
    (44_100, 47_980),
];

/// Length of a tone; whole periods in its middle half are measured.
const TONE_S: f64 = 0.1;

/// Grid of the tones' frequencies: a whole number of periods fits into the measured half.
const GRID_HZ: f64 = 20.0;

/// A tone after conversion, measured.
struct Measured {
    /// Gain, as a factor.
    gain: f64,
    /// Its delay, in output samples.
    late_samples: f64,
    /// Everything other than the tone, as a share of the input tone.
    rest: f64,
}

fn db(factor: f64) -> f64 {
    20.0 * factor.log10()
}

fn tone(hz: f64, rate_hz: u32, from_sample: usize, samples: usize) -> Vec<f32> {
    (from_sample..from_sample + samples)
        .map(|n| (TAU * (hz * n as f64 / f64::from(rate_hz)).fract() + 0.7).sin() as f32)
        .collect()
}

/// Projects `out`, whose first sample is number `from_sample`, on the input tone.
fn measure(out: &[f32], hz: f64, rate_hz: u32, from_sample: usize) -> Measured {
    let angle = |n: usize| TAU * (hz * n as f64 / f64::from(rate_hz)).fract() + 0.7;
    let (mut along, mut across) = (0.0, 0.0);
    for (n, &sample) in (from_sample..).zip(out) {
        along += 2.0 * f64::from(sample) * angle(n).sin() / out.len() as f64;
        across += 2.0 * f64::from(sample) * angle(n).cos() / out.len() as f64;
    }
    let rest: f64 = (from_sample..)
        .zip(out)
        .map(|(n, &sample)| {
            let fit = along * angle(n).sin() + across * angle(n).cos();
            (f64::from(sample) - fit).powi(2)
        })
        .sum();
    Measured {
        gain: along.hypot(across),
        late_samples: -across.atan2(along) / TAU * f64::from(rate_hz) / hz,
        rest: (2.0 * rest / out.len() as f64).sqrt(),
    }
}

fn rms(samples: &[f32]) -> f64 {
    let power: f64 = samples
        .iter()
        .map(|&sample| f64::from(sample).powi(2))
        .sum();
    (power / samples.len() as f64).sqrt()
}

/// Converts tones over all frequencies of the source and checks the output.
fn check_figures(source_hz: u32, target_hz: u32) {
    let mut resampler = Resampler::new(source_hz, target_hz).unwrap();
    let source_nyquist_hz = f64::from(source_hz) / 2.0;
    let target_nyquist_hz = f64::from(target_hz) / 2.0;
    let lower_nyquist_hz = source_nyquist_hz.min(target_nyquist_hz);
    let samples = (TONE_S * f64::from(source_hz)) as usize;
    let middle_samples = target_hz as usize / 20;
    let from_sample = target_hz as usize / 40;

    let on_grid = |hz: f64| (hz / GRID_HZ).floor() * GRID_HZ;
    let mut run = |hz: f64| {
        let mut out = Vec::new();
        let input = tone(hz, source_hz, 0, samples);
        resampler.push(&input, &mut out).unwrap();
        resampler.finish(&mut out).unwrap();
        out[from_sample..from_sample + middle_samples].to_vec()
    };

    let (mut ripple_db, mut late_samples, mut rest) = (0.0_f64, 0.0_f64, 0.0_f64);
    // Up to 0.90 the tone itself is measured; beyond, in the transition, only everything else.
    for step in 1..100 {
        let share = f64::from(step) / 100.0;
        let hz = on_grid(share * lower_nyquist_hz).max(GRID_HZ);
        let measured = measure(&run(hz), hz, target_hz, from_sample);
        if share <= 0.90 {
            ripple_db = ripple_db.max(db(measured.gain).abs());
            late_samples = late_samples.max(measured.late_samples.abs());
        }
        rest = rest.max(measured.rest);
    }
    // From the target's Nyquist frequency to the source's there must be no output: tones close above
    // the former, then spread over the rest.
    let mut alias = 0.0_f64;
    if source_hz > target_hz {
        let width_hz = source_nyquist_hz - target_nyquist_hz;
        for step in 0..50 {
            let share = f64::from(step) / 50.0;
            for hz in [
                target_nyquist_hz + share * width_hz.min(0.1 * target_nyquist_hz),
                target_nyquist_hz + share * width_hz,
            ] {
                alias = alias.max(rms(&run(hz)) * 2.0_f64.sqrt());
            }
        }
    }

    let second = tone(440.0, source_hz, 0, source_hz as usize);
    let mut out = Vec::with_capacity(target_hz as usize);
    let started = Instant::now();
    resampler.push(&second, &mut out).unwrap();
    resampler.finish(&mut out).unwrap();
    println!(
        "{source_hz:6} -> {target_hz:5} Hz: ripple {ripple_db:.5} dB, timing {late_samples:.1e} \
         samples, alias {:7.1} dB, other {:7.1} dB, latency {:4.1} ms, {:4.0} x real time",
        db(alias),
        db(rest),
        1_000.0 * resampler.latency_samples() as f64 / f64::from(source_hz),
        started.elapsed().as_secs_f64().recip(),
    );
    assert!(
        ripple_db <= 0.01,
        "pass band to 0.90 of Nyquist: {ripple_db} dB"
    );
    assert!(late_samples <= 1.0e-5, "timing: {late_samples} samples");
    assert!(db(alias) <= -100.0, "aliases: {} dB", db(alias));
    assert!(db(rest) <= -100.0, "images and noise: {} dB", db(rest));
}

#[test]
fn downsampling_is_flat_punctual_and_free_of_aliases() {
    for (source_hz, target_hz) in DOWN_HZ {
        check_figures(source_hz, target_hz);
    }
}

#[test]
fn upsampling_is_flat_punctual_and_free_of_images() {
    for (source_hz, target_hz) in UP_HZ {
        check_figures(source_hz, target_hz);
    }
}

#[test]
fn odd_rates_convert_as_well_as_customary_ones() {
    for (source_hz, target_hz) in ODD_HZ {
        check_figures(source_hz, target_hz);
    }
}

/// An hour of silence that ends in a tone, whose phase shows the drift.
fn check_hour(source_hz: u32, target_hz: u32) {
    let mut resampler = Resampler::new(source_hz, target_hz).unwrap();
    let (source, target) = (source_hz as usize, target_hz as usize);
    let silence = vec![0.0; source];
    let mut out = Vec::new();
    let mut earlier_samples = 0;
    for _ in 0..3_599 {
        earlier_samples += out.len();
        out.clear();
        resampler.push(&silence, &mut out).unwrap();
    }
    resampler
        .push(&tone(1_000.0, source_hz, 3_599 * source, source), &mut out)
        .unwrap();
    resampler.finish(&mut out).unwrap();
    assert_eq!(earlier_samples + out.len(), 3_600 * target);

    let from_sample = 3_600 * target - target / 2;
    let middle = &out[from_sample - earlier_samples..][..target / 4];
    let measured = measure(middle, 1_000.0, target_hz, from_sample);
    println!(
        "{source_hz} -> {target_hz} Hz after an hour: {:.1e} samples late",
        measured.late_samples
    );
    assert!(measured.late_samples.abs() <= 1.0e-6);
    assert!((measured.gain - 1.0).abs() <= 1.0e-3);
}

#[test]
fn conversion_does_not_drift_over_an_hour() {
    check_hour(11_025, 8_000);
    check_hour(8_001, 8_000);
}
