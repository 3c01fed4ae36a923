//! A host's window, and what the server has of it.

use std::thread;
use std::time::{Duration, Instant};

use x11rb::connection::Connection;
use x11rb::protocol::Event;
use x11rb::protocol::damage::{ConnectionExt as _, ReportLevel};
use x11rb::protocol::xproto::{
    AtomEnum, ConfigureWindowAux, ConnectionExt as _, CreateWindowAux, EventMask, ImageFormat,
    InputFocus, WindowClass,
};
use x11rb::{COPY_DEPTH_FROM_PARENT, CURRENT_TIME};

use super::picture::{BEHIND, Picture};
use super::screen::Screen;

/// The time limit for a drawing: long enough that only a hang exceeds it.
const PATIENCE: Duration = Duration::from_secs(120);

/// Painting has stopped after this time without a paint.
const QUIET: Duration = Duration::from_secs(1);

/// A host's window, into which a plugin puts its own.
#[derive(Debug)]
pub struct Frame<'a> {
    screen: &'a Screen,
    id: u32,
    damage: u32,
}

impl<'a> Frame<'a> {
    /// A window at a place on the screen.
    ///
    /// # Panics
    /// If the server refuses.
    #[must_use]
    pub fn new(screen: &'a Screen, at: (i16, i16), (width, height): (u32, u32)) -> Self {
        let server = &screen.server;
        let id = server.generate_id().expect("an id");
        let [r, g, b] = BEHIND.map(u32::from);
        let look = CreateWindowAux::new()
            .background_pixel(r << 16 | g << 8 | b)
            .event_mask(EventMask::STRUCTURE_NOTIFY | EventMask::KEY_PRESS);
        server
            .create_window(
                COPY_DEPTH_FROM_PARENT,
                id,
                screen.root,
                at.0,
                at.1,
                width as u16,
                height as u16,
                0,
                WindowClass::INPUT_OUTPUT,
                0,
                &look,
            )
            .and_then(|_| server.map_window(id))
            .expect("a frame");
        let damage = server.generate_id().expect("an id");
        let watched = server.damage_create(damage, id, ReportLevel::RAW_RECTANGLES);
        watched.expect("the frame is watched");
        screen.settled();
        Self { screen, id, damage }
    }

    /// Its number on the server.
    #[must_use]
    pub fn id(&self) -> u32 {
        self.id
    }

    /// Takes the keyboard's focus.
    ///
    /// # Panics
    /// If the server is gone.
    pub fn take_focus(&self) {
        let server = &self.screen.server;
        server
            .set_input_focus(InputFocus::PARENT, self.id, CURRENT_TIME)
            .expect("the server listens");
        self.screen.settled();
    }

    /// Resizes it.
    ///
    /// # Panics
    /// If the server is gone.
    pub fn resize(&self, (width, height): (u32, u32)) {
        self.resize_window(self.id, (width, height));
    }

    /// Resizes the plugin's window directly, as toolkits do with embedded windows.
    ///
    /// # Panics
    /// If there is none.
    pub fn resize_plugin(&self, size: (u32, u32)) {
        self.resize_window(self.plugin().expect("a plugin's window"), size);
    }

    fn resize_window(&self, window: u32, (width, height): (u32, u32)) {
        let aux = ConfigureWindowAux::new().width(width).height(height);
        let server = &self.screen.server;
        server
            .configure_window(window, &aux)
            .expect("the server listens");
        self.screen.settled();
    }

    /// The number of the plugin's window in it, if there is one.
    ///
    /// # Panics
    /// If the server is gone.
    #[must_use]
    pub fn plugin(&self) -> Option<u32> {
        let tree = self.screen.server.query_tree(self.id);
        let tree = tree.expect("the server listens").reply();
        tree.expect("a tree").children.first().copied()
    }

    /// The size of the plugin's window on the server, in pixels.
    ///
    /// # Panics
    /// If there is none.
    #[must_use]
    pub fn plugin_size(&self) -> (u32, u32) {
        self.size_of(self.plugin().expect("a plugin's window"))
    }

    /// Its size in pixels.
    ///
    /// # Panics
    /// If the server is gone.
    #[must_use]
    pub fn size(&self) -> (u32, u32) {
        self.size_of(self.id)
    }

    fn size_of(&self, window: u32) -> (u32, u32) {
        let size = self.screen.server.get_geometry(window);
        let size = size.expect("the server listens").reply().expect("a size");
        (size.width.into(), size.height.into())
    }

    /// Ends the connection that has made a window.
    pub(super) fn end_connection_of(&self, window: u32) {
        let server = &self.screen.server;
        server.kill_client(window).expect("the server listens");
        self.screen.settled();
    }

    /// The numbers of a property of the plugin's window.
    ///
    /// # Panics
    /// If there is no such window.
    #[must_use]
    pub fn plugin_property(&self, name: &str) -> Option<Vec<u32>> {
        let (server, plugin) = (&self.screen.server, self.plugin().expect("a window"));
        let atom = server
            .intern_atom(false, name.as_bytes())
            .expect("the server listens");
        let atom = atom.reply().expect("an atom").atom;
        let property = server
            .get_property(false, plugin, atom, AtomEnum::ANY, 0, 16)
            .expect("the server listens");
        let property = property.reply().expect("an answer");
        property.value32().map(Iterator::collect)
    }

    /// The number of keys that were pressed in it since the last call of this or of [`Frame::paints`].
    ///
    /// # Panics
    /// If the server is gone.
    pub fn key_presses(&self) -> usize {
        self.count(|event| matches!(event, Event::KeyPress(key) if key.event == self.id))
    }

    /// Waits until that many keys were pressed in it.
    ///
    /// # Panics
    /// If they are not within the limit.
    pub fn wait_for_key_presses(&self, count: usize) {
        let begun = Instant::now();
        let mut pressed = self.key_presses();
        while pressed < count {
            assert!(
                begun.elapsed() < PATIENCE,
                "{pressed} of {count} key presses"
            );
            thread::sleep(Duration::from_millis(10));
            pressed += self.key_presses();
        }
        assert_eq!(pressed, count, "key presses");
    }

    /// Its current picture.
    ///
    /// # Panics
    /// If the server does not answer.
    #[must_use]
    pub fn picture(&self) -> Picture {
        let server = &self.screen.server;
        let size = server.get_geometry(self.id).expect("the server listens");
        let size = size.reply().expect("a size");
        let (width, height) = (size.width, size.height);
        let image = server
            .get_image(ImageFormat::Z_PIXMAP, self.id, 0, 0, width, height, !0)
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
        self.count(|event| matches!(event, Event::DamageNotify(d) if d.drawable == self.id))
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
        self.wait_until_still_for(QUIET)
    }

    /// Waits until nothing was painted for so long, and returns the picture.
    ///
    /// # Panics
    /// If painting does not stop within the limit.
    pub fn wait_until_still_for(&self, pause: Duration) -> Picture {
        let begun = Instant::now();
        self.paints();
        loop {
            thread::sleep(pause);
            if self.paints() == 0 {
                return self.picture();
            }
            assert!(begun.elapsed() < PATIENCE, "it is painted without end");
        }
    }

    fn count(&self, counts: impl Fn(&Event) -> bool) -> usize {
        self.screen.settled();
        let mut count = 0;
        while let Some(event) = self.screen.server.poll_for_event().expect("the server") {
            count += usize::from(counts(&event));
        }
        count
    }

    /// Removes it, with what is in it.
    ///
    /// # Panics
    /// If the server is gone.
    pub fn remove(self) {
        let server = &self.screen.server;
        server
            .damage_destroy(self.damage)
            .and_then(|_| server.destroy_window(self.id))
            .expect("the frame is gone");
        self.screen.settled();
    }
}
