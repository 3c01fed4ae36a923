//! Pictures that many frames share: made when their data, place or zoom changes, painted as they are
//! otherwise.

use egui::{Align2, Color32, CornerRadius, FontId, Painter, Pos2, Shape, vec2};

use crate::text;

/// A line of text to be written in every frame: egui moves glyphs about in its texture, so what was
/// laid out in one frame may not be drawn in another.
#[derive(Debug, Clone)]
pub(crate) struct Words {
    pub text: String,
    pub font: FontId,
    pub color: Color32,
    pub at: Pos2,
    pub anchor: Align2,
    /// Filled behind it.
    pub under: Option<Color32>,
}

/// What many frames share.
#[derive(Debug, Clone, Default)]
pub(crate) struct Drawing {
    pub shapes: Vec<Shape>,
    pub words: Vec<Words>,
}

impl Drawing {
    pub(crate) fn paint(&self, painter: &Painter) {
        painter.extend(self.shapes.iter().cloned());
        for words in &self.words {
            let galley = text::figures(painter, &words.text, &words.font, words.color);
            let rect = words.anchor.anchor_size(words.at, galley.size());
            if let Some(under) = words.under {
                painter.rect_filled(rect.expand2(vec2(4.0, 1.0)), CornerRadius::same(3), under);
            }
            painter.galley(rect.min, galley, words.color);
        }
    }
}

/// A probability that can be drawn: 0 to 1, 0 for what is no number.
pub(crate) fn finite(probability: f32) -> f32 {
    if probability.is_finite() {
        probability.clamp(0.0, 1.0)
    } else {
        0.0
    }
}
