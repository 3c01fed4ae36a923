//! The density of the music that the map was fitted on: a soft ground behind the path.

use egui::epaint::{Mesh, Vertex, WHITE_UV};
use egui::{Shape, pos2};
use mertscope_heads::map::Map;

use super::frame::Frame;
use crate::drawing::Drawing;
use crate::theme::Palette;

/// Strength of the densest place: clear of grid and path, and dark enough for names to be read on it.
const STRENGTH: f32 = 0.17;

/// Draws the density, if the map has one.
pub(super) fn density(map: &Map, frame: Frame, palette: &Palette, drawing: &mut Drawing) {
    let Some(density) = &map.density else { return };
    let (low, high) = (map.extent[0], map.extent[1]);
    let (Some(bottom_left), Some(top_right)) = (frame.pos(low), frame.pos(high)) else {
        return;
    };
    let side = density.side();
    let step = (top_right - bottom_left) / side as f32;
    let mut mesh = Mesh::default();
    // A vertex in the middle of each cell; the screen interpolates between them.
    for (n, cell) in density.cells().iter().enumerate() {
        let (column, row) = (n % side, n / side);
        let is_inside = |at: usize| at > 0 && at + 1 < side;
        // The outermost cells fade out, so that the map has no edge.
        let strength = if is_inside(column) && is_inside(row) {
            STRENGTH * cell.powf(0.7)
        } else {
            0.0
        };
        mesh.vertices.push(Vertex {
            pos: pos2(
                bottom_left.x + (column as f32 + 0.5) * step.x,
                bottom_left.y + (row as f32 + 0.5) * step.y,
            ),
            uv: WHITE_UV,
            color: palette.text.gamma_multiply(strength),
        });
    }
    for (row, column) in (1..side).flat_map(|row| (1..side).map(move |column| (row, column))) {
        let at = (row * side + column) as u32;
        let (left, below) = (at - 1, at - side as u32);
        mesh.add_triangle(below - 1, below, at);
        mesh.add_triangle(below - 1, at, left);
    }
    drawing.shapes.push(Shape::mesh(mesh));
}
