//! Rectangles cut in two.

use egui::{Rect, pos2, vec2};

/// The left part, `width` wide, and the rest, with a gap between them.
pub(crate) fn split(rect: Rect, width: f32, gap: f32) -> (Rect, Rect) {
    let width = width.clamp(0.0, rect.width());
    let left = Rect::from_min_size(rect.min, vec2(width, rect.height()));
    let right = Rect::from_min_max(
        pos2((left.right() + gap).min(rect.right()), rect.top()),
        rect.max,
    );
    (left, right)
}

/// The upper part, and the lower part, `below` high, with a gap between them.
pub(crate) fn stack(rect: Rect, below: f32, gap: f32) -> (Rect, Rect) {
    let split = (rect.bottom() - below).max(rect.top());
    let above = rect.with_max_y((split - gap).max(rect.top()));
    (above, rect.with_min_y(split))
}
