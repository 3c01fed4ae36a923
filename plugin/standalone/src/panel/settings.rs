//! The audio section of the settings: devices, channels, rate, block size, file and volume.

use std::path::PathBuf;

use egui::{ComboBox, Key, Slider, TextEdit, Ui, WidgetInfo, vec2};

use super::state::{Drawn, PanelState};
use crate::audio::{AudioState, Direction};
use crate::choice::{AudioChoice, Backend, Channels};
use mertscope_ui::browser::Browser;
use mertscope_ui::control::HEIGHT;
use mertscope_ui::row::row;
use mertscope_ui::theme::Palette;

/// Rates to choose from, in hertz.
const RATES_HZ: [u32; 6] = [44_100, 48_000, 88_200, 96_000, 176_400, 192_000];
/// Block sizes to choose from, in frames.
const BUFFERS: [u32; 7] = [64, 128, 256, 512, 1024, 2048, 4096];
/// Channels to choose from, in pairs and one by one.
const CHANNELS: u16 = 16;

/// Draws the rows.
pub(super) fn ui(panel: &PanelState, drawn: &mut Drawn, ui: &mut Ui, palette: &Palette) {
    let state = panel.audio.state();
    let mut row = |name: &str, about: &str, control: &mut dyn FnMut(&mut Ui)| {
        row(ui, palette, name, about, control);
    };
    row("Backend", "The system that reaches devices", &mut |ui| {
        backend(panel, &state, ui);
    });
    row("Input", "The device that is analyzed", &mut |ui| {
        input_device(panel, &state, ui, 260.0);
    });
    row("Channels", "Of the input device", &mut |ui| {
        channels(panel, &state, ui);
    });
    row("Output", "The device that plays files", &mut |ui| {
        device(panel, &state, Direction::Output, ui, 260.0);
    });
    row("Sample rate", &in_use(&state), &mut |ui| {
        rate(panel, &state, ui);
    });
    row("Block size", "Frames per block", &mut |ui| {
        buffer(panel, &state, ui);
    });
    let about = "To find those connected after the start of this app";
    row("Devices", about, &mut |ui| {
        if ui.button("Look again").clicked() {
            panel.audio.look();
        }
    });
    row("File", "The file to play", &mut |ui| {
        file(panel, drawn, &state, ui);
    });
    let about = "Of the file at the output; the analysis does not depend on it";
    row("Volume", about, &mut |ui| volume(panel, &state, ui));
}

fn volume(panel: &PanelState, state: &AudioState, ui: &mut Ui) {
    let mut percent = state.choice.volume * 100.0;
    let slider = Slider::new(&mut percent, 0.0..=100.0);
    let response = ui.add(slider.step_by(1.0).suffix(" %"));
    response.widget_info(|| WidgetInfo::slider(true, f64::from(percent), "Volume"));
    if response.changed() {
        panel.choose(|choice| choice.volume = percent / 100.0);
    }
}

/// The rate, block size and device in use, as a sentence.
fn in_use(state: &AudioState) -> String {
    state.in_use.as_ref().map_or_else(
        || "No device is in use".to_owned(),
        |in_use| {
            let block = in_use
                .buffer_frames
                .map_or_else(String::new, |frames| format!(", blocks of {frames} frames"));
            format!(
                "Now {} Hz{block}, through {}",
                in_use.rate_hz, in_use.device
            )
        },
    )
}

/// Draws a list to choose from; returns the picked value.
fn list<T: Clone + PartialEq>(
    ui: &mut Ui,
    name: &str,
    width: f32,
    chosen: &T,
    options: Vec<(T, String)>,
) -> Option<T> {
    let shown = options.iter().find(|(value, _)| value == chosen);
    let shown = shown.map_or_else(String::new, |(_, words)| words.clone());
    let mut picked = None;
    let response = ComboBox::from_id_salt(name)
        .width(width)
        .truncate()
        .selected_text(shown.clone())
        .show_ui(ui, |ui| {
            for (value, words) in options {
                if ui.selectable_label(value == *chosen, words).clicked() {
                    picked = Some(value);
                    // Enter picks without a click, which alone would close the list.
                    ui.close();
                }
            }
        })
        .response;
    response.widget_info(|| {
        let spoken = format!("{name}: {shown}");
        WidgetInfo::labeled(egui::accesskit::Role::ComboBox, true, spoken)
    });
    response.on_hover_text(format!("{name}: {shown}"));
    picked
}

fn backend(panel: &PanelState, state: &AudioState, ui: &mut Ui) {
    let system = Backend::System.to_string();
    let options = vec![
        (None, format!("JACK while it runs, otherwise {system}")),
        (Some(Backend::Jack), Backend::Jack.to_string()),
        (Some(Backend::System), system),
        (Some(Backend::None), "None: files play unheard".to_owned()),
    ];
    if let Some(backend) = list(ui, "Backend", 260.0, &state.choice.backend, options) {
        panel.choose(|choice| {
            choice.backend = backend;
            // The chosen devices belong to another backend.
            (choice.input, choice.output) = (None, None);
        });
    }
}

/// Draws the list of input devices.
pub(super) fn input_device(panel: &PanelState, state: &AudioState, ui: &mut Ui, width: f32) {
    device(panel, state, Direction::Input, ui, width);
}

fn device(panel: &PanelState, state: &AudioState, direction: Direction, ui: &mut Ui, width: f32) {
    let (name, chosen): (_, fn(&mut AudioChoice) -> &mut Option<String>) = match direction {
        Direction::Input => ("Input", |choice| &mut choice.input),
        Direction::Output => ("Output", |choice| &mut choice.output),
    };
    let now = chosen(&mut state.choice.clone()).clone();
    let mut options = vec![(None, "Default".to_owned())];
    for device in state
        .devices
        .of(direction)
        .iter()
        .filter(|device| !device.is_adapter)
    {
        let words = format!("{}  ·  {}", device.name, device.id);
        options.push((Some(device.id.clone()), words));
    }
    // A missing device stays chosen.
    if !options.iter().any(|(id, _)| *id == now) {
        let words = format!("{} (not connected)", now.clone().unwrap_or_default());
        options.push((now.clone(), words));
    }
    if let Some(id) = list(ui, name, width, &now, options) {
        panel.choose(|choice| *chosen(choice) = id.clone());
    }
}

/// Draws the list of channels.
pub(super) fn channels(panel: &PanelState, state: &AudioState, ui: &mut Ui) {
    let pairs = (0..CHANNELS)
        .step_by(2)
        .map(|first| Channels { first, count: 2 });
    let single = (0..CHANNELS).map(|first| Channels { first, count: 1 });
    let mut all: Vec<Channels> = pairs.chain(single).collect();
    if !all.contains(&state.choice.channels) {
        all.push(state.choice.channels);
    }
    let words = |channels: &Channels| match channels.count {
        1 => format!("Channel {channels}"),
        _ => format!("Channels {}", channels.to_string().replace('-', " and ")),
    };
    let options = all
        .iter()
        .map(|channels| (*channels, words(channels)))
        .collect();
    if let Some(channels) = list(ui, "Channels", 130.0, &state.choice.channels, options) {
        panel.choose(|choice| choice.channels = channels);
    }
}

fn rate(panel: &PanelState, state: &AudioState, ui: &mut Ui) {
    let mut options = vec![(None, "Rate of the device or the file".to_owned())];
    options.extend(RATES_HZ.map(|rate_hz| (Some(rate_hz), format!("{rate_hz} Hz"))));
    add_absent(&mut options, state.choice.rate_hz, "Hz");
    if let Some(rate_hz) = list(ui, "Sample rate", 200.0, &state.choice.rate_hz, options) {
        panel.choose(|choice| choice.rate_hz = rate_hz);
    }
}

fn buffer(panel: &PanelState, state: &AudioState, ui: &mut Ui) {
    let mut options = vec![(None, "Size of the device".to_owned())];
    options.extend(BUFFERS.map(|frames| (Some(frames), format!("{frames} frames"))));
    add_absent(&mut options, state.choice.buffer_frames, "frames");
    if let Some(frames) = list(
        ui,
        "Block size",
        200.0,
        &state.choice.buffer_frames,
        options,
    ) {
        panel.choose(|choice| choice.buffer_frames = frames);
    }
}

/// Adds a chosen value that is not among the usual ones, for example one from the command line.
fn add_absent(options: &mut Vec<(Option<u32>, String)>, chosen: Option<u32>, unit: &str) {
    if let (Some(value), false) = (chosen, options.iter().any(|(known, _)| *known == chosen)) {
        options.push((chosen, format!("{value} {unit}")));
    }
}

fn file(panel: &PanelState, drawn: &mut Drawn, state: &AudioState, ui: &mut Ui) {
    let chosen = state.choice.file.as_ref();
    let shown = chosen.map_or_else(String::new, |path| path.display().to_string());
    let mut typed = drawn.path.clone().unwrap_or(shown);
    let width = (ui.available_width() - 90.0).clamp(100.0, 260.0);
    let field = ui.add_sized(vec2(width, HEIGHT), TextEdit::singleline(&mut typed));
    field.widget_info(|| WidgetInfo::labeled(egui::accesskit::Role::TextInput, true, "File"));
    if field.lost_focus() {
        if ui.input(|input| input.key_pressed(Key::Enter)) && !typed.is_empty() {
            panel.play_file(PathBuf::from(&typed));
        }
        drawn.path = None;
    } else if field.has_focus() {
        drawn.path = Some(typed);
    }
    if ui.button("Browse…").clicked() && drawn.browser.is_none() {
        drawn.browser = Some(Browser::at(chosen.map(PathBuf::as_path)));
    }
}
