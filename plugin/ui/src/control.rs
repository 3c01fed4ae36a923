//! Our own controls: one look, visible focus, a label for assistive tools, a tooltip.
//!
//! All are [`Sense::click`] widgets of egui, so the keyboard reaches and presses them.

use std::f32::consts::TAU;

use egui::accesskit::Role;
use egui::{
    Align2, Color32, CornerRadius, Key, Rect, Response, Sense, Stroke, StrokeKind, Ui, Vec2,
    WidgetInfo, pos2, vec2,
};

use crate::color;
use crate::drawing::finite;
use crate::text::{self, Size};
use crate::theme::Palette;

/// Height of a control in points.
pub const HEIGHT: f32 = 24.0;

/// Draws a ring around the control that has the keyboard's focus.
pub(crate) fn focus_ring(ui: &Ui, response: &Response, palette: &Palette, radius: u8) {
    if response.has_focus() {
        let stroke = Stroke::new(2.0, palette.accent);
        let rect = response.rect.shrink(1.0);
        ui.painter()
            .rect_stroke(rect, CornerRadius::same(radius), stroke, StrokeKind::Inside);
    }
}

/// A choice of few, side by side; `Some` of the one that was pressed. Each option is a value, its name, and its
/// tooltip.
pub fn segments<T: Copy + PartialEq>(
    ui: &mut Ui,
    palette: &Palette,
    chosen: T,
    options: &[(T, &str, &str)],
) -> Option<T> {
    let font = text::bold(Size::Body);
    let width_of = |name: &str| {
        let name = text::line(
            ui.painter(),
            name,
            font.clone(),
            palette.text,
            f32::INFINITY,
        );
        name.size().x + 20.0
    };
    let widths: Vec<f32> = options.iter().map(|(_, name, _)| width_of(name)).collect();
    let size = vec2(widths.iter().sum::<f32>() + 4.0, HEIGHT);
    let (frame, _) = ui.allocate_exact_size(size, Sense::hover());
    ui.painter()
        .rect_filled(frame, CornerRadius::same(6), palette.raised);
    let (mut left, mut pressed) = (frame.left() + 2.0, None);
    for ((value, name, about), width) in options.iter().zip(widths) {
        let rect = Rect::from_min_size(pos2(left, frame.top() + 2.0), vec2(width, HEIGHT - 4.0));
        left += width;
        let id = ui
            .scope_id()
            .with(("segment", name, frame.min.x as i32, frame.min.y as i32));
        let response = ui.interact(rect, id, Sense::click());
        let is_chosen = *value == chosen;
        response.widget_info(|| WidgetInfo::selected(Role::RadioButton, true, is_chosen, name));
        paint_segment(ui, palette, &response, name, is_chosen);
        if response.clicked() {
            pressed = Some(*value);
        }
        response.on_hover_text(*about);
    }
    pressed
}

fn paint_segment(ui: &Ui, palette: &Palette, response: &Response, name: &str, is_chosen: bool) {
    let rect = response.rect;
    if is_chosen {
        let fill = if palette.dark {
            color::mix(palette.raised, palette.text, 0.16)
        } else {
            Color32::WHITE
        };
        let edge = Stroke::new(1.0, palette.rule);
        ui.painter()
            .rect(rect, CornerRadius::same(5), fill, edge, StrokeKind::Inside);
    }
    let (font, color) = match (is_chosen, response.hovered()) {
        (true, _) => (text::bold(Size::Body), palette.text),
        (false, true) => (text::plain(Size::Body), palette.text),
        (false, false) => (text::plain(Size::Body), palette.dim),
    };
    text::put(
        ui.painter(),
        rect.center(),
        Align2::CENTER_CENTER,
        name,
        (font, color),
        rect.width(),
    );
    focus_ring(ui, response, palette, 5);
}

/// A switch with its name beside it; `Some` of the new value when it was flipped.
pub fn switch(ui: &mut Ui, palette: &Palette, on: bool, name: &str, about: &str) -> Option<bool> {
    let (rect, response) = ui.allocate_exact_size(vec2(36.0, HEIGHT - 4.0), Sense::click());
    response.widget_info(|| WidgetInfo::selected(Role::Switch, ui.is_enabled(), on, name));
    let fill = match (on, ui.is_enabled()) {
        (true, true) => palette.accent,
        _ => color::mix(palette.raised, palette.faint, 0.35),
    };
    let track = rect.shrink2(vec2(1.0, 1.0));
    let painter = ui.painter();
    painter.rect_filled(track, CornerRadius::same(9), fill);
    let x = if on {
        track.right() - 9.0
    } else {
        track.left() + 9.0
    };
    let knob = match (on, palette.dark) {
        (true, _) => color::on(fill),
        (false, true) => palette.text,
        (false, false) => Color32::WHITE,
    };
    painter.circle_filled(pos2(x, track.center().y), 6.0, knob);
    focus_ring(
        ui,
        &response.clone().with_new_rect(rect.expand(2.0)),
        palette,
        11,
    );
    let clicked = response.clicked();
    response.on_hover_text(about);
    clicked.then_some(!on)
}

/// A square button with a letter, lit while it is on; returns whether it was pressed.
pub fn toggle(
    ui: &mut Ui,
    palette: &Palette,
    on: bool,
    letter: &str,
    name: &str,
    about: &str,
) -> bool {
    let (rect, response) = ui.allocate_exact_size(Vec2::splat(HEIGHT), Sense::click());
    response.widget_info(|| WidgetInfo::selected(Role::Button, ui.is_enabled(), on, name));
    let fill = match (on, response.hovered()) {
        (true, _) => palette.accent,
        (false, true) => color::mix(palette.raised, palette.text, 0.12),
        (false, false) => palette.raised,
    };
    ui.painter().rect_filled(rect, CornerRadius::same(5), fill);
    let ink = match (on, ui.is_enabled()) {
        (true, _) => color::on(fill),
        (false, true) => palette.text,
        (false, false) => palette.faint,
    };
    text::put(
        ui.painter(),
        rect.center(),
        Align2::CENTER_CENTER,
        letter,
        (text::bold(Size::Body), ink),
        rect.width(),
    );
    // Around the button: on the accent a ring of the same color would not be seen.
    let ring = response.clone().with_new_rect(rect.expand(2.0));
    focus_ring(ui, &ring, palette, 6);
    let pressed = response.clicked();
    response.on_hover_text(about);
    pressed
}

/// A picture on a button.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Icon {
    /// Two upright bars.
    Hold,
    /// A triangle to the right.
    Resume,
    /// Three sliders.
    Settings,
    /// A plus.
    ZoomIn,
    /// A minus.
    ZoomOut,
    /// A bar on the right that a triangle points to.
    ToEnd,
    /// Four corners.
    Whole,
    /// Two sheets, one over the other.
    Copy,
    /// An arrow around a circle.
    Again,
    /// A cross.
    Close,
    /// A triangle up or down.
    Fold(bool),
}

/// A square button with a picture; `lit` while its function is on.
pub fn icon_button(
    ui: &mut Ui,
    palette: &Palette,
    icon: Icon,
    lit: bool,
    name: &str,
    about: &str,
) -> Response {
    let (rect, response) = ui.allocate_exact_size(Vec2::splat(HEIGHT), Sense::click());
    response.widget_info(|| WidgetInfo::selected(Role::Button, ui.is_enabled(), lit, name));
    let fill = match (lit, response.hovered()) {
        (true, _) => color::mix(palette.raised, palette.accent, 0.22),
        (false, true) => color::mix(palette.raised, palette.text, 0.12),
        (false, false) => palette.raised,
    };
    ui.painter().rect_filled(rect, CornerRadius::same(5), fill);
    let ink = match (lit, ui.is_enabled()) {
        (true, _) => palette.accent,
        (false, true) => palette.text,
        (false, false) => palette.faint,
    };
    paint_icon(ui, icon, rect, ink);
    focus_ring(ui, &response, palette, 5);
    response.on_hover_text(about)
}

fn paint_icon(ui: &Ui, icon: Icon, rect: Rect, ink: Color32) {
    let painter = ui.painter();
    let c = rect.center();
    let stroke = Stroke::new(1.6, ink);
    let triangle = |points: [(f32, f32); 3]| {
        let points = points.map(|(x, y)| c + vec2(x, y)).to_vec();
        painter.add(egui::Shape::convex_polygon(points, ink, Stroke::NONE));
    };
    match icon {
        Icon::Hold => {
            for x in [-3.0, 3.0] {
                let bar = Rect::from_center_size(c + vec2(x, 0.0), vec2(2.6, 10.0));
                painter.rect_filled(bar, CornerRadius::same(1), ink);
            }
        }
        Icon::Resume => triangle([(-3.5, -5.0), (5.0, 0.0), (-3.5, 5.0)]),
        Icon::Settings => {
            for (y, x) in [(-4.5, 2.0), (0.0, -2.5), (4.5, 1.0)] {
                painter.hline(c.x - 6.0..=c.x + 6.0, c.y + y, Stroke::new(1.4, ink));
                painter.circle_filled(c + vec2(x, y), 2.2, ink);
            }
        }
        Icon::ZoomIn | Icon::ZoomOut => {
            painter.hline(c.x - 5.0..=c.x + 5.0, c.y, stroke);
            if icon == Icon::ZoomIn {
                painter.vline(c.x, c.y - 5.0..=c.y + 5.0, stroke);
            }
        }
        Icon::ToEnd => {
            triangle([(-5.0, -5.0), (3.0, 0.0), (-5.0, 5.0)]);
            painter.vline(c.x + 4.5, c.y - 5.0..=c.y + 5.0, stroke);
        }
        Icon::Whole => {
            for (x, y) in [(-1.0, -1.0), (1.0, -1.0), (1.0, 1.0), (-1.0, 1.0)] {
                let corner = c + vec2(x, y) * 5.0;
                painter.line_segment([corner, corner - vec2(x * 3.5, 0.0)], stroke);
                painter.line_segment([corner, corner - vec2(0.0, y * 3.5)], stroke);
            }
        }
        Icon::Copy => {
            let sheet = |x, y| Rect::from_center_size(c + vec2(x, y), vec2(7.5, 9.0));
            let thin = Stroke::new(1.4, ink);
            let corner = CornerRadius::same(1);
            painter.rect_stroke(sheet(2.0, 2.0), corner, thin, StrokeKind::Middle);
            let behind = sheet(-2.0, -2.0);
            let edge = [behind.left_bottom(), behind.left_top(), behind.right_top()];
            painter.line(edge.to_vec(), thin);
        }
        Icon::Again => {
            let at = |turn: f32| {
                let (sin, cos) = (turn * TAU).sin_cos();
                c + vec2(sin, -cos) * 5.5
            };
            painter.line((3..=21).map(|n| at(n as f32 / 22.0)).collect(), stroke);
            triangle([(-0.5, -9.2), (4.6, -5.6), (-0.5, -2.0)]);
        }
        Icon::Close => {
            for sign in [-1.0, 1.0] {
                painter.line_segment(
                    [c + vec2(-4.0, -4.0 * sign), c + vec2(4.0, 4.0 * sign)],
                    stroke,
                );
            }
        }
        Icon::Fold(true) => triangle([(-4.5, -2.5), (4.5, -2.5), (0.0, 3.5)]),
        Icon::Fold(false) => triangle([(-4.5, 2.5), (0.0, -3.5), (4.5, 2.5)]),
    }
}

/// Whether Enter ended the typing in a field.
pub(crate) fn entered(ui: &Ui, field: &Response) -> bool {
    field.lost_focus() && ui.input(|input| input.key_pressed(Key::Enter))
}

/// Draws a share, 0 to 1, as a bar in the middle of `slot`; NaN and infinite shares count as 0.
pub(crate) fn share_bar(ui: &Ui, palette: &Palette, slot: Rect, share: f32, color: Color32) {
    let track = Rect::from_center_size(slot.center(), vec2(slot.width(), 6.0));
    let radius = CornerRadius::same(3);
    ui.painter().rect_filled(track, radius, palette.raised);
    let share = finite(share);
    if share > 0.0 {
        let lit = track.with_max_x(track.left() + (track.width() * share).max(2.0));
        ui.painter().rect_filled(lit, radius, color);
    }
}
