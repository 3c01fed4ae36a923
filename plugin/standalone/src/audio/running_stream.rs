//! A stream that a backend opened.

use std::any::Any;
use std::sync::Arc;

use mertscope_audio::tap::TapReader;

use super::stream_health::StreamHealth;
use crate::choice::Backend;

/// See the module.
pub(super) struct RunningStream {
    /// The stream, and everything that keeps it running; dropping it stops the stream.
    #[expect(dead_code, reason = "held while the stream is to run")]
    pub(super) stream: Box<dyn Any>,
    /// The worker's end of the tap, until it is handed over.
    pub(super) tap_reader: Option<TapReader>,
    pub(super) device: String,
    pub(super) backend: Backend,
    pub(super) rate_hz: u32,
    pub(super) buffer_frames: Option<u32>,
    pub(super) health: Arc<StreamHealth>,
}
