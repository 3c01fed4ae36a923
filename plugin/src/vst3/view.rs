//! The view: a host's calls for the window, on the host's thread.
//!
//! It replaces the framework's view whole, so that the framework knows no window (the reasons are in
//! [`super`]). A call from another thread than the one that has opened the window is refused.

use std::error::Error;
use std::ffi::{CStr, c_void};
use std::num::NonZeroIsize;
use std::ptr::{NonNull, null_mut};
use std::rc::Rc;
use std::sync::atomic::{AtomicPtr, Ordering};
use std::sync::{Arc, Mutex};

use mertscope_model::lock;
use nih_plug::context::gui::GuiContext;
use nih_plug::editor::dpi::{NativeSize, Size};
use nih_plug::editor::{
    Editor, EditorHandle, HostCallbacks, HostMainThreadCaller, HostMethods, ParentWindowHandle,
    SpawnedEditor,
};

use super::bound::Bound;
use super::edits::Edits;
use super::repainter::Repainter;
use super::sdk::Steinberg::IPlugViewContentScaleSupport_::ScaleFactor;
use super::sdk::Steinberg::{
    FIDString, IPlugFrame, IPlugFrameTrait, IPlugView, IPlugViewContentScaleSupport,
    IPlugViewContentScaleSupportTrait, IPlugViewTrait, TBool, ViewRect, char16, int16,
    kInvalidArgument, kNotImplemented, kPlatformTypeHWND, kPlatformTypeNSView,
    kPlatformTypeX11EmbedWindowID, kResultFalse, kResultOk, tresult,
};
use super::sdk::{Class, ComPtr, ComRef, ComWrapper};
use super::wrapped::{Wrapped, contained};
use crate::editor::EditorWindow;
use crate::editor::handle::Handle;

/// The kind of window that a host may put ours into.
const PARENT: FIDString = if cfg!(target_os = "windows") {
    kPlatformTypeHWND
} else if cfg!(target_os = "macos") {
    kPlatformTypeNSView
} else {
    kPlatformTypeX11EmbedWindowID
};

/// The host's frame around a view, and the view, which the frame is told with each request.
struct HostFrame {
    frame: Mutex<Option<ComPtr<IPlugFrame>>>,
    view: AtomicPtr<IPlugView>,
}

/// A request for another size. It comes from within a call of the host, so it is on the host's thread.
struct Requests(Arc<HostFrame>);

/// The reason that the window gets when its host refuses.
#[derive(Debug, thiserror::Error)]
#[error("The host keeps the size of its window: change it there.")]
struct Refused;

impl HostCallbacks for Requests {
    fn request_resize(&mut self, size: Size, scale: f64) -> Result<(), Box<dyn Error>> {
        let mut rect = rect(NativeSize::from_size(size, scale));
        // Outside the lock, because the host calls back.
        let frame = lock(&self.0.frame).clone();
        let view = self.0.view.load(Ordering::Acquire);
        let frame = frame.ok_or(Refused)?;
        // SAFETY: the frame is the host's; the view lives, since its window does.
        let answer = unsafe { frame.resizeView(view, &mut rect) };
        (answer == kResultOk).then_some(()).ok_or(Refused.into())
    }

    fn destroyed(&mut self) {}
}

impl HostMainThreadCaller for Requests {
    fn call_main_thread(&mut self) {
        // The window asks its host for nothing from its own thread.
    }
}

/// An open window.
struct Open {
    /// Declared first: it ends before the window does.
    _repainter: Option<Repainter>,
    editor: SpawnedEditor<Handle>,
}

/// See the module.
pub(super) struct View {
    /// Declared first: it is closed before its instance goes.
    window: Mutex<Option<Bound<Rc<Open>>>>,
    wrapped: Arc<Wrapped>,
    editor: EditorWindow,
    frame: Arc<HostFrame>,
    /// The scale that the host has told.
    scale: Mutex<Option<f64>>,
}

impl Class for View {
    type Interfaces = (IPlugView, IPlugViewContentScaleSupport);
}

impl View {
    /// A view without a window.
    pub(super) fn make(wrapped: &Arc<Wrapped>) -> Option<ComPtr<IPlugView>> {
        let parts = wrapped.parts.clone();
        let view = ComWrapper::new(Self {
            window: Mutex::default(),
            wrapped: Arc::clone(wrapped),
            editor: EditorWindow::new(parts.params, parts.connection, parts.repaint),
            frame: Arc::new(HostFrame {
                frame: Mutex::default(),
                view: AtomicPtr::new(null_mut()),
            }),
            scale: Mutex::default(),
        });
        let pointer = view.to_com_ptr::<IPlugView>()?;
        view.frame.view.store(pointer.as_ptr(), Ordering::Release);
        Some(pointer)
    }

    /// The open window, for the thread that has opened it. Used outside the lock, because a host calls back.
    fn window(&self) -> Option<Rc<Open>> {
        lock(&self.window).as_ref()?.get().cloned()
    }

    fn open(&self, parent: ParentWindowHandle) -> Result<Open, Box<dyn Error>> {
        let scale = *lock(&self.scale);
        let context = GuiContext::new(Arc::new(Edits::new(&self.wrapped)));
        let host = HostMethods {
            callbacks: Box::new(Requests(Arc::clone(&self.frame))),
            main_thread_caller: Box::new(Requests(Arc::clone(&self.frame))),
        };
        let editor = self
            .editor
            .spawn(Some(parent), false, scale, context, Some(host))?;
        editor.handle.show(&editor.window)?;
        let repaint = self.wrapped.parts.repaint.clone();
        Ok(Open {
            // Without it parameters are repainted with the next result.
            _repainter: Repainter::new(self.wrapped.changed(), repaint).ok(),
            editor,
        })
    }

    /// Follows a host's scale, before there is a window or in it.
    fn follow_scale(&self, scale: f64) -> Result<(), Box<dyn Error>> {
        match self.window() {
            Some(open) => {
                let SpawnedEditor { handle, window } = &open.editor;
                handle.set_fallback_scale_factor(scale, window)?;
            }
            None => self.editor.follow_host_scale(scale)?,
        }
        *lock(&self.scale) = Some(scale);
        Ok(())
    }
}

impl IPlugViewTrait for View {
    unsafe fn isPlatformTypeSupported(&self, kind: FIDString) -> tresult {
        // SAFETY: the host passes a string or null.
        if !kind.is_null() && unsafe { CStr::from_ptr(kind) == CStr::from_ptr(PARENT) } {
            kResultOk
        } else {
            kResultFalse
        }
    }

    unsafe fn attached(&self, parent: *mut c_void, kind: FIDString) -> tresult {
        // SAFETY: the host passes a string or null.
        let is_known = unsafe { self.isPlatformTypeSupported(kind) } == kResultOk;
        let Some(parent) = parent_window(parent).filter(|_| is_known) else {
            return kInvalidArgument;
        };
        if lock(&self.window).is_some() {
            return kResultFalse;
        }
        contained(kResultFalse, || match self.open(parent) {
            Ok(open) => {
                *lock(&self.window) = Some(Bound::new(Rc::new(open)));
                kResultOk
            }
            Err(error) => {
                nih_plug::nice_error!("The window can't be opened: {error}");
                kResultFalse
            }
        })
    }

    unsafe fn removed(&self) -> tresult {
        let here = |window: &mut Bound<_>| window.is_here();
        // Closed outside the lock, because the window may be in a call of its host.
        let closed = lock(&self.window).take_if(here);
        if closed.is_none() {
            return kResultFalse;
        }
        contained(kResultOk, || {
            drop(closed);
            kResultOk
        })
    }

    unsafe fn onWheel(&self, _distance: f32) -> tresult {
        kNotImplemented
    }

    unsafe fn onKeyDown(&self, _key: char16, _code: int16, _modifiers: int16) -> tresult {
        kResultFalse
    }

    unsafe fn onKeyUp(&self, _key: char16, _code: int16, _modifiers: int16) -> tresult {
        kResultFalse
    }

    unsafe fn getSize(&self, size: *mut ViewRect) -> tresult {
        // SAFETY: the host passes a place for it, or null.
        let Some(size) = (unsafe { size.as_mut() }) else {
            return kInvalidArgument;
        };
        *size = rect(self.editor.size());
        kResultOk
    }

    unsafe fn onSize(&self, size: *mut ViewRect) -> tresult {
        // SAFETY: the host passes a size or null.
        let Some(size) = (unsafe { size.as_ref() }).and_then(native) else {
            return kInvalidArgument;
        };
        let Some(open) = self.window() else {
            return kResultFalse;
        };
        let SpawnedEditor { handle, window } = &open.editor;
        contained(kResultFalse, || match handle.set_size(size, window) {
            Ok(()) => kResultOk,
            Err(error) => {
                nih_plug::nice_error!("The window keeps its size: {error}");
                kResultFalse
            }
        })
    }

    unsafe fn onFocus(&self, _state: TBool) -> tresult {
        kNotImplemented
    }

    unsafe fn setFrame(&self, frame: *mut IPlugFrame) -> tresult {
        // SAFETY: the host passes a living frame or null.
        let frame = unsafe { ComRef::from_raw(frame) }.map(|frame| frame.to_com_ptr());
        // The former is released outside the lock, because that calls the host.
        let former = std::mem::replace(&mut *lock(&self.frame.frame), frame);
        drop(former);
        kResultOk
    }

    unsafe fn canResize(&self) -> tresult {
        if self.editor.resize_hint().can_resize {
            kResultOk
        } else {
            kResultFalse
        }
    }

    unsafe fn checkSizeConstraint(&self, wanted: *mut ViewRect) -> tresult {
        // SAFETY: the host passes a size or null.
        let Some(wanted) = (unsafe { wanted.as_mut() }) else {
            return kInvalidArgument;
        };
        let (Some(size), Some(open)) = (native(wanted), self.window()) else {
            return kResultFalse;
        };
        let SpawnedEditor { handle, window } = &open.editor;
        let Some(size) = contained(None, || handle.adjust_size(size, window)) else {
            return kResultFalse;
        };
        wanted.right = wanted.left + size.width as i32;
        wanted.bottom = wanted.top + size.height as i32;
        kResultOk
    }
}

impl IPlugViewContentScaleSupportTrait for View {
    unsafe fn setContentScaleFactor(&self, scale: ScaleFactor) -> tresult {
        let is_elsewhere = lock(&self.window)
            .as_ref()
            .is_some_and(|open| !open.is_here());
        if is_elsewhere {
            return kResultFalse;
        }
        contained(kResultFalse, || match self.follow_scale(f64::from(scale)) {
            Ok(()) => kResultOk,
            Err(error) => {
                nih_plug::nice_error!("{error}");
                kResultFalse
            }
        })
    }
}

/// A host's window, of the kind [`PARENT`].
fn parent_window(window: *mut c_void) -> Option<ParentWindowHandle> {
    let window = NonNull::new(window)?;
    let number = window.as_ptr() as usize;
    Some(if cfg!(target_os = "windows") {
        ParentWindowHandle::Win32Hwnd(NonZeroIsize::new(number as isize)?)
    } else if cfg!(target_os = "macos") {
        ParentWindowHandle::AppKitNsView(window)
    } else {
        ParentWindowHandle::XlibWindow(number as _)
    })
}

/// A size in pixels as the host's rectangle.
fn rect(size: NativeSize<u32>) -> ViewRect {
    ViewRect {
        left: 0,
        top: 0,
        right: size.width as i32,
        bottom: size.height as i32,
    }
}

/// The size of a host's rectangle; `None` if it is empty.
fn native(rect: &ViewRect) -> Option<NativeSize<u32>> {
    let side = |from: i32, to: i32| u32::try_from(to.checked_sub(from)?).ok();
    let (width, height) = (side(rect.left, rect.right)?, side(rect.top, rect.bottom)?);
    (width > 0 && height > 0).then_some(NativeSize { width, height })
}
