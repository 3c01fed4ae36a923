//! The virtual screen, with its resolution and its keyboard.

use std::process::{Command, Stdio};

use x11rb::connection::Connection;
use x11rb::protocol::damage::ConnectionExt as _;
use x11rb::protocol::xproto::{AtomEnum, ConnectionExt as _, PropMode};
use x11rb::rust_connection::RustConnection;
use x11rb::wrapper::ConnectionExt as _;

use super::rerun::SCREEN;

/// The screen, as this program is connected to it.
#[derive(Debug)]
pub struct Screen {
    pub(super) server: RustConnection,
    pub(super) root: u32,
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

    /// Sets the desktop's resolution in dots per inch, as a desktop's settings do; `None` removes it.
    ///
    /// # Panics
    /// If the server is gone.
    pub fn set_dpi(&self, dpi: Option<u32>) {
        let resources = dpi.map_or_else(String::new, |dpi| format!("Xft.dpi:\t{dpi}\n"));
        let (resource_manager, text) = (AtomEnum::RESOURCE_MANAGER, AtomEnum::STRING);
        self.server
            .change_property8(
                PropMode::REPLACE,
                self.root,
                resource_manager,
                text,
                resources.as_bytes(),
            )
            .expect("the server listens");
        self.settled();
    }

    /// Presses and releases a key, by xdotool's name for it.
    ///
    /// # Panics
    /// If xdotool fails.
    pub fn press(&self, key: &str) {
        self.xdotool(&["key", key]);
    }

    /// Types a text.
    ///
    /// # Panics
    /// If xdotool fails.
    pub fn types(&self, text: &str) {
        self.xdotool(&["type", text]);
    }

    /// Moves the pointer, in pixels of the screen.
    ///
    /// # Panics
    /// If xdotool fails.
    pub fn move_pointer(&self, x: i32, y: i32) {
        self.xdotool(&["mousemove", "--sync", &x.to_string(), &y.to_string()]);
    }

    /// Clicks where the pointer is.
    ///
    /// # Panics
    /// If xdotool fails.
    pub fn click(&self) {
        self.xdotool(&["click", "1"]);
    }

    fn xdotool(&self, arguments: &[&str]) {
        let status = Command::new("xdotool")
            .args(arguments)
            .stdin(Stdio::null())
            .status();
        let status = status.expect("there is xdotool; as root: apt-get install -y xdotool");
        assert!(status.success(), "xdotool {arguments:?}: {status}");
        self.settled();
    }

    /// The window that has the keyboard's focus.
    ///
    /// # Panics
    /// If the server is gone.
    #[must_use]
    pub fn focus(&self) -> u32 {
        let reply = self.server.get_input_focus().expect("the server listens");
        reply.reply().expect("the server answers").focus
    }

    /// Waits until the server has handled every request.
    pub(super) fn settled(&self) {
        let _ = self.focus();
    }
}
