//! The player of audio files: a [`FilePlayer`] is a file and its position, a [`Reader`] decodes ahead on a
//! thread of its own, a [`PlayerCallback`] plays in the audio callback.
//!
//! Reader and player callback are made together for one output and joined by a ring of blocks; the
//! file player outlives them, so that playback continues at its position when the output changes.

mod file_player;
mod player_callback;
mod reader;

use std::sync::Arc;

use ringbuf::HeapRb;
use ringbuf::traits::Split;

use file_player::BLOCK_FRAMES;
pub(crate) use file_player::FilePlayer;
pub(crate) use player_callback::PlayerCallback;
pub(crate) use reader::Reader;

/// Length of the audio decoded ahead, in seconds: longer than a disk takes to wake, or a seek to decode.
const AHEAD_S: f64 = 0.75;

/// Starts to read ahead for an output at `rate_hz`, from the file player's position.
///
/// # Errors
/// A sentence, when the system can't start another thread or the rate can't be converted.
pub(crate) fn start(
    file_player: &Arc<FilePlayer>,
    rate_hz: u32,
) -> Result<(PlayerCallback, Reader), String> {
    let blocks = (AHEAD_S * f64::from(rate_hz) / BLOCK_FRAMES as f64).ceil() as usize;
    let (producer, consumer) = HeapRb::new(blocks).split();
    file_player.restart_at_position();
    let reader = Reader::start(Arc::clone(file_player), rate_hz, producer)?;
    Ok((
        PlayerCallback::new(Arc::clone(file_player), rate_hz, consumer),
        reader,
    ))
}
