//! The editor: a resizable window that draws one snapshot of the engine's results.
//!
//! Runs on the GUI thread (on Linux a thread of its own); the window sleeps until a new snapshot or
//! an input wakes it. Its contents are [`EditorUi`].

#[cfg(target_os = "linux")]
mod driver;
pub mod error;
#[cfg(target_os = "linux")]
mod file_drop;
#[cfg(target_os = "linux")]
mod focus;
pub mod handle;
pub mod repaint;
mod scale;
mod thread;
#[cfg(target_os = "linux")]
mod x11;

use std::error::Error;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Duration;

use mertscope_ui::editor_ui::EditorUi;
use mertscope_ui::host_panel::HostPanel;
use mertscope_ui::shortcuts::START_AGAIN_KEY;
use mertscope_ui::state::WindowSize;
use mertscope_ui::user::User;
use nih_plug::context::gui::GuiContext;
use nih_plug::editor::dpi::{LogicalSize, NativeSize, Size};
use nih_plug::editor::{HostMethods, SpawnedEditor};
use nih_plug::prelude::{Editor, ParentWindowHandle, ResizeHint};
use nih_plug_egui::baseview::{self, HandlerError, WindowWaker};
use nih_plug_egui::{
    EguiEditorState, EguiNiceSettings, Frame, Key, KeyCapture, NiceEguiApp, RepaintNotifier,
    create_egui_editor,
};

use crate::connection::Connection;
use crate::instance::Instance;
use crate::params::MertscopeParams;
use error::WindowError;
#[cfg(target_os = "linux")]
use file_drop::FileDrop;
#[cfg(target_os = "linux")]
use focus::Keyboard;
use handle::{Handle, OpenWindow};
use repaint::Repaint;
use scale::Scale;
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

/// A host may give the window any size from the smallest on.
const RESIZABLE: ResizeHint = ResizeHint::resizable().with_min_logical_size(SMALLEST);

/// The longest side of a window, in pixels: several screens.
const LONGEST_SIDE: u32 = 16_384;

/// How often the framework polls its own notifier. Requests through it would come before the window is on
/// the screen (see [`repaint`]), so it is not used.
const UNUSED_NOTIFIER: Duration = Duration::from_secs(24 * 3600);

/// Makes the editor each time the host opens it, in its last size.
pub struct EditorWindow {
    params: Arc<MertscopeParams>,
    connection: Arc<Connection>,
    repaint: Repaint,
    scale: Scale,
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
            scale: Scale::default(),
            host_panel: None,
        }
    }

    /// The same window with the panel that the program around it adds.
    #[must_use]
    pub fn with_host_panel(mut self, host_panel: Arc<dyn HostPanel>) -> Self {
        self.host_panel = Some(host_panel);
        self
    }

    /// Takes the host's scale for the next window, so that [`Editor::size`] tells its size.
    ///
    /// # Errors
    /// [`WindowError`] if the window will have another scale.
    pub(crate) fn follow_host_scale(&self, scale: f64) -> Result<(), WindowError> {
        self.scale.follow_host(scale)
    }

    /// The size in logical points, as the project keeps it.
    fn points(&self) -> LogicalSize<f64> {
        let size: WindowSize = self.params.state.get().unwrap_or(FIRST_SIZE);
        let longest = f64::from(LONGEST_SIDE) / self.scale.pixels_per_point();
        LogicalSize {
            width: f64::from(size.width).clamp(f64::from(SMALLEST.width), longest),
            height: f64::from(size.height).clamp(f64::from(SMALLEST.height), longest),
        }
    }

    /// The size for the framework, which on X11 takes points for pixels when the scale is the host's.
    fn framework_size(&self) -> Size {
        let points = self.points();
        if cfg!(target_os = "linux") {
            points
                .to_physical::<u32>(self.scale.pixels_per_point())
                .into()
        } else {
            points.into()
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
        let open = self.scale.open(fallback_scale_factor);
        let scale = self.scale.pixels_per_point();
        let thread = WindowThread::default();
        let settings = EguiNiceSettings::new()
            .with_tile("Mertscope")
            .with_resize_hint(RESIZABLE)
            .with_repaint_poll_interval(UNUSED_NOTIFIER);
        let contents = WindowContents {
            params: Arc::clone(&self.params),
            connection: Arc::clone(&self.connection),
            host_panel: self.host_panel.clone(),
            repaint: self.repaint.clone(),
            #[cfg(target_os = "linux")]
            is_in_host: parent.is_some() || wait_for_parent,
            #[cfg(target_os = "linux")]
            window: None,
            #[cfg(target_os = "linux")]
            keyboard: None,
            #[cfg(not(target_os = "linux"))]
            scale: self.scale.clone(),
            waker: None,
            #[cfg(target_os = "linux")]
            file_drop: None,
            editor_ui: None,
            failed: false,
            thread: thread.clone(),
        };
        let state = EguiEditorState::from_size(self.framework_size(), 1.0);
        // The window gets no way to its host: see [`handle`].
        let SpawnedEditor { handle, window } =
            create_egui_editor(state, RepaintNotifier::new(), settings, contents)
                .ok_or("The window can't be made.")?
                .spawn(parent, wait_for_parent, Some(scale), gui_context, None)?;
        let handle = Handle::new(handle, self.repaint.clone(), self.scale.clone());
        let window = OpenWindow::new(window, host.map(|host| host.callbacks), open, thread);
        Ok(SpawnedEditor { handle, window })
    }

    fn size(&self) -> NativeSize<u32> {
        NativeSize::from_size(self.points().into(), self.scale.pixels_per_point())
    }

    fn resize_hint(&self) -> ResizeHint {
        RESIZABLE
    }
}

/// The window's contents; after a panic in them, a sentence.
struct WindowContents {
    params: Arc<MertscopeParams>,
    connection: Arc<Connection>,
    host_panel: Option<Arc<dyn HostPanel>>,
    repaint: Repaint,
    #[cfg(target_os = "linux")]
    is_in_host: bool,
    /// From the start to the end of the window.
    #[cfg(target_os = "linux")]
    window: Option<x11::OwnWindow>,
    /// In a host only, where the keyboard is shared.
    #[cfg(target_os = "linux")]
    keyboard: Option<Keyboard>,
    #[cfg(not(target_os = "linux"))]
    scale: Scale,
    /// Wakes this window, from its first frame on.
    waker: Option<Arc<WindowWaker>>,
    #[cfg(target_os = "linux")]
    file_drop: Option<FileDrop>,
    editor_ui: Option<EditorUi>,
    failed: bool,
    thread: WindowThread,
}

/// Keys that operate the controls, and the shortcuts while one `has_focus`; all others go to the host.
fn keys_of_controls(has_focus: bool) -> KeyCapture {
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
    let shortcuts = ["c", START_AGAIN_KEY].into_iter().filter(|_| has_focus);
    KeyCapture::CaptureKeys(
        names
            .into_iter()
            .chain(shortcuts)
            .filter_map(|name| name.parse::<Key>().ok())
            .collect(),
    )
}

impl NiceEguiApp for WindowContents {
    fn build(
        &mut self,
        egui: egui::Context,
        host: GuiContext,
        frame: &mut Frame,
    ) -> Result<(), HandlerError> {
        self.thread.is_this();
        frame.set_key_capture(keys_of_controls(false));
        // egui's zoom would resize the window by itself, and a host would not know.
        egui.options_mut(|options| options.zoom_with_keyboard = false);
        #[cfg(target_os = "linux")]
        {
            self.window = x11::OwnWindow::new(frame.baseview_window());
            if let Some(window) = &self.window {
                if self.is_in_host {
                    window.can_be_embedded()?;
                }
                let repaint = self.repaint.clone();
                // Without it, files are chosen by their path.
                self.file_drop = FileDrop::new(window.id, move || repaint.request()).ok();
            }
        }
        #[cfg(not(target_os = "linux"))]
        self.scale
            .follow_screen(frame.baseview_window().scale_factor());
        let (params, connection) = (Arc::clone(&self.params), Arc::clone(&self.connection));
        let instance = Arc::new(Instance::new(params, connection, host));
        let editor_ui = EditorUi::new(&egui, instance, User::present());
        self.editor_ui = Some(editor_ui.with_host_panel(self.host_panel.clone()));
        Ok(())
    }

    fn ui(&mut self, ui: &mut egui::Ui, frame: &mut Frame) {
        if self.waker.is_none() {
            // Before the snapshot is read, so that any later snapshot repaints the window.
            let waker = Arc::new(frame.baseview_window().waker());
            self.repaint.follow(&waker);
            self.waker = Some(waker);
            #[cfg(target_os = "linux")]
            if self.is_in_host {
                // Not earlier, because it has the window painted.
                let window = x11::OwnWindow::new(frame.baseview_window());
                self.keyboard = window.and_then(|window| Keyboard::new(window).ok());
            }
        }
        // While text is typed every key belongs to the text; otherwise shortcuts belong to the host.
        frame.set_key_capture(if ui.ctx().text_edit_focused() {
            KeyCapture::CaptureAll
        } else {
            keys_of_controls(ui.ctx().egui_wants_keyboard_input())
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
        #[cfg(target_os = "linux")]
        if let Some(keyboard) = &mut self.keyboard {
            // A refusal comes from a window that was just closed; the next change of the focus tries again.
            let _ = keyboard.follow(ui.ctx());
        }
    }

    fn resized(&mut self, size: baseview::WindowSize) {
        #[cfg(not(target_os = "linux"))]
        self.scale.follow_screen(size.scale_factor);
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
