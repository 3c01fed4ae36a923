//! The plots' typeface, Inter in two embedded weights, and the widths and outlines of its text.
//!
//! Widths are sums of advances, without kerning: exact enough to decide what fits.

use mertscope_assets::{INTER_REGULAR, INTER_SEMI_BOLD};
use skrifa::instance::{LocationRef, Size};
use skrifa::outline::{DrawSettings, OutlinePen};
use skrifa::{FontRef, GlyphId, MetadataProvider};

/// The two weights in use, by their names in CSS.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Weight {
    /// 400.
    Regular,
    /// 600.
    SemiBold,
}

impl Weight {
    /// The face's OpenType file.
    pub(crate) const fn bytes(self) -> &'static [u8] {
        match self {
            Self::Regular => INTER_REGULAR,
            Self::SemiBold => INTER_SEMI_BOLD,
        }
    }

    /// The value of `font-weight`.
    pub(crate) const fn css(self) -> u16 {
        match self {
            Self::Regular => 400,
            Self::SemiBold => 600,
        }
    }
}

/// Width of `text` at `size_px`, in pixels. A character that the face lacks counts as one em.
pub(crate) fn width_px(text: &str, size_px: f64, weight: Weight) -> f64 {
    let Ok(font) = FontRef::new(weight.bytes()) else {
        return text.chars().count() as f64 * size_px;
    };
    let metrics = font.glyph_metrics(Size::new(size_px as f32), LocationRef::default());
    let charmap = font.charmap();
    text.chars()
        .map(|c| {
            let advance = charmap
                .map(c)
                .and_then(|glyph| metrics.advance_width(glyph));
            advance.map_or(size_px, f64::from)
        })
        .sum()
}

/// `text`, or as much of both its ends as fits into `most_px` with an ellipsis between: names of
/// files differ at their ends at least as often as at their beginnings.
pub(crate) fn elided(text: &str, size_px: f64, weight: Weight, most_px: f64) -> String {
    if width_px(text, size_px, weight) <= most_px {
        return text.to_owned();
    }
    let chars: Vec<char> = text.chars().collect();
    let shortened = |kept: usize| -> String {
        let (head, tail) = (kept.div_ceil(2), kept / 2);
        let tail = &chars[chars.len() - tail..];
        chars[..head].iter().chain(&['…']).chain(tail).collect()
    };
    // No letter is narrower than a fifth of an em: no need to try what can't fit.
    let most = chars.len().min((most_px / (0.2 * size_px)) as usize + 1);
    let fits = |kept: &usize| width_px(&shortened(*kept), size_px, weight) <= most_px;
    let kept = (0..most).rev().find(fits).unwrap_or(0);
    shortened(kept)
}

/// Receives the outlines of glyphs, each relative to its own origin, in pixels with y upwards.
pub(crate) trait Pen: OutlinePen {
    /// Moves on to the origin of the next glyph.
    fn advance(&mut self, width_px: f32);
}

/// Draws `text` glyph by glyph. A character that the face lacks comes from a face of the system (names
/// of files may be in any script), or is an empty box.
pub(crate) fn draw(text: &str, size_px: f64, weight: Weight, pen: &mut impl Pen) {
    let Ok(font) = FontRef::new(weight.bytes()) else {
        return;
    };
    let charmap = font.charmap();
    for c in text.chars() {
        let glyph = charmap.map(c);
        if glyph.is_none() && system::draw(c, size_px, pen) {
            continue;
        }
        draw_glyph(&font, glyph.unwrap_or(GlyphId::NOTDEF), size_px, pen);
        pen.advance(width_px(c.encode_utf8(&mut [0; 4]), size_px, weight) as f32);
    }
}

fn draw_glyph(font: &FontRef<'_>, glyph: GlyphId, size_px: f64, pen: &mut impl Pen) {
    let settings = DrawSettings::unhinted(Size::new(size_px as f32), LocationRef::default());
    if let Some(outline) = font.outline_glyphs().get(glyph) {
        // A glyph that can't be drawn leaves its place empty.
        let _ = outline.draw(settings, pen);
    }
}

/// Faces of the system, for characters that the embedded one lacks.
mod system {
    use std::sync::OnceLock;

    use skrifa::{FontRef, MetadataProvider};

    /// Draws `c` one em wide, if a face of the system has it.
    pub(crate) fn draw(c: char, size_px: f64, pen: &mut impl super::Pen) -> bool {
        static FACES: OnceLock<fontdb::Database> = OnceLock::new();
        let faces = FACES.get_or_init(|| {
            let mut faces = fontdb::Database::new();
            faces.load_system_fonts();
            faces
        });
        let drawn = faces.faces().any(|face| {
            let mut draw = |bytes: &[u8], index| {
                let font = FontRef::from_index(bytes, index).ok()?;
                super::draw_glyph(&font, font.charmap().map(c)?, size_px, pen);
                Some(())
            };
            faces.with_face_data(face.id, &mut draw).flatten().is_some()
        });
        if drawn {
            pen.advance(size_px as f32);
        }
        drawn
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn widths_grow_with_text_size_and_weight() {
        let width = |text, size| width_px(text, size, Weight::Regular);
        assert!(width("iiii", 12.0) < width("mmmm", 12.0));
        assert!((width("A minor", 24.0) - 2.0 * width("A minor", 12.0)).abs() < 0.01);
        assert!(width_px("A minor", 12.0, Weight::SemiBold) > width("A minor", 12.0));
        assert!((width("曲", 12.0) - 12.0).abs() < 1e-9);
    }

    #[test]
    fn long_names_keep_both_ends() {
        let name = format!("{}-take-7.flac", "a".repeat(200));
        let short = elided(&name, 28.0, Weight::SemiBold, 400.0);
        assert!(width_px(&short, 28.0, Weight::SemiBold) <= 400.0);
        assert!(short.starts_with("aaa") && short.contains('…') && short.ends_with("-7.flac"));
        assert_eq!(elided("short", 28.0, Weight::Regular, 400.0), "short");
        assert_eq!(elided("日本語の曲名", 28.0, Weight::Regular, 1.0), "…");
    }

    /// The points of outlines, and the place of the pen.
    #[derive(Default)]
    struct Ink {
        points: Vec<(f32, f32)>,
        x: f32,
    }

    impl Pen for Ink {
        fn advance(&mut self, width_px: f32) {
            self.x += width_px;
        }
    }

    impl OutlinePen for Ink {
        fn move_to(&mut self, x: f32, y: f32) {
            self.points.push((self.x + x, y));
        }
        fn line_to(&mut self, x: f32, y: f32) {
            self.move_to(x, y);
        }
        fn quad_to(&mut self, _: f32, _: f32, x: f32, y: f32) {
            self.move_to(x, y);
        }
        fn curve_to(&mut self, _: f32, _: f32, _: f32, _: f32, x: f32, y: f32) {
            self.move_to(x, y);
        }
        fn close(&mut self) {}
    }

    #[test]
    fn text_is_drawn_as_wide_as_it_is_measured_and_stands_on_its_baseline() {
        for text in ["H minor 5A", "Čajkovskij – Щедрин", "x"] {
            let mut ink = Ink::default();
            draw(text, 20.0, Weight::SemiBold, &mut ink);
            let width = width_px(text, 20.0, Weight::SemiBold) as f32;
            assert!((ink.x - width).abs() < 0.01, "{text}: {} of {width}", ink.x);
            let inside = |(x, y): &(f32, f32)| (-1.0..=width + 1.0).contains(x) && *y < 20.0;
            assert!(ink.points.iter().all(inside), "{text}");
            assert!(ink.points.len() > 3, "{text}");
        }
        // A letter that no embedded face has is as wide as it counts.
        let mut ink = Ink::default();
        draw("曲", 20.0, Weight::Regular, &mut ink);
        assert!((ink.x - 20.0).abs() < 0.01 && !ink.points.is_empty());
    }
}
