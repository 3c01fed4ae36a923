//! The source of a drag and drop on X11, as a file manager is one: it looks for the window under the pointer,
//! offers files to it and hands them over.

use std::fmt::Write as _;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use x11rb::COPY_DEPTH_FROM_PARENT;
use x11rb::connection::Connection;
use x11rb::protocol::Event;
use x11rb::protocol::xproto::{
    Atom, AtomEnum, ClientMessageEvent, ConnectionExt as _, CreateWindowAux, EventMask, PropMode,
    SELECTION_NOTIFY_EVENT, SelectionNotifyEvent, SelectionRequestEvent, WindowClass,
};
use x11rb::rust_connection::RustConnection;
use x11rb::wrapper::ConnectionExt as _;

/// The time limit for an answer: long enough that only a hang exceeds it.
const PATIENCE: Duration = Duration::from_secs(60);

/// The version of the protocol.
const VERSION: u32 = 5;

x11rb::atom_manager! {
    /// The atoms of the protocol.
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
        uri_list: b"text/uri-list",
    }
}

/// A window that takes drags, and the one that gets the messages for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Target {
    /// The window under the pointer.
    pub window: u32,
    /// The window that gets the messages.
    pub receiver: u32,
}

/// A source that drags some files.
#[derive(Debug)]
pub struct DragSource {
    server: RustConnection,
    atoms: Atoms,
    root: u32,
    window: u32,
    list: Vec<u8>,
    /// How often the files were handed over.
    handed_over: usize,
}

impl DragSource {
    /// A source of these files.
    ///
    /// # Panics
    /// Without an X server.
    #[must_use]
    pub fn new(files: &[&Path]) -> Self {
        let (server, number) = x11rb::connect(None).expect("an X server");
        let atoms = Atoms::new(&server)
            .expect("a server")
            .reply()
            .expect("atoms");
        let root = server.setup().roots[number].root;
        let window = server.generate_id().expect("an id");
        server
            .create_window(
                COPY_DEPTH_FROM_PARENT,
                window,
                root,
                0,
                0,
                1,
                1,
                0,
                WindowClass::INPUT_OUTPUT,
                0,
                &CreateWindowAux::new(),
            )
            .and_then(|_| {
                server.set_selection_owner(window, atoms.XdndSelection, x11rb::CURRENT_TIME)
            })
            .expect("a source");
        let list: String = files.iter().map(|file| address(file)).collect();
        Self {
            server,
            atoms,
            root,
            window,
            list: list.into_bytes(),
            handed_over: 0,
        }
    }

    /// The target at a place on the screen: the first window from the root on that takes drags.
    #[must_use]
    pub fn target_at(&self, (x, y): (i16, i16)) -> Option<Target> {
        let mut window = self.root;
        loop {
            let below = self.server.translate_coordinates(self.root, window, x, y);
            window = below.ok()?.reply().ok()?.child;
            if window == x11rb::NONE {
                return None;
            }
            if self
                .property(window, self.atoms.XdndAware, AtomEnum::ATOM)
                .is_some()
            {
                break;
            }
        }
        // A proxy that does not name itself was left over by a crash.
        let proxy = |window| self.property(window, self.atoms.XdndProxy, AtomEnum::WINDOW);
        let receiver = proxy(window).filter(|own| proxy(*own) == Some(*own));
        Some(Target {
            window,
            receiver: receiver.unwrap_or(window),
        })
    }

    fn property(&self, window: u32, property: Atom, kind: AtomEnum) -> Option<u32> {
        let reply = self
            .server
            .get_property(false, window, property, kind, 0, 1);
        reply.ok()?.reply().ok()?.value32()?.next()
    }

    /// Moves the files into a target.
    ///
    /// # Panics
    /// If the server is gone.
    pub fn enter(&self, target: Target) {
        let types = [self.atoms.uri_list, x11rb::NONE, x11rb::NONE];
        let data = [self.window, VERSION << 24, types[0], types[1], types[2]];
        self.send(target, self.atoms.XdndEnter, data);
    }

    /// Moves the files within a target, until it has answered and has been told the files; returns whether
    /// it would take them.
    ///
    /// # Panics
    /// If it does not answer.
    #[must_use]
    pub fn move_to(&mut self, target: Target, (x, y): (i16, i16)) -> bool {
        let at = (x as u32) << 16 | y as u32;
        let action = self.atoms.XdndActionCopy;
        let data = [self.window, 0, at, x11rb::CURRENT_TIME, action];
        self.send(target, self.atoms.XdndPosition, data);
        let takes = self.answer(target, self.atoms.XdndStatus);
        let begun = Instant::now();
        while takes && self.handed_over == 0 {
            assert!(begun.elapsed() < PATIENCE, "the files are not asked for");
            self.next();
        }
        takes
    }

    /// Moves the files out of a target.
    ///
    /// # Panics
    /// If the server is gone.
    pub fn leave(&self, target: Target) {
        self.send(target, self.atoms.XdndLeave, [self.window, 0, 0, 0, 0]);
    }

    /// Drops the files; returns whether the target took them.
    ///
    /// # Panics
    /// If it does not answer.
    #[must_use]
    pub fn drop_on(&mut self, target: Target) -> bool {
        let data = [self.window, 0, x11rb::CURRENT_TIME, 0, 0];
        self.send(target, self.atoms.XdndDrop, data);
        self.answer(target, self.atoms.XdndFinished)
    }

    fn send(&self, target: Target, kind: Atom, data: [u32; 5]) {
        let message = ClientMessageEvent::new(32, target.window, kind, data);
        let sent = self
            .server
            .send_event(false, target.receiver, EventMask::NO_EVENT, message);
        sent.expect("the server listens");
        self.server.flush().expect("the server listens");
    }

    /// Waits for a message of the target, and hands the files over meanwhile; returns whether it accepts.
    fn answer(&mut self, target: Target, kind: Atom) -> bool {
        let begun = Instant::now();
        loop {
            assert!(begun.elapsed() < PATIENCE, "the target does not answer");
            if let Some(message) = self.next()
                && message.type_ == kind
            {
                let [window, accepted, ..] = message.data.as_data32();
                assert_eq!(window, target.window, "the answer names another window");
                return accepted & 1 == 1;
            }
        }
    }

    /// Handles the next event, if there is one; returns it if it is a message.
    fn next(&mut self) -> Option<ClientMessageEvent> {
        match self.server.poll_for_event().expect("the server") {
            Some(Event::ClientMessage(message)) => return Some(message),
            Some(Event::SelectionRequest(asked)) => self.hand_over(&asked),
            Some(_) => {}
            None => thread::sleep(Duration::from_millis(5)),
        }
        None
    }

    fn hand_over(&mut self, asked: &SelectionRequestEvent) {
        let written = self.server.change_property8(
            PropMode::REPLACE,
            asked.requestor,
            asked.property,
            asked.target,
            &self.list,
        );
        written.expect("the server listens");
        let told = SelectionNotifyEvent {
            response_type: SELECTION_NOTIFY_EVENT,
            sequence: 0,
            time: asked.time,
            requestor: asked.requestor,
            selection: asked.selection,
            target: asked.target,
            property: asked.property,
        };
        let sent = self
            .server
            .send_event(false, asked.requestor, EventMask::NO_EVENT, told);
        sent.expect("the server listens");
        self.server.flush().expect("the server listens");
        self.handed_over += 1;
    }
}

/// A file's line in a list of addresses.
fn address(file: &Path) -> String {
    let mut address = "file://".to_owned();
    for byte in file.as_os_str().as_bytes() {
        match byte {
            b'/' | b'.' | b'-' | b'_' => address.push(char::from(*byte)),
            _ if byte.is_ascii_alphanumeric() => address.push(char::from(*byte)),
            _ => write!(address, "%{byte:02X}").expect("a string takes it"),
        }
    }
    address + "\r\n"
}
