//! One session of the app, and the events that its main thread waits for.

use std::sync::Arc;

use mertscope::connection::Connection;
use mertscope::params::MertscopeParams;

use crate::audio::Audio;

/// An event for the main thread.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Event {
    /// A new snapshot, or a change of the audio.
    New,
    /// Ctrl-C, SIGTERM, or the end of the window.
    Stop,
}

/// One session of the app.
pub(crate) struct Session {
    pub(crate) params: Arc<MertscopeParams>,
    pub(crate) connection: Arc<Connection>,
    pub(crate) audio: Arc<Audio>,
}

impl Drop for Session {
    fn drop(&mut self) {
        self.connection.close();
    }
}
