//! Colors with a meaning: keys by their hour on the circle of fifths, genres by a palette that
//! color-blind readers can tell apart. Lightness shows the probability; hue is never the only sign.

use egui::Color32;
use mertscope_export::oklch::srgb_from_oklch;
use mertscope_music::{Key, Mode};

/// Paul Tol's “muted” scheme (SRON technical note EPS/TN/09-002, issue 3.2), its indigo, green and
/// wine lightened for a dark ground.
const GENRES: [Color32; 10] = [
    Color32::from_rgb(0x88, 0xcc, 0xee),
    Color32::from_rgb(0xcc, 0x66, 0x77),
    Color32::from_rgb(0xdd, 0xcc, 0x77),
    Color32::from_rgb(0x44, 0xaa, 0x99),
    Color32::from_rgb(0x7a, 0x6f, 0xd0),
    Color32::from_rgb(0x99, 0x99, 0x33),
    Color32::from_rgb(0xe0, 0x8f, 0xc4),
    Color32::from_rgb(0x2f, 0x8f, 0x4e),
    Color32::from_rgb(0xb4, 0xb4, 0xb4),
    Color32::from_rgb(0xa8, 0x32, 0x5e),
];

/// Dark text on light fills.
const INK: Color32 = Color32::from_rgb(0x0b, 0x0e, 0x12);

/// The color of the label at `index` of a head's labels.
pub(crate) fn label(index: usize, dark: bool) -> Color32 {
    let color = GENRES[index % GENRES.len()];
    if dark { color } else { mix(color, INK, 0.14) }
}

/// Colors of references, each as far from the others as eight can be: Okabe and Ito, “Color
/// Universal Design” (2008), its blue and black lightened for a dark ground.
pub(crate) const REFERENCES: [[u8; 3]; 8] = [
    [0xe6, 0x9f, 0x00],
    [0x56, 0xb4, 0xe9],
    [0x20, 0xb8, 0x8a],
    [0xe0, 0x8f, 0xc4],
    [0xf0, 0xe4, 0x42],
    [0xf0, 0x6a, 0x2a],
    [0x5c, 0x8d, 0xf0],
    [0xb4, 0xb4, 0xb4],
];

/// A reference's color on the screen: darker on a light ground.
pub(crate) fn reference([r, g, b]: [u8; 3], dark: bool) -> Color32 {
    let color = Color32::from_rgb(r, g, b);
    if dark { color } else { mix(color, INK, 0.28) }
}

/// A key's color at full strength: a twelfth of the color circle per fifth, minor darker than its
/// relative major.
pub(crate) fn key(key: Key, dark: bool) -> Color32 {
    let hue = key.fifths() as f64 * 30.0 + 20.0;
    match (key.mode(), dark) {
        (Mode::Major, true) => from_oklch(0.80, 0.125, hue),
        (Mode::Minor, true) => from_oklch(0.64, 0.130, hue),
        (Mode::Major, false) => from_oklch(0.74, 0.130, hue),
        (Mode::Minor, false) => from_oklch(0.605, 0.130, hue),
    }
}

/// A mix in sRGB: `from` at share 0, `to` at 1.
pub(crate) fn mix(from: Color32, to: Color32, share: f32) -> Color32 {
    let share = share.clamp(0.0, 1.0);
    let channel =
        |a: u8, b: u8| (f32::from(a) + (f32::from(b) - f32::from(a)) * share).round() as u8;
    Color32::from_rgb(
        channel(from.r(), to.r()),
        channel(from.g(), to.g()),
        channel(from.b(), to.b()),
    )
}

/// Black or white, whichever reads better on `fill`.
pub(crate) fn on(fill: Color32) -> Color32 {
    if contrast(fill, INK) >= contrast(fill, Color32::WHITE) {
        INK
    } else {
        Color32::WHITE
    }
}

/// WCAG 2 contrast ratio, 1 to 21.
pub(crate) fn contrast(a: Color32, b: Color32) -> f32 {
    let (a, b) = (luminance(a) + 0.05, luminance(b) + 0.05);
    a.max(b) / a.min(b)
}

/// WCAG 2 relative luminance, 0 to 1.
fn luminance(color: Color32) -> f32 {
    let channel = |value: u8| {
        let c = f32::from(value) / 255.0;
        if c <= 0.04045 {
            c / 12.92
        } else {
            ((c + 0.055) / 1.055).powf(2.4)
        }
    };
    0.2126 * channel(color.r()) + 0.7152 * channel(color.g()) + 0.0722 * channel(color.b())
}

/// A color from OKLCH lightness (0 to 1), chroma, and hue in degrees.
fn from_oklch(lightness: f64, chroma: f64, hue: f64) -> Color32 {
    let [r, g, b] = srgb_from_oklch(lightness, chroma, hue);
    Color32::from_rgb(r, g, b)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn keys_differ_and_their_names_read_on_them() {
        for dark in [true, false] {
            let colors: HashSet<_> = Key::all().map(|k| key(k, dark)).collect();
            assert_eq!(colors.len(), Key::COUNT);
            for k in Key::all() {
                let fill = key(k, dark);
                assert!(contrast(fill, on(fill)) >= 4.5, "{k}: {fill:?}");
            }
        }
    }

    #[test]
    fn a_mix_begins_and_ends_with_its_parts() {
        let (a, b) = (
            Color32::from_rgb(10, 20, 30),
            Color32::from_rgb(200, 100, 0),
        );
        assert_eq!((mix(a, b, 0.0), mix(a, b, 1.0)), (a, b));
        assert_eq!(mix(a, b, f32::INFINITY), b);
    }
}
