//! The colors of the plot's ground, text and lines, and the ramp of probabilities. Genres and keys
//! have theirs from the [palette](crate::palette).

use crate::palette::{Color, Ground, key as key_on, label as label_on};
use mertscope_music::Key;

/// The page.
pub(crate) const GROUND: Color = Color::from_hex(0x0e_1116);
/// Cards and empty panels.
pub(crate) const PANEL: Color = Color::from_hex(0x17_1b22);
/// Lines between things.
pub(crate) const RULE: Color = Color::from_hex(0x2a_313c);
/// Gridlines, at a tenth of their strength.
pub(crate) const GRID: Color = Color::from_hex(0xff_ffff);
/// What is read first; 15:1 on the ground.
pub(crate) const TEXT: Color = Color::from_hex(0xe8_ecf2);
/// What is read second; 7:1 on the ground.
pub(crate) const DIM: Color = Color::from_hex(0x9a_a5b4);
/// Analyzed, but no clear key.
pub(crate) const UNCLEAR: Color = Color::from_hex(0x3a_424e);
/// Stripes of the hatch where nothing was analyzed.
pub(crate) const HATCH: Color = Color::from_hex(0x4a_5360);

/// The color of the genre at `index` of the head's `labels`.
pub(crate) fn genre(labels: &[String], index: usize) -> Color {
    label_on(labels, index, Ground::Dark)
}

/// The color of a key.
pub(crate) fn key(key: Key) -> Color {
    key_on(key, Ground::Dark)
}

/// The color of `share` (0 to 1) on the ramp of the heat map: from the panel's gray through blue and
/// green to pale yellow, each step lighter than the last.
pub(crate) fn heat(share: f64) -> Color {
    let share = share.clamp(0.0, 1.0);
    Color::from_oklch(
        0.215 + 0.735 * share.powf(1.2),
        0.015 + 0.13 * (share * std::f64::consts::PI * 0.9).sin(),
        275.0 - 170.0 * share,
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::palette::{GENRE_COUNT, contrast};

    #[test]
    fn text_reads_on_the_ground_and_genres_stand_out_from_it() {
        assert!(contrast(TEXT, GROUND) > 15.0);
        assert!(contrast(DIM, GROUND) > 7.0);
        assert!(contrast(DIM, PANEL) > 6.0);
        for index in 0..GENRE_COUNT {
            assert!(contrast(genre(&[], index), PANEL) > 2.5, "{index}");
        }
    }

    #[test]
    fn the_heat_ramp_grows_lighter_at_every_step() {
        let steps: Vec<f64> = (0..=32)
            .map(|i| heat(f64::from(i) / 32.0).luminance())
            .collect();
        assert!(steps.windows(2).all(|pair| pair[1] > pair[0]), "{steps:?}");
    }
}
