//! Long audio files for measuring, written as a stream: the memory does not grow with their length.

use std::f64::consts::TAU;
use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::Path;

use wav::WavFormat;

#[path = "../../../tests/src/wav.rs"]
mod wav;

const RATE_HZ: u32 = 44_100;
const CHANNELS: u16 = 2;
const BYTES_PER_FRAME: u32 = 4;
const FORMAT: WavFormat = WavFormat {
    tag: 1, // PCM
    bits: 16,
    channels: CHANNELS,
    rate_hz: RATE_HZ,
};
const CHORD_S: u32 = 2;

/// Chords I, V, vi and IV of C major as MIDI notes: the audio is never silent, so that no window is
/// skipped.
const CHORDS: [[u8; 3]; 4] = [[60, 64, 67], [55, 59, 62], [57, 60, 64], [53, 57, 60]];

/// Writes `minutes` of chords as 16-bit stereo WAV at 44.1 kHz (10.6 MB per minute; up to 6 hours fit
/// the format).
pub(super) fn write(path: &Path, minutes: u32) -> io::Result<()> {
    let data_bytes = minutes * 60 * RATE_HZ * BYTES_PER_FRAME;
    let mut file = BufWriter::new(File::create(path)?);
    file.write_all(&FORMAT.header(data_bytes))?;
    let bar = bar();
    let bars = (minutes * 60).div_ceil(CHORD_S * CHORDS.len() as u32);
    let mut left = data_bytes as usize;
    for _ in 0..bars {
        let part = &bar[..left.min(bar.len())];
        file.write_all(part)?;
        left -= part.len();
    }
    file.flush()
}

/// All chords once, each note with four partials, the same in both channels.
fn bar() -> Vec<u8> {
    let mut bytes = Vec::new();
    for chord in CHORDS {
        for frame in 0..CHORD_S * RATE_HZ {
            let time_s = f64::from(frame) / f64::from(RATE_HZ);
            let mut sample = 0.0;
            for note in chord {
                let pitch_hz = 440.0 * ((f64::from(note) - 69.0) / 12.0).exp2();
                for partial in 1..=4 {
                    let partial = f64::from(partial);
                    sample += (TAU * pitch_hz * partial * time_s).sin() / partial;
                }
            }
            // Three notes of at most 1 + 1/2 + 1/3 + 1/4 each stay below full scale.
            let sample = (sample * 0.15 * f64::from(i16::MAX)) as i16;
            for _ in 0..CHANNELS {
                bytes.extend(sample.to_le_bytes());
            }
        }
    }
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_has_the_length_that_its_header_says() {
        let path = std::env::temp_dir().join(format!("mertscope-wave-{}.wav", std::process::id()));
        write(&path, 1).unwrap();
        let bytes = std::fs::read(&path).unwrap();
        std::fs::remove_file(&path).unwrap();
        assert_eq!(bytes.len(), 44 + 60 * 44_100 * 4);
        assert_eq!(&bytes[..4], b"RIFF");
        assert_eq!(bytes[40..44], (bytes.len() as u32 - 44).to_le_bytes());
        assert!(bytes[44..].iter().any(|&byte| byte != 0));
    }
}
