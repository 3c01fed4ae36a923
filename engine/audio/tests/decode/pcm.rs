//! WAV and AIFF in all sample widths and with all the lengths that writers leave.

use std::io::{self, Cursor, Read};

use mertscope_audio::decode::{Block, Decoder};

use crate::collect::{Collected, collect};

#[path = "../../../../tests/src/wav.rs"]
mod wav_header;

use wav_header::WavFormat;

/// A WAV of `data`, with the given lengths in its two length fields.
fn wav_with_lengths(
    tag: u16,
    bits: u16,
    channels: u16,
    rate_hz: u32,
    data: &[u8],
    riff: u32,
    length: u32,
) -> Vec<u8> {
    let format = WavFormat {
        tag,
        bits,
        channels,
        rate_hz,
    };
    let mut wav = format.header_with_lengths(riff, length);
    wav.extend(data);
    wav
}

fn wav(tag: u16, bits: u16, channels: u16, rate_hz: u32, data: &[u8]) -> Vec<u8> {
    let format = WavFormat {
        tag,
        bits,
        channels,
        rate_hz,
    };
    [&format.header(data.len() as u32), data].concat()
}

/// An AIFF-C of `data`.
fn aifc(compression: &[u8; 4], bits: u16, channels: u16, data: &[u8]) -> Vec<u8> {
    // 44,100 Hz as an 80-bit float.
    let rate = [0x40, 0x0e, 0xac, 0x44, 0, 0, 0, 0, 0, 0];
    let frames = (data.len() / usize::from(bits / 8 * channels)) as u32;
    let common = [
        &channels.to_be_bytes()[..],
        &frames.to_be_bytes(),
        &bits.to_be_bytes(),
        &rate,
        compression,
        &[0, 0], // the empty name of the compression
    ]
    .concat();
    let mut body = b"AIFCCOMM".to_vec();
    body.extend((common.len() as u32).to_be_bytes());
    body.extend(common);
    body.extend(b"SSND");
    body.extend((data.len() as u32 + 8).to_be_bytes());
    body.extend([0; 8]);
    body.extend(data);
    [
        b"FORM".to_vec(),
        (body.len() as u32).to_be_bytes().to_vec(),
        body,
    ]
    .concat()
}

fn decode(bytes: Vec<u8>) -> Collected {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("sound");
    std::fs::write(&path, &bytes).unwrap();
    let from_file = collect(Decoder::open(&path)).unwrap();
    let from_pipe = collect(Decoder::from_reader(Cursor::new(bytes), "pipe")).unwrap();
    let bits = |samples: &[f32]| {
        samples
            .iter()
            .map(|sample| sample.to_bits())
            .collect::<Vec<_>>()
    };
    assert_eq!(
        bits(&from_file.samples),
        bits(&from_pipe.samples),
        "file and pipe differ"
    );
    assert_eq!(
        (from_file.note.as_ref(), from_pipe.note.as_ref()),
        (None, None)
    );
    from_file
}

#[test]
fn every_width_of_wav_and_aiff_keeps_its_values() {
    let quarter = [0.0, 0.25, -1.0, 0.5];
    let rows: [(&str, Vec<u8>); 11] = [
        ("8-bit", wav(1, 8, 1, 8_000, &[128, 160, 0, 192])),
        (
            "16-bit",
            wav(1, 16, 1, 192_000, &[0, 0, 0, 0x20, 0, 0x80, 0, 0x40]),
        ),
        (
            "24-bit",
            wav(
                1,
                24,
                1,
                768_000,
                &[0, 0, 0, 0, 0, 0x20, 0, 0, 0x80, 0, 0, 0x40],
            ),
        ),
        (
            "32-bit",
            wav(
                1,
                32,
                1,
                44_100,
                &[0, 0, 0, 0, 0, 0, 0, 0x20, 0, 0, 0, 0x80, 0, 0, 0, 0x40],
            ),
        ),
        (
            "float",
            wav(
                3,
                32,
                1,
                44_100,
                &quarter.map(|x| (x as f32).to_le_bytes()).concat(),
            ),
        ),
        (
            "double",
            wav(3, 64, 1, 44_100, &quarter.map(f64::to_le_bytes).concat()),
        ),
        (
            "AIFF-C 16-bit",
            aifc(b"NONE", 16, 1, &[0, 0, 0x20, 0, 0x80, 0, 0x40, 0]),
        ),
        (
            "AIFF-C 24-bit",
            aifc(
                b"in24",
                24,
                1,
                &[0, 0, 0, 0x20, 0, 0, 0x80, 0, 0, 0x40, 0, 0],
            ),
        ),
        (
            "AIFF-C little-endian",
            aifc(b"sowt", 16, 1, &[0, 0, 0, 0x20, 0, 0x80, 0, 0x40]),
        ),
        (
            "AIFF-C float",
            aifc(
                b"FL32",
                32,
                1,
                &quarter.map(|x| (x as f32).to_be_bytes()).concat(),
            ),
        ),
        ("AIFF-C unsigned", aifc(b"raw ", 8, 1, &[128, 160, 0, 192])),
    ];
    for (row, bytes) in rows {
        assert_eq!(decode(bytes).samples, quarter.map(|x| x as f32), "{row}");
    }
}

#[test]
fn six_channels_in_the_extensible_form() {
    let mut bytes = wav(0xfffe, 16, 6, 48_000, &[1, 0, 2, 0, 3, 0, 4, 0, 5, 0, 6, 0]);
    // 22 more bytes: valid bits, speaker mask, and a GUID that begins with the tag of PCM.
    let extension = [
        &[22, 0, 16, 0, 0x3f, 0, 0, 0][..],
        b"\x01\0\0\0\0\0\x10\0\x80\0\0\xaa\0\x38\x9b\x71",
    ]
    .concat();
    bytes[16] = 40;
    bytes.splice(36..36, extension);
    assert_eq!(
        Decoder::from_reader(Cursor::new(bytes.clone()), "pipe")
            .unwrap()
            .channels(),
        6
    );
    assert_eq!(
        decode(bytes).samples,
        [1.0, 2.0, 3.0, 4.0, 5.0, 6.0].map(|x: f32| x / 32_768.0)
    );
}

#[test]
fn one_sample_is_a_file() {
    assert_eq!(decode(wav(1, 16, 1, 44_100, &[0, 0x40])).samples, [0.5]);
}

#[test]
fn nan_and_infinity_are_passed_through() {
    let strange = [
        f32::NAN,
        f32::INFINITY,
        f32::NEG_INFINITY,
        1e30,
        f32::MIN_POSITIVE / 2.0,
    ];
    let data = strange.map(f32::to_le_bytes).concat();
    let doubles = strange.map(|x| f64::from(x).to_le_bytes()).concat();
    for bytes in [
        wav(3, 32, 1, 44_100, &data),
        wav(3, 64, 1, 44_100, &doubles),
    ] {
        let samples = decode(bytes).samples;
        assert!(samples[0].is_nan());
        assert_eq!(samples[1..], strange[1..]);
    }
}

/// Writers that can't seek back, or were killed, leave various lengths.
#[test]
fn a_wav_of_unknown_length_is_read_to_its_end() {
    let data: Vec<u8> = (0..2_000_u16).flat_map(u16::to_le_bytes).collect();
    let lengths = [
        (0, 0),
        (u32::MAX, u32::MAX),
        (u32::MAX, 0),
        (36, 0),
        (0x7fff_f024, 0x7fff_f000),
        (0x8000_0024, 0x8000_0000),
        (u32::MAX - 7, u32::MAX - 43),
    ];
    for (riff, length) in lengths {
        let sound = decode(wav_with_lengths(1, 16, 2, 44_100, &data, riff, length));
        assert_eq!(sound.samples.len(), 2_000, "{riff:#x}, {length:#x}");
    }
}

#[test]
fn rf64_has_its_length_in_64_bits_and_may_have_chunks_after_the_samples() {
    let mut bytes = wav_with_lengths(1, 16, 1, 44_100, &[0, 0x40, 0, 0xc0], u32::MAX, u32::MAX);
    bytes[..4].copy_from_slice(b"RF64");
    let mut lengths = b"ds64\x1c\0\0\0".to_vec();
    lengths.extend([100_u64, 4, 2].map(u64::to_le_bytes).concat());
    lengths.extend([0; 4]);
    bytes.splice(12..12, lengths);
    bytes.extend(b"LIST\x04\0\0\0INFO");
    assert_eq!(decode(bytes).samples, [0.5, -0.5]);
}

/// Ten minutes of a WAV that states no length.
#[test]
fn an_endless_stream_comes_in_small_blocks() {
    const MINUTES_10: u64 = 600 * 44_100;
    let header = Cursor::new(wav_with_lengths(1, 16, 2, 44_100, &[], 0, 0));
    let reader = header.chain(io::repeat(0x40).take(MINUTES_10 * 4));
    let mut decoder = Decoder::from_reader(reader, "standard input").unwrap();
    assert_eq!(decoder.frames(), None);
    let mut frames = 0;
    while let Some(block) = decoder.next_block().unwrap() {
        let Block::Samples(samples) = block else {
            panic!("a gap after {frames} frames")
        };
        assert!(samples.len() <= 2 * 4_096);
        frames += (samples.len() / 2) as u64;
    }
    assert_eq!(frames, MINUTES_10);
}
