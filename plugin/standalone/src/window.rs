//! The app's window: the plugin's own editor without a parent, with the app's [`Panel`] in it.
//!
//! The thread that waits for the app's end also writes the preferences, so that the thread that draws
//! never touches the disk.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender};
use std::time::{Duration, Instant};

use nih_plug::context::gui::GuiContext;
use nih_plug::editor::{EditorHandle, SpawnedEditor};
use nih_plug::prelude::Editor;

use crate::panel::Panel;
use crate::parameters::Parameters;
use crate::session::{Event, Session};
use mertscope::editor::EditorWindow;
use mertscope::editor::error::WindowError;
use mertscope::editor::handle::{Handle, OpenWindow};
use mertscope::editor::repaint::Repaint;
use mertscope_ui::host_panel::HostPanel;

/// Time between two checks for changed preferences and for a closed window.
const SAVE_EVERY: Duration = Duration::from_millis(200);

/// Why there is no window.
#[derive(Debug, thiserror::Error)]
#[error(
    "The window can't be opened: {0}. Start Mertscope on a display, or with --headless to print results \
     as lines."
)]
pub(crate) struct NoWindow(String);

/// Opens the window, and returns when it is closed or the app is ended otherwise.
///
/// # Errors
/// [`NoWindow`], without a display for it.
pub(crate) fn run(
    session: &Session,
    panel: &Arc<Panel>,
    repaint: &Repaint,
    ends: (Sender<Event>, Receiver<Event>),
    seconds: Option<f64>,
) -> Result<(), NoWindow> {
    #[cfg(target_os = "linux")]
    if std::env::var_os("DISPLAY").is_none_or(|display| display.is_empty()) {
        return Err(NoWindow("DISPLAY names no X server".to_owned()));
    }
    let window = EditorWindow::new(
        Arc::clone(&session.params),
        Arc::clone(&session.connection),
        repaint.clone(),
    )
    .with_host_panel(Arc::clone(panel) as Arc<dyn HostPanel>);
    let context = GuiContext::new(Arc::new(Parameters::new(Arc::clone(&session.params))));
    let SpawnedEditor { handle, window } = window
        .spawn(None, false, None, context, None)
        .map_err(|error| NoWindow(crate::audio::reason(error)))?;
    let end = seconds.map(|seconds| Instant::now() + Duration::from_secs_f64(seconds));
    let closed = until_closed(handle, window, panel, ends, end);
    closed.map_err(|error| NoWindow(crate::audio::reason(error)))
}

/// On X11 the window has a thread of its own, so this thread can close it at any time, even before its
/// first frame.
#[cfg(target_os = "linux")]
fn until_closed(
    handle: Handle,
    window: OpenWindow,
    panel: &Arc<Panel>,
    (_wake, events): (Sender<Event>, Receiver<Event>),
    end: Option<Instant>,
) -> Result<(), WindowError> {
    handle.show(&window)?;
    let mut attendant = Attendant::new(panel, events, end);
    while window.inner().is_open() && attendant.goes_on() {}
    if window.inner().is_open() {
        return Ok(());
    }
    Handle::run_until_closed(window)
}

/// On other systems the window runs on this thread, and a frame closes it when the panel says so.
#[cfg(not(target_os = "linux"))]
fn until_closed(
    handle: Handle,
    window: OpenWindow,
    panel: &Arc<Panel>,
    (wake, events): (Sender<Event>, Receiver<Event>),
    end: Option<Instant>,
) -> Result<(), WindowError> {
    let waker = window.inner().waker();
    // Some systems don't paint a window when it is shown.
    waker.request_redraw();
    let closed = std::thread::scope(|scope| {
        scope.spawn(move || {
            let mut attendant = Attendant::new(panel, events, end);
            while attendant.goes_on() {}
            panel.close();
            waker.request_redraw();
        });
        let closed = Handle::run_until_closed(window);
        // Ends the other thread, if it did not end the window itself.
        let _ = wake.send(Event::Stop);
        closed
    });
    drop(handle);
    closed
}

/// Waits for the app's end, and saves preferences meanwhile.
struct Attendant<'a> {
    panel: &'a Panel,
    events: Receiver<Event>,
    end: Option<Instant>,
    saved: Instant,
}

impl<'a> Attendant<'a> {
    fn new(panel: &'a Panel, events: Receiver<Event>, end: Option<Instant>) -> Self {
        Self {
            panel,
            events,
            end,
            saved: Instant::now(),
        }
    }

    /// Waits a little for an event that ends the app, and writes changed preferences; `false` at the
    /// end.
    fn goes_on(&mut self) -> bool {
        match self.events.recv_timeout(SAVE_EVERY) {
            Ok(Event::Stop) | Err(RecvTimeoutError::Disconnected) => return false,
            Ok(Event::New) | Err(RecvTimeoutError::Timeout) => {}
        }
        // Music causes events all the time, so the clock decides.
        if self.saved.elapsed() >= SAVE_EVERY {
            self.panel.save();
            self.saved = Instant::now();
        }
        self.end.is_none_or(|end| Instant::now() < end)
    }
}
