//! A host's handle on an open window.
//!
//! The framework's own handle, except for:
//!
//! - repainting and closing: [`Repaint`] and the module of [`WindowThread`] give the reasons;
//! - the host's scale, and sizes and scales that no window can have, at which the framework panics;
//! - requests to the host. The framework's window asks for the size that it has whenever somebody
//!   other than the host gave it that size. The host would get the request from another thread than the one
//!   that has opened the window. So the window has no way to its host. It is made with the right size, and only a
//!   change of the host's own scale asks for another, on the thread on which the host has told it.

use std::cell::{Cell, RefCell};
use std::mem::ManuallyDrop;
use std::panic::{AssertUnwindSafe, catch_unwind};

use nih_plug::editor::dpi::{NativeSize, Size};
use nih_plug::editor::{EditorHandle, HostCallbacks};
use nih_plug::prelude::ParentWindowHandle;
use nih_plug_egui::{EguiEditorHandle, baseview};

use super::error::WindowError;
use super::repaint::Repaint;
use super::scale::{Open, Scale};
use super::thread::{UntilEnd, WindowThread};
use super::{LONGEST_SIDE, RESIZABLE};

/// The framework's window. After it is dropped, none of its code runs any more.
pub struct OpenWindow {
    window: Contained,
    /// The host's side, if there is a host.
    host: Option<RefCell<Box<dyn HostCallbacks>>>,
    /// Whether the host has seen its size, so that it has to hear of another.
    shown: Cell<bool>,
    _open: Open,
    /// Declared after the window: dropped, and waited for, once the window is closed.
    _end: UntilEnd,
}

/// A window whose thread may have panicked: the framework raises that panic again when the window is
/// dropped, which would end the host.
struct Contained(ManuallyDrop<baseview::Window>);

impl Contained {
    fn into_inner(self) -> baseview::Window {
        let mut this = ManuallyDrop::new(self);
        // SAFETY: `this` is neither used nor dropped afterwards.
        unsafe { ManuallyDrop::take(&mut this.0) }
    }
}

impl Drop for Contained {
    fn drop(&mut self) {
        // The panic was reported when it happened.
        let _ = catch_unwind(AssertUnwindSafe(|| {
            // SAFETY: the value is not used afterwards.
            unsafe { ManuallyDrop::drop(&mut self.0) }
        }));
    }
}

impl OpenWindow {
    pub(super) fn new(
        window: baseview::Window,
        host: Option<Box<dyn HostCallbacks>>,
        open: Open,
        thread: WindowThread,
    ) -> Self {
        Self {
            window: Contained(ManuallyDrop::new(window)),
            host: host.map(RefCell::new),
            shown: Cell::new(false),
            _open: open,
            _end: UntilEnd(thread),
        }
    }

    /// The framework's own window.
    #[must_use]
    pub fn inner(&self) -> &baseview::Window {
        &self.window.0
    }

    /// Asks the host for the size that the window has at a scale; `false` if the host refuses. For the
    /// host's thread.
    fn asks_for_its_size(&self, scale: f64) -> bool {
        let Some(mut host) = self
            .host
            .as_ref()
            .and_then(|host| host.try_borrow_mut().ok())
        else {
            return true;
        };
        let size = Size::Physical(self.inner().size().physical);
        host.request_resize(size, scale).is_ok()
    }
}

/// See the module.
pub struct Handle {
    inner: EguiEditorHandle,
    repaint: Repaint,
    scale: Scale,
}

impl Handle {
    pub(super) fn new(inner: EguiEditorHandle, repaint: Repaint, scale: Scale) -> Self {
        Self {
            inner,
            repaint,
            scale,
        }
    }
}

impl EditorHandle for Handle {
    type Window = OpenWindow;
    type Error = WindowError;

    fn run_until_closed(window: Self::Window) -> Result<(), Self::Error> {
        let OpenWindow { window, .. } = window;
        Ok(EguiEditorHandle::run_until_closed(window.into_inner())?)
    }

    fn set_parent(
        &self,
        parent: ParentWindowHandle,
        window: &Self::Window,
    ) -> Result<(), Self::Error> {
        Ok(self.inner.set_parent(parent, window.inner())?)
    }

    fn show(&self, window: &Self::Window) -> Result<(), Self::Error> {
        self.inner.show(window.inner())?;
        window.shown.set(true);
        // Some systems don't paint a window when it is shown. X11 does, but a window manager puts it on
        // the screen later, so a request now would come too early.
        #[cfg(not(target_os = "linux"))]
        window.inner().waker().request_redraw();
        Ok(())
    }

    fn hide(&self, window: &Self::Window) -> Result<(), Self::Error> {
        Ok(self.inner.hide(window.inner())?)
    }

    fn set_size(&self, size: NativeSize<u32>, window: &Self::Window) -> Result<(), Self::Error> {
        let (width, height) = (size.width, size.height);
        let sides = 1..=LONGEST_SIDE;
        if !sides.contains(&width) || !sides.contains(&height) {
            let longest = LONGEST_SIDE;
            return Err(WindowError::Size {
                width,
                height,
                longest,
            });
        }
        Ok(self.inner.set_size(size, window.inner())?)
    }

    fn host_main_thread_callback(&self, _window: &Self::Window) {
        // The window asks its host for nothing from its own thread.
    }

    fn adjust_size(
        &self,
        size: NativeSize<u32>,
        _window: &Self::Window,
    ) -> Option<NativeSize<u32>> {
        // The framework's handle does not learn a new scale.
        Some(RESIZABLE.adjust_size(size, size, self.scale.pixels_per_point()))
    }

    fn set_fallback_scale_factor(
        &self,
        scale_factor: f64,
        window: &Self::Window,
    ) -> Result<(), Self::Error> {
        let before = window.inner().size().physical;
        self.scale.follow_host(scale_factor)?;
        let inner = &self.inner;
        inner.set_fallback_scale_factor(scale_factor, window.inner())?;
        let changed = window.inner().size().physical != before;
        if changed && window.shown.get() && !window.asks_for_its_size(scale_factor) {
            // A part of the window is better drawn smaller than cut off.
            window.inner().resize(before)?;
        }
        Ok(())
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
