//! The file player: a [`Deck`] is a file and where it stands, a [`Reader`] decodes it ahead on a
//! thread of its own, a [`Voice`] hands it to the audio callback.
//!
//! Reader and voice are made together for one output and joined by a ring of blocks; the deck
//! outlives them, so that playback goes on where it was when the output changes. The deck is
//! atomics only: the audio callback reads and writes it too.

mod deck;
mod reader;
mod voice;

use std::sync::Arc;

use ringbuf::HeapRb;
use ringbuf::traits::Split;

use deck::BLOCK_FRAMES;
pub(crate) use deck::Deck;
pub(crate) use reader::Reader;
pub(crate) use voice::Voice;

/// How much is decoded ahead, in seconds: longer than a disk sleeps or a seek decodes.
const AHEAD_S: f64 = 0.75;

/// Begins to read ahead for an output at `rate_hz`, from where the deck was heard last.
///
/// # Errors
/// A sentence, when the system can't start another thread or the rate can't be made.
pub(crate) fn thread(deck: &Arc<Deck>, rate_hz: u32) -> Result<(Voice, Reader), String> {
    let blocks = (AHEAD_S * f64::from(rate_hz) / BLOCK_FRAMES as f64).ceil() as usize;
    let (producer, consumer) = HeapRb::new(blocks).split();
    deck.go_on();
    let reader = Reader::start(Arc::clone(deck), rate_hz, producer)?;
    Ok((Voice::new(Arc::clone(deck), rate_hz, consumer), reader))
}
