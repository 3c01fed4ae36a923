//! The app's audio: the handle of the audio thread (`audio/thread.rs`), which owns the stream, the file
//! player and the list of devices.
//!
//! The thread takes orders, checks the stream a few times per second, and publishes an [`AudioState`] after
//! each change. Deliberately not here: the audio callbacks (`audio/callback.rs`), and the preferences
//! (`preferences.rs`).

mod callback;
mod device;
mod devices;
mod error;
mod jack;
mod route;
mod running_stream;
mod state;
mod stream_health;
mod system;
mod thread;
mod unheard;

use std::sync::mpsc::{Sender, channel};
use std::sync::{Arc, Mutex};
use std::thread::{Builder, JoinHandle};

use crate::choice::AudioChoice;
pub(crate) use devices::Devices;
pub(crate) use error::{AudioError, Direction, reason};
use mertscope::connection::Connection;
use mertscope_model::lock;
use state::Order;
pub(crate) use state::{AudioState, Changed};
pub(crate) use stream_health::StreamHealth;
use thread::AudioThread;

/// The audio thread's handle; dropping it stops all audio and joins the thread.
pub(crate) struct Audio {
    orders: Sender<Order>,
    state: Arc<Mutex<Arc<AudioState>>>,
    thread: Option<JoinHandle<()>>,
}

impl Audio {
    /// Starts the thread with a choice; a file `play`s at once or waits. With `strict` nothing may stand in
    /// for the choice.
    ///
    /// # Errors
    /// [`AudioError`] with `strict`, when the choice can't be opened; otherwise the state has a notice.
    pub(crate) fn start(
        connection: Arc<Connection>,
        choice: AudioChoice,
        play: bool,
        strict: bool,
        changed: Changed,
    ) -> Result<Self, AudioError> {
        let (orders, inbox) = channel();
        let (ready, started) = channel();
        let state = Arc::<Mutex<Arc<AudioState>>>::default();
        let published = Arc::clone(&state);
        let work = move || {
            quieten_alsa();
            let mut audio_thread = AudioThread::new(connection, choice, published, changed);
            let opened = audio_thread.open_choice(play, strict);
            let failed = opened.is_err();
            let is_awaited = ready.send(opened).is_ok();
            if is_awaited && !(strict && failed) {
                audio_thread.run(&inbox);
            }
        };
        let thread = Builder::new()
            .name("mertscope-audio".to_owned())
            .spawn(work)
            .map_err(|error| AudioError::Refused {
                device: "The audio system".to_owned(),
                reason: error.to_string(),
            })?;
        let audio = Self {
            orders,
            state,
            thread: Some(thread),
        };
        match started.recv() {
            Ok(Err(error)) if strict => Err(error),
            _ => Ok(audio),
        }
    }

    /// The newest state.
    #[must_use]
    pub(crate) fn state(&self) -> Arc<AudioState> {
        let state = lock(&self.state);
        Arc::clone(&state)
    }

    /// Uses another choice from now on; a file that is new in it `play`s at once or waits.
    pub(crate) fn choose(&self, choice: AudioChoice, play: bool) {
        let choice = Box::new(choice);
        self.order(Order::Use { choice, play });
    }

    /// Looks for devices again.
    pub(crate) fn look(&self) {
        self.order(Order::Look);
    }

    fn order(&self, order: Order) {
        // Without the thread the state does not change.
        let _ = self.orders.send(order);
    }
}

impl Drop for Audio {
    fn drop(&mut self) {
        self.order(Order::Stop);
        if let Some(thread) = self.thread.take() {
            // After a panic the silence has already shown it.
            let _ = thread.join();
        }
    }
}

/// Silences ALSA's library, which writes to standard error about each device that it can't open; our errors
/// say it better.
fn quieten_alsa() {
    #[cfg(target_os = "linux")]
    {
        // If this fails, the library goes on writing, which does no harm.
        let _ = alsa::Output::local_error_handler();
    }
}
