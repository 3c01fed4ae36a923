//! Repaints the open window when there is something new.
//!
//! The framework's window accepts a request for a frame at any time. But on X11 a request before the window is
//! on the screen is never answered, nor is any later one. So requests begin after the first frame, which the
//! system itself asks for.

use std::sync::{Arc, Mutex, Weak};

use mertscope_model::lock;

use nih_plug_egui::baseview::WindowWaker;

/// See the module. Clones share one window; an instance has one at a time.
#[derive(Clone, Default)]
pub struct Repaint(Arc<Mutex<Weak<WindowWaker>>>);

impl Repaint {
    /// Repaints the window, if there is one that was painted before. For any thread
    /// except the audio callback.
    pub fn request(&self) {
        // Outside the lock, because the request may call the system.
        let window = self.lock().upgrade();
        if let Some(window) = window {
            window.request_redraw();
        }
    }

    /// Sends requests to this window from now on, until it is dropped.
    pub(super) fn follow(&self, window: &Arc<WindowWaker>) {
        *self.lock() = Arc::downgrade(window);
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Weak<WindowWaker>> {
        // The value is replaced whole, so a panic elsewhere leaves it usable.
        lock(&self.0)
    }
}
