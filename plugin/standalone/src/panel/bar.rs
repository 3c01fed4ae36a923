//! The bar: input or file, the device or the player, and the level; below them a notice.

use std::path::Path;

use egui::{Align, Align2, CornerRadius, Key, Layout, Rect, Slider, Ui, UiBuilder, vec2};

use super::state::{Drawn, PanelState};
use crate::audio::AudioState;
use crate::choice::AudioSource;
use crate::player::FilePlayer;
use mertscope_ui::browser::Browser;
use mertscope_ui::control::{Icon, icon_button, segments, switch};
use mertscope_ui::text::{self, Size};
use mertscope_ui::theme::Palette;

/// Height of a line of the bar in points.
const LINE: f32 = 38.0;
/// Height of the notice in points.
const NOTICE: f32 = 22.0;
/// From this width on everything has room in one line, in points.
const ONE_LINE_FROM: f32 = 760.0;
/// Width of the meter in points.
const METER: f32 = 110.0;

/// The height of the bar at a width, in points.
pub(super) fn height(width: f32, has_notice: bool) -> f32 {
    let lines = if width >= ONE_LINE_FROM { 1.0 } else { 2.0 };
    LINE * lines + if has_notice { NOTICE } else { 0.0 }
}

/// Draws the bar over all of `ui`.
pub(super) fn ui(panel: &PanelState, drawn: &mut Drawn, ui: &mut Ui, palette: &Palette) {
    let state = panel.audio.state();
    let notice = panel.notice(&state);
    let rect = ui.max_rect();
    let painter = ui.painter();
    painter.rect_filled(rect, CornerRadius::ZERO, palette.panel);
    let rule = egui::Stroke::new(1.0, palette.rule);
    painter.hline(rect.x_range(), rect.bottom() - 0.5, rule);

    let mut line = rect.with_max_y(rect.top() + LINE);
    let one_line = rect.width() >= ONE_LINE_FROM;
    in_line(ui, line, "source", |ui| {
        source(panel, drawn, &state, ui, palette);
        if one_line {
            content(panel, drawn, &state, ui, palette);
        } else {
            ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
                level(drawn, &state, ui, palette);
            });
        }
    });
    if !one_line {
        line = line.translate(vec2(0.0, LINE));
        in_line(ui, line, "content", |ui| {
            content(panel, drawn, &state, ui, palette)
        });
    }
    if let Some(notice) = notice {
        let place = Rect::from_min_max(line.left_bottom(), rect.right_bottom());
        let response = ui.interact(place, ui.scope_id().with("notice"), egui::Sense::hover());
        response.widget_info(|| {
            egui::WidgetInfo::labeled(egui::accesskit::Role::Alert, true, &notice.text)
        });
        let at = place.left_top() + vec2(12.0, 8.0);
        let ink = (text::plain(Size::Body), palette.severity(notice.severity));
        text::put(
            ui.painter(),
            at,
            Align2::LEFT_CENTER,
            &notice.text,
            ink,
            place.width() - 24.0,
        );
        response.on_hover_text(notice.text);
    }
    space_plays(&state, ui);
}

fn in_line(ui: &mut Ui, line: Rect, salt: &str, add: impl FnOnce(&mut Ui)) {
    let inner = line.shrink2(vec2(10.0, 7.0));
    ui.scope_builder(UiBuilder::new().max_rect(inner).id_salt(salt), |ui| {
        ui.horizontal_centered(add);
    });
}

fn source(
    panel: &PanelState,
    drawn: &mut Drawn,
    state: &AudioState,
    ui: &mut Ui,
    palette: &Palette,
) {
    let options = [
        (AudioSource::Input, "Input", "Listen to an input device"),
        (AudioSource::File, "File", "Play a file and listen to it"),
    ];
    if let Some(source) = segments(ui, palette, state.choice.source, &options) {
        panel.choose(|choice| choice.source = source);
        if source == AudioSource::File && state.choice.file.is_none() {
            drawn.browser = Some(Browser::at(None));
        }
    }
}

/// Draws the controls of the source, and on the right the level when there is only one line.
fn content(
    panel: &PanelState,
    drawn: &mut Drawn,
    state: &AudioState,
    ui: &mut Ui,
    palette: &Palette,
) {
    let one_line = ui.max_rect().width() + 20.0 >= ONE_LINE_FROM;
    match state.choice.source {
        AudioSource::Input => {
            super::settings::input_device(panel, state, ui, 260.0);
            super::settings::channels(panel, state, ui);
            ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
                if one_line {
                    level(drawn, state, ui, palette);
                }
                in_use(state, ui, palette);
            });
        }
        AudioSource::File => player(panel, drawn, state, ui, palette, one_line),
    }
}

fn level(drawn: &mut Drawn, state: &AudioState, ui: &mut Ui, palette: &Palette) {
    let health = state.in_use.as_ref().map(|in_use| &*in_use.health);
    drawn.level.ui(ui, palette, health, METER);
}

/// Writes the device and the rate in use.
fn in_use(state: &AudioState, ui: &mut Ui, palette: &Palette) {
    let words = state.in_use.as_ref().map_or_else(
        || "no audio".to_owned(),
        |in_use| {
            let rate = f64::from(in_use.rate_hz) / 1000.0;
            format!("{} · {rate} kHz", in_use.device)
        },
    );
    let words = egui::RichText::new(words)
        .font(text::plain(Size::Small))
        .color(palette.faint);
    ui.add(egui::Label::new(words).truncate());
}

fn player(
    panel: &PanelState,
    drawn: &mut Drawn,
    state: &AudioState,
    ui: &mut Ui,
    palette: &Palette,
    one_line: bool,
) {
    let file_player = state.file_player.as_deref();
    let playing = file_player.is_some_and(FilePlayer::is_playing);
    let (icon, name, about) = if playing {
        (Icon::Hold, "Pause", "Pause (space)")
    } else {
        (Icon::Resume, "Play", "Play (space)")
    };
    let pressed = ui
        .add_enabled_ui(file_player.is_some(), |ui| {
            icon_button(ui, palette, icon, playing, name, about).clicked()
        })
        .inner;
    if let (true, Some(file_player)) = (pressed, file_player) {
        toggle(file_player);
    }
    let file = state.choice.file.as_deref();
    let shown = file.and_then(Path::file_name).map_or_else(
        || "Choose a file…".to_owned(),
        |name| name.to_string_lossy().into_owned(),
    );
    let button = egui::Button::new(shown).truncate();
    let width = if one_line { 190.0 } else { 130.0 };
    let opened = ui.add_sized(vec2(width, 24.0), button).on_hover_text(
        file.map_or("Choose an audio file".to_owned(), |file| {
            file.display().to_string()
        }),
    );
    if opened.clicked() && drawn.browser.is_none() {
        drawn.browser = Some(Browser::at(file));
    }
    ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
        if one_line {
            level(drawn, state, ui, palette);
        }
        let about = "Start the file again at its end";
        let repeat = switch(ui, palette, state.choice.repeat, "Loop", about);
        if let Some(repeat) = repeat {
            panel.choose(|choice| choice.repeat = repeat);
        }
        ui.label(small("Loop", palette));
        if let Some(file_player) = file_player {
            position(file_player, drawn, ui, palette);
        }
    });
    if playing {
        // To show the moving position.
        ui.ctx().request_repaint_after_secs(0.1);
    }
}

/// Small text.
fn small(words: &str, palette: &Palette) -> egui::RichText {
    egui::RichText::new(words)
        .font(text::plain(Size::Small))
        .color(palette.dim)
}

/// Draws, from right to left: the length, a slider, the position.
fn position(file_player: &FilePlayer, drawn: &mut Drawn, ui: &mut Ui, palette: &Palette) {
    let length_s = file_player.duration_s();
    let mut at_s = drawn.dragged_s.unwrap_or_else(|| file_player.position_s());
    ui.label(small(&length_s.map_or("–".to_owned(), clock), palette));
    let width = (ui.available_width() - 56.0).max(24.0);
    ui.spacing_mut().slider_width = width;
    let end_s = length_s.unwrap_or(at_s).max(at_s).max(0.001);
    let slider = Slider::new(&mut at_s, 0.0..=end_s).show_value(false);
    let response = ui.add_enabled(length_s.is_some(), slider);
    response.widget_info(|| egui::WidgetInfo::slider(true, at_s, "Position"));
    if response.dragged() {
        drawn.dragged_s = Some(at_s);
    } else if response.drag_stopped() || response.changed() {
        file_player.seek(at_s);
        drawn.dragged_s = None;
    }
    response.on_hover_text("Position in the file");
    ui.label(small(&clock(at_s), palette));
}

fn toggle(file_player: &FilePlayer) {
    match file_player.is_playing() {
        true => file_player.pause(),
        false => file_player.play(),
    }
}

/// Seconds as minutes and seconds.
fn clock(seconds: f64) -> String {
    let whole = seconds as u64;
    format!("{}:{:02}", whole / 60, whole % 60)
}

/// Plays and pauses by the space bar. The editor removes the key from the input of widgets, to leave it to a
/// host; so this reads the raw input.
fn space_plays(state: &AudioState, ui: &Ui) {
    let Some(file_player) = &state.file_player else {
        return;
    };
    let pressed = ui.input(|input| {
        input.raw.events.iter().any(|event| {
            matches!(event, egui::Event::Key { key: Key::Space, pressed: true, repeat: false, modifiers, .. } if modifiers.is_none())
        })
    });
    if pressed && !ui.ctx().text_edit_focused() {
        toggle(file_player);
        ui.ctx().request_repaint();
    }
}
