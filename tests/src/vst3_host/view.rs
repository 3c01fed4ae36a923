//! A view of the plugin, and the same view in a window.

use std::ops::Deref;
use std::thread::ThreadId;

use vst3::Steinberg::{
    IPlugFrame, IPlugView, IPlugViewContentScaleSupport, IPlugViewContentScaleSupportTrait,
    IPlugViewTrait, ViewRect, kPlatformTypeX11EmbedWindowID, kResultOk,
};
use vst3::{ComPtr, ComWrapper};

use super::frame::{BareFrame, EventLoop, PlugFrame, Runner};
use crate::window::{Frame, Screen};

/// A view that has no window yet.
pub struct Content {
    view: ComPtr<IPlugView>,
}

impl Content {
    pub(super) fn new(view: ComPtr<IPlugView>) -> Self {
        Self { view }
    }

    /// Tells it the host's scale; returns whether it was taken.
    ///
    /// # Panics
    /// If it knows no scales.
    #[must_use]
    pub fn set_scale(&self, scale: f32) -> bool {
        let scaled = self.view.cast::<IPlugViewContentScaleSupport>();
        // SAFETY: the view lives.
        unsafe {
            scaled
                .expect("it knows scales")
                .setContentScaleFactor(scale)
                == kResultOk
        }
    }

    /// Its size in pixels, as it tells.
    ///
    /// # Panics
    /// If it tells none.
    #[must_use]
    pub fn told_size(&self) -> (u32, u32) {
        let mut rect = rect((0, 0));
        // SAFETY: the view lives and fills in the size.
        assert_eq!(unsafe { self.view.getSize(&mut rect) }, kResultOk);
        (rect.right as u32, rect.bottom as u32)
    }

    /// Tells it a size; returns whether it was taken.
    #[must_use]
    pub fn set_size(&self, size: (u32, u32)) -> bool {
        // SAFETY: the view lives.
        unsafe { self.view.onSize(&mut rect(size)) == kResultOk }
    }

    /// The size that it makes of another.
    ///
    /// # Panics
    /// If it has no answer.
    #[must_use]
    pub fn adjusted_size(&self, size: (u32, u32)) -> (u32, u32) {
        let mut rect = rect(size);
        // SAFETY: the view lives and changes the size.
        let answer = unsafe { self.view.checkSizeConstraint(&mut rect) };
        assert_eq!(answer, kResultOk);
        (rect.right as u32, rect.bottom as u32)
    }

    /// Puts it into a window of its size.
    ///
    /// # Panics
    /// If the plugin refuses.
    #[must_use]
    pub fn open(self, screen: &Screen, event_loop: EventLoop) -> View<'_> {
        let runner = Runner::new(event_loop);
        let frame = ComWrapper::new(PlugFrame::new(&runner.handlers));
        let told = if event_loop == EventLoop::None {
            ComWrapper::new(BareFrame).to_com_ptr::<IPlugFrame>()
        } else {
            frame.to_com_ptr::<IPlugFrame>()
        };
        let told = told.expect("a frame");
        let window = Frame::new(screen, (0, 0), self.told_size());
        // SAFETY: the window and the frame live longer than the plugin's window.
        unsafe {
            assert_eq!(self.view.setFrame(told.as_ptr()), kResultOk);
            let parent = window.id() as usize as *mut std::ffi::c_void;
            let attached = self.view.attached(parent, kPlatformTypeX11EmbedWindowID);
            assert_eq!(attached, kResultOk, "it opens its window");
        }
        View {
            content: self,
            runner,
            frame,
            window,
        }
    }
}

fn rect((width, height): (u32, u32)) -> ViewRect {
    ViewRect {
        left: 0,
        top: 0,
        right: width as i32,
        bottom: height as i32,
    }
}

/// A view in a window.
pub struct View<'a> {
    content: Content,
    runner: Runner,
    frame: ComWrapper<PlugFrame>,
    window: Frame<'a>,
}

impl<'a> Deref for View<'a> {
    type Target = Frame<'a>;

    fn deref(&self) -> &Frame<'a> {
        &self.window
    }
}

impl View<'_> {
    /// The view.
    #[must_use]
    pub fn content(&self) -> &Content {
        &self.content
    }

    /// Runs the handlers of the host's event loop that are due on this thread.
    pub fn run_event_loop(&self) {
        self.runner.run_here();
    }

    /// The sizes that were asked for since the last call, each with the thread that has asked.
    #[must_use]
    pub fn resizes_asked_for(&self) -> Vec<((u32, u32), ThreadId)> {
        self.frame.resizes_asked_for()
    }

    /// Closes it.
    ///
    /// # Panics
    /// If the plugin refuses.
    pub fn close(self) {
        let view = &self.content.view;
        // SAFETY: it was attached.
        unsafe {
            assert_eq!(view.removed(), kResultOk);
            view.setFrame(std::ptr::null_mut());
        }
        drop(self.runner);
        self.window.remove();
    }
}
