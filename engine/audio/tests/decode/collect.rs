//! The fixtures for tests of decoding, and the collection of all blocks of a decoder.

use std::{fs, path::PathBuf};

use mertscope_audio::decode::{Block, DecodeError, Decoder};

/// A committed fixture of each format.
pub(crate) const FORMATS: [&str; 13] = [
    "tone.wav",
    "tone.aiff",
    "tone.flac",
    "tone.mp3",
    "tone.ogg",
    "tone.m4a",
    "tone.caf",
    "tone.w64",
    "tone.mp2",
    "tone.mkv",
    "tone-opus.ogg",
    "tone-opus.webm",
    "tone-opus.mp4",
];

/// Path of a committed fixture; its `make.sh` describes the content.
pub(crate) fn fixture(name: &str) -> PathBuf {
    PathBuf::from(concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../../tests/fixtures/audio/"
    ))
    .join(name)
}

/// Content of a committed fixture.
pub(crate) fn bytes_of(name: &str) -> Vec<u8> {
    fs::read(fixture(name)).unwrap()
}

/// Everything that came out of a decoder.
#[derive(Debug)]
pub(crate) struct Collected {
    /// Interleaved.
    pub samples: Vec<f32>,
    /// Gaps: frames decoded before each, and frames missing.
    pub gaps: Vec<(usize, u64)>,
    /// Formats: frames decoded before each, samples per second, and channels.
    pub formats: Vec<(usize, u32, usize)>,
    pub note: Option<String>,
}

/// Reads to the end or to the first error.
pub(crate) fn collect(decoder: Result<Decoder, DecodeError>) -> Result<Collected, DecodeError> {
    let mut decoder = decoder?;
    let (mut rate_hz, mut channels) = (decoder.rate_hz(), decoder.channels());
    let (mut samples, mut gaps) = (Vec::new(), Vec::new());
    let (mut frames, mut formats) = (0, vec![(0, rate_hz, channels)]);
    while let Some(block) = decoder.next_block()? {
        match block {
            Block::Samples(block) => {
                assert!(
                    !block.is_empty() && block.len().is_multiple_of(channels),
                    "a block holds whole frames"
                );
                samples.extend_from_slice(block);
                frames += block.len() / channels;
            }
            Block::Gap { frames: missing } => gaps.push((frames, missing)),
            Block::NewFormat { .. } => {
                let before = (rate_hz, channels);
                (rate_hz, channels) = (decoder.rate_hz(), decoder.channels());
                assert_ne!((rate_hz, channels), before, "the format is new");
                formats.push((frames, rate_hz, channels));
            }
        }
    }
    assert_eq!(decoder.next_block()?, None, "the end stays the end");
    Ok(Collected {
        samples,
        gaps,
        formats,
        note: decoder.truncated(),
    })
}

/// Decodes `bytes` as a file called `name`; messages come without the file's folder.
pub(crate) fn decode_as(name: &str, bytes: &[u8]) -> Result<Collected, String> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(name);
    fs::write(&path, bytes).unwrap();
    let short = |message: &str| message.replace(&format!("{}", path.display()), name);
    let mut sound = collect(Decoder::open(&path)).map_err(|error| short(&error.to_string()))?;
    sound.note = sound.note.map(|note| short(&note));
    Ok(sound)
}
