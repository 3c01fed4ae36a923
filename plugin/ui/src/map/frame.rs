//! The map's coordinates on the screen.

use egui::{Pos2, Rect, Vec2, vec2};
use mertscope_heads::map::Map;

/// Where the map's places are on the screen.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Frame {
    pub(super) rect: Rect,
    pub(super) center: [f32; 2],
    /// Points a unit of the map.
    pub(super) scale: f32,
}

impl Frame {
    /// The map's extent in `rect`, both axes to the same scale, moved and enlarged.
    pub(super) fn new(map: &Map, rect: Rect, view: View) -> Self {
        let [low, high] = map.extent;
        let size = vec2((high[0] - low[0]).max(1e-6), (high[1] - low[1]).max(1e-6));
        let room = rect.shrink(12.0).size().max(Vec2::splat(1.0));
        let fit = (room.x / size.x).min(room.y / size.y);
        Self {
            rect,
            center: [
                (low[0] + high[0]) / 2.0 + view.pan.x,
                (low[1] + high[1]) / 2.0 + view.pan.y,
            ],
            scale: fit * view.zoom,
        }
    }

    /// Where a place of the map is; none for what is no number.
    pub(super) fn pos(&self, at: [f32; 2]) -> Option<Pos2> {
        let offset = vec2(at[0] - self.center[0], self.center[1] - at[1]) * self.scale;
        offset.is_finite().then(|| self.rect.center() + offset)
    }
}

/// How far the map is moved and enlarged.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct View {
    pub(super) zoom: f32,
    /// What lies in the middle, from the middle of the map's extent, in the map's units.
    pub(super) pan: Vec2,
}

impl Default for View {
    fn default() -> Self {
        Self {
            zoom: 1.0,
            pan: Vec2::ZERO,
        }
    }
}
