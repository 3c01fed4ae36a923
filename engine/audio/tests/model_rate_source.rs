//! Files at a model's rate: changes of format in the middle, and channels that cancel each other.

use std::{f64::consts::TAU, io::Cursor, ops::Range};

use mertscope_audio::{Status, decode::Decoder, model_rate_source::ModelRateSource};

#[path = "decode/collect.rs"]
#[allow(dead_code, reason = "the tests of decoding use the rest")]
mod collect;

const TARGET_HZ: u32 = 16_000;

/// All that came out of a file.
struct Found {
    samples: Vec<f32>,
    marks: Vec<(Range<u64>, Status)>,
    duration_s: f64,
    notices: Vec<String>,
}

fn read(bytes: Vec<u8>) -> Found {
    let decoder = Decoder::from_reader(Cursor::new(bytes), "x").unwrap();
    let mut source = ModelRateSource::new(decoder, "x", TARGET_HZ).unwrap();
    let (mut samples, mut marks) = (Vec::new(), Vec::new());
    loop {
        let goes_on = source.next(&mut samples).unwrap();
        marks.extend(source.take_marks());
        if !goes_on {
            break;
        }
    }
    Found {
        samples,
        marks,
        duration_s: source.duration_s(),
        notices: source.notices().into_iter().map(|n| n.text).collect(),
    }
}

/// Amplitude of a sine of `frequency_hz`.
fn amplitude(samples: &[f32], frequency_hz: f64) -> f64 {
    let (mut re, mut im) = (0.0, 0.0);
    for (n, sample) in samples.iter().enumerate() {
        let phase = TAU * frequency_hz * n as f64 / f64::from(TARGET_HZ);
        re += f64::from(*sample) * phase.cos();
        im += f64::from(*sample) * phase.sin();
    }
    2.0 * re.hypot(im) / samples.len() as f64
}

#[test]
fn parts_at_other_rates_follow_each_other_without_a_gap() {
    let parts = ["tone.ogg", "tone-48k.ogg", "tone.ogg"].map(collect::bytes_of);
    let found = read(parts.concat());
    assert_eq!(found.samples.len(), 3 * 6400);
    assert!(
        (found.duration_s - 1.2).abs() < 1e-9,
        "{}",
        found.duration_s
    );
    for part in found.samples.chunks(6400) {
        let (left, right) = (
            amplitude(&part[1600..4800], 440.0),
            amplitude(&part[1600..4800], 660.0),
        );
        assert!(
            (left - 0.25).abs() < 0.02 && (right - 0.25).abs() < 0.02,
            "{left}, {right}"
        );
    }
    assert_eq!(
        found.notices,
        [
            "It changes to 48000 Hz with 2 channels after 0.4 s, and once more after that; all of it \
             was analyzed."
        ]
    );
}

/// A gap's place counts from the start of the file.
#[test]
fn damage_after_a_change_is_marked_in_its_place() {
    let mut second = collect::bytes_of("tone-48k.ogg");
    let at = second.len() * 8 / 10;
    second[at..at + 100].fill(0x55);
    let found = read([collect::bytes_of("tone.ogg"), second].concat());
    let [(range, Status::Gap)] = &found.marks[..] else {
        panic!("{:?}", found.marks)
    };
    assert!((6400..12_800).contains(&range.start), "{range:?}");
    assert_eq!(found.samples.len(), 12_800);
}

/// A WAV at the model's rate in 32-bit float, of two seconds of a tone, and the same times `factor`.
fn stereo(factor: f32) -> Vec<u8> {
    let frames = 2 * TARGET_HZ;
    let mut wav = b"RIFF\0\0\0\0WAVEfmt \x10\0\0\0\x03\0\x02\0".to_vec();
    wav.extend(TARGET_HZ.to_le_bytes());
    wav.extend((TARGET_HZ * 8).to_le_bytes());
    wav.extend(b"\x08\0\x20\0data");
    wav.extend((frames * 8).to_le_bytes());
    for n in 0..frames {
        let left = 0.5 * (TAU * 440.0 * f64::from(n) / f64::from(TARGET_HZ)).sin() as f32;
        wav.extend([left, left * factor].map(f32::to_le_bytes).concat());
    }
    wav
}

#[test]
fn antiphase_is_analyzed_from_one_channel_and_told() {
    let found = read(stereo(-1.0));
    assert!((amplitude(&found.samples, 440.0) - 0.5).abs() < 1e-3);
    assert_eq!(
        found.notices,
        [
            "Its channels cancel each other for 2.0 s, so that a mono mix is silent: one of them was \
             analyzed alone there. Check the polarity of the recording."
        ]
    );
    let found = read(stereo(0.0));
    assert!((amplitude(&found.samples, 440.0) - 0.25).abs() < 1e-3);
    assert_eq!(found.notices, [""; 0]);
}
