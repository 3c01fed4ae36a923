//! A file without an output device: played on the computer's clock, at its own rate.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use mertscope_audio::tap;

use super::callback::OutputCallback;
use super::error::AudioError;
use super::running_stream::RunningStream;
use super::stream_health::StreamHealth;
use crate::choice::Backend;
use crate::player::{self, FilePlayer, Reader};

/// Time between two readings of the clock.
const TICK: Duration = Duration::from_millis(10);

/// A longer delay means that the computer slept; then no time is made up for.
const LONGEST_DELAY_S: f64 = 1.0;

/// A thread that plays until this is dropped.
pub(super) struct Clock {
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
    /// Dropped after the clock has stopped.
    _reader: Reader,
}

/// Plays the file player unheard.
///
/// # Errors
/// [`AudioError::File`], when the system can't start another thread.
pub(super) fn play(file_player: &Arc<FilePlayer>) -> Result<RunningStream, AudioError> {
    let rate_hz = file_player.rate_hz();
    let health = Arc::new(StreamHealth::default());
    let (tap, tap_reader) = tap::tap(rate_hz);
    let (player_callback, reader) =
        player::start(file_player, rate_hz).map_err(AudioError::File)?;
    let volume = Arc::new(AtomicU32::default());
    let callback = OutputCallback::new(tap, Arc::clone(&health), player_callback, volume);
    let stop = Arc::new(AtomicBool::new(false));
    let stopped = Arc::clone(&stop);
    let thread = thread::Builder::new()
        .name("mertscope-clock".to_owned())
        .spawn(move || run(callback, rate_hz, &stopped))
        .map_err(|error| {
            AudioError::File(format!(
                "The file can't be played: the system could not start another thread ({error}). \
                 Close some programs and try again."
            ))
        })?;
    let clock = Clock {
        stop,
        thread: Some(thread),
        _reader: reader,
    };
    Ok(RunningStream {
        stream: Box::new(clock),
        tap_reader: Some(tap_reader),
        device: "no output".to_owned(),
        backend: Backend::None,
        rate_hz,
        buffer_frames: None,
        health,
    })
}

fn run(mut callback: OutputCallback, rate_hz: u32, stop: &AtomicBool) {
    let rate = f64::from(rate_hz);
    let (mut since, mut played) = (Instant::now(), 0u64);
    while !stop.load(Ordering::Relaxed) {
        let due = (since.elapsed().as_secs_f64() * rate) as u64 - played;
        if due as f64 > LONGEST_DELAY_S * rate {
            (since, played) = (Instant::now(), 0);
        } else {
            callback.play_unheard(due as usize);
            played += due;
        }
        thread::sleep(TICK);
    }
}

impl Drop for Clock {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            // After a panic the silence has already shown it.
            let _ = thread.join();
        }
    }
}
