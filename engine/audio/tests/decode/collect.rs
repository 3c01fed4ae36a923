//! The fixtures for tests of decoding, and the collection of all blocks of a decoder.

use std::{fs, path::PathBuf};

use mertscope_audio::decode::{Block, DecodeError, Decoder};

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
    pub note: Option<String>,
}

/// Reads to the end or to the first error.
pub(crate) fn collect(decoder: Result<Decoder, DecodeError>) -> Result<Collected, DecodeError> {
    let mut decoder = decoder?;
    let channels = decoder.channels();
    let (mut samples, mut gaps) = (Vec::new(), Vec::new());
    while let Some(block) = decoder.next_block()? {
        match block {
            Block::Samples(block) => {
                assert!(
                    !block.is_empty() && block.len().is_multiple_of(channels),
                    "a block holds whole frames"
                );
                samples.extend_from_slice(block);
            }
            Block::Gap { frames } => gaps.push((samples.len() / channels, frames)),
        }
    }
    assert_eq!(decoder.next_block()?, None, "the end stays the end");
    Ok(Collected {
        samples,
        gaps,
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
