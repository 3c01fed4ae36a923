//! Has the open window painted when there is something new.
//!
//! The window of the framework can be asked for a frame at any time, but one that is asked for
//! before the window is on the screen is never answered on X11, and none after it. So the window is
//! asked only once it was painted for the first time, which the system sees to.

use std::sync::{Arc, Mutex, PoisonError, Weak};

use nih_plug_egui::baseview::WindowWaker;

/// See the module. Clones mean the same window; an instance has one at a time.
#[derive(Clone, Default)]
pub struct Repaint(Arc<Mutex<Weak<WindowWaker>>>);

impl Repaint {
    /// Has the window painted once more, if there is one that was painted before. From any thread
    /// but the audio callback.
    pub fn request(&self) {
        // Out of the lock first: asking may end in a call to the system.
        let window = self.lock().upgrade();
        if let Some(window) = window {
            window.request_redraw();
        }
    }

    /// From now on requests go to this window, until it is dropped.
    pub(super) fn follow(&self, window: &Arc<WindowWaker>) {
        *self.lock() = Arc::downgrade(window);
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Weak<WindowWaker>> {
        // It is replaced whole, so a panic elsewhere leaves it usable.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
