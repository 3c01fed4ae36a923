//! Reading and writing a map's file: every shape and number is checked before it is used.

use std::collections::BTreeMap;

use serde_json::json;

use super::{Landmark, Map};
use mertscope_model::tensors::{TensorFile, serialize};

/// The format that this version reads and writes.
const FORMAT: &str = "1";

/// Reads a map; the error is a phrase with the reason.
pub(super) fn parse(bytes: &[u8]) -> Result<Map, String> {
    let file = TensorFile::parse(bytes)?;
    if file.text("map")? != FORMAT {
        return Err("its format is not 1, the one this version reads".to_owned());
    }
    let layer = file
        .text("layer")?
        .parse()
        .map_err(|_| "its layer is not an index".to_owned())?;
    let labels: Vec<String> = file.list("labels")?;
    let (shape, mean) = file.floats("mean")?.ok_or("it has no “mean”")?;
    let [width] = shape[..] else {
        return Err(format!("“mean” has the shape {shape:?}"));
    };
    let components = file.shaped("components", &[2, width])?;
    let (first, second) = components.split_at(width);
    let scale = file.shaped("scale", &[1])?[0];
    let variance = file.shaped("explained_variance", &[2])?;
    let extent = file.shaped("extent", &[2, 2])?;
    let places = file.shaped("landmarks", &[labels.len(), 2])?;
    if width == 0 || scale <= 0.0 {
        return Err("its scale is not positive".to_owned());
    }
    if variance.iter().any(|share| !(0.0..=1.0).contains(share)) {
        return Err("its explained variance is not between 0 and 1".to_owned());
    }
    if extent[0] >= extent[2] || extent[1] >= extent[3] {
        return Err("its extent is empty".to_owned());
    }
    let landmarks = labels.into_iter().zip(places.chunks_exact(2));
    Ok(Map {
        layer,
        landmarks: landmarks
            .map(|(label, at)| Landmark {
                label,
                at: [at[0], at[1]],
            })
            .collect(),
        explained_variance: [variance[0], variance[1]],
        extent: [[extent[0], extent[1]], [extent[2], extent[3]]],
        fitted_on: file.text("fitted_on")?.to_owned(),
        encoder_sha256: file.text("encoder_sha256")?.to_owned(),
        mean,
        components: [first.to_vec(), second.to_vec()],
        scale,
    })
}

/// The bytes of a map's file.
pub(super) fn bytes(map: &Map) -> Vec<u8> {
    let labels: Vec<&str> = map.landmarks.iter().map(|l| l.label.as_str()).collect();
    let metadata: BTreeMap<String, String> = [
        ("map", FORMAT.to_owned()),
        ("layer", map.layer.to_string()),
        ("labels", json!(labels).to_string()),
        ("fitted_on", map.fitted_on.clone()),
        ("encoder_sha256", map.encoder_sha256.clone()),
    ]
    .map(|(name, value)| (name.to_owned(), value))
    .into();
    let places: Vec<f32> = map.landmarks.iter().flat_map(|l| l.at).collect();
    let width = map.mean.len();
    serialize(
        &metadata,
        &[
            ("mean", &[width], &map.mean),
            ("components", &[2, width], &map.components.concat()),
            ("scale", &[1], &[map.scale]),
            ("explained_variance", &[2], &map.explained_variance),
            ("extent", &[2, 2], &map.extent.concat()),
            ("landmarks", &[map.landmarks.len(), 2], &places),
        ],
    )
}
