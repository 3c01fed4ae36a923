//! Fitting a map: the two leading principal components of centered embeddings.
//!
//! Deterministic: power iteration from a start that the data determine, and a fixed sign.

use super::{Landmark, Map};

/// The fewest windows; fewer span no plane worth showing.
const MIN_POINTS: usize = 8;

/// Margin around the outermost points, as a share of the points' spread.
const MARGIN: f32 = 0.05;

/// Power iteration ends when the direction moves less than this, or after [`MAX_STEPS`].
const SETTLED: f64 = 1e-12;
const MAX_STEPS: usize = 5_000;

/// The data to fit a map on.
#[derive(Debug, Clone)]
pub struct MapData<'a> {
    /// Index of the points' hidden state.
    pub layer: usize,
    /// SHA-256 of the points' graph.
    pub encoder_sha256: &'a str,
    /// Pooled hidden states of windows, `[width]` each.
    pub points: &'a [Vec<f32>],
    /// Labels and their mean hidden states, `[width]` each; they become landmarks.
    pub landmarks: &'a [(String, Vec<f32>)],
    /// A description of the points' music, for the user.
    pub fitted_on: &'a str,
}

/// Why a map can't be fitted.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FitError {
    /// There is too little music.
    #[error(
        "A map needs at least {MIN_POINTS} windows of music, and there are {points}. Give more files, \
         or longer ones."
    )]
    TooFew {
        /// Number of windows.
        points: usize,
    },
    /// The windows are all alike.
    #[error(
        "A map can't be fitted because its windows are all alike. Give files that differ from each \
         other."
    )]
    Flat,
    /// The points differ in length, or hold NaN or infinite values.
    #[error("A map can't be fitted because its embeddings are damaged. Make them again.")]
    Damaged,
}

impl Map {
    /// Fits a map.
    ///
    /// # Errors
    /// [`FitError`].
    pub fn fit(data: &MapData<'_>) -> Result<Self, FitError> {
        let points = data.points;
        if points.len() < MIN_POINTS {
            return Err(FitError::TooFew {
                points: points.len(),
            });
        }
        let width = points[0].len();
        let landmarks = data.landmarks.iter().map(|(_, mean)| mean);
        let damaged =
            |row: &Vec<f32>| row.len() != width || row.iter().any(|value| !value.is_finite());
        if width < 2 || points.iter().chain(landmarks).any(damaged) {
            return Err(FitError::Damaged);
        }
        let mean = mean(points, width);
        let mut covariance = covariance(points, &mean);
        let total: f64 = (0..width).map(|n| covariance[n * width + n]).sum();
        let (first, variance) = leading(&covariance, width).ok_or(FitError::Flat)?;
        for (row, a) in covariance.chunks_exact_mut(width).zip(&first) {
            for (value, b) in row.iter_mut().zip(&first) {
                *value -= variance * a * b;
            }
        }
        // Windows on one line leave nothing across it.
        let (second, across) = leading(&covariance, width)
            .filter(|(_, across)| *across > 1e-9 * variance)
            .ok_or(FitError::Flat)?;
        let floats = |values: &[f64]| values.iter().map(|value| *value as f32).collect();
        let mut map = Self {
            layer: data.layer,
            landmarks: Vec::new(),
            explained_variance: [variance, across].map(|v| (v / total) as f32),
            extent: [[0.0; 2]; 2],
            fitted_on: data.fitted_on.to_owned(),
            encoder_sha256: data.encoder_sha256.to_owned(),
            mean: floats(&mean),
            components: [floats(&first), floats(&second)],
            scale: variance.sqrt() as f32,
        };
        map.landmarks = data
            .landmarks
            .iter()
            .filter_map(|(label, mean)| {
                let at = map.place_values(mean)?;
                let label = label.clone();
                Some(Landmark { label, at })
            })
            .collect();
        let places: Vec<[f32; 2]> = points
            .iter()
            .filter_map(|point| map.place_values(point))
            .chain(map.landmarks.iter().map(|landmark| landmark.at))
            .collect();
        map.extent = extent(&places);
        Ok(map)
    }
}

fn mean(points: &[Vec<f32>], width: usize) -> Vec<f64> {
    let mut mean = vec![0.0; width];
    for point in points {
        for (mean, value) in mean.iter_mut().zip(point) {
            *mean += f64::from(*value) / points.len() as f64;
        }
    }
    mean
}

/// The covariance, `[width, width]`.
fn covariance(points: &[Vec<f32>], mean: &[f64]) -> Vec<f64> {
    let width = mean.len();
    let mut sum = vec![0.0; width * width];
    for point in points {
        let centered: Vec<f64> = point
            .iter()
            .zip(mean)
            .map(|(value, mean)| f64::from(*value) - mean)
            .collect();
        for (row, a) in sum.chunks_exact_mut(width).zip(&centered) {
            for (sum, b) in row.iter_mut().zip(&centered) {
                *sum += a * b;
            }
        }
    }
    sum.iter().map(|sum| sum / points.len() as f64).collect()
}

/// The leading eigenvector of a symmetric `[width, width]` matrix, of length 1 and with a positive
/// largest value, and its eigenvalue; `None` when the matrix is all zeros.
fn leading(matrix: &[f64], width: usize) -> Option<(Vec<f64>, f64)> {
    // The row with the largest diagonal value does not stay orthogonal to the eigenvector.
    let start = (0..width).max_by(|a, b| {
        let diagonal = |n: &usize| matrix[n * width + n];
        diagonal(a).total_cmp(&diagonal(b))
    })?;
    let mut vector = matrix[start * width..][..width].to_vec();
    let mut length = normalize(&mut vector)?;
    for _ in 0..MAX_STEPS {
        let mut next: Vec<f64> = matrix
            .chunks_exact(width)
            .map(|row| row.iter().zip(&vector).map(|(a, b)| a * b).sum())
            .collect();
        length = normalize(&mut next)?;
        let moved: f64 = next.iter().zip(&vector).map(|(a, b)| (a - b).powi(2)).sum();
        vector = next;
        if moved < SETTLED * SETTLED {
            break;
        }
    }
    let largest = vector
        .iter()
        .copied()
        .max_by(|a, b| a.abs().total_cmp(&b.abs()))?;
    if largest < 0.0 {
        vector.iter_mut().for_each(|value| *value = -*value);
    }
    Some((vector, length))
}

/// Scales a vector to length 1 and returns its length before; `None` for a zero vector.
fn normalize(vector: &mut [f64]) -> Option<f64> {
    let length = vector.iter().map(|value| value * value).sum::<f64>().sqrt();
    if length.is_nan() || length <= 1e-12 {
        return None;
    }
    vector.iter_mut().for_each(|value| *value /= length);
    Some(length)
}

/// Lowest and highest coordinates, with a margin.
fn extent(places: &[[f32; 2]]) -> [[f32; 2]; 2] {
    let mut extent = [[f32::INFINITY; 2], [f32::NEG_INFINITY; 2]];
    for axis in 0..2 {
        for place in places {
            extent[0][axis] = extent[0][axis].min(place[axis]);
            extent[1][axis] = extent[1][axis].max(place[axis]);
        }
        let margin = MARGIN * (extent[1][axis] - extent[0][axis]);
        extent[0][axis] -= margin;
        extent[1][axis] += margin;
    }
    extent
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Points that lie 3 wide along one known direction, 1 along another and 0.1 elsewhere.
    fn points() -> Vec<Vec<f32>> {
        let wave = |n: usize, k: f32| (n as f32 * k).sin();
        (0..400)
            .map(|n| {
                let (a, b, c) = (wave(n, 1.7), wave(n, 2.9), wave(n, 0.37));
                // (0.6, 0.8) and (-0.8, 0.6) are at right angles.
                let x = 3.0 * a;
                vec![5.0 + 0.6 * x - 0.8 * b, 0.8 * x + 0.6 * b, 0.1 * c - 1.0]
            })
            .collect()
    }

    fn data(points: &[Vec<f32>]) -> MapData<'_> {
        MapData {
            layer: 1,
            encoder_sha256: "abc",
            points,
            landmarks: &[],
            fitted_on: "waves",
        }
    }

    #[test]
    fn the_directions_of_most_variance_are_found() {
        let points = points();
        let map = Map::fit(&data(&points)).unwrap();
        let near = |a: &[f32], b: &[f32]| a.iter().zip(b).all(|(a, b)| (a - b).abs() < 0.03);
        assert!(near(&map.components[0], &[0.6, 0.8, 0.0]), "{map:?}");
        assert!(near(&map.components[1], &[0.8, -0.6, 0.0]), "{map:?}");
        let [x, y] = map.explained_variance;
        assert!((x - 9.0 / 10.01).abs() < 0.01 && (y - 1.0 / 10.01).abs() < 0.01);
        // The spread along the first direction is 1.
        let spread: f32 = points
            .iter()
            .map(|point| map.place_values(point).unwrap()[0].powi(2))
            .sum::<f32>()
            / points.len() as f32;
        assert!((spread - 1.0).abs() < 1e-3, "{spread}");
    }

    #[test]
    fn landmarks_are_placed_as_windows_are_and_lie_within_the_extent() {
        let points = points();
        let landmarks = [("far".to_owned(), vec![50.0, 40.0, -1.0])];
        let map = Map::fit(&MapData {
            landmarks: &landmarks,
            ..data(&points)
        })
        .unwrap();
        assert_eq!(map.place_values(&landmarks[0].1), Some(map.landmarks[0].at));
        for place in points.iter().map(|point| map.place_values(point).unwrap()) {
            for (axis, value) in place.into_iter().enumerate() {
                assert!(map.extent[0][axis] < value && value < map.extent[1][axis]);
            }
        }
        assert!(map.landmarks[0].at[0] < map.extent[1][0]);
    }

    #[test]
    fn fitting_twice_gives_the_same_bytes_and_they_read_back() {
        let points = points();
        let landmarks = [("“α”".to_owned(), vec![1.0, 2.0, 3.0])];
        let fit = || {
            Map::fit(&MapData {
                landmarks: &landmarks,
                ..data(&points)
            })
            .unwrap()
        };
        let bytes = fit().to_bytes();
        assert_eq!(bytes, fit().to_bytes());
        assert_eq!(super::super::file::parse(&bytes).unwrap(), fit());
    }

    #[test]
    fn points_that_span_no_plane_are_refused() {
        let same = vec![vec![1.0, 2.0, 3.0]; 20];
        assert_eq!(Map::fit(&data(&same)).unwrap_err(), FitError::Flat);
        let line: Vec<Vec<f32>> = (0..20).map(|n| vec![n as f32, 0.0, 0.0]).collect();
        assert_eq!(Map::fit(&data(&line)).unwrap_err(), FitError::Flat);
        let few = &points()[..5];
        assert_eq!(
            Map::fit(&data(few)).unwrap_err(),
            FitError::TooFew { points: 5 }
        );
        let mut broken = points();
        broken[7][1] = f32::NAN;
        assert_eq!(Map::fit(&data(&broken)).unwrap_err(), FitError::Damaged);
    }
}
