//! The keyboard of a window in a host, on X11: the host's, except while a control here has the focus.
//!
//! The framework's window takes the keyboard's focus at every click on it, and the server hands it the keys
//! that are pressed while the pointer is over it. A host's shortcuts, the space bar above all, would be
//! dead. So the framework is told that its window has the focus already, and the window asks the server
//! for keys only while it wants them: all others go on to the host's window by the server's own rules. A text
//! field takes the focus when it is clicked, and gives it back to the window that had it. Tab over the window
//! begins the way through its controls, which ends with Escape or a click beside them.

use egui::{Context, Event};
use x11rb::CURRENT_TIME;
use x11rb::connection::Connection;
use x11rb::errors::ReplyError;
use x11rb::protocol::xproto::{
    ChangeWindowAttributesAux, ConnectionExt as _, EventMask, FOCUS_IN_EVENT, FocusInEvent,
    GrabMode, InputFocus, KeyButMask, NotifyDetail, NotifyMode, Window,
};

use super::x11::OwnWindow;

/// The symbol of the Tab key, from X11's `keysymdef.h`.
const TAB: u32 = 0xff09;

/// Caps Lock and, by convention, Num Lock: Tab works whatever their state.
const LOCKS: [KeyButMask; 2] = [KeyButMask::LOCK, KeyButMask::MOD2];

/// See the module. For the window's thread.
pub(super) struct Keyboard {
    window: OwnWindow,
    /// Whether a control here has the focus.
    wanted: bool,
    /// Whether the window asks for keys.
    listening: bool,
    /// The window from which the focus was taken, and what follows if it is gone by then.
    before: Option<(Window, InputFocus)>,
}

impl Keyboard {
    /// The keyboard of a new window, which gets no keys yet.
    ///
    /// # Errors
    /// If the server refuses a request.
    pub(super) fn new(window: OwnWindow) -> Result<Self, ReplyError> {
        let mut keyboard = Self {
            window,
            wanted: false,
            listening: true,
            before: None,
        };
        keyboard.pretend_focus()?;
        keyboard.listen(false)?;
        keyboard.ask_for_tab()?;
        Ok(keyboard)
    }

    /// Takes the focus, or gives it back, as the frame that was just drawn wants it.
    ///
    /// # Errors
    /// If the server refuses a request, as it does when a window was just closed.
    pub(super) fn follow(&mut self, egui: &Context) -> Result<(), ReplyError> {
        let wanted = egui.egui_wants_keyboard_input();
        let (mut told, mut lost) = (false, false);
        egui.input(|input| {
            for event in &input.events {
                told |= matches!(event, Event::WindowFocused(_));
                lost |= matches!(event, Event::WindowFocused(false));
            }
        });
        if !told && wanted == self.wanted {
            return Ok(());
        }
        if lost {
            self.pretend_focus()?;
        }
        let focus = self.window.server.get_input_focus()?.reply()?;
        let ours = focus.focus == self.window.id;
        let was_wanted = std::mem::replace(&mut self.wanted, wanted);
        match (was_wanted, wanted) {
            (false, true) if !ours => {
                self.before = Some((focus.focus, focus.revert_to));
                self.listen(true)?;
                return self.set_focus(InputFocus::PARENT, self.window.id);
            }
            (true, false) if ours => {
                if let Some((window, revert_to)) = self.before.take() {
                    self.listen(false)?;
                    return self.set_focus(revert_to, window);
                }
            }
            (true, true) if !ours => {
                // The user went elsewhere: the control lets go, or it would take the focus again.
                self.before = None;
                self.wanted = false;
                egui.memory_mut(|memory| {
                    if let Some(id) = memory.focused() {
                        memory.surrender_focus(id);
                    }
                });
                egui.request_repaint();
            }
            _ => {}
        }
        // A host may also give the focus itself; then it is the host that takes it back.
        self.listen(self.wanted || ours)
    }

    fn set_focus(&self, revert_to: InputFocus, window: Window) -> Result<(), ReplyError> {
        let server = &self.window.server;
        server
            .set_input_focus(revert_to, window, CURRENT_TIME)?
            .check()
    }

    /// Tells the framework that its window has the focus.
    fn pretend_focus(&self) -> Result<(), ReplyError> {
        let event = FocusInEvent {
            response_type: FOCUS_IN_EVENT,
            detail: NotifyDetail::NONLINEAR,
            sequence: 0,
            event: self.window.id,
            mode: NotifyMode::NORMAL,
        };
        // Without a mask it goes to the connection that has made the window.
        let (server, id) = (&self.window.server, self.window.id);
        server
            .send_event(false, id, EventMask::NO_EVENT, event)?
            .check()
    }

    /// Asks for keys, or leaves them to the windows around this one.
    fn listen(&mut self, to_keys: bool) -> Result<(), ReplyError> {
        if to_keys == self.listening {
            return Ok(());
        }
        let (server, id) = (&self.window.server, self.window.id);
        let asked = server.get_window_attributes(id)?.reply()?.your_event_mask;
        let keys = EventMask::KEY_PRESS | EventMask::KEY_RELEASE;
        let mask = if to_keys {
            asked | keys
        } else {
            asked.remove(keys)
        };
        let change = ChangeWindowAttributesAux::new().event_mask(mask);
        server.change_window_attributes(id, &change)?.check()?;
        self.listening = to_keys;
        Ok(())
    }

    /// Asks for Tab while the pointer is over the window.
    fn ask_for_tab(&self) -> Result<(), ReplyError> {
        let (server, id) = (&self.window.server, self.window.id);
        let (first, last) = (server.setup().min_keycode, server.setup().max_keycode);
        let map = server
            .get_keyboard_mapping(first, (last - first).saturating_add(1))?
            .reply()?;
        let symbols = map
            .keysyms
            .chunks(usize::from(map.keysyms_per_keycode).max(1));
        for (key, _) in (first..=last)
            .zip(symbols)
            .filter(|(_, symbols)| symbols.first() == Some(&TAB))
        {
            for shift in [KeyButMask::default(), KeyButMask::SHIFT] {
                for locks in [
                    KeyButMask::default(),
                    LOCKS[0],
                    LOCKS[1],
                    LOCKS[0] | LOCKS[1],
                ] {
                    let modifiers = u16::from(shift | locks).into();
                    let (key_mode, pointer_mode) = (GrabMode::ASYNC, GrabMode::ASYNC);
                    server
                        .grab_key(true, id, modifiers, key, pointer_mode, key_mode)?
                        .check()?;
                }
            }
        }
        Ok(())
    }
}
