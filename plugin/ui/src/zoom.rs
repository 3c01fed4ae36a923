//! Zooming into a picture, the same for the map and the timeline: a head with buttons, the wheel, a
//! pinch, and keys.
//!
//! All of them give a factor: above 1 the picture becomes larger and shows less. Each picture applies the factor,
//! and pans, in its own way.

use egui::{Align, Align2, Key, Layout, Rect, Ui, UiBuilder};

use crate::control::{Icon, icon_button};
use crate::text::{self, Size};
use crate::theme::Palette;

/// The factor of one press of a button or a key.
const STEP: f64 = 1.5;
/// Points of scrolling for a factor of e.
const SCROLL_POINTS: f64 = 200.0;

/// Draws the head of a picture into `rect`: its title on the left, and `buttons` from the right.
pub(crate) fn head(
    ui: &mut Ui,
    palette: &Palette,
    rect: Rect,
    title: &str,
    buttons: impl FnOnce(&mut Ui),
) {
    text::put(
        ui.painter(),
        rect.left_center(),
        Align2::LEFT_CENTER,
        title,
        (text::bold(Size::Body), palette.dim),
        rect.width() / 2.0,
    );
    let builder = UiBuilder::new()
        .max_rect(rect)
        .layout(Layout::right_to_left(Align::Center));
    ui.scope_builder(builder, |ui| {
        ui.spacing_mut().item_spacing.x = 4.0;
        buttons(ui);
    });
}

/// Draws the buttons that zoom in and out, each with its name and tooltip; the factor of the one that
/// was pressed.
pub(crate) fn buttons(
    ui: &mut Ui,
    palette: &Palette,
    zoom_in: (&str, &str),
    zoom_out: (&str, &str),
) -> Option<f64> {
    let mut pressed =
        |icon, (name, about)| icon_button(ui, palette, icon, false, name, about).clicked();
    let larger = pressed(Icon::ZoomIn, zoom_in);
    let smaller = pressed(Icon::ZoomOut, zoom_out);
    factor(larger, smaller)
}

/// The factor of a pinch, or else of the wheel, while the pointer is over the picture.
pub(crate) fn by_pointer(ui: &Ui) -> Option<f64> {
    let (scroll, pinch) = ui.input(|input| (input.smooth_scroll_delta().y, input.zoom_delta()));
    if (pinch - 1.0).abs() > 1e-3 {
        Some(f64::from(pinch))
    } else {
        (scroll != 0.0).then(|| (f64::from(scroll) / SCROLL_POINTS).exp())
    }
}

/// The factor of the plus and minus keys, while the picture has the focus.
pub(crate) fn by_keys(ui: &Ui) -> Option<f64> {
    let pressed = |key| ui.input(|input| input.key_pressed(key));
    factor(
        pressed(Key::Plus) || pressed(Key::Equals),
        pressed(Key::Minus),
    )
}

fn factor(larger: bool, smaller: bool) -> Option<f64> {
    match (larger, smaller) {
        (true, false) => Some(STEP),
        (false, true) => Some(1.0 / STEP),
        _ => None,
    }
}
