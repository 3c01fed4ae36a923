//! The host's functions that the plugin may call.

use std::sync::Mutex;
use std::thread::{self, ThreadId};

use clack_extensions::gui::{GuiSize, HostGui, HostGuiImpl};
use clack_host::prelude::*;

/// The host's side of an instance: it notes the plugin's requests for other sizes of the window, and
/// ignores all others.
#[derive(Debug, Default)]
pub struct Host {
    resizes: Mutex<Resizes>,
}

#[derive(Debug, Default)]
struct Resizes {
    refused: bool,
    asked: Vec<((u32, u32), ThreadId)>,
}

impl Host {
    /// Refuses requests for other sizes from now on.
    pub fn refuse_resizes(&self) {
        self.resizes().refused = true;
    }

    /// The sizes that were asked for since the last call, each with the thread that has asked.
    pub fn resizes_asked_for(&self) -> Vec<((u32, u32), ThreadId)> {
        std::mem::take(&mut self.resizes().asked)
    }

    fn resizes(&self) -> std::sync::MutexGuard<'_, Resizes> {
        self.resizes.lock().expect("no test panics in here")
    }
}

impl SharedHandler<'_> for Host {
    fn request_restart(&self) {}
    fn request_process(&self) {}
    fn request_callback(&self) {}
}

impl HostGuiImpl for Host {
    fn resize_hints_changed(&self) {}

    fn request_resize(&self, size: GuiSize) -> Result<(), HostError> {
        let mut resizes = self.resizes();
        let thread = thread::current().id();
        resizes.asked.push(((size.width, size.height), thread));
        if resizes.refused {
            return Err(HostError::Message("this host keeps its window's size"));
        }
        Ok(())
    }

    fn request_show(&self) -> Result<(), HostError> {
        Ok(())
    }

    fn request_hide(&self) -> Result<(), HostError> {
        Ok(())
    }

    fn closed(&self, _was_destroyed: bool) {}
}

impl HostHandlers for Host {
    type Shared<'a> = Self;
    type MainThread<'a> = ();
    type AudioProcessor<'a> = ();

    fn declare_extensions(builder: &mut HostExtensions<Self>, _shared: &Self) {
        // The framework opens no window in a host without it.
        builder.register::<HostGui>();
    }
}
