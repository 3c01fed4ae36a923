//! The file player: a [`FilePlayer`] is a file and where it stands, a [`Reader`] decodes it ahead on a
//! thread of its own, a [`PlayerCallback`] hands it to the audio callback.
//!
//! Reader and player callback are made together for one output and joined by a ring of blocks; the
//! file player outlives them, so that playback goes on where it was when the output changes. The
//! file player is atomics only: the audio callback reads and writes it too.

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

/// How much is decoded ahead, in seconds: longer than a disk sleeps or a seek decodes.
const AHEAD_S: f64 = 0.75;

/// Begins to read ahead for an output at `rate_hz`, from where the file player was heard last.
///
/// # Errors
/// A sentence, when the system can't start another thread or the rate can't be made.
pub(crate) fn thread(
    file_player: &Arc<FilePlayer>,
    rate_hz: u32,
) -> Result<(PlayerCallback, Reader), String> {
    let blocks = (AHEAD_S * f64::from(rate_hz) / BLOCK_FRAMES as f64).ceil() as usize;
    let (producer, consumer) = HeapRb::new(blocks).split();
    file_player.go_on();
    let reader = Reader::start(Arc::clone(file_player), rate_hz, producer)?;
    Ok((
        PlayerCallback::new(Arc::clone(file_player), rate_hz, consumer),
        reader,
    ))
}
