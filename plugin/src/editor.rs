//! The editor: a resizable window that draws one snapshot of the engine's results.
//!
//! Runs on the GUI thread (on Linux a thread of its own); the window sleeps until a new snapshot or
//! an input wakes it. Its contents are [`EditorUi`].

#[cfg(target_os = "linux")]
mod driver;
#[cfg(target_os = "linux")]
mod file_drop;
pub mod handle;
pub mod repaint;
mod thread;

use std::error::Error;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Duration;

use mertscope_ui::editor_ui::EditorUi;
use mertscope_ui::host_panel::HostPanel;
use mertscope_ui::state::WindowSize;
use mertscope_ui::user::User;
use nih_plug::context::gui::GuiContext;
use nih_plug::editor::dpi::{LogicalSize, NativeSize};
use nih_plug::editor::{HostMethods, SpawnedEditor};
use nih_plug::prelude::{Editor, ParentWindowHandle, ResizeHint};
use nih_plug_egui::baseview::{self, HandlerError, WindowWaker};
use nih_plug_egui::{
    EguiEditorState, EguiNiceSettings, Frame, Key, KeyCapture, NiceEguiApp, RepaintNotifier,
    create_egui_editor,
};
#[cfg(target_os = "linux")]
use raw_window_handle::{HasWindowHandle, RawWindowHandle};

use crate::connection::Connection;
use crate::instance::Instance;
use crate::params::MertscopeParams;
#[cfg(target_os = "linux")]
use file_drop::FileDrop;
use handle::{Handle, OpenWindow};
use repaint::Repaint;
use thread::WindowThread;

/// The window's size in a new instance, in logical points.
const FIRST_SIZE: WindowSize = WindowSize {
    width: 960,
    height: 600,
};

/// The smallest window, in logical points.
const SMALLEST: LogicalSize<f32> = LogicalSize {
    width: 480.0,
    height: 320.0,
};

/// The largest side that a saved window may have, in logical points: several screens.
const LARGEST_SIDE: u32 = 16_384;

/// How often the framework polls its own notifier. Requests through it would come before the window is on
/// the screen (see [`repaint`]), so it is not used.
const UNUSED_NOTIFIER: Duration = Duration::from_secs(24 * 3600);

/// Makes the editor each time the host opens it, in its last size.
pub struct EditorWindow {
    params: Arc<MertscopeParams>,
    connection: Arc<Connection>,
    repaint: Repaint,
    host_panel: Option<Arc<dyn HostPanel>>,
}

impl EditorWindow {
    /// A window that `repaint` repaints.
    pub fn new(
        params: Arc<MertscopeParams>,
        connection: Arc<Connection>,
        repaint: Repaint,
    ) -> Self {
        Self {
            params,
            connection,
            repaint,
            host_panel: None,
        }
    }

    /// The same window with the panel that the program around it adds.
    #[must_use]
    pub fn with_host_panel(mut self, host_panel: Arc<dyn HostPanel>) -> Self {
        self.host_panel = Some(host_panel);
        self
    }

    fn size(&self) -> LogicalSize<f32> {
        let size: WindowSize = self.params.state.get().unwrap_or(FIRST_SIZE);
        LogicalSize {
            width: (size.width.min(LARGEST_SIDE) as f32).max(SMALLEST.width),
            height: (size.height.min(LARGEST_SIDE) as f32).max(SMALLEST.height),
        }
    }
}

impl Editor for EditorWindow {
    type Handle = Handle;

    fn spawn(
        &self,
        parent: Option<ParentWindowHandle>,
        wait_for_parent: bool,
        fallback_scale_factor: Option<f64>,
        gui_context: GuiContext,
        host: Option<HostMethods>,
    ) -> Result<SpawnedEditor<Self::Handle>, Box<dyn Error>> {
        #[cfg(target_os = "linux")]
        driver::keep();
        let thread = WindowThread::default();
        let settings = EguiNiceSettings::new()
            .with_tile("Mertscope")
            .with_resize_hint(self.resize_hint())
            .with_repaint_poll_interval(UNUSED_NOTIFIER);
        let contents = WindowContents {
            params: Arc::clone(&self.params),
            connection: Arc::clone(&self.connection),
            host_panel: self.host_panel.clone(),
            repaint: self.repaint.clone(),
            waker: None,
            #[cfg(target_os = "linux")]
            file_drop: None,
            editor_ui: None,
            failed: false,
            thread: thread.clone(),
        };
        let state = EguiEditorState::from_size(self.size(), 1.0);
        let SpawnedEditor { handle, window } =
            create_egui_editor(state, RepaintNotifier::new(), settings, contents)
                .ok_or("The window can't be made.")?
                .spawn(
                    parent,
                    wait_for_parent,
                    fallback_scale_factor,
                    gui_context,
                    host,
                )?;
        let handle = Handle::new(handle, self.repaint.clone());
        let window = OpenWindow::new(window, thread);
        Ok(SpawnedEditor { handle, window })
    }

    fn size(&self) -> NativeSize<u32> {
        // The system's scale is unknown until there is a window, which corrects the size.
        NativeSize::from_size(self.size().into(), 1.0)
    }

    fn resize_hint(&self) -> ResizeHint {
        ResizeHint::resizable().with_min_logical_size(SMALLEST)
    }
}

/// The window's contents; after a panic in them, a sentence.
struct WindowContents {
    params: Arc<MertscopeParams>,
    connection: Arc<Connection>,
    host_panel: Option<Arc<dyn HostPanel>>,
    repaint: Repaint,
    /// Wakes this window, from its first frame on.
    waker: Option<Arc<WindowWaker>>,
    #[cfg(target_os = "linux")]
    file_drop: Option<FileDrop>,
    editor_ui: Option<EditorUi>,
    failed: bool,
    thread: WindowThread,
}

/// Keys that operate the controls; they go to the host unless a control has the focus.
fn keys_of_controls() -> KeyCapture {
    let names = [
        "Tab",
        "Enter",
        "Escape",
        "ArrowLeft",
        "ArrowRight",
        "ArrowUp",
        "ArrowDown",
        "Home",
        "End",
        "+",
        "=",
        "-",
    ];
    KeyCapture::CaptureKeys(
        names
            .iter()
            .filter_map(|name| name.parse::<Key>().ok())
            .collect(),
    )
}

/// The window's id on the X server.
#[cfg(target_os = "linux")]
fn window_id(frame: &Frame) -> Option<u32> {
    let handle = frame.baseview_window().window_handle().ok()?;
    match handle.as_raw() {
        RawWindowHandle::Xcb(window) => Some(window.window.get()),
        RawWindowHandle::Xlib(window) => u32::try_from(window.window).ok(),
        _ => None,
    }
}

impl NiceEguiApp for WindowContents {
    fn build(
        &mut self,
        egui: egui::Context,
        host: GuiContext,
        frame: &mut Frame,
    ) -> Result<(), HandlerError> {
        self.thread.is_this();
        frame.set_key_capture(keys_of_controls());
        let (params, connection) = (Arc::clone(&self.params), Arc::clone(&self.connection));
        let instance = Arc::new(Instance::new(params, connection, host));
        let editor_ui = EditorUi::new(&egui, instance, User::present());
        self.editor_ui = Some(editor_ui.with_host_panel(self.host_panel.clone()));
        #[cfg(target_os = "linux")]
        if let Some(id) = window_id(frame) {
            let repaint = self.repaint.clone();
            // Without it, files are chosen by their path.
            self.file_drop = FileDrop::new(id, move || repaint.request()).ok();
        }
        Ok(())
    }

    fn ui(&mut self, ui: &mut egui::Ui, frame: &mut Frame) {
        if self.waker.is_none() {
            // Before the snapshot is read, so that any later snapshot repaints the window.
            let waker = Arc::new(frame.baseview_window().waker());
            self.repaint.follow(&waker);
            self.waker = Some(waker);
        }
        // While text is typed every key belongs to the text; otherwise shortcuts belong to the host.
        frame.set_key_capture(if ui.ctx().text_edit_focused() {
            KeyCapture::CaptureAll
        } else {
            keys_of_controls()
        });
        #[cfg(target_os = "linux")]
        if let Some(file_drop) = &self.file_drop {
            file_drop.hand_over(ui.ctx());
        }
        // A panic would end the editor's thread, and some hosts with it.
        let drawn = catch_unwind(AssertUnwindSafe(|| match &mut self.editor_ui {
            Some(editor_ui) if !self.failed => editor_ui.ui(ui, &self.connection.snapshot()),
            _ => {
                ui.label("The view failed. Close the window and open it again.");
            }
        }));
        self.failed |= drawn.is_err();
    }

    fn resized(&mut self, size: baseview::WindowSize) {
        self.params.state.set(&WindowSize {
            width: size.logical.width.round() as u32,
            height: size.logical.height.round() as u32,
        });
    }

    fn editor_closed(&mut self) {
        #[cfg(target_os = "linux")]
        {
            self.file_drop = None;
        }
        self.waker = None;
        self.editor_ui = None;
    }
}
