//! A case: a folder with the user's data and audio files with known labels.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use mertscope_model::runtime;
use mertscope_music::{Key, Mode};
use mertscope_tests::home::{in_home, new_home};
use mertscope_tests::{CommandOutput, mertscope, output_of, wav};

pub(crate) const RATE_HZ: u32 = 16_000;

pub(crate) struct Case {
    folder: tempfile::TempDir,
}

impl Case {
    pub(crate) fn new() -> Self {
        Self { folder: new_home() }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        in_home(self.folder.path(), name)
    }

    pub(crate) fn write(&self, name: &str, bytes: &[u8]) -> PathBuf {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, bytes).unwrap();
        path
    }

    /// Runs `mertscope` in the case's folder, with a data folder there.
    pub(crate) fn run(&self, arguments: &[&str]) -> CommandOutput {
        output_of(&mut self.command(arguments))
    }

    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let found = runtime::candidates(None).unwrap();
        let library = found.into_iter().find(|path| path.is_file()).unwrap();
        let mut command = mertscope();
        command
            .args(arguments)
            .current_dir(self.folder.path())
            .env("ORT_DYLIB_PATH", library)
            .env("XDG_DATA_HOME", self.path("data"));
        command
    }
}

/// Five seconds of a cadence, I IV V I with the chords of the mode, in one of four timbres, as a WAV
/// file.
pub(crate) fn cadence(key: Key, timbre: usize) -> Vec<u8> {
    let minor = key.mode() == Mode::Minor;
    let third = if minor { 3.0 } else { 4.0 };
    // The dominant is major in minor keys too.
    let chords = [
        (0.0, third),
        (5.0, third),
        (7.0, 4.0),
        (0.0, third),
        (0.0, third),
    ];
    let frequency = |semitones: f64| {
        let from_c4 = key.tonic() as f64 + semitones;
        261.63 * 2f64.powf(from_c4 / 12.0)
    };
    let wave = |phase: f64| match timbre {
        0 => (1..=6)
            .map(|k| (f64::from(k) * phase).sin() / f64::from(k))
            .sum::<f64>(),
        1 => (1..=4)
            .map(|k| (f64::from(2 * k - 1) * phase).sin() / f64::from(k * k))
            .sum(),
        2 => phase.sin() + 0.5 * (2.0 * phase).sin() + 0.2 * (4.0 * phase).sin(),
        _ => (1..=8)
            .map(|k| (f64::from(k) * phase).sin() * 0.7f64.powi(k))
            .sum(),
    };
    let samples: Vec<f32> = (0..5 * RATE_HZ)
        .map(|n| {
            let t = f64::from(n) / f64::from(RATE_HZ);
            let (root, third) = chords[(t as usize).min(4)];
            let decay = if timbre == 1 {
                (-3.0 * t.fract()).exp()
            } else {
                1.0
            };
            let notes = [root - 24.0, root - 12.0, root, root + third, root + 7.0];
            let tone = |semitones: f64| wave(std::f64::consts::TAU * frequency(semitones) * t);
            (notes.map(tone).iter().sum::<f64>() * 0.05 * decay) as f32
        })
        .collect();
    wav(RATE_HZ, 1, &samples)
}

/// Writes `count` files each of the clearly different labels `noise` and `tone`.
pub(crate) fn noise_and_tone(case: &Case, folder: &str, count: usize) {
    for n in 0..count {
        let tone = |k: u32| (f64::from(k) * 0.05 * (1.0 + n as f64 * 0.1)).sin() as f32 * 0.3;
        let tone: Vec<f32> = (0..5 * RATE_HZ).map(tone).collect();
        let mut state = n as u32 + 1;
        let noise: Vec<f32> = (0..5 * RATE_HZ)
            .map(|_| {
                state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                (state >> 8) as f32 / 5e7 - 0.16
            })
            .collect();
        // Rates may be mixed.
        let rate_hz = [RATE_HZ, 22_050][n % 2];
        case.write(&format!("{folder}/tone/{n}.wav"), &wav(rate_hz, 1, &tone));
        case.write(&format!("{folder}/noise/{n}.wav"), &wav(rate_hz, 1, &noise));
    }
}
