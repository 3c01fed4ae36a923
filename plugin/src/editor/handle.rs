//! A host's handle on an open window.
//!
//! The framework's own handle, except for repainting and closing: [`Repaint`] and the module of
//! [`WindowThread`] give the reasons.

use nih_plug::editor::EditorHandle;
use nih_plug::editor::dpi::NativeSize;
use nih_plug::prelude::ParentWindowHandle;
use nih_plug_egui::{EguiEditorHandle, baseview};

use super::repaint::Repaint;
use super::thread::{UntilEnd, WindowThread};

/// The framework's window. After it is dropped, none of its code runs any more.
pub struct OpenWindow {
    window: baseview::Window,
    /// Declared after the window: dropped, and waited for, once the window is closed.
    _end: UntilEnd,
}

impl OpenWindow {
    pub(super) fn new(window: baseview::Window, thread: WindowThread) -> Self {
        Self {
            window,
            _end: UntilEnd(thread),
        }
    }

    /// The framework's own window.
    #[must_use]
    pub fn inner(&self) -> &baseview::Window {
        &self.window
    }
}

/// See the module.
pub struct Handle {
    inner: EguiEditorHandle,
    repaint: Repaint,
}

impl Handle {
    pub(super) fn new(inner: EguiEditorHandle, repaint: Repaint) -> Self {
        Self { inner, repaint }
    }
}

impl EditorHandle for Handle {
    type Window = OpenWindow;
    type Error = baseview::Error;

    fn run_until_closed(window: Self::Window) -> Result<(), Self::Error> {
        EguiEditorHandle::run_until_closed(window.window)
    }

    fn set_parent(
        &self,
        parent: ParentWindowHandle,
        window: &Self::Window,
    ) -> Result<(), Self::Error> {
        self.inner.set_parent(parent, window.inner())
    }

    fn show(&self, window: &Self::Window) -> Result<(), Self::Error> {
        self.inner.show(window.inner())?;
        // Some systems don't paint a window when it is shown. X11 does, but a window manager puts it on
        // the screen later, so a request now would come too early.
        #[cfg(not(target_os = "linux"))]
        window.inner().waker().request_redraw();
        Ok(())
    }

    fn hide(&self, window: &Self::Window) -> Result<(), Self::Error> {
        self.inner.hide(window.inner())
    }

    fn set_size(&self, size: NativeSize<u32>, window: &Self::Window) -> Result<(), Self::Error> {
        self.inner.set_size(size, window.inner())
    }

    fn host_main_thread_callback(&self, window: &Self::Window) {
        self.inner.host_main_thread_callback(window.inner());
    }

    fn adjust_size(&self, size: NativeSize<u32>, window: &Self::Window) -> Option<NativeSize<u32>> {
        self.inner.adjust_size(size, window.inner())
    }

    fn set_fallback_scale_factor(
        &self,
        scale_factor: f64,
        window: &Self::Window,
    ) -> Result<(), Self::Error> {
        self.inner
            .set_fallback_scale_factor(scale_factor, window.inner())
    }

    fn state_changed(&self) {
        self.repaint.request();
    }

    fn param_value_changed(&self, _id: &str, _normalized_value: f32) {
        self.repaint.request();
    }

    fn param_modulation_changed(&self, _id: &str, _modulation_offset: f32) {
        self.repaint.request();
    }
}
