//! The editor: a resizable window that draws one [`Snapshot`] as text.
//!
//! Runs on the GUI thread (on Linux a thread of its own). Nothing here asks the engine to do
//! anything or computes more than layout; the window sleeps until a new snapshot wakes it.

use std::error::Error;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use mertscope_engine::live::{ModelState, Snapshot, State};
use mertscope_engine::music::{Key, Notation};
use nih_plug::context::gui::GuiContext;
use nih_plug::editor::dpi::{LogicalSize, NativeSize};
use nih_plug::editor::{HostMethods, SpawnedEditor};
use nih_plug::prelude::{Editor, ParentWindowHandle, ResizeHint};
use nih_plug_egui::baseview::{self, HandlerError};
use nih_plug_egui::{
    EguiEditorHandle, EguiEditorState, EguiNiceSettings, Frame, KeyCapture, NiceEguiApp,
    RepaintNotifier, create_egui_editor,
};

use crate::connection::Connection;
use crate::params::MertscopeParams;
use crate::state::WindowSize;

/// The window of a new instance, in logical points.
const FIRST_SIZE: WindowSize = WindowSize {
    width: 480,
    height: 320,
};

/// The smallest window, in logical points.
const SMALLEST: LogicalSize<f32> = LogicalSize {
    width: 240.0,
    height: 160.0,
};

/// The largest side that a saved window may have, in logical points: several screens.
const LARGEST_SIDE: u32 = 16_384;

/// Makes the editor each time that the host opens it, in the size that it had.
pub struct Window {
    params: Arc<MertscopeParams>,
    connection: Arc<Connection>,
    repaint: RepaintNotifier,
}

impl Window {
    /// A window that `repaint` wakes.
    pub fn new(
        params: Arc<MertscopeParams>,
        connection: Arc<Connection>,
        repaint: RepaintNotifier,
    ) -> Self {
        Self {
            params,
            connection,
            repaint,
        }
    }

    fn size(&self) -> LogicalSize<f32> {
        let size: WindowSize = self.params.memory.get().unwrap_or(FIRST_SIZE);
        LogicalSize {
            width: (size.width.min(LARGEST_SIDE) as f32).max(SMALLEST.width),
            height: (size.height.min(LARGEST_SIDE) as f32).max(SMALLEST.height),
        }
    }
}

impl Editor for Window {
    type Handle = EguiEditorHandle;

    fn spawn(
        &self,
        parent: Option<ParentWindowHandle>,
        wait_for_parent: bool,
        fallback_scale_factor: Option<f64>,
        gui_context: GuiContext,
        host: Option<HostMethods>,
    ) -> Result<SpawnedEditor<Self::Handle>, Box<dyn Error>> {
        let settings = EguiNiceSettings::new()
            .with_tile("Mertscope")
            .with_resize_hint(self.resize_hint());
        let view = View {
            params: Arc::clone(&self.params),
            connection: Arc::clone(&self.connection),
            failed: false,
        };
        let state = EguiEditorState::from_size(self.size(), 1.0);
        create_egui_editor(state, self.repaint.clone(), settings, view)
            .ok_or("The window can't be made.")?
            .spawn(
                parent,
                wait_for_parent,
                fallback_scale_factor,
                gui_context,
                host,
            )
    }

    fn size(&self) -> NativeSize<u32> {
        // Until there is a window the system's scale is not known; the window corrects it.
        NativeSize::from_size(self.size().into(), 1.0)
    }

    fn resize_hint(&self) -> ResizeHint {
        ResizeHint::resizable().with_min_logical_size(SMALLEST)
    }
}

/// What is in the window.
struct View {
    params: Arc<MertscopeParams>,
    connection: Arc<Connection>,
    failed: bool,
}

impl NiceEguiApp for View {
    fn build(
        &mut self,
        _egui: egui::Context,
        _gui: GuiContext,
        frame: &mut Frame,
    ) -> Result<(), HandlerError> {
        // There is no text to type here: every key is a shortcut of the host.
        frame.set_key_capture(KeyCapture::IgnoreAll);
        Ok(())
    }

    fn ui(&mut self, ui: &mut egui::Ui, _frame: &mut Frame) {
        // A panic would end the editor's thread, and some hosts with it.
        let drawn = catch_unwind(AssertUnwindSafe(|| {
            egui::CentralPanel::default().show(ui, |ui| {
                if self.failed {
                    ui.label("The view failed. Close the window and open it again.");
                } else {
                    let notation = self.params.notation.value().into();
                    snapshot_ui(ui, &self.connection.snapshot(), notation);
                }
            });
        }));
        self.failed |= drawn.is_err();
    }

    fn resized(&mut self, size: baseview::WindowSize) {
        self.params.memory.set(&WindowSize {
            width: size.logical.width.round() as u32,
            height: size.logical.height.round() as u32,
        });
    }
}

fn snapshot_ui(ui: &mut egui::Ui, snapshot: &Snapshot, notation: Notation) {
    ui.heading(key_text(snapshot, notation));
    ui.label(genre_text(snapshot));
    ui.separator();
    for line in status_texts(snapshot) {
        ui.label(line);
    }
    if let Some(error) = &snapshot.error {
        ui.colored_label(ui.visuals().warn_fg_color, error);
    }
}

fn key_text(snapshot: &Snapshot, notation: Notation) -> String {
    let Some(entry) = &snapshot.latest else {
        return "Listening".to_owned();
    };
    let heard = entry.reading.heard.as_ref();
    let Some(key) = heard.and_then(|heard| heard.key_label) else {
        return "No clear key".to_owned();
    };
    let probability = heard
        .and_then(|heard| heard.key_smoothed)
        .map_or(0.0, |all: [f32; Key::COUNT]| all[key.index()]);
    format!("{} ({:.0} %)", key.to_text(notation), probability * 100.0)
}

fn genre_text(snapshot: &Snapshot) -> String {
    let labels = snapshot.model.running.as_ref().map(|r| &r.genre_labels);
    let genres = snapshot
        .latest
        .as_ref()
        .and_then(|entry| entry.reading.heard.as_ref()?.genre_smoothed.as_ref());
    let best = labels
        .zip(genres)
        .and_then(|(labels, genres)| labels.iter().zip(genres).max_by(|a, b| a.1.total_cmp(b.1)));
    best.map_or_else(String::new, |(label, probability)| {
        format!("{label} ({:.0} %)", probability * 100.0)
    })
}

fn status_texts(snapshot: &Snapshot) -> [String; 4] {
    let state = match snapshot.state {
        State::Idle => "idle",
        State::Stopped => "stopped",
        State::Silent => "silent",
        State::Analysing => "analysing",
        State::Held => "held",
    };
    let asked = match snapshot.model.state {
        ModelState::Loading => "loading",
        ModelState::Ready => "ready",
        ModelState::Missing => "missing",
    };
    let running = snapshot.model.running.as_ref();
    let ms = |seconds: Option<f64>| {
        seconds.map_or_else(|| "–".to_owned(), |s| format!("{:.0} ms", s * 1000.0))
    };
    [
        format!("{state}, window {:.0} % full", snapshot.window_fill * 100.0),
        format!(
            "model {} ({asked}) on {}",
            running.map_or("–", |running| running.id.as_str()),
            running.map_or("–", |running| running.device.name.as_str()),
        ),
        format!(
            "hop {:.1} s, inference {}, lag {}",
            snapshot.hop_s,
            ms(snapshot.inference_s),
            ms(snapshot.latency_s)
        ),
        format!(
            "{} frames lost, {} windows skipped",
            snapshot.lost_frames, snapshot.skipped_windows
        ),
    ]
}
