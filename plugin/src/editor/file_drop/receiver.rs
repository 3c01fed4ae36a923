//! The target's side of drag and drop on X11, after the protocol's specification, “Drag-and-Drop Protocol for
//! the X Window System”, version 5 (<https://www.freedesktop.org/wiki/Specifications/XDND/>).

use std::path::PathBuf;
use std::sync::Arc;

use x11rb::connection::Connection;
use x11rb::protocol::Event;
use x11rb::protocol::xproto::{
    Atom, AtomEnum, ChangeWindowAttributesAux, ClientMessageEvent, ConnectionExt as _,
    CreateWindowAux, EventMask, PropMode, Timestamp, Window, WindowClass,
};
use x11rb::rust_connection::RustConnection;
use x11rb::wrapper::ConnectionExt as _;

use super::error::DropError;
use super::uris;

/// The version of the protocol.
const VERSION: u32 = 5;

/// The most words of a list of addresses that are read: 1 MB.
const MOST_WORDS: u32 = 1 << 18;

x11rb::atom_manager! {
    /// The atoms of the protocol, and the message that ends the thread.
    Atoms: AtomsCookie {
        XdndActionCopy,
        XdndAware,
        XdndDrop,
        XdndEnter,
        XdndFinished,
        XdndLeave,
        XdndPosition,
        XdndProxy,
        XdndSelection,
        XdndStatus,
        XdndTypeList,
        _MERTSCOPE_END,
        uri_list: b"text/uri-list",
    }
}

/// A drag that is over the window.
#[derive(Debug)]
struct Drag {
    source: Window,
    /// Whether it carries files, as far as is known.
    has_files: bool,
    /// The files, once the source has told them.
    files: Option<Vec<PathBuf>>,
    /// Whether the source was asked for the files and has not answered yet.
    is_asked: bool,
    /// Whether the files were dropped before the source had told them.
    is_dropped: bool,
}

/// The hidden window that receives the messages, and the drag that is over the window it stands for.
pub(super) struct Receiver {
    server: Arc<RustConnection>,
    atoms: Atoms,
    /// The window that a user sees.
    window: Window,
    proxy: Window,
    drag: Option<Drag>,
}

/// Ends a [`Receiver`] from another thread.
pub(super) struct Remote {
    server: Arc<RustConnection>,
    proxy: Window,
    end: Atom,
}

impl Remote {
    /// Asks the receiver to end.
    pub(super) fn end(&self) {
        let message = ClientMessageEvent::new(32, self.proxy, self.end, [0; 5]);
        // When the server is gone, the receiver ends by itself.
        let _ = self
            .server
            .send_event(false, self.proxy, EventMask::NO_EVENT, message);
        let _ = self.server.flush();
    }
}

impl Receiver {
    /// Makes the hidden window, and makes it the proxy of `window`.
    pub(super) fn new(window: Window) -> Result<Self, DropError> {
        let (server, screen) = x11rb::connect(None)?;
        let atoms = Atoms::new(&server)?.reply()?;
        let proxy = server.generate_id()?;
        let root = server
            .setup()
            .roots
            .get(screen)
            .map_or(0, |screen| screen.root);
        server
            .create_window(
                0,
                proxy,
                root,
                -1,
                -1,
                1,
                1,
                0,
                WindowClass::INPUT_ONLY,
                0,
                &CreateWindowAux::new(),
            )?
            .check()?;
        // Sources trust a proxy that names itself: it was not left over by a crash.
        for marked in [proxy, window] {
            for (atom, kind, value) in [
                (atoms.XdndAware, AtomEnum::ATOM, VERSION),
                (atoms.XdndProxy, AtomEnum::WINDOW, proxy),
            ] {
                server
                    .change_property32(PropMode::REPLACE, marked, atom, kind, &[value])?
                    .check()?;
            }
        }
        Ok(Self {
            server: Arc::new(server),
            atoms,
            window,
            proxy,
            drag: None,
        })
    }

    /// The way to end it from another thread.
    pub(super) fn remote(&self) -> Remote {
        Remote {
            server: Arc::clone(&self.server),
            proxy: self.proxy,
            end: self.atoms._MERTSCOPE_END,
        }
    }

    /// Receives messages until its end, or the server's. `changed` gets the files that are over the window now,
    /// and those that were just dropped.
    pub(super) fn run(&mut self, changed: impl Fn(Option<&[PathBuf]>, Vec<PathBuf>)) {
        while let Ok(event) = self.server.wait_for_event() {
            let before = self.hovered();
            let dropped = match event {
                Event::ClientMessage(message)
                    if message.type_ == self.atoms._MERTSCOPE_END
                        && message.window == self.proxy =>
                {
                    return;
                }
                Event::ClientMessage(message) if message.format == 32 => self.on_message(&message),
                Event::SelectionNotify(told) if told.requestor == self.proxy => {
                    self.on_files(told.property)
                }
                Event::DestroyNotify(gone)
                    if self
                        .drag
                        .as_ref()
                        .is_some_and(|drag| drag.source == gone.window) =>
                {
                    self.drag = None;
                    Ok(Vec::new())
                }
                _ => continue,
            };
            // A refusal comes from a source that is gone, and its drag with it.
            let dropped = dropped.unwrap_or_else(|_| {
                self.drag = None;
                Vec::new()
            });
            let now = self.hovered();
            if now != before || !dropped.is_empty() {
                changed(now.as_deref(), dropped);
            }
        }
    }

    /// The files that are over the window; empty while they are unknown.
    fn hovered(&self) -> Option<Vec<PathBuf>> {
        let drag = self.drag.as_ref()?;
        let is_over = drag.has_files && !drag.is_dropped;
        is_over.then(|| drag.files.clone().unwrap_or_default())
    }

    /// Handles a message of a source; returns the files that were dropped.
    fn on_message(&mut self, message: &ClientMessageEvent) -> Result<Vec<PathBuf>, DropError> {
        let data = message.data.as_data32();
        let source = data[0];
        let atoms = self.atoms;
        if message.type_ == atoms.XdndEnter {
            self.enter(source, data)?;
            return Ok(Vec::new());
        }
        let is_position = message.type_ == atoms.XdndPosition;
        let is_drop = message.type_ == atoms.XdndDrop;
        let Some(drag) = self.drag.as_mut().filter(|drag| drag.source == source) else {
            return Ok(Vec::new());
        };
        if message.type_ == atoms.XdndLeave {
            self.drag = None;
        } else if is_position || is_drop {
            let at: Timestamp = if is_position { data[3] } else { data[2] };
            drag.is_dropped |= is_drop;
            let must_ask = drag.has_files && drag.files.is_none() && !drag.is_asked;
            drag.is_asked |= must_ask;
            let takes = drag.has_files;
            if must_ask {
                self.server.convert_selection(
                    self.proxy,
                    atoms.XdndSelection,
                    atoms.uri_list,
                    atoms.XdndSelection,
                    at,
                )?;
                self.server.flush()?;
            }
            if is_position {
                self.answer(source, atoms.XdndStatus, takes)?;
            } else {
                return self.finish();
            }
        }
        Ok(Vec::new())
    }

    /// Begins a drag.
    fn enter(&mut self, source: Window, data: [u32; 5]) -> Result<(), DropError> {
        // The first bit tells of more than the three types in the message.
        let has_files = if data[1] & 1 == 0 {
            data[2..].contains(&self.atoms.uri_list)
        } else {
            let types = self.server.get_property(
                false,
                source,
                self.atoms.XdndTypeList,
                AtomEnum::ATOM,
                0,
                MOST_WORDS,
            )?;
            let types = types.reply()?;
            let uri_list = self.atoms.uri_list;
            types
                .value32()
                .is_some_and(|mut types| types.any(|atom| atom == uri_list))
        };
        // So that the end of the source is known, which then says nothing more.
        let watch = ChangeWindowAttributesAux::new().event_mask(EventMask::STRUCTURE_NOTIFY);
        self.server.change_window_attributes(source, &watch)?;
        self.drag = Some(Drag {
            source,
            has_files,
            files: None,
            is_asked: false,
            is_dropped: false,
        });
        Ok(())
    }

    /// Takes in the files that the source was asked for; returns them if they were dropped already.
    fn on_files(&mut self, property: Atom) -> Result<Vec<PathBuf>, DropError> {
        let files = if property == x11rb::NONE {
            Vec::new()
        } else {
            let list = self.server.get_property(
                true,
                self.proxy,
                property,
                self.atoms.uri_list,
                0,
                MOST_WORDS,
            )?;
            uris::paths(&list.reply()?.value)
        };
        let Some(drag) = self.drag.as_mut().filter(|drag| drag.is_asked) else {
            return Ok(Vec::new());
        };
        drag.is_asked = false;
        drag.has_files = !files.is_empty();
        drag.files = Some(files);
        self.finish()
    }

    /// Ends a drag that was dropped and whose files are known; returns them.
    fn finish(&mut self) -> Result<Vec<PathBuf>, DropError> {
        let is_over = |drag: &mut Drag| drag.is_dropped && !drag.is_asked;
        let Some(drag) = self.drag.take_if(is_over) else {
            return Ok(Vec::new());
        };
        self.answer(drag.source, self.atoms.XdndFinished, drag.has_files)?;
        Ok(drag.files.unwrap_or_default())
    }

    /// Tells a source whether files are or were taken.
    fn answer(&self, source: Window, message: Atom, takes: bool) -> Result<(), DropError> {
        let action = if takes {
            self.atoms.XdndActionCopy
        } else {
            x11rb::NONE
        };
        let taken = u32::from(takes);
        // A status has an empty rectangle before the action: it asks for every movement.
        let data = if message == self.atoms.XdndStatus {
            [self.window, taken, 0, 0, action]
        } else {
            [self.window, taken, action, 0, 0]
        };
        let message = ClientMessageEvent::new(32, source, message, data);
        self.server
            .send_event(false, source, EventMask::NO_EVENT, message)?;
        self.server.flush()?;
        Ok(())
    }
}
