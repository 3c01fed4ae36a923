//! Files that are dragged over the window and dropped on it, on X11.
//!
//! The framework's window takes part in drag and drop, but its layer for egui discards the files, and that
//! layer can't be replaced from outside. So a window of our own, which is never shown, receives the messages
//! instead: the protocol has the property `XdndProxy` for that. Runs on a thread and a connection of its own,
//! and sleeps until a message comes.

mod error;
mod receiver;
mod uris;

use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};

use mertscope_model::lock;
use x11rb::protocol::xproto::Window;

use error::DropError;
use receiver::{Receiver, Remote};

/// The files over a window, and those that were dropped and not taken yet.
#[derive(Debug, Default)]
struct Files {
    /// `None` without a drag; empty while their names are unknown.
    hovered: Option<Vec<PathBuf>>,
    dropped: Vec<PathBuf>,
}

/// See the module. Dropped with its window.
pub(super) struct FileDrop {
    files: Arc<Mutex<Files>>,
    remote: Remote,
    thread: Option<JoinHandle<()>>,
}

impl FileDrop {
    /// Receives what is dragged to `window`; `changed` is called after each change.
    ///
    /// # Errors
    /// [`DropError`], when the system can't give what it needs.
    pub(super) fn new(
        window: Window,
        changed: impl Fn() + Send + 'static,
    ) -> Result<Self, DropError> {
        let files = Arc::new(Mutex::new(Files::default()));
        let shared = Arc::clone(&files);
        let mut receiver = Receiver::new(window)?;
        let remote = receiver.remote();
        let thread = thread::Builder::new()
            .name("mertscope-drop".to_owned())
            .spawn(move || {
                receiver.run(|hovered, dropped| {
                    let mut files = lock(&shared);
                    files.hovered = hovered.map(<[PathBuf]>::to_vec);
                    files.dropped.extend(dropped);
                    drop(files);
                    changed();
                });
            })?;
        Ok(Self {
            files,
            remote,
            thread: Some(thread),
        })
    }

    /// Hands egui the files, for this frame.
    pub(super) fn hand_over(&self, egui: &egui::Context) {
        let (hovered, dropped) = {
            let mut files = lock(&self.files);
            (files.hovered.clone(), std::mem::take(&mut files.dropped))
        };
        mertscope_ui::file_drop::hand_over(egui, hovered.as_deref(), dropped);
    }
}

impl Drop for FileDrop {
    fn drop(&mut self) {
        self.remote.end();
        if let Some(thread) = self.thread.take() {
            // After a panic there is nothing left to end.
            let _ = thread.join();
        }
    }
}
