//! A stream that a backend opened.

use std::any::Any;
use std::sync::Arc;

use mertscope_audio::tap::TapReader;

use super::stream_health::StreamHealth;
use crate::choice::Backend;

/// What a backend opened.
pub(super) struct Running {
    /// The stream, and whatever keeps it running; dropping it stops it.
    #[expect(dead_code, reason = "held for as long as it is to run")]
    pub(super) stream: Box<dyn Any>,
    /// The worker's end of the capture, until it is handed over.
    pub(super) drain: Option<TapReader>,
    pub(super) device: String,
    pub(super) backend: Backend,
    pub(super) rate_hz: u32,
    pub(super) buffer_frames: Option<u32>,
    pub(super) health: Arc<StreamHealth>,
}
