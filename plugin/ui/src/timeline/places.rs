//! The places of the timeline's lanes and its clock.

use egui::{Rect, pos2};

/// Height of the clock below the lanes, in points.
const CLOCK_HEIGHT: f32 = 18.0;
/// Greatest height of the key's lane, in points.
const HIGHEST_KEYS: f32 = 72.0;
/// Least height of the distances' lane, in points; with less room there is none.
const LEAST_DISTANCES: f32 = 20.0;
/// Greatest height of the distances' lane, in points.
const HIGHEST_DISTANCES: f32 = 84.0;
/// Height of the lane of a head that reads frames, in points.
const RIBBON: f32 = 18.0;
/// Space between the lanes, in points.
const LANE_GAP: f32 = 4.0;

/// See the module.
pub(super) struct Places {
    pub(super) keys: Rect,
    pub(super) labels: Rect,
    /// Of heads that read frames.
    pub(super) ribbons: Vec<Rect>,
    /// Empty without references.
    pub(super) distances: Rect,
    pub(super) clock: Rect,
}

impl Places {
    /// The places in `rect`, with lanes for at most `ribbons` heads that read frames.
    pub(super) fn inside(rect: Rect, ribbons: usize, with_distances: bool) -> Self {
        let clock = Rect::from_min_max(pos2(rect.left(), rect.bottom() - CLOCK_HEIGHT), rect.max);
        let mut lanes = rect.with_max_y(clock.top() - 3.0);
        let mut distances = lanes.with_min_y(lanes.bottom());
        let wanted = (lanes.height() * 0.25).min(HIGHEST_DISTANCES);
        if with_distances && wanted >= LEAST_DISTANCES {
            distances.min.y -= wanted;
            lanes.max.y = distances.top() - LANE_GAP;
        }
        let mut places = Vec::new();
        for _ in 0..ribbons {
            let top = lanes.bottom() - RIBBON;
            // Key and genre keep most of the height.
            if top - LANE_GAP < rect.center().y {
                break;
            }
            places.push(lanes.with_min_y(top));
            lanes.max.y = top - LANE_GAP;
        }
        let split = lanes.top() + ((lanes.height() - LANE_GAP) * 0.36).clamp(0.0, HIGHEST_KEYS);
        Self {
            keys: lanes.with_max_y(split),
            labels: lanes.with_min_y(split + LANE_GAP),
            ribbons: places,
            distances,
            clock,
        }
    }

    /// The smallest place that holds all lanes.
    pub(super) fn lanes(&self) -> Rect {
        let lanes = self
            .ribbons
            .iter()
            .fold(self.keys, |all, one| all.union(*one));
        lanes.union(self.labels).union(self.distances)
    }
}
