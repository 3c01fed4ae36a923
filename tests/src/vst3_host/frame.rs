//! The host's side of a view: its answer to requests for other sizes, and its event loop.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::thread::{self, JoinHandle, ThreadId};

use vst3::Steinberg::Linux::{
    FileDescriptor, IEventHandler, IEventHandlerTrait, IRunLoop, IRunLoopTrait, ITimerHandler,
    TimerInterval,
};
use vst3::Steinberg::{
    IPlugFrame, IPlugFrameTrait, IPlugView, IPlugViewTrait, ViewRect, kInvalidArgument,
    kNotImplemented, kResultOk, tresult,
};
use vst3::{Class, ComPtr, ComRef};

/// Milliseconds between two looks whether the loop is to end.
const LOOK_EVERY_MS: i32 = 10;

/// Where a host runs the handlers of its event loop.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EventLoop {
    /// On the thread that opens the window.
    SameThread,
    /// On a thread of its own, as Carla's bridge does.
    OwnThread,
    /// Nowhere: the host has no event loop for plugins.
    None,
}

type Handlers = Arc<Mutex<Vec<(ComPtr<IEventHandler>, FileDescriptor)>>>;

/// What the plugin sees of the host's window.
pub(super) struct PlugFrame {
    handlers: Handlers,
    asked: Mutex<Vec<((u32, u32), ThreadId)>>,
}

impl PlugFrame {
    pub(super) fn new(handlers: &Handlers) -> Self {
        Self {
            handlers: Arc::clone(handlers),
            asked: Mutex::default(),
        }
    }

    /// The sizes that were asked for since the last call, each with the thread that has asked.
    pub(super) fn resizes_asked_for(&self) -> Vec<((u32, u32), ThreadId)> {
        std::mem::take(&mut *locked(&self.asked))
    }
}

fn locked<T>(value: &Mutex<T>) -> MutexGuard<'_, T> {
    value.lock().expect("no test panics in here")
}

impl Class for PlugFrame {
    type Interfaces = (IPlugFrame, IRunLoop);
}

impl IPlugFrameTrait for PlugFrame {
    /// Grants every size, and says so at once on the calling thread.
    unsafe fn resizeView(&self, view: *mut IPlugView, size: *mut ViewRect) -> tresult {
        // SAFETY: the plugin passes its view and a size.
        let (view, rect) = unsafe { (ComRef::from_raw(view), &*size) };
        let asked = (
            (rect.right - rect.left) as u32,
            (rect.bottom - rect.top) as u32,
        );
        locked(&self.asked).push((asked, thread::current().id()));
        // SAFETY: the view lives during its own call.
        view.map_or(kInvalidArgument, |view| unsafe { view.onSize(size) })
    }
}

impl IRunLoopTrait for PlugFrame {
    unsafe fn registerEventHandler(
        &self,
        handler: *mut IEventHandler,
        fd: FileDescriptor,
    ) -> tresult {
        // SAFETY: the plugin passes a living handler.
        match unsafe { ComRef::from_raw(handler) } {
            Some(handler) => {
                locked(&self.handlers).push((handler.to_com_ptr(), fd));
                kResultOk
            }
            None => kInvalidArgument,
        }
    }

    unsafe fn unregisterEventHandler(&self, handler: *mut IEventHandler) -> tresult {
        locked(&self.handlers).retain(|(known, _)| known.as_ptr() != handler);
        kResultOk
    }

    unsafe fn registerTimer(&self, _handler: *mut ITimerHandler, _ms: TimerInterval) -> tresult {
        kNotImplemented
    }

    unsafe fn unregisterTimer(&self, _handler: *mut ITimerHandler) -> tresult {
        kNotImplemented
    }
}

/// A host's window without an event loop.
pub(super) struct BareFrame;

impl Class for BareFrame {
    type Interfaces = (IPlugFrame,);
}

impl IPlugFrameTrait for BareFrame {
    unsafe fn resizeView(&self, _view: *mut IPlugView, _size: *mut ViewRect) -> tresult {
        kNotImplemented
    }
}

/// The handlers, and the thread that runs them if they have one of their own.
pub(super) struct Runner {
    pub(super) handlers: Handlers,
    thread: Option<(Arc<AtomicBool>, JoinHandle<()>)>,
}

impl Runner {
    pub(super) fn new(event_loop: EventLoop) -> Self {
        let handlers = Handlers::default();
        let thread = (event_loop == EventLoop::OwnThread).then(|| {
            let end = Arc::new(AtomicBool::new(false));
            let (ended, watched) = (Arc::clone(&end), Arc::clone(&handlers));
            let run = move || {
                while !ended.load(Ordering::Acquire) {
                    run_ready(&watched);
                }
            };
            (end, thread::spawn(run))
        });
        Self { handlers, thread }
    }

    /// Runs the handlers that are due on this thread, after a short wait for them.
    pub(super) fn run_here(&self) {
        run_ready(&self.handlers);
    }
}

impl Drop for Runner {
    fn drop(&mut self) {
        if let Some((end, thread)) = self.thread.take() {
            end.store(true, Ordering::Release);
            thread.join().expect("the event loop ends well");
        }
        // The framework keeps its frame, and the frame its handlers.
        locked(&self.handlers).clear();
    }
}

fn run_ready(handlers: &Handlers) {
    let known: Vec<_> = locked(handlers).clone();
    let mut files: Vec<libc::pollfd> = known
        .iter()
        .map(|(_, fd)| libc::pollfd {
            fd: *fd,
            events: libc::POLLIN,
            revents: 0,
        })
        .collect();
    // SAFETY: the list lives as long as the call, as long as it says.
    unsafe {
        libc::poll(
            files.as_mut_ptr(),
            files.len() as libc::nfds_t,
            LOOK_EVERY_MS,
        )
    };
    for ((handler, fd), file) in known.iter().zip(&files) {
        if file.revents & libc::POLLIN != 0 {
            // SAFETY: the handler is registered, so it lives.
            unsafe { handler.onFDIsSet(*fd) };
        }
    }
}
