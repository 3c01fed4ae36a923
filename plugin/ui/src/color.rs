//! Colors with a meaning: keys and labels from the [palette](mertscope_export::palette) that the plots
//! share, references from a list of their own. Lightness carries the probability, hue never alone.

use egui::Color32;
use mertscope_export::palette::{self, Color, Ground};
use mertscope_music::Key;

/// Dark text on light fills.
const INK: Color32 = Color32::from_rgb(0x0b, 0x0e, 0x12);

/// The color of the label at `index` of a head's `labels`.
pub(crate) fn label<L: AsRef<str>>(labels: &[L], index: usize, dark: bool) -> Color32 {
    shown(palette::label(labels, index, ground(dark)))
}

/// The color of the thing at this place of a list without known labels.
pub(crate) fn place(index: usize, dark: bool) -> Color32 {
    shown(palette::genre(index, ground(dark)))
}

const fn ground(dark: bool) -> Ground {
    if dark { Ground::Dark } else { Ground::Light }
}

const fn shown(color: Color) -> Color32 {
    let [r, g, b] = color.rgb();
    Color32::from_rgb(r, g, b)
}

fn plain(color: Color32) -> Color {
    Color::from([color.r(), color.g(), color.b()])
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

/// A key's color at full strength.
pub(crate) fn key(key: Key, dark: bool) -> Color32 {
    shown(palette::key(key, ground(dark)))
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

/// Near black or white, whichever reads better on `fill`.
pub(crate) fn on(fill: Color32) -> Color32 {
    shown(palette::text_on(plain(fill)))
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use std::collections::HashSet;

    /// WCAG 2 contrast ratio, 1 to 21.
    pub(crate) fn contrast(a: Color32, b: Color32) -> f64 {
        palette::contrast(plain(a), plain(b))
    }

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
