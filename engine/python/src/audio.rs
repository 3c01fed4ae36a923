//! Audio from Python: a path, or samples in memory.
//!
//! Samples become a stream in the form of an RF64 file of 32-bit floats (EBU Tech 3306), so that they take the same road
//! as a file of the same samples and give the same bits.

use std::io::{self, Read};
use std::path::{Path, PathBuf};

use mertscope_engine::Decoder;
use numpy::PyReadonlyArray1;
use pyo3::prelude::*;

use crate::errors::{self, AudioError};

/// Audio to read once.
pub(crate) enum Audio {
    /// An audio file.
    File(PathBuf),
    /// Samples in memory.
    Samples(Samples),
}

/// Whether a path has the extension of an audio format that can be read.
#[pyfunction]
pub(crate) fn is_audio_path(path: PathBuf) -> bool {
    mertscope_engine::audio::decode::is_audio_path(&path)
}

/// Interleaved samples in memory, `[frames, channels]`.
pub(crate) struct Samples {
    samples: Vec<f32>,
    channels: u16,
    rate_hz: u32,
    name: String,
}

impl Audio {
    /// Takes a path, or a tuple of interleaved samples `[frames × channels]`, the number of channels, the rate in Hz and
    /// a name for messages.
    pub(crate) fn take(object: &Bound<'_, PyAny>) -> PyResult<Self> {
        type Given<'py> = (PyReadonlyArray1<'py, f32>, u16, u32, String);
        if let Ok(path) = object.extract::<PathBuf>() {
            return Ok(Self::File(path));
        }
        let (samples, channels, rate_hz, name): Given<'_> = object.extract()?;
        Ok(Self::Samples(Samples {
            samples: samples.as_slice()?.to_vec(),
            channels,
            rate_hz,
            name,
        }))
    }

    /// Its name in messages and results.
    pub(crate) fn name(&self) -> String {
        match self {
            Self::File(path) => path.display().to_string(),
            Self::Samples(samples) => samples.name.clone(),
        }
    }

    /// Begins to decode it.
    ///
    /// # Errors
    /// `AudioError` with the decoder's sentence.
    pub(crate) fn open(self) -> PyResult<Decoder> {
        let opened = match self {
            Self::File(path) => Decoder::open(Path::new(&path)),
            Self::Samples(samples) => {
                let name = samples.name.clone();
                Decoder::from_reader(samples.stream(), &name)
            }
        };
        opened.map_err(errors::raised::<AudioError>)
    }
}

impl Samples {
    fn stream(self) -> impl Read + Send + Sync + 'static {
        io::Cursor::new(self.header()).chain(SampleBytes {
            samples: self.samples,
            next: 0,
        })
    }

    /// The chunks before the samples. The lengths of RF64 have 64 bits, so that there is no longest array.
    fn header(&self) -> Vec<u8> {
        const IN_DS64: u32 = u32::MAX;
        let (data_bytes, frame_bytes) = (4 * self.samples.len() as u64, 4 * self.channels);
        let mut header = Vec::with_capacity(80);
        header.extend(b"RF64");
        header.extend(IN_DS64.to_le_bytes());
        header.extend(b"WAVEds64");
        header.extend(28u32.to_le_bytes());
        header.extend((data_bytes + 72).to_le_bytes());
        header.extend(data_bytes.to_le_bytes());
        header.extend((self.samples.len() as u64 / u64::from(self.channels.max(1))).to_le_bytes());
        header.extend(0u32.to_le_bytes());
        header.extend(b"fmt ");
        header.extend(16u32.to_le_bytes());
        // WAVE_FORMAT_IEEE_FLOAT
        header.extend(3u16.to_le_bytes());
        header.extend(self.channels.to_le_bytes());
        header.extend(self.rate_hz.to_le_bytes());
        header.extend(
            self.rate_hz
                .wrapping_mul(u32::from(frame_bytes))
                .to_le_bytes(),
        );
        header.extend(frame_bytes.to_le_bytes());
        header.extend(32u16.to_le_bytes());
        header.extend(b"data");
        header.extend(IN_DS64.to_le_bytes());
        header
    }
}

/// Samples as little-endian bytes.
struct SampleBytes {
    samples: Vec<f32>,
    /// The next byte to give.
    next: usize,
}

impl Read for SampleBytes {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let mut given = 0;
        while given < out.len() {
            let Some(sample) = self.samples.get(self.next / 4) else {
                break;
            };
            let bytes = &sample.to_le_bytes()[self.next % 4..];
            let count = bytes.len().min(out.len() - given);
            out[given..given + count].copy_from_slice(&bytes[..count]);
            given += count;
            self.next += count;
        }
        Ok(given)
    }
}
