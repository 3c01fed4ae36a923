//! The colors of genres and keys, one palette for the window and the plots.
//!
//! A genre or a key has one hue and one chroma; [`Ground`] says how light it is. Sources: Björn
//! Ottosson, “A perceptual color space for image processing” (2020), for the color space; Paul Tol's
//! “muted” scheme (SRON technical note EPS/TN/09-002, issue 3.2), which color-blind readers can tell
//! apart, for genres; WCAG 2 for contrast. Grays and accents of the window and the plots are not
//! here.

use std::fmt;

use mertscope_music::{Key, Mode};

/// A color in sRGB.
///
/// ```
/// use mertscope_export::palette::{Ground, genre};
///
/// let blues = genre(0, Ground::Dark);
/// assert_eq!(blues.rgb(), [0x88, 0xcc, 0xee]);
/// assert_eq!(blues.to_string(), "#88ccee");
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Color([u8; 3]);

/// What colors stand on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ground {
    /// Near black: the dark window and the plots.
    Dark,
    /// Near white: the light window.
    Light,
}

/// Dark text on light fills.
const INK: Color = Color::from_hex(0x0b_0e12);
/// Light text on dark fills.
const WHITE: Color = Color::from_hex(0xff_ffff);

/// Lightness, chroma and hue of the genres on a dark ground: the “muted” scheme with its indigo, purple,
/// green and wine lightened for that ground, and its pale gray darkened.
const GENRES: [[f64; 3]; 10] = [
    [0.8121, 0.0837, 230.83],
    [0.6349, 0.1299, 11.0],
    [0.8411, 0.1077, 98.29],
    [0.6737, 0.0978, 180.39],
    [0.5965, 0.1442, 286.35],
    [0.6634, 0.1226, 109.32],
    [0.7487, 0.1183, 340.82],
    [0.5779, 0.1328, 150.51],
    [0.7699, 0.0, 0.0],
    [0.5056, 0.1574, 1.85],
];

/// How many genres have a color of their own.
pub(crate) const GENRE_COUNT: usize = GENRES.len();

/// Labels that mean the same in every head and so have the same color in every head: GTZAN's genres in the order of their
/// colors, then the styles that GTZAN lacks.
const NAMED: [&str; 14] = [
    "blues",
    "classical",
    "country",
    "disco",
    "hiphop",
    "jazz",
    "metal",
    "pop",
    "reggae",
    "rock",
    "ambient",
    "electronic",
    "folk",
    "none of these",
];

/// Lightness, chroma and hue of the styles that GTZAN lacks. “None of these” is a dark gray: it is no style.
const FURTHER_STYLES: [[f64; 3]; NAMED.len() - GENRE_COUNT] = [
    [0.70, 0.0750, 205.0],
    [0.7350, 0.1500, 55.0],
    [0.5700, 0.0800, 65.0],
    [0.4800, 0.0, 0.0],
];

/// Lightness of a genre on a light ground, relative to that on a dark one.
const GENRE_ON_LIGHT: f64 = 0.89;

/// Chroma of every key.
const KEY_CHROMA: f64 = 0.125;

impl Color {
    /// The color `0xrrggbb`.
    pub(crate) const fn from_hex(rgb: u32) -> Self {
        let [_, r, g, b] = rgb.to_be_bytes();
        Self([r, g, b])
    }

    /// Red, green and blue, 0 to 255 each.
    #[must_use]
    pub const fn rgb(self) -> [u8; 3] {
        self.0
    }

    /// The color of this lightness (0 to 1), chroma and hue in degrees in OKLCH, clipped to what a
    /// screen shows. The matrices are Ottosson's.
    pub(crate) fn from_oklch(lightness: f64, chroma: f64, hue: f64) -> Self {
        let (sin, cos) = hue.to_radians().sin_cos();
        let (a, b) = (chroma * cos, chroma * sin);
        let l = (lightness + 0.396_337_777_4 * a + 0.215_803_757_3 * b).powi(3);
        let m = (lightness - 0.105_561_345_8 * a - 0.063_854_172_8 * b).powi(3);
        let s = (lightness - 0.089_484_177_5 * a - 1.291_485_548_0 * b).powi(3);
        let linear = [
            4.076_741_662_1 * l - 3.307_711_591_3 * m + 0.230_969_929_2 * s,
            -1.268_438_004_6 * l + 2.609_757_401_1 * m - 0.341_319_396_5 * s,
            -0.004_196_086_3 * l - 0.703_418_614_7 * m + 1.707_614_701_0 * s,
        ];
        Self(linear.map(|c| {
            let encoded = if c <= 0.003_130_8 {
                12.92 * c
            } else {
                1.055 * c.powf(1.0 / 2.4) - 0.055
            };
            (encoded.clamp(0.0, 1.0) * 255.0).round() as u8
        }))
    }

    /// WCAG 2 relative luminance, 0 to 1.
    pub(crate) fn luminance(self) -> f64 {
        let [r, g, b] = self.0.map(|value| {
            let c = f64::from(value) / 255.0;
            if c <= 0.04045 {
                c / 12.92
            } else {
                ((c + 0.055) / 1.055).powf(2.4)
            }
        });
        0.2126 * r + 0.7152 * g + 0.0722 * b
    }
}

impl From<[u8; 3]> for Color {
    /// Red, green and blue.
    fn from(rgb: [u8; 3]) -> Self {
        Self(rgb)
    }
}

impl fmt::Display for Color {
    /// `#rrggbb`
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [r, g, b] = self.0;
        write!(f, "#{r:02x}{g:02x}{b:02x}")
    }
}

/// The color of the genre, or of another label, at `index` of a head's labels; beyond ten labels the
/// colors begin again.
#[must_use]
pub fn genre(index: usize, ground: Ground) -> Color {
    on_ground(GENRES[index % GENRE_COUNT], ground)
}

/// The color of the label at `index` of a head's `labels`: its own when all of them are known styles, so that a style looks
/// the same whatever head names it; otherwise that of its place.
///
/// ```
/// use mertscope_export::palette::{Ground, genre, label};
///
/// assert_eq!(label(&["folk", "rock"], 1, Ground::Dark), genre(9, Ground::Dark));
/// assert_eq!(label(&["calm", "tense"], 1, Ground::Dark), genre(1, Ground::Dark));
/// ```
#[must_use]
pub fn label<L: AsRef<str>>(labels: &[L], index: usize, ground: Ground) -> Color {
    let own = labels.get(index).filter(|_| are_styles(labels));
    match own.and_then(|label| place_of_style(label.as_ref())) {
        Some(place) if place >= GENRE_COUNT => {
            on_ground(FURTHER_STYLES[place - GENRE_COUNT], ground)
        }
        Some(place) => genre(place, ground),
        None => genre(index, ground),
    }
}

/// Whether all labels of a head are known styles, each with a color of its own.
pub(crate) fn are_styles<L: AsRef<str>>(labels: &[L]) -> bool {
    let mut labels = labels.iter();
    labels.all(|label| place_of_style(label.as_ref()).is_some())
}

fn place_of_style(label: &str) -> Option<usize> {
    NAMED.iter().position(|name| *name == label)
}

fn on_ground([lightness, chroma, hue]: [f64; 3], ground: Ground) -> Color {
    match ground {
        Ground::Dark => Color::from_oklch(lightness, chroma, hue),
        Ground::Light => Color::from_oklch(lightness * GENRE_ON_LIGHT, chroma, hue),
    }
}

/// The color of a key: a twelfth of the color circle per fifth, minor darker than its relative major.
#[must_use]
pub fn key(key: Key, ground: Ground) -> Color {
    let lightness = match (key.mode(), ground) {
        (Mode::Major, Ground::Dark) => 0.80,
        (Mode::Minor, Ground::Dark) => 0.64,
        (Mode::Major, Ground::Light) => 0.74,
        (Mode::Minor, Ground::Light) => 0.605,
    };
    Color::from_oklch(lightness, KEY_CHROMA, key.fifths() as f64 * 30.0 + 20.0)
}

/// The color of text on `fill`: near black or white, whichever reads better.
#[must_use]
pub fn text_on(fill: Color) -> Color {
    if contrast(fill, INK) >= contrast(fill, WHITE) {
        INK
    } else {
        WHITE
    }
}

/// WCAG 2 contrast ratio, 1 to 21.
#[must_use]
pub fn contrast(a: Color, b: Color) -> f64 {
    let (a, b) = (a.luminance() + 0.05, b.luminance() + 0.05);
    a.max(b) / a.min(b)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    const GROUNDS: [Ground; 2] = [Ground::Dark, Ground::Light];

    #[test]
    fn white_and_black_convert_exactly() {
        assert_eq!(Color::from_oklch(1.0, 0.0, 0.0), WHITE);
        assert_eq!(Color::from_oklch(0.0, 0.0, 0.0), Color::from_hex(0));
    }

    #[test]
    fn the_primary_colors_are_where_the_paper_has_them() {
        let [red, blue] = [
            Color::from_oklch(0.627_955, 0.257_683, 29.234),
            Color::from_oklch(0.452_014, 0.313_214, 264.052),
        ];
        assert_eq!([red.rgb(), blue.rgb()], [[255, 0, 0], [0, 0, 255]]);
    }

    #[test]
    fn genres_on_a_dark_ground_are_those_of_the_scheme() {
        let scheme = [
            "#88ccee", "#cc6677", "#ddcc77", "#44aa99", "#7a6fd0", "#999933", "#e08fc4", "#2f8f4e",
            "#b4b4b4", "#a8325e",
        ];
        let genres: Vec<String> = (0..GENRE_COUNT)
            .map(|index| genre(index, Ground::Dark).to_string())
            .collect();
        assert_eq!(genres, scheme);
        assert_eq!(
            genre(GENRE_COUNT, Ground::Light),
            genre(0, Ground::Light),
            "the colors begin again"
        );
    }

    #[test]
    fn a_style_has_one_color_in_every_head() {
        let styles = ["ambient", "blues", "none of these", "rock"];
        for ground in GROUNDS {
            assert_eq!(label(&styles, 1, ground), genre(0, ground));
            assert_eq!(label(&styles, 3, ground), genre(9, ground));
            let [r, g, b] = label(&styles, 2, ground).rgb();
            assert!(r == g && g == b, "none of these is gray");
            // With one label of its own, a head's colors are those of the places.
            assert_eq!(label(&["rock", "dub techno"], 0, ground), genre(0, ground));
        }
    }

    #[test]
    fn keys_and_genres_differ_and_text_reads_on_them() {
        for ground in GROUNDS {
            let colors: HashSet<_> = Key::all().map(|k| key(k, ground)).collect();
            assert_eq!(colors.len(), Key::COUNT);
            for k in Key::all() {
                let fill = key(k, ground);
                assert!(contrast(fill, text_on(fill)) >= 4.5, "{k}: {fill}");
            }
            let count = NAMED.len();
            let colors: HashSet<_> = (0..count).map(|i| label(&NAMED, i, ground)).collect();
            assert_eq!(colors.len(), count);
            for index in 0..count {
                let fill = label(&NAMED, index, ground);
                assert!(contrast(fill, text_on(fill)) > 4.5, "{index}: {fill}");
            }
        }
    }

    /// Hue in degrees, by Ottosson's inverse matrices.
    fn hue(color: Color) -> f64 {
        let [r, g, b] = color.rgb().map(|value| {
            let c = f64::from(value) / 255.0;
            if c <= 0.04045 {
                c / 12.92
            } else {
                ((c + 0.055) / 1.055).powf(2.4)
            }
        });
        let l = (0.412_221_470_8 * r + 0.536_332_536_3 * g + 0.051_445_992_9 * b).cbrt();
        let m = (0.211_903_498_2 * r + 0.680_699_545_1 * g + 0.107_396_956_6 * b).cbrt();
        let s = (0.088_302_461_9 * r + 0.281_718_837_6 * g + 0.629_978_700_5 * b).cbrt();
        let a = 1.977_998_495_1 * l - 2.428_592_205_0 * m + 0.450_593_709_9 * s;
        let b = 0.025_904_037_1 * l + 0.782_771_766_2 * m - 0.808_675_766_0 * s;
        b.atan2(a).to_degrees()
    }

    #[test]
    fn a_genre_and_a_key_keep_their_hue_on_both_grounds() {
        let of_keys = Key::all().map(|k| GROUNDS.map(|ground| key(k, ground)));
        let of_genres = (0..GENRE_COUNT).map(|i| GROUNDS.map(|ground| genre(i, ground)));
        for [dark, light] in of_keys.chain(of_genres) {
            let [r, g, b] = dark.rgb();
            if r == g && g == b {
                continue; // A gray has no hue.
            }
            let apart = (hue(dark) - hue(light)).rem_euclid(360.0);
            // Clipping to what a screen shows turns a hue by a few degrees.
            assert!(apart.min(360.0 - apart) < 6.0, "{dark} {light}: {apart}");
            assert!(dark.luminance() > light.luminance());
        }
    }
}
