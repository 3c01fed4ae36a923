//! The density of a map's music: a square grid over the map's extent, smoothed, for views to draw behind the path.

/// Cells along each axis of a fitted density.
const SIDE: usize = 40;

/// Width of the Gaussian that smooths it, in cells.
const SMOOTHING_CELLS: f32 = 1.6;

/// Cells along each axis that a file may have.
const MAX_SIDE: usize = 256;

/// How dense music lies on a map, on a square grid over its extent.
#[derive(Debug, Clone, PartialEq)]
pub struct Density {
    side: usize,
    /// `[side, side]`, rows from low to high `y`, 0 to 1.
    cells: Vec<f32>,
}

impl Density {
    /// A density of `[side, side]` cells; `None` for another number of cells, for values beyond 0 to 1, and for a
    /// grid that is too small or too large to draw.
    pub(super) fn new(side: usize, cells: Vec<f32>) -> Option<Self> {
        let is_square = (2..=MAX_SIDE).contains(&side) && cells.len() == side * side;
        let are_shares = cells.iter().all(|cell| (0.0..=1.0).contains(cell));
        (is_square && are_shares).then_some(Self { side, cells })
    }

    /// The density of some places `[x, y]` within an extent; its densest cell is 1.
    pub(super) fn of(places: &[[f32; 2]], extent: [[f32; 2]; 2]) -> Self {
        let mut cells = vec![0.0f32; SIDE * SIDE];
        let cell = |place: &[f32; 2], axis: usize| {
            let share = (place[axis] - extent[0][axis]) / (extent[1][axis] - extent[0][axis]);
            ((share * SIDE as f32) as usize).min(SIDE - 1)
        };
        for place in places {
            cells[cell(place, 1) * SIDE + cell(place, 0)] += 1.0;
        }
        let cells = smoothed(&transposed(&smoothed(&cells)));
        let cells = transposed(&cells);
        let densest = cells.iter().copied().fold(f32::MIN_POSITIVE, f32::max);
        Self {
            side: SIDE,
            cells: cells.iter().map(|cell| cell / densest).collect(),
        }
    }

    /// Cells along each axis.
    #[must_use]
    pub const fn side(&self) -> usize {
        self.side
    }

    /// All cells, `[side, side]`, rows from low to high `y`; the densest is 1.
    #[must_use]
    pub fn cells(&self) -> &[f32] {
        &self.cells
    }
}

/// A grid of [`SIDE`] smoothed along its rows by a Gaussian, which ends at the grid's edge.
fn smoothed(cells: &[f32]) -> Vec<f32> {
    let weight = |apart: usize| (-0.5 * (apart as f32 / SMOOTHING_CELLS).powi(2)).exp();
    let row = |row: &[f32]| -> Vec<f32> {
        let at = |to: usize| {
            let from = row.iter().enumerate();
            from.map(|(from, value)| value * weight(from.abs_diff(to)))
                .sum()
        };
        (0..SIDE).map(at).collect()
    };
    cells.chunks_exact(SIDE).flat_map(row).collect()
}

/// A grid of [`SIDE`] with rows and columns exchanged.
fn transposed(cells: &[f32]) -> Vec<f32> {
    let at = |n: usize| cells[n % SIDE * SIDE + n / SIDE];
    (0..SIDE * SIDE).map(at).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_count_where_they_lie_and_rows_rise_with_y() {
        // Many places in the upper left, one in the lower right.
        let mut places = vec![[-0.91, 0.91]; 30];
        places.push([0.91, -0.91]);
        let density = Density::of(&places, [[-1.0; 2], [1.0; 2]]);
        let at = |x: usize, y: usize| density.cells()[y * density.side() + x];
        let (low, high) = (1, SIDE - 2);
        assert!((at(low, high) - 1.0).abs() < 1e-6, "the densest cell is 1");
        assert!((at(high, low) - 1.0 / 30.0).abs() < 1e-3);
        assert!(at(low, low) < 1e-6 && at(SIDE / 2, SIDE / 2) < 1e-6);
    }

    #[test]
    fn a_grid_that_can_not_be_drawn_is_refused() {
        assert!(Density::new(2, vec![0.0, 0.5, 1.0, 0.25]).is_some());
        assert!(Density::new(2, vec![0.0, 0.5, 1.5, 0.25]).is_none());
        assert!(Density::new(3, vec![0.0; 4]).is_none());
        assert!(Density::new(1, vec![0.0]).is_none());
        assert!(Density::new(MAX_SIDE + 1, vec![0.0; (MAX_SIDE + 1).pow(2)]).is_none());
    }
}
