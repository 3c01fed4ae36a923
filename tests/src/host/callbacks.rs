//! The host's functions that the plugin may call.

use clack_extensions::gui::{GuiSize, HostGui, HostGuiImpl};
use clack_host::prelude::*;

/// The host's side of an instance: it ignores every request and refuses to resize the window.
#[derive(Debug)]
pub struct Host;

impl SharedHandler<'_> for Host {
    fn request_restart(&self) {}
    fn request_process(&self) {}
    fn request_callback(&self) {}
}

impl HostGuiImpl for Host {
    fn resize_hints_changed(&self) {}

    fn request_resize(&self, _size: GuiSize) -> Result<(), HostError> {
        Err(HostError::Message("this host keeps its window's size"))
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
