//! The plugin's window in a CLAP host.

use std::ops::Deref;
use std::thread;
use std::time::Duration;

use clack_extensions::gui::{GuiApiType, GuiConfiguration, GuiSize, PluginGui, Window};

use super::frame::Frame;
use super::screen::Screen;
use crate::host::Instance;

impl Screen {
    /// Opens the instance's window at a place on the screen.
    ///
    /// # Panics
    /// If the plugin refuses.
    #[must_use]
    pub fn open(&self, instance: &mut Instance, at: (i16, i16)) -> Editor<'_> {
        self.open_after(instance, at, Duration::ZERO)
    }

    /// Opens the window as a host does that pauses between making a window and showing it.
    ///
    /// # Panics
    /// If the plugin refuses.
    #[must_use]
    pub fn open_after(
        &self,
        instance: &mut Instance,
        at: (i16, i16),
        pause: Duration,
    ) -> Editor<'_> {
        let gui = create(instance);
        self.show(instance, gui, at, pause)
    }

    /// Opens the window as a host does that tells its scale before it asks for the size.
    ///
    /// # Panics
    /// If the plugin refuses the window or the scale.
    #[must_use]
    pub fn open_scaled(&self, instance: &mut Instance, scale: f64) -> Editor<'_> {
        let gui = create(instance);
        gui.set_scale(&instance.plugin.plugin_handle(), scale)
            .expect("it takes the scale");
        self.show(instance, gui, (0, 0), Duration::ZERO)
    }

    fn show(
        &self,
        instance: &mut Instance,
        gui: PluginGui,
        at: (i16, i16),
        pause: Duration,
    ) -> Editor<'_> {
        let handle = instance.plugin.plugin_handle();
        let size = gui.get_size(&handle).expect("a size");
        let frame = Frame::new(self, at, (size.width, size.height));
        // SAFETY: the frame is destroyed after the plugin's window.
        unsafe { gui.set_parent(&handle, Window::from_x11_handle(frame.id().into())) }
            .expect("the window is embedded");
        thread::sleep(pause);
        gui.show(&handle).ok();
        Editor { gui, frame }
    }
}

fn create(instance: &mut Instance) -> PluginGui {
    let gui: PluginGui = instance.extension();
    let embedded = GuiConfiguration {
        api_type: GuiApiType::X11,
        is_floating: false,
    };
    gui.create(&instance.plugin.plugin_handle(), embedded)
        .expect("a window");
    gui
}

/// An open window of an instance, in the host's window.
pub struct Editor<'a> {
    gui: PluginGui,
    frame: Frame<'a>,
}

impl<'a> Deref for Editor<'a> {
    type Target = Frame<'a>;

    fn deref(&self) -> &Frame<'a> {
        &self.frame
    }
}

impl Editor<'_> {
    /// Its size in pixels, from the plugin.
    ///
    /// # Panics
    /// If it has none.
    pub fn told_size(&self, instance: &mut Instance) -> (u32, u32) {
        let handle = instance.plugin.plugin_handle();
        let size = self.gui.get_size(&handle).expect("a size");
        (size.width, size.height)
    }

    /// Tells it the host's scale; returns whether it was taken.
    pub fn set_scale(&self, instance: &mut Instance, scale: f64) -> bool {
        let handle = instance.plugin.plugin_handle();
        self.gui.set_scale(&handle, scale).is_ok()
    }

    /// Resizes it, as a host does when a user drags the window's edge.
    ///
    /// # Panics
    /// If the plugin refuses.
    pub fn resize_as_host(&self, instance: &mut Instance, size: (u32, u32)) {
        self.frame.resize(size);
        assert!(self.set_size(instance, size), "it takes the size");
    }

    /// Tells it a size; returns whether it was taken.
    pub fn set_size(&self, instance: &mut Instance, (width, height): (u32, u32)) -> bool {
        let handle = instance.plugin.plugin_handle();
        let size = GuiSize { width, height };
        self.gui.set_size(&handle, size).is_ok()
    }

    /// The size that it makes of another, as a host asks while a user drags the window's edge.
    ///
    /// # Panics
    /// If it has no answer.
    pub fn adjusted_size(&self, instance: &mut Instance, size: (u32, u32)) -> (u32, u32) {
        let handle = instance.plugin.plugin_handle();
        let (width, height) = size;
        let size = self.gui.adjust_size(&handle, GuiSize { width, height });
        let size = size.expect("a size");
        (size.width, size.height)
    }

    /// Closes it.
    ///
    /// # Panics
    /// If the server is gone.
    pub fn close(self, instance: &mut Instance) {
        self.shut(instance);
        self.remove();
    }

    /// Closes the plugin's window and leaves the host's window, which [`Editor::remove`] closes.
    pub fn shut(&self, instance: &mut Instance) {
        self.gui.destroy(&instance.plugin.plugin_handle());
    }

    /// Ends the connection of the plugin's window to the server, as the server does when it fails.
    ///
    /// # Panics
    /// If the server is gone.
    pub fn lose_server(&self) {
        let plugin = self.frame.plugin().expect("a plugin's window");
        self.frame.end_connection_of(plugin);
    }

    /// Removes the host's window with the plugin's in it, and closes the plugin's afterwards.
    ///
    /// # Panics
    /// If the server is gone.
    pub fn remove_first(self, instance: &mut Instance) {
        self.frame.remove();
        self.gui.destroy(&instance.plugin.plugin_handle());
    }

    /// Removes the host's window, after [`Editor::shut`].
    ///
    /// # Panics
    /// If the server is gone.
    pub fn remove(self) {
        self.frame.remove();
    }
}
