//! The plots' typeface, Inter in two embedded weights, and the width of its text.
//!
//! Widths are sums of advances, without kerning: exact enough to decide what fits.

use mertscope_assets::{INTER_REGULAR, INTER_SEMI_BOLD};
use skrifa::instance::{LocationRef, Size};
use skrifa::{FontRef, MetadataProvider};

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

/// Whether the face has every character of `text`.
pub(crate) fn covers(text: &str, weight: Weight) -> bool {
    FontRef::new(weight.bytes()).is_ok_and(|font| {
        let charmap = font.charmap();
        text.chars().all(|c| charmap.map(c).is_some())
    })
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
}
