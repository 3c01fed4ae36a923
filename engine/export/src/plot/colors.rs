//! The plot's colors: a dark ground, keys by their hour on the circle of fifths, genres by a
//! palette that color-blind readers can tell apart, probabilities by one perceptual ramp.

use crate::oklch::srgb_from_oklch;
use mertscope_music::{Key, Mode};

/// The page.
pub(crate) const GROUND: &str = "#0e1116";
/// Cards and empty panels.
pub(crate) const PANEL: &str = "#171b22";
/// Lines between things.
pub(crate) const RULE: &str = "#2a313c";
/// What is read first; 15:1 on the ground.
pub(crate) const TEXT: &str = "#e8ecf2";
/// What is read second; 7:1 on the ground.
pub(crate) const DIM: &str = "#9aa5b4";
/// Text on light fills.
pub(crate) const INK: &str = "#0b0e12";
/// Analyzed, but no clear key.
pub(crate) const UNCLEAR: &str = "#3a424e";
/// Strokes of the hatch where nothing was analyzed.
pub(crate) const HATCH: &str = "#4a5360";

/// Paul Tol's “muted” scheme (SRON technical note EPS/TN/09-002, issue 3.2), its indigo and wine
/// lightened for a dark ground, each with the text color that reads on it.
const GENRES: [(&str, &str); 10] = [
    ("#88ccee", INK),
    ("#cc6677", INK),
    ("#ddcc77", INK),
    ("#44aa99", INK),
    ("#7a6fd0", INK),
    ("#999933", INK),
    ("#e08fc4", INK),
    ("#117733", "#ffffff"),
    ("#b4b4b4", INK),
    ("#a8325e", "#ffffff"),
];

/// How many genres have a color of their own.
pub(crate) const GENRE_COUNT: usize = GENRES.len();

/// Fill and text color of the genre at `index` of the head's labels.
pub(crate) fn genre(index: usize) -> (&'static str, &'static str) {
    GENRES[index % GENRE_COUNT]
}

/// A key's color: a twelfth of the color circle a fifth, minor darker than its relative major.
pub(crate) fn key(key: Key) -> String {
    let hue = key.fifths() as f64 * 30.0 + 20.0;
    match key.mode() {
        Mode::Major => hex_from_oklch(0.80, 0.125, hue),
        Mode::Minor => hex_from_oklch(0.56, 0.125, hue),
    }
}

/// The text color that reads on a key's color.
pub(crate) const fn on_key(key: Key) -> &'static str {
    match key.mode() {
        Mode::Major => INK,
        Mode::Minor => "#ffffff",
    }
}

/// Color of `share` (0…1) on the ramp of the heat map: from the panel's grey through blue and
/// green to pale yellow, each step lighter than the last.
pub(crate) fn heat(share: f64) -> String {
    let share = share.clamp(0.0, 1.0);
    hex_from_oklch(
        0.215 + 0.735 * share.powf(1.2),
        0.015 + 0.13 * (share * std::f64::consts::PI * 0.9).sin(),
        275.0 - 170.0 * share,
    )
}

/// `#rrggbb` from lightness (0…1), chroma and hue in degrees.
fn hex_from_oklch(lightness: f64, chroma: f64, hue: f64) -> String {
    let [r, g, b] = srgb_from_oklch(lightness, chroma, hue);
    format!("#{r:02x}{g:02x}{b:02x}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    /// WCAG 2 relative luminance of `#rrggbb`.
    fn luminance(color: &str) -> f64 {
        let channel = |at: usize| {
            let c = f64::from(u8::from_str_radix(&color[at..at + 2], 16).unwrap()) / 255.0;
            if c <= 0.04045 {
                c / 12.92
            } else {
                ((c + 0.055) / 1.055).powf(2.4)
            }
        };
        0.2126 * channel(1) + 0.7152 * channel(3) + 0.0722 * channel(5)
    }

    fn contrast(a: &str, b: &str) -> f64 {
        let (a, b) = (luminance(a) + 0.05, luminance(b) + 0.05);
        a.max(b) / a.min(b)
    }

    #[test]
    fn keys_differ_and_their_labels_are_readable() {
        let colors: HashSet<_> = Key::all().map(key).collect();
        assert_eq!(colors.len(), 24);
        for k in Key::all() {
            let ratio = contrast(&key(k), on_key(k));
            assert!(ratio >= 4.0, "{k}: {ratio}");
        }
    }

    #[test]
    fn text_reads_on_the_ground_and_genres_stand_out_from_it() {
        assert!(contrast(TEXT, GROUND) > 15.0);
        assert!(contrast(DIM, GROUND) > 7.0);
        assert!(contrast(DIM, PANEL) > 6.0);
        for index in 0..GENRE_COUNT {
            let (fill, ink) = genre(index);
            assert!(contrast(fill, PANEL) > 2.5, "{index}");
            assert!(contrast(fill, ink) > 4.5, "{index}");
        }
    }

    #[test]
    fn the_heat_ramp_grows_lighter_at_every_step() {
        let steps: Vec<f64> = (0..=32)
            .map(|i| luminance(&heat(f64::from(i) / 32.0)))
            .collect();
        assert!(steps.windows(2).all(|pair| pair[1] > pair[0]), "{steps:?}");
    }
}
