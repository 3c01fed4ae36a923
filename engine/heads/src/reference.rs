//! References: music to compare with, stored as a path on the map and a mean embedding.
//!
//! A reference holds no audio. Its numbers are in half precision, so that eight references take at most
//! a few hundred kilobytes of a project.

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::compact::{self, rounded};
use crate::map::Map;
use crate::mean::mean_of_vectors;
use mertscope_model::HiddenStates;

/// The most references of a stream.
pub const MAX_REFERENCES: usize = 8;
/// The most points of a path; a longer path is thinned out.
const MAX_POINTS: usize = 256;

/// A piece of music to compare with.
///
/// ```
/// use mertscope_heads::reference::{Reference, ReferenceSource};
///
/// let reference = |name, windows: &[Vec<f32>]| {
///     let source = ReferenceSource {
///         name,
///         color: [200, 120, 40],
///         sha256: None,
///         encoder_sha256: "abc",
///         layer: 4,
///         windows,
///         further: &[],
///     };
///     Reference::new(&source, None).ok_or("there are no windows")
/// };
/// let mix = reference("mix", &[vec![3.0, 0.0], vec![5.0, 0.0]])?;
/// assert_eq!(mix.distance(&[7.0, 0.0], None), Some(0.0));
/// let other = reference("other", &[vec![0.0, 1.0]])?;
/// assert_eq!(mix.distance_to(&other, None), Some(1.0));
/// # Ok::<(), &str>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Reference {
    /// Its identifier among others: the start of `source_sha256`.
    pub id: String,
    /// The user's name for it.
    pub name: String,
    /// Its color in the views, `[red, green, blue]`.
    #[serde(rename = "colour")]
    pub color: [u8; 3],
    /// SHA-256 of its file, or of its windows when they were captured.
    pub source_sha256: String,
    /// [`Model::sha256`](mertscope_model::Model::sha256) of its model.
    pub encoder_sha256: String,
    /// Index of the compared hidden state.
    pub layer: usize,
    #[serde(with = "compact")]
    centroid: Vec<f32>,
    /// `x` and `y` in turn.
    #[serde(with = "compact")]
    path: Vec<f32>,
    /// Means of further hidden states, for distances layer by layer.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    further: Vec<FurtherLayer>,
}

/// The mean of a hidden state other than the compared one.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct FurtherLayer {
    layer: usize,
    #[serde(with = "compact")]
    centroid: Vec<f32>,
}

/// The material of a reference.
#[derive(Debug, Clone)]
pub struct ReferenceSource<'a> {
    /// The user's name for it.
    pub name: &'a str,
    /// Its color in the views, `[red, green, blue]`.
    pub color: [u8; 3],
    /// SHA-256 of the file; `None` for captured windows, which are hashed themselves.
    pub sha256: Option<&'a str>,
    /// [`Model::sha256`](mertscope_model::Model::sha256) of the model.
    pub encoder_sha256: &'a str,
    /// Index of the compared hidden state.
    pub layer: usize,
    /// Pooled hidden states of the layer, `[width]` each, in order.
    pub windows: &'a [Vec<f32>],
    /// Means of further layers over the same windows, `[width]` each, by layer.
    pub further: &'a [(usize, Vec<f32>)],
}

impl Reference {
    /// Makes a reference; `None` without windows, and for windows of different widths.
    #[must_use]
    pub fn new(source: &ReferenceSource<'_>, map: Option<&Map>) -> Option<Self> {
        let windows = source.windows;
        let width = windows.first()?.len();
        if windows.iter().any(|window| window.len() != width) {
            return None;
        }
        let places: Vec<[f32; 2]> = map.map_or_else(Vec::new, |map| {
            let places = windows.iter().filter_map(|window| map.place_values(window));
            places.map(|place| place.map(rounded)).collect()
        });
        let stored = places.len().min(MAX_POINTS);
        let source_sha256 = source.sha256.map_or_else(|| hash(windows), str::to_owned);
        Some(Self {
            id: source_sha256.get(..16).unwrap_or(&source_sha256).to_owned(),
            name: source.name.to_owned(),
            color: source.color,
            source_sha256,
            encoder_sha256: source.encoder_sha256.to_owned(),
            layer: source.layer,
            centroid: rounded_all(&mean_of_vectors(windows.iter().map(Vec::as_slice))),
            path: (0..stored)
                .flat_map(|n| places[n * places.len() / stored])
                .collect(),
            further: source
                .further
                .iter()
                .map(|(layer, mean)| FurtherLayer {
                    layer: *layer,
                    centroid: rounded_all(mean),
                })
                .collect(),
        })
    }

    /// Its path on the map, at most 256 points `[x, y]`.
    pub fn path(&self) -> impl Iterator<Item = [f32; 2]> {
        self.path.chunks_exact(2).map(|point| [point[0], point[1]])
    }

    /// The mean point `[x, y]` of its path; `None` without a path.
    #[must_use]
    pub fn place(&self) -> Option<[f32; 2]> {
        let count = self.path.len() / 2;
        let sum = self
            .path()
            .fold([0.0; 2], |sum, p| [sum[0] + p[0], sum[1] + p[1]]);
        (count > 0).then(|| sum.map(|sum| sum / count as f32))
    }

    /// Cosine distance of a pooled hidden state of its layer, `[width]`, to its mean: 0 alike, 1
    /// unrelated, 2 opposite. With a map of the layer, the mean of the map's music is subtracted from
    /// both first, since all embeddings share a large part that distinguishes nothing. `None` for
    /// another width.
    #[must_use]
    pub fn distance(&self, values: &[f32], map: Option<&Map>) -> Option<f32> {
        cosine_distance(&self.centroid, values, self.origin(map))
    }

    /// Cosine distances of a window's pooled hidden states to its means, by layer. The compared layer has
    /// [`Reference::distance`]; for the others nothing is subtracted.
    #[must_use]
    pub fn distances(&self, hidden: &HiddenStates, map: Option<&Map>) -> Vec<(usize, f32)> {
        let compared = self.distance(&hidden.pooled_layer(self.layer), map);
        let further = self.further.iter().filter_map(|further| {
            let values = hidden.pooled_layer(further.layer);
            let distance = cosine_distance(&further.centroid, &values, None)?;
            Some((further.layer, distance))
        });
        let mut all: Vec<(usize, f32)> = further.collect();
        all.extend(compared.map(|distance| (self.layer, distance)));
        all.sort_by_key(|(layer, _)| *layer);
        all
    }

    /// Cosine distance of two references, as [`Reference::distance`]; `None` for different models or
    /// layers.
    #[must_use]
    pub fn distance_to(&self, other: &Self, map: Option<&Map>) -> Option<f32> {
        let alike = self.encoder_sha256 == other.encoder_sha256 && self.layer == other.layer;
        alike.then(|| self.distance(&other.centroid, map))?
    }

    fn origin<'a>(&self, map: Option<&'a Map>) -> Option<&'a [f32]> {
        let map = map.filter(|map| map.layer == self.layer);
        map.map(|map| map.mean.as_slice())
    }
}

fn rounded_all(values: &[f32]) -> Vec<f32> {
    values.iter().map(|value| rounded(*value)).collect()
}

fn cosine_distance(a: &[f32], b: &[f32], origin: Option<&[f32]>) -> Option<f32> {
    if a.len() != b.len() {
        return None;
    }
    let (mut ab, mut aa, mut bb) = (0.0, 0.0, 0.0);
    for (n, (a, b)) in a.iter().zip(b).enumerate() {
        let from = origin
            .and_then(|origin| origin.get(n))
            .copied()
            .unwrap_or_default();
        // The window is rounded as the reference is, so that equal audio has distance 0.
        let (a, b) = (f64::from(a - from), f64::from(rounded(*b) - from));
        ab += a * b;
        aa += a * a;
        bb += b * b;
    }
    let lengths = (aa * bb).sqrt();
    (lengths > 0.0).then(|| (1.0 - ab / lengths).clamp(0.0, 2.0) as f32)
}

fn hash(windows: &[Vec<f32>]) -> String {
    let mut hash = Sha256::new();
    for value in windows.iter().flatten() {
        hash.update(value.to_le_bytes());
    }
    hash.finalize()
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reference(windows: &[Vec<f32>]) -> Reference {
        let source = ReferenceSource {
            name: "“mix”",
            color: [1, 2, 3],
            sha256: None,
            encoder_sha256: "abc",
            layer: 4,
            windows,
            further: &[],
        };
        Reference::new(&source, None).unwrap()
    }

    #[test]
    fn distances_are_those_of_the_angle() {
        let a = reference(&[vec![3.0, 0.0]]);
        let distance = |values: &[f32]| a.distance(values, None).unwrap();
        assert!(distance(&[5.0, 0.0]).abs() < 1e-6);
        assert!((distance(&[0.0, 7.0]) - 1.0).abs() < 1e-6);
        assert!((distance(&[-1.0, 0.0]) - 2.0).abs() < 1e-6);
        assert_eq!(a.distance(&[1.0], None), None);
        assert_eq!(a.distance(&[0.0, 0.0], None), None);
        let b = reference(&[vec![0.0, 1.0]]);
        assert!((a.distance_to(&b, None).unwrap() - 1.0).abs() < 1e-6);
    }

    #[test]
    fn a_long_reference_on_the_map_stays_small_and_reads_back_equal() {
        let map = crate::package::ModelPackage::embedded()
            .unwrap()
            .map
            .unwrap();
        let window = |n: usize| {
            (0..256)
                .map(|k| ((n * 37 + k * 11) as f32 * 0.01).sin())
                .collect()
        };
        let windows: Vec<Vec<f32>> = (0..1000).map(window).collect();
        let source = ReferenceSource {
            name: "set",
            color: [0; 3],
            sha256: Some("0123456789abcdef0123"),
            encoder_sha256: "abc",
            layer: 4,
            windows: &windows,
            further: &[(1, vec![0.5; 4_096]), (6, vec![-0.25; 4_096])],
        };
        let reference = Reference::new(&source, Some(&map)).unwrap();
        assert_eq!(reference.path().count(), MAX_POINTS);
        assert!(reference.place().is_some());
        let text = serde_json::to_string(&reference).unwrap();
        assert!(text.len() * MAX_REFERENCES < 400_000, "{}", text.len());
        let read: Reference = serde_json::from_str(&text).unwrap();
        assert_eq!(read, reference);
        for (from, to) in [
            ("\"centroid\":\"", "\"centroid\":\"7c00"),
            ("\"path\":\"", "\"path\":\"1"),
        ] {
            assert!(serde_json::from_str::<Reference>(&text.replace(from, to)).is_err());
        }
    }

    #[test]
    fn a_window_has_no_distance_to_itself() {
        let map = crate::package::ModelPackage::embedded()
            .unwrap()
            .map
            .unwrap();
        let window: Vec<f32> = (0..256).map(|k| (k as f32 * 0.37).cos() * 3.3).collect();
        let reference = reference(std::slice::from_ref(&window));
        assert!(reference.distance(&window, Some(&map)).unwrap() < 1e-6);
    }
}
