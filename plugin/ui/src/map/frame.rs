//! The map's coordinates on the screen.

use egui::{Align2, Pos2, Rect, Vec2, vec2};
use mertscope_heads::map::Map;

/// The places of a name around its point, best first: on the right, on the left, below, above. Offsets are in
/// points.
const SIDES: [(Vec2, Align2); 4] = [
    (vec2(9.0, 0.0), Align2::LEFT_CENTER),
    (vec2(-9.0, 0.0), Align2::RIGHT_CENTER),
    (vec2(0.0, 8.0), Align2::CENTER_TOP),
    (vec2(0.0, -8.0), Align2::CENTER_BOTTOM),
];

/// From places of the map to places on the screen.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Frame {
    pub(super) rect: Rect,
    pub(super) center: [f32; 2],
    /// Points per unit of the map.
    pub(super) scale: f32,
}

impl Frame {
    /// The map's extent in `rect`, both axes to the same scale, moved and enlarged by `zoom`.
    pub(super) fn new(map: &Map, rect: Rect, zoom: MapZoom) -> Self {
        let [low, high] = map.extent;
        let size = vec2((high[0] - low[0]).max(1e-6), (high[1] - low[1]).max(1e-6));
        let room = rect.shrink(12.0).size().max(Vec2::splat(1.0));
        let fit = (room.x / size.x).min(room.y / size.y);
        Self {
            rect,
            center: [
                (low[0] + high[0]) / 2.0 + zoom.pan.x,
                (low[1] + high[1]) / 2.0 + zoom.pan.y,
            ],
            scale: fit * zoom.factor,
        }
    }

    /// A place of the map on the screen; `None` for NaN and infinite coordinates.
    pub(super) fn pos(&self, at: [f32; 2]) -> Option<Pos2> {
        let offset = vec2(at[0] - self.center[0], self.center[1] - at[1]) * self.scale;
        offset.is_finite().then(|| self.rect.center() + offset)
    }

    /// The best place for a name of this size around `at`, inside the frame and clear of everything that is
    /// `taken`: where it is anchored, how, and the room that it takes.
    pub(super) fn free_place(
        &self,
        at: Pos2,
        size: Vec2,
        taken: &[Rect],
    ) -> Option<(Pos2, Align2, Rect)> {
        SIDES.into_iter().find_map(|(offset, anchor)| {
            let place = anchor.anchor_size(at + offset, size);
            let is_free = self.rect.contains_rect(place)
                && !taken.iter().any(|other| other.intersects(place));
            is_free.then_some((at + offset, anchor, place))
        })
    }
}

/// How far the map is moved and enlarged.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct MapZoom {
    pub(super) factor: f32,
    /// From the middle of the map's extent to the place in the middle of the screen, in units of the map.
    pub(super) pan: Vec2,
}

impl Default for MapZoom {
    fn default() -> Self {
        Self {
            factor: 1.0,
            pan: Vec2::ZERO,
        }
    }
}
