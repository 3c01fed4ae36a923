//! The virtual screen, and the plugin's window on it.

use std::thread;
use std::time::{Duration, Instant};

use clack_extensions::gui::{GuiApiType, GuiConfiguration, GuiSize, PluginGui, Window};
use x11rb::COPY_DEPTH_FROM_PARENT;
use x11rb::connection::Connection;
use x11rb::protocol::Event;
use x11rb::protocol::damage::{ConnectionExt as _, ReportLevel};
use x11rb::protocol::xproto::{
    ConfigureWindowAux, ConnectionExt as _, CreateWindowAux, EventMask, ImageFormat, WindowClass,
};
use x11rb::rust_connection::RustConnection;

use super::picture::{BEHIND, Picture};
use super::rerun::SCREEN;
use crate::host::Instance;

/// The time limit for a drawing: long enough that only a hang exceeds it.
const PATIENCE: Duration = Duration::from_secs(120);

/// Painting has stopped after this time without a paint.
const QUIET: Duration = Duration::from_secs(1);

/// The screen, as this program is connected to it.
#[derive(Debug)]
pub struct Screen {
    server: RustConnection,
    root: u32,
}

impl Screen {
    /// Connects to the screen.
    ///
    /// # Panics
    /// If there is none.
    #[must_use]
    pub fn connect() -> Self {
        let (server, number) = x11rb::connect(None).expect("an X server");
        let root = server.setup().roots[number].root;
        server
            .damage_query_version(1, 1)
            .expect("the server listens")
            .reply()
            .expect("the server reports damage");
        // The pointer leaves the windows, where it would open a tooltip.
        let (right, bottom) = (SCREEN.0 as i16, SCREEN.1 as i16);
        server
            .warp_pointer(x11rb::NONE, root, 0, 0, 0, 0, right, bottom)
            .expect("the pointer moves");
        Self { server, root }
    }

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
        let gui: PluginGui = instance.extension();
        let handle = instance.plugin.plugin_handle();
        let embedded = GuiConfiguration {
            api_type: GuiApiType::X11,
            is_floating: false,
        };
        gui.create(&handle, embedded).expect("a window");
        let size = gui.get_size(&handle).expect("a size");
        let frame = self.server.generate_id().expect("an id");
        let [r, g, b] = BEHIND.map(u32::from);
        let look = CreateWindowAux::new()
            .background_pixel(r << 16 | g << 8 | b)
            .event_mask(EventMask::STRUCTURE_NOTIFY);
        let (width, height) = (size.width as u16, size.height as u16);
        self.server
            .create_window(
                COPY_DEPTH_FROM_PARENT,
                frame,
                self.root,
                at.0,
                at.1,
                width,
                height,
                0,
                WindowClass::INPUT_OUTPUT,
                0,
                &look,
            )
            .and_then(|_| self.server.map_window(frame))
            .expect("a frame");
        let damage = self.server.generate_id().expect("an id");
        let watched = self
            .server
            .damage_create(damage, frame, ReportLevel::RAW_RECTANGLES);
        watched.expect("the frame is watched");
        self.settled();
        // SAFETY: the frame is destroyed after the plugin's window.
        unsafe { gui.set_parent(&handle, Window::from_x11_handle(frame.into())) }
            .expect("the window is embedded");
        thread::sleep(pause);
        gui.show(&handle).ok();
        Editor {
            screen: self,
            gui,
            frame,
            damage,
        }
    }

    /// Waits until the server has handled every request.
    fn settled(&self) {
        let reply = self.server.get_input_focus().expect("the server listens");
        reply.reply().expect("the server answers");
    }
}

/// An open window of an instance.
pub struct Editor<'a> {
    screen: &'a Screen,
    gui: PluginGui,
    frame: u32,
    damage: u32,
}

impl Editor<'_> {
    /// Its size in pixels, from the plugin.
    ///
    /// # Panics
    /// If it has none.
    pub fn size(&self, instance: &mut Instance) -> (u32, u32) {
        let handle = instance.plugin.plugin_handle();
        let size = self.gui.get_size(&handle).expect("a size");
        (size.width, size.height)
    }

    /// Resizes it, as a host does when a user drags the window's edge.
    ///
    /// # Panics
    /// If the plugin refuses.
    pub fn resize(&self, instance: &mut Instance, (width, height): (u32, u32)) {
        let aux = ConfigureWindowAux::new().width(width).height(height);
        let server = &self.screen.server;
        server
            .configure_window(self.frame, &aux)
            .expect("the frame is resized");
        self.screen.settled();
        let handle = instance.plugin.plugin_handle();
        self.gui
            .set_size(&handle, GuiSize { width, height })
            .expect("it takes the size");
    }

    /// Its current picture.
    ///
    /// # Panics
    /// If the server does not answer.
    #[must_use]
    pub fn picture(&self) -> Picture {
        let server = &self.screen.server;
        let size = server.get_geometry(self.frame).expect("the server listens");
        let size = size.reply().expect("a size");
        let (width, height) = (size.width, size.height);
        let image = server
            .get_image(ImageFormat::Z_PIXMAP, self.frame, 0, 0, width, height, !0)
            .expect("the server listens")
            .reply()
            .expect("an image");
        let pixels = image.data.chunks_exact(4).map(|p| [p[2], p[1], p[0]]);
        Picture {
            width: usize::from(width),
            height: usize::from(height),
            pixels: pixels.collect(),
        }
    }

    /// The number of paints since the last call.
    ///
    /// # Panics
    /// If the server is gone.
    pub fn paints(&self) -> usize {
        self.screen.settled();
        let mut count = 0;
        while let Some(event) = self.screen.server.poll_for_event().expect("the server") {
            let here = |drawable| drawable == self.frame;
            count += usize::from(matches!(event, Event::DamageNotify(d) if here(d.drawable)));
        }
        count
    }

    /// Waits until its picture satisfies `holds`, and returns that picture.
    ///
    /// # Panics
    /// If none does within the limit; the last picture is then kept.
    pub fn wait_for(&self, what: &str, holds: impl Fn(&Picture) -> bool) -> Picture {
        let begun = Instant::now();
        loop {
            let picture = self.picture();
            if holds(&picture) {
                return picture;
            }
            if begun.elapsed() > PATIENCE {
                let kept = picture.keep("failed");
                panic!("{what} was never drawn: {}", kept.display());
            }
            thread::sleep(Duration::from_millis(50));
        }
    }

    /// Waits until painting has stopped, and returns the picture.
    ///
    /// # Panics
    /// If painting does not stop within the limit.
    pub fn wait_until_still(&self) -> Picture {
        let begun = Instant::now();
        self.paints();
        loop {
            thread::sleep(QUIET);
            if self.paints() == 0 {
                return self.picture();
            }
            assert!(begun.elapsed() < PATIENCE, "it is painted without end");
        }
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
    ///
    /// # Panics
    /// If the server is gone.
    pub fn shut(&self, instance: &mut Instance) {
        self.gui.destroy(&instance.plugin.plugin_handle());
        self.screen.settled();
    }

    /// Removes the host's window, after [`Editor::shut`].
    ///
    /// # Panics
    /// If the server is gone.
    pub fn remove(self) {
        let server = &self.screen.server;
        server
            .damage_destroy(self.damage)
            .and_then(|_| server.destroy_window(self.frame))
            .expect("the frame is gone");
        self.screen.settled();
    }
}
