//! Pictures that many frames share: drawn again when their data, place or zoom changes, otherwise painted
//! as they are.

use egui::{Align2, Color32, CornerRadius, FontId, Painter, Pos2, Shape, vec2};

use crate::text;

/// A line of text that is laid out in every frame: egui moves glyphs within its texture, so text that was
/// laid out in one frame can't be painted in another.
#[derive(Debug, Clone)]
pub(crate) struct Words {
    pub text: String,
    pub font: FontId,
    pub color: Color32,
    pub at: Pos2,
    pub anchor: Align2,
    /// The color of a box behind it.
    pub under: Option<Color32>,
}

/// See the module.
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

/// A probability that can be drawn: within 0 to 1, and 0 for NaN and infinite values.
pub(crate) fn finite(probability: f32) -> f32 {
    if probability.is_finite() {
        probability.clamp(0.0, 1.0)
    } else {
        0.0
    }
}
