//! Target `decode`: an audio file, back and forth as a file and forward only as a pipe, up to
//! samples at a model's rate.

use std::io::Cursor;

use mertscope_audio::decode::{Block, Decoder};
use mertscope_audio::model_rate_source::ModelRateSource;

use crate::scratch::Folder;
use crate::seeds;
use crate::target::{Memory, Target};

/// The target.
pub const TARGET: Target = Target {
    name: "decode",
    run,
    seeds: || {
        let mut all = seeds::of(
            "decode",
            &[
                "tests/fixtures/audio/tone.wav",
                "tests/fixtures/audio/tone.aiff",
                "tests/fixtures/audio/tone.flac",
                "tests/fixtures/audio/tone.mp3",
                "tests/fixtures/audio/tone.ogg",
                "tests/fixtures/audio/tone.m4a",
                "tests/fixtures/audio/tone.caf",
                "tests/fixtures/audio/tone.w64",
                "tests/fixtures/audio/tone.mp2",
                "tests/fixtures/audio/tone.mkv",
                "tests/fixtures/audio/tone-mono.mp3",
                "tests/fixtures/audio/tone-tracks.mp4",
                "tests/fixtures/audio/tone-opus.ogg",
                "tests/fixtures/audio/tone-opus.webm",
                "tests/fixtures/audio/tone-opus.mp4",
            ],
        );
        all.extend(WAVES.map(|(tag, block_bytes, bits)| wave(tag, block_bytes, bits)));
        all.push(long_wave());
        all.push(tagged_flac());
        all
    },
    tokens: &[
        "RIFF",
        "RF64",
        "WAVE",
        "fmt ",
        "data",
        "ds64",
        "fact",
        "LIST",
        "FORM",
        "AIFF",
        "AIFC",
        "COMM",
        "SSND",
        "sowt",
        "fl32",
        "fLaC",
        "ID3",
        "TAG",
        "Xing",
        "Info",
        "LAME",
        "VBRI",
        "APIC",
        "OggS",
        "OpusHead",
        "\x01vorbis",
        "\x03vorbis",
        "\x05vorbis",
        "BCV",
        "ftyp",
        "moov",
        "mdat",
        "moof",
        "trak", // spelling as stored
        "mdia",
        "mdhd",
        "hdlr",
        "minf",
        "stbl",
        "stsd",
        "stts",
        "stsc",
        "stsz",
        "stco",
        "co64",
        "mp4a",
        "esds",
        "alac",
        "edts",
        "elst",
        "udta",
        "meta",
        "ilst",
        "data",
        "free",
        "mvex",
        "trex",
        "traf",
        "trun", // spelling as stored
        "tfhd",
        "tkhd",
        "dOps",
        "OpusTags",
        "TAG+",
        "APETAGEX",
        "LYRICS200",
        "caff",
        "desc",
        "pakt",
        "lpcm",
        "riff",
        "wave",
        // The starts of Matroska's elements for tracks and for packets.
        "\x16\x54",
        "\x1f\x43",
    ],
    // Compressed audio unfolds: a packet of a few bytes is a block of thousands of samples.
    memory: Memory {
        fixed_bytes: 8 << 20,
        per_input_byte: 64,
    },
    missing: Target::never_missing,
};

/// A rate that models want, in hertz.
const RATE_HZ: u32 = 16_000;

/// Kinds of WAV files that the fixtures lack, mono: tag, bytes per block, bits per sample.
const WAVES: [(u16, u16, u16); 7] = [
    (1, 3, 24),
    (3, 4, 32),
    (3, 8, 64),
    (6, 1, 8),
    (7, 1, 8),
    (2, 256, 4),
    (0x11, 256, 4),
];

/// A chunk of a RIFF file.
fn chunk(id: &[u8], bytes: &[u8]) -> Vec<u8> {
    let length = bytes.len() as u32;
    [id, &length.to_le_bytes(), bytes].concat()
}

/// A chunk `fmt `, mono at 16 kHz, then a chunk `data` with a kilobyte.
fn body(tag: u16, block_bytes: u16, bits: u16) -> Vec<u8> {
    let rate = u32::from(block_bytes) * RATE_HZ;
    let mut format = [tag.to_le_bytes(), 1u16.to_le_bytes()].concat();
    format.extend([RATE_HZ.to_le_bytes(), rate.to_le_bytes()].concat());
    format.extend([block_bytes, bits].map(u16::to_le_bytes).concat());
    let data: Vec<u8> = (0..1024u32).map(|n| (n * n / 64) as u8).collect();
    [chunk(b"fmt ", &format), chunk(b"data", &data)].concat()
}

fn wave(tag: u16, block_bytes: u16, bits: u16) -> Vec<u8> {
    let body = body(tag, block_bytes, bits);
    chunk(b"RIFF", &[b"WAVE", &body[..]].concat())
}

/// A file of the form for more than 4 GiB, with its lengths in a chunk `ds64`.
fn long_wave() -> Vec<u8> {
    let lengths = [1100u64, 1024, 512].map(u64::to_le_bytes).concat();
    let lengths = chunk(b"ds64", &[&lengths[..], &[0; 4]].concat());
    let body = body(1, 2, 16);
    chunk(b"RF64", &[b"WAVE", &lengths[..], &body].concat())
}

/// The FLAC between tags of each kind.
fn tagged_flac() -> Vec<u8> {
    let flac = seeds::file("tests/fixtures/audio/tone.flac");
    let ape = |flags: u32| {
        let numbers = [2000, 32, 0, flags].map(u32::to_le_bytes).concat();
        [b"APETAGEX", &numbers[..], &[0; 8]].concat()
    };
    let heads = [b"ID3\x04\0\0\0\0\0\x04tags", &ape(1 << 29)[..]].concat();
    let lyrics = b"LYRICSBEGIN000011LYRICS200";
    let id3v1 = [&b"TAG"[..], &[b' '; 125]].concat();
    [&heads[..], &flac, &ape(0), lyrics, &id3v1].concat()
}

/// Reads a file as the command and the window do.
pub fn run(bytes: &[u8]) {
    let folder = Folder::new();
    let path = folder.write("audio", bytes);
    if let Ok(mut decoder) = Decoder::open(&path) {
        let mut channels = decoder.channels();
        assert!(channels > 0 && decoder.rate_hz() > 0);
        while let Ok(Some(block)) = decoder.next_block() {
            match block {
                Block::Samples(samples) => assert!(samples.len().is_multiple_of(channels)),
                Block::NewFormat { channels: new, .. } => channels = new,
                Block::Gap { .. } => {}
            }
        }
        drop(decoder.truncated());
    }
    if let Ok(decoder) = Decoder::from_reader(Cursor::new(bytes.to_vec()), "audio")
        && let Ok(mut source) = ModelRateSource::new(decoder, "audio", RATE_HZ)
    {
        let mut samples = Vec::new();
        while let Ok(true) = source.next(&mut samples) {
            assert!(samples.iter().all(|sample| sample.is_finite()));
            samples.clear();
            let marks = source.take_marks();
            assert!(
                marks
                    .iter()
                    .all(|(stretch, _)| stretch.start <= stretch.end)
            );
        }
        assert!(source.duration_s().is_finite());
        drop(source.notices());
    }
}
