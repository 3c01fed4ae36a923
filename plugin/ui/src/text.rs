//! Words and figures: Inter in two weights and a scale of sizes. Digits have one width, so that changing
//! figures keep still; text that does not fit ends in an ellipsis.

use std::sync::Arc;

use egui::text::{LayoutJob, TextFormat, TextWrapping};
use egui::{
    Align, Align2, Color32, Context, FontData, FontDefinitions, FontFamily, FontId, Galley,
    Painter, Pos2, Rect, vec2,
};
use mertscope_assets::{INTER_REGULAR, INTER_SEMI_BOLD};
use mertscope_music::{Key, Notation};

/// The typographic scale, in points; each about a quarter more than the one before.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Size {
    /// Ticks and captions.
    Small,
    /// Nearly all text.
    Body,
    /// Titles of cards.
    Title,
    /// The headline of a card.
    Large,
    /// A size of its own, for a picture.
    Points(f32),
}

impl Size {
    const fn points(self) -> f32 {
        match self {
            Self::Small => 11.0,
            Self::Body => 12.5,
            Self::Title => 14.0,
            Self::Large => 20.0,
            Self::Points(points) => points,
        }
    }
}

/// Inter in its regular weight.
pub fn plain(size: Size) -> FontId {
    FontId::proportional(size.points())
}

/// Inter in its semi-bold weight.
pub(crate) fn bold(size: Size) -> FontId {
    FontId::new(size.points(), FontFamily::Name("semibold".into()))
}

/// Sets the fonts of a context to Inter.
pub fn install(context: &Context) {
    let mut fonts = FontDefinitions::empty();
    for (name, bytes) in [
        ("Inter", INTER_REGULAR),
        ("Inter SemiBold", INTER_SEMI_BOLD),
    ] {
        let data = Arc::new(FontData::from_static(bytes));
        fonts.font_data.insert(name.to_owned(), data);
    }
    let families = [
        (FontFamily::Proportional, "Inter"),
        (FontFamily::Monospace, "Inter"),
        (FontFamily::Name("semibold".into()), "Inter SemiBold"),
    ];
    for (family, font) in families {
        fonts.families.insert(family, vec![font.to_owned()]);
    }
    context.set_fonts(fonts);
}

/// One line; an ellipsis ends it at `width`.
pub fn line(
    painter: &Painter,
    text: &str,
    font: FontId,
    color: Color32,
    width: f32,
) -> Arc<Galley> {
    let mut job = LayoutJob::single_section(text.to_owned(), TextFormat::simple(font, color));
    job.wrap = TextWrapping::truncate_at_width(width.max(0.0));
    job.break_on_newline = false;
    painter.layout_job(job)
}

/// One line in which every digit is as wide as the widest, so that a changing value keeps still.
pub fn figures(painter: &Painter, text: &str, font: &FontId, color: Color32) -> Arc<Galley> {
    let widths: Vec<f32> = painter.fonts_mut(|fonts| {
        let widest = ('0'..='9')
            .map(|c| fonts.glyph_width(font, c))
            .fold(0.0, f32::max);
        let mut spare = |c: char| {
            if c.is_ascii_digit() {
                widest - fonts.glyph_width(font, c)
            } else {
                0.0
            }
        };
        text.chars().map(&mut spare).collect()
    });
    let mut job = LayoutJob::default();
    job.wrap.max_width = f32::INFINITY;
    let mut before = 0.0;
    for (character, spare) in text.chars().zip(widths) {
        let mut buffer = [0; 4];
        let format = TextFormat::simple(font.clone(), color);
        job.append(
            character.encode_utf8(&mut buffer),
            before + spare / 2.0,
            format,
        );
        before = spare / 2.0;
    }
    painter.layout_job(job)
}

/// Paints a line anchored at `at`, no wider than `width`; returns its place.
pub fn put(
    painter: &Painter,
    at: Pos2,
    anchor: Align2,
    text: &str,
    (font, color): (FontId, Color32),
    width: f32,
) -> Rect {
    let galley = line(painter, text, font, color, width);
    let rect = anchor.anchor_size(at, galley.size());
    painter.galley(rect.min, galley, color);
    rect
}

/// Paints figures anchored at `at`; returns their place.
pub(crate) fn put_figures(
    painter: &Painter,
    at: Pos2,
    anchor: Align2,
    text: &str,
    (font, color): (FontId, Color32),
) -> Rect {
    let galley = figures(painter, text, &font, color);
    let rect = anchor.anchor_size(at, galley.size());
    painter.galley(rect.min, galley, color);
    rect
}

/// Writes a sentence into the middle of `rect`, on as many lines as it needs.
pub(crate) fn put_sentence(painter: &Painter, rect: Rect, words: &str, color: Color32) {
    let width = (rect.width() - 16.0).max(20.0);
    let mut job = LayoutJob::simple(words.to_owned(), plain(Size::Body), color, width);
    job.halign = Align::Center;
    let galley = painter.layout_job(job);
    let at = rect.center() - vec2(0.0, galley.size().y / 2.0);
    painter.galley(at, galley, color);
}

/// A probability in whole percent; a dash for NaN and infinite values.
pub fn percent(probability: f32) -> String {
    if probability.is_finite() {
        format!("{:.0} %", probability.clamp(0.0, 1.0) * 100.0)
    } else {
        "– %".to_owned()
    }
}

/// A key for a small place: `C#m`; notations of the wheels are short already.
pub(crate) fn short_key(key: Key, notation: Notation) -> String {
    let text = key.to_text(notation);
    match text.split_once(' ') {
        Some((tonic, "minor")) => format!("{tonic}m"),
        Some((tonic, _)) => tonic.to_owned(),
        None => text,
    }
}

/// Longest name in a picture, in letters.
const LONGEST: usize = 24;

/// A user's name for something, short enough for a picture.
pub fn short(name: &str) -> String {
    if name.chars().count() <= LONGEST {
        return name.to_owned();
    }
    let kept: String = name.chars().take(LONGEST - 1).collect();
    format!("{}…", kept.trim_end())
}

/// A label of a head as words: its first letter in upper case, underscores as spaces.
pub fn label(label: &str) -> String {
    let plain = label.replace('_', " ");
    let mut letters = plain.chars();
    letters
        .next()
        .map(|first| first.to_uppercase().chain(letters).collect())
        .unwrap_or_default()
}

/// A size in decimal units, as hubs and shops give it.
pub fn bytes(bytes: u64) -> String {
    let mega = bytes as f64 / 1e6;
    match mega {
        ..1.0 => format!("{:.0} kB", mega * 1e3),
        1.0..1000.0 => format!("{mega:.0} MB"),
        _ => format!("{:.2} GB", mega / 1e3),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_keys_fit_a_small_place() {
        let db: Key = "Db minor".parse().unwrap();
        assert_eq!(short_key(db, Notation::Traditional), "C#m");
        assert_eq!(short_key(db, Notation::Camelot), "12A");
        assert_eq!(short_key(db.parallel(), Notation::Traditional), "Db");
    }

    #[test]
    fn long_names_are_cut_at_a_letter() {
        assert_eq!(short("Reference 1"), "Reference 1");
        let cut = short(&"ä".repeat(60));
        assert!(cut.chars().count() == LONGEST && cut.ends_with('…'));
    }

    #[test]
    fn values_without_a_number_are_dashes() {
        assert_eq!(percent(f32::NAN), "– %");
        assert_eq!(percent(1.5), "100 %");
        assert_eq!(percent(0.126), "13 %");
    }

    #[test]
    fn sizes_have_a_fitting_unit() {
        assert_eq!(bytes(1_500), "2 kB");
        assert_eq!(bytes(378_000_000), "378 MB");
        assert_eq!(bytes(1_260_000_000), "1.26 GB");
    }

    #[test]
    fn labels_become_words() {
        assert_eq!(label("hip_hop"), "Hip hop");
        assert_eq!(label(""), "");
    }
}
