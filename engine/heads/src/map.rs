//! The map: a plane that shows a window among the music on which the map was fitted.
//!
//! A map is a plane of one pooled hidden state, spanned by the two directions that set labeled music
//! apart best, or in which music without labels varied most. Along both the music has the same
//! spread, and far-off places are drawn in toward the edge, so that music uses the whole plane. A map
//! is fixed once it is fitted, so that a path drawn on it never jumps, and equal audio gives an equal
//! path. Landmarks are means of labeled music, placed by the same projection.
//!
//! A map is a safetensors file:
//!
//! | metadata | meaning |
//! |---|---|
//! | `map` | the format, `1` |
//! | `layer` | index of the hidden state it projects |
//! | `encoder_sha256` | the graph whose hidden states it was fitted on |
//! | `labels` | JSON list of the landmarks' labels |
//! | `fitted_on` | a description of the music it was fitted on, for the user |
//! | `directions` | `labels` or `variance`, [`Directions`]; `variance` by default |
//!
//! | tensor | shape | meaning |
//! |---|---|---|
//! | `mean` | `[width]` | subtracted from a hidden state before projection |
//! | `components` | `[2, width]` | the two directions |
//! | `scale` | `[1]` | projected values are divided by it |
//! | `reach` | `[1]` | far-off places approach this distance from the origin, along each axis; without it places are not drawn in |
//! | `explained_variance` | `[2]` | share of all that the map was fitted to show which lies along each direction |
//! | `extent` | `[2, 2]` | lowest and highest `[x, y]` that a view should show |
//! | `landmarks` | `[landmarks, 2]` | their points `[x, y]` |
//! | `density` | `[side, side]` | how dense the music lay, 0 to 1, rows from low to high `y`; optional |

mod density;
mod directions;
mod file;
mod fit;

use std::path::{Path, PathBuf};

use mertscope_model::{HiddenStates, Manifest};

pub use density::Density;
pub use fit::{FitError, MapData};

/// A map, ready to place windows on.
///
/// ```
/// use std::path::Path;
///
/// use mertscope_heads::map::{Map, MapData};
/// use mertscope_model::Model;
///
/// let manifest = Model::embedded_manifest()?;
/// // One vector `[width]` of layer 4 per window.
/// let points: Vec<Vec<f32>> = (0..20)
///     .map(|n| (0..manifest.width).map(|k| ((n * 31 + k * 7) as f32).sin()).collect())
///     .collect();
/// let map = Map::fit(&MapData {
///     layer: 4,
///     encoder_sha256: manifest.sha256(),
///     points: &points,
///     labels: &[],
///     landmarks: &[("start".to_owned(), points[0].clone())],
///     fitted_on: "sines",
/// })?;
/// assert_eq!(map.landmarks[0].label, "start");
/// let read = Map::parse(&map.to_bytes(), Path::new("map.safetensors"), &manifest)?;
/// assert_eq!(read, map);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Map {
    /// Index of the hidden state that it projects.
    pub layer: usize,
    /// Labeled points for orientation.
    pub landmarks: Vec<Landmark>,
    /// What its directions show.
    pub directions: Directions,
    /// Share of that which lies along `x` and along `y`, each 0 to 1.
    pub explained_variance: [f32; 2],
    /// Lowest and highest `[x, y]` that a view should show, so that its axes never move.
    pub extent: [[f32; 2]; 2],
    /// A description of the music it was fitted on, for the user.
    pub fitted_on: String,
    /// SHA-256 of the graph whose hidden states it was fitted on.
    pub encoder_sha256: String,
    /// How dense the music lay that it was fitted on; `None` for a map of an earlier version.
    pub density: Option<Density>,
    pub(crate) mean: Vec<f32>,
    components: [Vec<f32>; 2],
    scale: f32,
    /// Places approach this distance along each axis; `None` when they are not drawn in.
    reach: Option<f32>,
}

/// What the directions of a map show.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Directions {
    /// The two in which the music varied most.
    #[default]
    Variance,
    /// The two that set the labels of the music apart best.
    Labels,
}

/// The mean of some labeled music, on the map.
#[derive(Debug, Clone, PartialEq)]
pub struct Landmark {
    /// The music's label.
    pub label: String,
    /// Its point `[x, y]`.
    pub at: [f32; 2],
}

/// Why a map can't be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MapError {
    /// The file is not a usable map.
    #[error("{} is not a usable map: {reason}. Fit it again with `mertscope map fit`.", path.display())]
    Invalid {
        /// The file.
        path: PathBuf,
        /// The reason, a phrase.
        reason: String,
    },
    /// It was fitted on another model.
    #[error(
        "The map {} does not fit the model {model}: {reason}. Fit one for this model with \
         `mertscope map fit`.", path.display()
    )]
    OtherModel {
        /// The file.
        path: PathBuf,
        /// The model's id.
        model: String,
        /// The difference, a phrase.
        reason: String,
    },
}

impl Map {
    /// Reads a map from the bytes of a safetensors file and checks that it fits a model; `path`
    /// is for messages.
    ///
    /// # Errors
    /// [`MapError`] with the reason.
    pub fn parse(bytes: &[u8], path: &Path, manifest: &Manifest) -> Result<Self, MapError> {
        let map = file::parse(bytes).map_err(|reason| MapError::Invalid {
            path: path.to_owned(),
            reason,
        })?;
        map.check(manifest).map_err(|reason| MapError::OtherModel {
            path: path.to_owned(),
            model: manifest.id.clone(),
            reason,
        })?;
        Ok(map)
    }

    /// The file's bytes; equal maps give equal bytes.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        file::bytes(self)
    }

    fn check(&self, manifest: &Manifest) -> Result<(), String> {
        let (layers, width) = (manifest.layers.len(), manifest.width);
        if self.encoder_sha256 != manifest.sha256() {
            return Err("it was fitted on another graph".to_owned());
        }
        if self.layer >= layers {
            return Err(format!("there is no layer {}", self.layer));
        }
        if self.mean.len() != width {
            let projected = self.mean.len();
            return Err(format!(
                "it projects {projected} values, the model gives {width}"
            ));
        }
        Ok(())
    }

    /// The point `[x, y]` of hidden states `[layers, (frames,) width]`, averaged over time; `None` if
    /// they lack the layer.
    #[must_use]
    pub fn place(&self, hidden: &HiddenStates) -> Option<[f32; 2]> {
        self.place_values(&hidden.pooled_layer(self.layer))
    }

    /// The point `[x, y]` of one pooled hidden state `[width]` of [`Map::layer`]; `None` for another
    /// width.
    #[must_use]
    pub(crate) fn place_values(&self, values: &[f32]) -> Option<[f32; 2]> {
        if values.len() != self.mean.len() {
            return None;
        }
        let along = |component: &[f32]| {
            let dot: f64 = values
                .iter()
                .zip(&self.mean)
                .zip(component)
                .map(|((value, mean), c)| f64::from(value - mean) * f64::from(*c))
                .sum();
            let place = dot / f64::from(self.scale);
            let bent = |reach: f32| place / (1.0 + (place / f64::from(reach)).powi(2)).sqrt();
            self.reach.map_or(place, bent) as f32
        };
        Some([along(&self.components[0]), along(&self.components[1])])
    }
}
