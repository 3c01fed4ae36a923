//! Fitting a map: its directions, its landmarks, its extent and its density.

use super::density::Density;
use super::directions::Centered;
use super::{Directions, Landmark, Map};

/// The fewest windows; fewer span no plane worth showing.
const MIN_POINTS: usize = 8;

/// Margin around the outermost points, as a share of the points' spread.
const MARGIN: f32 = 0.05;

/// The distance that far-off places approach, in spreads of the music along an axis. Music within one spread keeps nine
/// tenths of its distance; without it a few far-off windows would press all others into the middle.
const REACH: f32 = 2.0;

/// The data to fit a map on.
#[derive(Debug, Clone)]
pub struct MapData<'a> {
    /// Index of the points' hidden state.
    pub layer: usize,
    /// SHA-256 of the points' graph.
    pub encoder_sha256: &'a str,
    /// Pooled hidden states of windows, `[width]` each.
    pub points: &'a [Vec<f32>],
    /// The label of each point, an index of `landmarks`; empty for music without labels.
    pub labels: &'a [Option<usize>],
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
    /// The points differ in length, hold NaN or infinite values, or have other labels than the landmarks.
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
        check(data)?;
        let mean = mean(points, points[0].len());
        let plane = Centered::new(points, &mean).plane(data.labels);
        let plane = plane.ok_or(FitError::Flat)?;
        let several = data.labels.iter().flatten().min() != data.labels.iter().flatten().max();
        let floats = |values: &[f64]| values.iter().map(|value| *value as f32).collect();
        let mut map = Self {
            layer: data.layer,
            landmarks: Vec::new(),
            directions: if several {
                Directions::Labels
            } else {
                Directions::Variance
            },
            explained_variance: plane.explained.map(|share| share as f32),
            extent: [[0.0; 2]; 2],
            fitted_on: data.fitted_on.to_owned(),
            encoder_sha256: data.encoder_sha256.to_owned(),
            density: None,
            mean: floats(&mean),
            components: plane.components.map(|component| floats(&component)),
            scale: 1.0,
            reach: Some(REACH),
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
        let mut places: Vec<[f32; 2]> = points
            .iter()
            .filter_map(|point| map.place_values(point))
            .collect();
        let music = places.len();
        places.extend(map.landmarks.iter().map(|landmark| landmark.at));
        map.extent = extent(&places);
        map.density = Some(Density::of(&places[..music], map.extent));
        Ok(map)
    }
}

fn check(data: &MapData<'_>) -> Result<(), FitError> {
    let points = data.points;
    if points.len() < MIN_POINTS {
        return Err(FitError::TooFew {
            points: points.len(),
        });
    }
    let width = points[0].len();
    let landmarks = data.landmarks.iter().map(|(_, mean)| mean);
    let damaged = |row: &Vec<f32>| row.len() != width || row.iter().any(|value| !value.is_finite());
    let mut labels = data.labels.iter().flatten();
    let other_labels = !data.labels.is_empty() && data.labels.len() != points.len()
        || labels.any(|label| *label >= data.landmarks.len());
    if width < 2 || other_labels || points.iter().chain(landmarks).any(damaged) {
        return Err(FitError::Damaged);
    }
    Ok(())
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
            labels: &[],
            landmarks: &[],
            fitted_on: "waves",
        }
    }

    #[test]
    fn the_directions_of_most_variance_are_found() {
        let points = points();
        let map = Map::fit(&data(&points)).unwrap();
        assert_eq!(map.directions, Directions::Variance);
        let near = |a: &[f32], b: &[f32]| a.iter().zip(b).all(|(a, b)| (a - b).abs() < 0.03);
        let [first, second] = map.components.each_ref().map(|component| {
            let length = component.iter().map(|c| c * c).sum::<f32>().sqrt();
            component.iter().map(|c| c / length).collect::<Vec<f32>>()
        });
        assert!(near(&first, &[0.6, 0.8, 0.0]), "{map:?}");
        assert!(near(&second, &[0.8, -0.6, 0.0]), "{map:?}");
        let [x, y] = map.explained_variance;
        assert!((x - 9.0 / 10.01).abs() < 0.01 && (y - 1.0 / 10.01).abs() < 0.01);
        // The spread along both directions is 1 before far-off places are drawn in.
        let straight = Map { reach: None, ..map };
        for axis in 0..2 {
            let places = points.iter().map(|p| straight.place_values(p).unwrap());
            let spread = places.map(|at| at[axis].powi(2)).sum::<f32>() / points.len() as f32;
            assert!((spread - 1.0).abs() < 1e-3, "{spread}");
        }
    }

    /// Points, the label of each, and landmarks.
    type LabeledPoints = (Vec<Vec<f32>>, Vec<Option<usize>>, Vec<(String, Vec<f32>)>);

    /// Three labels that differ by 1 in two coordinates, beside two that vary by 10 and 7 and say nothing.
    fn labeled() -> LabeledPoints {
        let centers = [[0.0, 0.0], [1.0, 0.0], [0.0, 1.0]];
        let wave = |n: usize, k: f32| (n as f32 * k).sin();
        let points: Vec<Vec<f32>> = (0..300)
            .map(|n| {
                let [x, y] = centers[n % 3];
                let loud = [10.0 * wave(n, 0.77), 7.0 * wave(n, 0.41)];
                vec![
                    x + 0.1 * wave(n, 1.3),
                    y + 0.1 * wave(n, 2.1),
                    loud[0],
                    loud[1],
                ]
            })
            .collect();
        let landmarks = ["a", "b", "c"].iter().zip(centers);
        let landmarks = landmarks
            .map(|(label, [x, y])| ((*label).to_owned(), vec![x, y, 0.0, 0.0]))
            .collect();
        (points, (0..300).map(|n| Some(n % 3)).collect(), landmarks)
    }

    #[test]
    fn labels_are_set_apart_whatever_varies_most() {
        let (points, labels, landmarks) = labeled();
        let data = |labels| MapData {
            labels,
            landmarks: &landmarks,
            ..data(&points)
        };
        let nearest = |map: &Map| {
            let is_own = |(n, point): (usize, &Vec<f32>)| {
                let at = map.place_values(point).unwrap();
                let distance = |l: &Landmark| (l.at[0] - at[0]).hypot(l.at[1] - at[1]);
                let own = distance(&map.landmarks[n % 3]);
                map.landmarks.iter().all(|l| distance(l) >= own)
            };
            points.iter().enumerate().filter(|p| is_own(*p)).count()
        };
        let map = Map::fit(&data(&labels)).unwrap();
        assert_eq!(map.directions, Directions::Labels);
        assert_eq!(nearest(&map), points.len());
        let by_variance = Map::fit(&data(&[])).unwrap();
        assert!(nearest(&by_variance) < points.len() * 3 / 4);
        // Labels that are no label, and labels of other points.
        let beyond = vec![Some(3); points.len()];
        assert_eq!(Map::fit(&data(&beyond)).unwrap_err(), FitError::Damaged);
        assert_eq!(
            Map::fit(&data(&labels[1..])).unwrap_err(),
            FitError::Damaged
        );
    }

    #[test]
    fn two_labels_and_fewer_windows_than_dimensions_span_a_plane() {
        let wave = |n: usize, k: usize| ((n * 37 + k * 11) as f32 * 0.73).sin();
        let points: Vec<Vec<f32>> = (0..12)
            .map(|n| (0..40).map(|k| (n % 2) as f32 + wave(n, k)).collect())
            .collect();
        let landmarks = ["a", "b"].map(|l| (l.to_owned(), points[0].clone()));
        let labels: Vec<Option<usize>> = (0..12).map(|n| Some(n % 2)).collect();
        let map = Map::fit(&MapData {
            labels: &labels,
            landmarks: &landmarks,
            ..data(&points)
        })
        .unwrap();
        let places: Vec<[f32; 2]> = points
            .iter()
            .map(|p| map.place_values(p).unwrap())
            .collect();
        let low = |x: &[f32; 2]| x[0] < 0.0;
        let first = low(&places[0]);
        assert!(
            places
                .iter()
                .enumerate()
                .all(|(n, at)| low(at) == (first == (n % 2 == 0)))
        );
        assert!(places.iter().any(|at| at[1] > 0.5) && places.iter().any(|at| at[1] < -0.5));
    }

    #[test]
    fn far_off_music_stays_in_reach_and_keeps_its_side() {
        let points = points();
        let map = Map::fit(&data(&points)).unwrap();
        let far = map.place_values(&[6_000.0, 8_000.0, -1.0]).unwrap();
        assert!(far[0] > 1.9 && far[0] <= REACH, "{far:?}");
        let cells = map.density.as_ref().unwrap().cells();
        assert!(cells.contains(&1.0), "{cells:?}");
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
