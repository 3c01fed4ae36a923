//! The geometry of the circle of fifths: two rings of twelve keys.

use std::f32::consts::TAU;
use std::ops::RangeInclusive;

use egui::{Color32, Pos2, Rect, Shape, Stroke, vec2};
use mertscope_music::{Key, Mode};

/// Radii of the rings, as shares of the outer radius: the majors' outside and inside, the minors'
/// outside and inside.
const RINGS: [f32; 4] = [0.95, 0.755, 0.74, 0.54];
/// Points on the arc of a sector, a twelfth of a ring.
const ARC_POINTS: usize = 12;
/// Space between two keys, in points.
const GAP: f32 = 1.5;

/// The circle's place on the screen.
#[derive(Debug, Clone, Copy)]
pub(super) struct Circle {
    pub(super) center: Pos2,
    pub(super) radius: f32,
}

impl Circle {
    /// The largest circle in the middle of `rect`.
    pub(super) fn inside(rect: Rect) -> Self {
        Self {
            center: rect.center(),
            radius: rect.width().min(rect.height()) / 2.0,
        }
    }

    /// Inner and outer radius of the ring that a key is in.
    pub(super) fn ring(self, mode: Mode) -> (f32, f32) {
        let [major_out, major_in, minor_out, minor_in] = RINGS.map(|share| share * self.radius);
        match mode {
            Mode::Major => (major_in, major_out),
            Mode::Minor => (minor_in, minor_out),
        }
    }

    /// The radius of the hole in the middle.
    pub(super) fn hole(self) -> f32 {
        self.radius * RINGS[3]
    }

    /// The place at a radius, so many turns clockwise from the top.
    pub(super) fn at(self, radius: f32, turn: f32) -> Pos2 {
        let (sin, cos) = (turn * TAU).sin_cos();
        self.center + vec2(sin, -cos) * radius
    }

    /// A twelfth of a ring between two radii, as a thick line, which egui draws with smooth edges.
    pub(super) fn sector(self, key: Key, radii: (f32, f32), fill: Color32) -> Shape {
        self.part(key, radii, 0.0..=1.0, fill)
    }

    /// A twelfth of a ring as three dashes.
    pub(super) fn dashes(self, key: Key, radii: (f32, f32), fill: Color32) -> [Shape; 3] {
        [0.0, 0.38, 0.76].map(|from| self.part(key, radii, from..=from + 0.24, fill))
    }

    /// The share of a twelfth of a ring between two radii.
    fn part(
        self,
        key: Key,
        (inner, outer): (f32, f32),
        share: RangeInclusive<f32>,
        fill: Color32,
    ) -> Shape {
        let radius = (inner + outer) / 2.0;
        let inset = GAP / 2.0 / radius.max(1.0) / TAU;
        let begin = (key.fifths() as f32 - 0.5) / 12.0 + inset;
        let length = 1.0 / 12.0 - 2.0 * inset;
        let point = |i: usize| {
            let along = egui::lerp(share.clone(), i as f32 / (ARC_POINTS - 1) as f32);
            self.at(radius, begin + length * along)
        };
        Shape::line(
            (0..ARC_POINTS).map(point).collect(),
            Stroke::new(outer - inner, fill),
        )
    }

    /// The key that is drawn at a place.
    pub(super) fn key_at(self, pos: Pos2) -> Option<Key> {
        let from_center = pos - self.center;
        let radius = from_center.length();
        let turn = from_center.x.atan2(-from_center.y) / TAU;
        let hour = (turn * 12.0).round().rem_euclid(12.0) as usize;
        let mode = [Mode::Major, Mode::Minor].into_iter().find(|mode| {
            let (inner, outer) = self.ring(*mode);
            (inner..=outer).contains(&radius)
        })?;
        Key::all().find(|key| key.mode() == mode && key.fifths() == hour)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use egui::pos2;

    #[test]
    fn every_key_is_found_at_its_place() {
        let rect = Rect::from_min_size(pos2(10.0, 20.0), vec2(300.0, 260.0));
        let circle = Circle::inside(rect);
        for key in Key::all() {
            let (inner, outer) = circle.ring(key.mode());
            let at = circle.at((inner + outer) / 2.0, key.fifths() as f32 / 12.0);
            assert_eq!(circle.key_at(at), Some(key));
            assert!(rect.contains(at));
        }
        assert_eq!(circle.key_at(circle.center), None);
    }
}
