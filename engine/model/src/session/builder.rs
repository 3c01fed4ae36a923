//! The options of ONNX Runtime that all sessions share, and the check that a graph fits into memory.

use std::path::Path;

use ort::session::builder::{GraphOptimizationLevel, SessionBuilder};

use super::EncodeError;
use crate::{Model, Runtime, memory};

/// Bytes of a file; none when it is not there.
fn file_bytes(path: &Path) -> u64 {
    std::fs::metadata(path).map_or(0, |metadata| metadata.len())
}

/// Refuses a model whose graph is in this file when less memory than its weights is free.
pub(super) fn check_file_memory(model: &str, path: &Path) -> Result<(), EncodeError> {
    let bytes = file_bytes(path) + file_bytes(&path.with_extension("data"));
    check_memory(model, bytes, memory::available_bytes())
}

/// Refuses a model of `bytes` of weights when less memory than that is free.
fn check_memory(model: &str, bytes: u64, free: Option<u64>) -> Result<(), EncodeError> {
    match free {
        Some(free) if free < bytes => Err(EncodeError::Memory {
            model: model.to_owned(),
            needed_mb: bytes / 1_000_000,
            free_mb: free / 1_000_000,
        }),
        _ => Ok(()),
    }
}

/// Refuses a run on `samples` that takes more memory than is free.
pub(super) fn check_run_memory(model: &Model, samples: usize) -> Result<(), EncodeError> {
    check_run(model, samples, memory::available_bytes())
}

fn check_run(model: &Model, samples: usize, free: Option<u64>) -> Result<(), EncodeError> {
    let bytes = model.least_run_bytes(samples);
    match free {
        Some(free) if free < bytes => Err(EncodeError::RunMemory {
            model: model.manifest.id.clone(),
            seconds: samples as f64 / f64::from(model.manifest.sample_rate_hz),
            needed_mb: bytes / 1_000_000,
            free_mb: free / 1_000_000,
        }),
        _ => Ok(()),
    }
}

/// A builder with the options that all sessions share. Spinning threads would burn a musician's CPU
/// between windows, so they are off (measured: no cost when idle, a gain under load). So are memory
/// patterns, which reserve memory for a whole window in one piece in addition to the first window's
/// (measured: a seventh less memory without them, in the same time).
pub(super) fn builder(runtime: &Runtime, threads: usize) -> Result<SessionBuilder, String> {
    let text = |error: ort::Error<SessionBuilder>| error.to_string();
    ort::session::Session::builder(&runtime.environment)
        .map_err(|error| error.to_string())?
        .with_optimization_level(GraphOptimizationLevel::All)
        .map_err(text)?
        .with_intra_threads(threads.max(1))
        .map_err(text)?
        .with_inter_threads(1)
        .map_err(text)?
        .with_intra_op_spinning(false)
        .map_err(text)?
        .with_inter_op_spinning(false)
        .map_err(text)?
        .with_memory_pattern(false)
        .map_err(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_model_that_is_larger_than_the_free_memory_is_refused_in_a_sentence() {
        let check = |free| check_memory("MERT-v2-FullSong", 2_530_000_000, free);
        assert!(check(None).is_ok() && check(Some(3_000_000_000)).is_ok());
        let error = check(Some(1_100_000_000)).unwrap_err().to_string();
        for words in ["MERT-v2-FullSong", "2530 MB", "1100 MB", "--precision int8"] {
            assert!(error.contains(words), "{error}");
        }
    }

    #[test]
    fn an_hour_at_once_is_refused_in_a_sentence_and_a_song_is_not() {
        let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/fixtures");
        let model = Model::open(&fixtures.join("checkpoints/mert2")).unwrap();
        let check = |seconds: usize| check_run(&model, seconds * 24_000, Some(3_000_000_000));
        assert!(check(360).is_ok());
        let error = check(3600).unwrap_err().to_string();
        for words in ["mert2", "5904 MB", "3600 s", "3000 MB are free", "--whole"] {
            assert!(error.contains(words), "{error}");
        }
        assert!(check_run(&model, usize::MAX, None).is_ok());
    }
}
