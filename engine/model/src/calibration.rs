//! The music on which 8-bit graphs are calibrated: the demo pieces, or audio of the user's own.
//!
//! Deliberately not here: what is measured on it (`graph/smoothing.rs`) and the sessions that measure
//! (`session/calibrate.rs`).

use std::fs;
use std::io::{self, Cursor};
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

use mertscope_assets::CALIBRATION;
use mertscope_audio::decode::{Decoder, is_audio_path};
use mertscope_audio::model_rate_source::ModelRateSource;
use mertscope_audio::windower::SILENCE_DBFS;

use crate::Manifest;
use crate::hash::sha256;

/// Windows of music: some from each of a few pieces, so that a graph is made in seconds.
const WINDOWS: usize = 16;

/// Seconds of a file that are looked at.
const READ_S: usize = 60;

/// The longest window in seconds: a longer one has the same ranges.
const LONGEST_S: usize = 5;

/// Files and folders of a folder that are looked at, so that a choice like `/` ends.
const MOST_ENTRIES: usize = 10_000;

/// Why a folder's audio can't calibrate a model.
#[derive(Debug, thiserror::Error)]
pub enum CalibrationError {
    /// The model has no 8-bit form.
    #[error(
        "The model {model} has no 8-bit graph that could be calibrated: omit --calibration, or choose a model that \
         comes as a checkpoint."
    )]
    Model {
        /// The model's id.
        model: String,
    },
    /// The folder can't be read.
    #[error("The calibration folder {} can't be read ({source}). Name a folder with some music.", folder.display())]
    Folder {
        /// The folder.
        folder: PathBuf,
        /// The system's error.
        source: io::Error,
    },
    /// No file in it is audio.
    #[error(
        "The calibration folder {} has no audio file. Put some music there, a few different pieces are best, or \
         omit --calibration to use the demo pieces.", folder.display()
    )]
    NoAudio {
        /// The folder.
        folder: PathBuf,
    },
    /// No file could be decoded.
    #[error(
        "No audio file in the calibration folder {} can be read; the first says: {reason} Put other files there, \
         or omit --calibration to use the demo pieces.", folder.display()
    )]
    Unreadable {
        /// The folder.
        folder: PathBuf,
        /// The first file's error.
        reason: String,
    },
    /// Its audio is silent or too short.
    #[error(
        "The audio in the calibration folder {} is silent, or shorter than a second. Put some music there, or omit \
         --calibration to use the demo pieces.", folder.display()
    )]
    Silent {
        /// The folder.
        folder: PathBuf,
    },
}

/// The music on which a model's 8-bit graphs are calibrated.
#[derive(Debug, Clone, Default)]
pub(crate) enum Calibration {
    /// The demo pieces that are compiled in.
    #[default]
    Demo,
    /// Audio from a user's folder.
    Own(Arc<Own>),
}

/// Audio from a user's folder, at the model's rate.
#[derive(Debug)]
pub(crate) struct Own {
    windows: Vec<Vec<f32>>,
    key: String,
}

impl Calibration {
    /// The audio in a folder and those within, for the model of a manifest.
    ///
    /// # Errors
    /// [`CalibrationError`].
    pub(crate) fn of_folder(folder: &Path, manifest: &Manifest) -> Result<Self, CalibrationError> {
        let rate_hz = manifest.sample_rate_hz;
        let folder = || folder.to_owned();
        let files = audio_files(&folder()).map_err(|source| CalibrationError::Folder {
            folder: folder(),
            source,
        })?;
        let files = evenly(&files, WINDOWS);
        let mut first_reason = None;
        let mut pieces = Vec::new();
        for path in &files {
            let name = path.display().to_string();
            let decoder = Decoder::open(path).map_err(|error| error.to_string());
            match decoder.and_then(|decoder| read(decoder, &name, rate_hz)) {
                Ok(samples) => pieces.push(samples),
                Err(reason) => {
                    first_reason.get_or_insert(reason);
                }
            }
        }
        match (files.is_empty(), pieces.is_empty(), first_reason) {
            (true, ..) => return Err(CalibrationError::NoAudio { folder: folder() }),
            (_, true, Some(reason)) => {
                return Err(CalibrationError::Unreadable {
                    folder: folder(),
                    reason,
                });
            }
            _ => {}
        }
        let windows = windows_of(&pieces, manifest);
        if windows.is_empty() {
            return Err(CalibrationError::Silent { folder: folder() });
        }
        let bytes: Vec<u8> = windows
            .iter()
            .flatten()
            .flat_map(|x| x.to_le_bytes())
            .collect();
        let key = sha256(&bytes);
        Ok(Self::Own(Arc::new(Own { windows, key })))
    }

    /// Names the samples: other ones have another key.
    pub(crate) fn key(&self) -> &str {
        static DEMO: OnceLock<String> = OnceLock::new();
        match self {
            Self::Demo => DEMO.get_or_init(|| {
                let hashes: Vec<String> =
                    CALIBRATION.iter().map(|(_, bytes)| sha256(bytes)).collect();
                sha256(format!("{WINDOWS} {READ_S} {LONGEST_S} {hashes:?}").as_bytes())
            }),
            Self::Own(own) => &own.key,
        }
    }

    /// Windows for the model of a manifest; the error is a phrase.
    pub(crate) fn windows(&self, manifest: &Manifest) -> Result<Vec<Vec<f32>>, String> {
        if let Self::Own(own) = self {
            return Ok(own.windows.clone());
        }
        let mut pieces = Vec::new();
        for (name, bytes) in CALIBRATION {
            let decoder = Decoder::from_reader(Cursor::new(*bytes), name);
            let decoder = decoder.map_err(|error| error.to_string())?;
            pieces.push(read(decoder, name, manifest.sample_rate_hz)?);
        }
        Ok(windows_of(&pieces, manifest))
    }
}

/// The first [`READ_S`] seconds at `rate_hz`; the error is a sentence.
fn read(decoder: Decoder, name: &str, rate_hz: u32) -> Result<Vec<f32>, String> {
    let source = ModelRateSource::new(decoder, name, rate_hz);
    let mut source = source.map_err(|error| error.to_string())?;
    let mut samples = Vec::new();
    while samples.len() < READ_S * rate_hz as usize {
        match source.next(&mut samples) {
            Ok(true) => {}
            Ok(false) => break,
            Err(error) if samples.is_empty() => return Err(error.to_string()),
            // What was read before the damage will do.
            Err(_) => break,
        }
    }
    Ok(samples)
}

/// Windows with sound, spread over all pieces.
fn windows_of(pieces: &[Vec<f32>], manifest: &Manifest) -> Vec<Vec<f32>> {
    let second = manifest.sample_rate_hz as usize;
    let window = manifest.window_samples.clamp(1, LONGEST_S * second);
    let each = WINDOWS.div_ceil(pieces.len().max(1));
    let mut out = Vec::new();
    for piece in pieces {
        let parts = piece.chunks(window);
        let parts = parts.filter(|part| part.len() >= window.min(second) && has_sound(part));
        let parts: Vec<&[f32]> = parts.collect();
        out.extend(evenly(&parts, each).into_iter().map(<[f32]>::to_vec));
    }
    out
}

fn has_sound(samples: &[f32]) -> bool {
    let power: f64 = samples.iter().map(|x| f64::from(*x).powi(2)).sum();
    let rms = (power / samples.len() as f64).sqrt();
    20.0 * rms.log10() > f64::from(SILENCE_DBFS)
}

/// At most `count` of the items, spread evenly.
fn evenly<T: Clone>(items: &[T], count: usize) -> Vec<T> {
    let taken = items.len().min(count);
    let at = |n: usize| (2 * n + 1) * items.len() / (2 * taken);
    (0..taken).map(|n| items[at(n)].clone()).collect()
}

/// The audio files in a folder and those within, by path; links to folders are not followed.
fn audio_files(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let (mut files, mut folders, mut seen) = (Vec::new(), vec![folder.to_owned()], 0);
    while let Some(folder) = folders.pop() {
        let entries = match fs::read_dir(&folder) {
            Err(error) if seen == 0 => return Err(error),
            entries => entries.into_iter().flatten().flatten(),
        };
        for entry in entries {
            seen += 1;
            match entry.file_type() {
                Ok(kind) if kind.is_dir() => folders.push(entry.path()),
                _ if is_audio_path(&entry.path()) => files.push(entry.path()),
                _ => {}
            }
            if seen == MOST_ENTRIES {
                folders.clear();
                break;
            }
        }
    }
    files.sort();
    Ok(files)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The manifest of the embedded model: windows of 5 s at 16 kHz.
    fn manifest() -> Manifest {
        Manifest::parse(mertscope_assets::EMBEDDED_MANIFEST.as_bytes()).unwrap()
    }

    /// A WAV file of 16-bit samples, mono, at 16 kHz.
    fn wave(path: &Path, samples: &[i16]) {
        let bytes: Vec<u8> = samples.iter().flat_map(|x| x.to_le_bytes()).collect();
        let mut file = b"RIFF".to_vec();
        file.extend((36 + bytes.len() as u32).to_le_bytes());
        file.extend(b"WAVEfmt \x10\0\0\0\x01\0\x01\0");
        file.extend(16_000u32.to_le_bytes());
        file.extend(32_000u32.to_le_bytes());
        file.extend(b"\x02\0\x10\0data");
        file.extend((bytes.len() as u32).to_le_bytes());
        file.extend(bytes);
        fs::write(path, file).unwrap();
    }

    #[test]
    fn the_demo_pieces_give_windows_with_sound_from_each() {
        let windows = Calibration::Demo.windows(&manifest()).unwrap();
        assert_eq!(windows.len(), WINDOWS);
        assert!(
            windows
                .iter()
                .all(|it| (16_000..=80_000).contains(&it.len()) && has_sound(it))
        );
    }

    #[test]
    fn a_folder_of_silence_or_of_nothing_is_refused_in_a_sentence() {
        let folder = tempfile::tempdir().unwrap();
        let error = || {
            let found = Calibration::of_folder(folder.path(), &manifest());
            found.unwrap_err().to_string()
        };
        assert!(error().contains("no audio file"), "{}", error());
        fs::write(folder.path().join("notes.wav"), "no audio").unwrap();
        assert!(error().contains("can be read"), "{}", error());
        wave(&folder.path().join("silence.wav"), &[0; 64_000]);
        assert!(error().contains("is silent"), "{}", error());
        let missing = Calibration::of_folder(&folder.path().join("x"), &manifest());
        assert!(missing.unwrap_err().to_string().contains("can't be read"));
    }

    #[test]
    fn other_audio_has_another_key() {
        let folder = tempfile::tempdir().unwrap();
        let key = || {
            let found = Calibration::of_folder(folder.path(), &manifest());
            found.unwrap().key().to_owned()
        };
        let tone = |scale: f32| -> Vec<i16> {
            let wave = (0..32_000).map(|n| (scale * (n as f32 * 0.1).sin()) as i16);
            wave.collect()
        };
        wave(&folder.path().join("a.wav"), &tone(9_000.0));
        let first = key();
        assert_eq!(key(), first);
        assert_ne!(first, Calibration::Demo.key());
        wave(&folder.path().join("a.wav"), &tone(9_100.0));
        assert_ne!(key(), first);
    }
}
