//! X11 duties that the framework's window lacks: reading the desktop's scale before there is a window,
//! marking the window as one that can be embedded, and sparing the host when the window loses the server.

use nih_plug_egui::baseview::{PlatformHandle, WindowContext};
use raw_window_handle::{HasDisplayHandle, HasWindowHandle, RawDisplayHandle, RawWindowHandle};
use x11rb::connection::Connection;
use x11rb::errors::ReplyError;
use x11rb::protocol::xproto::{ConnectionExt as _, PropMode, Window};
use x11rb::resource_manager;
use x11rb::wrapper::ConnectionExt as _;
use x11rb::xcb_ffi::XCBConnection;

/// Dots per inch at a scale of 1.
const DPI: f64 = 96.0;

/// The version of the XEmbed protocol.
const XEMBED_VERSION: u32 = 0;

/// The flag of a client that wants to be on the screen.
const XEMBED_MAPPED: u32 = 1;

/// The desktop's scale, if it has one: read as the framework reads it for a new window.
pub(super) fn desktop_scale() -> Option<f64> {
    let (server, _) = x11rb::connect(None).ok()?;
    let resources = resource_manager::new_from_default(&server).ok()?;
    let dpi = resources.get_value::<u32>("Xft.dpi", "").ok().flatten()?;
    Some(f64::from(dpi) / DPI)
}

/// The framework's window on its own connection to the server. For the window's thread.
///
/// A connection that the server has ended is never closed: Xlib would end the whole process, the host,
/// as it finds out.
pub(super) struct OwnWindow {
    /// Borrows the connection that `keeper` keeps, so it is declared before it.
    pub(super) server: XCBConnection,
    keeper: PlatformHandle,
    pub(super) id: Window,
}

impl Drop for OwnWindow {
    fn drop(&mut self) {
        let answer = self.server.get_input_focus().map(|cookie| cookie.reply());
        if !matches!(answer, Ok(Ok(_) | Err(ReplyError::X11Error(_)))) {
            std::mem::forget(self.keeper.clone());
        }
    }
}

impl OwnWindow {
    /// The window; `None` if the framework has another kind.
    pub(super) fn new(context: &WindowContext) -> Option<Self> {
        let keeper = context.platform_handle();
        let id = match keeper.window_handle().ok()?.as_raw() {
            RawWindowHandle::Xcb(window) => window.window.get(),
            _ => return None,
        };
        let connection = match keeper.display_handle().ok()?.as_raw() {
            RawDisplayHandle::Xcb(display) => display.connection?,
            _ => return None,
        };
        // SAFETY: the connection lives as long as `keeper`, which outlives it in the value below.
        let server = unsafe { XCBConnection::from_raw_xcb_connection(connection.as_ptr(), false) };
        Some(Self {
            server: server.ok()?,
            keeper,
            id,
        })
    }

    /// Marks the window as one that XEmbed can embed: some hosts wait for that.
    pub(super) fn can_be_embedded(&self) -> Result<(), ReplyError> {
        let atom = self
            .server
            .intern_atom(false, b"_XEMBED_INFO")?
            .reply()?
            .atom;
        let info = [XEMBED_VERSION, XEMBED_MAPPED];
        self.server
            .change_property32(PropMode::REPLACE, self.id, atom, atom, &info)?
            .check()?;
        self.server.flush()?;
        Ok(())
    }
}
