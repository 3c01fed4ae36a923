//! Reading and writing a map's file: every shape and number is checked before it is used.

use std::collections::BTreeMap;

use serde_json::json;

use super::density::Density;
use super::{Directions, Landmark, Map};
use mertscope_model::tensors::{TensorFile, serialize};

/// The format that this version reads and writes.
const FORMAT: &str = "1";

/// The names of [`Directions`] in a file.
const VARIANCE: &str = "variance";
const LABELS: &str = "labels";

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
    let reach = match file.floats("reach")? {
        None => None,
        Some((shape, reach)) if shape == [1] && reach[0] > 0.0 => Some(reach[0]),
        Some(_) => return Err("its reach is not a positive number".to_owned()),
    };
    let landmarks = labels.into_iter().zip(places.chunks_exact(2));
    Ok(Map {
        layer,
        landmarks: landmarks
            .map(|(label, at)| Landmark {
                label,
                at: [at[0], at[1]],
            })
            .collect(),
        directions: directions(&file)?,
        explained_variance: [variance[0], variance[1]],
        extent: [[extent[0], extent[1]], [extent[2], extent[3]]],
        fitted_on: file.text("fitted_on")?.to_owned(),
        encoder_sha256: file.text("encoder_sha256")?.to_owned(),
        density: density(&file)?,
        mean,
        components: [first.to_vec(), second.to_vec()],
        scale,
        reach,
    })
}

/// What the directions show; the variance in files of earlier versions, which do not say.
fn directions(file: &TensorFile<'_>) -> Result<Directions, String> {
    match file.metadata.get("directions").map(String::as_str) {
        None | Some(VARIANCE) => Ok(Directions::Variance),
        Some(LABELS) => Ok(Directions::Labels),
        Some(other) => Err(format!("its “directions” is “{other}”, which is not known")),
    }
}

fn density(file: &TensorFile<'_>) -> Result<Option<Density>, String> {
    let Some((shape, cells)) = file.floats("density")? else {
        return Ok(None);
    };
    let density = match shape[..] {
        [rows, columns] if rows == columns => Density::new(rows, cells),
        _ => None,
    };
    let reason = || format!("“density” {shape:?} is not a square of shares");
    density.map(Some).ok_or_else(reason)
}

/// The bytes of a map's file.
pub(super) fn bytes(map: &Map) -> Vec<u8> {
    let labels: Vec<&str> = map.landmarks.iter().map(|l| l.label.as_str()).collect();
    let directions = match map.directions {
        Directions::Variance => VARIANCE,
        Directions::Labels => LABELS,
    };
    let metadata: BTreeMap<String, String> = [
        ("map", FORMAT.to_owned()),
        ("layer", map.layer.to_string()),
        ("labels", json!(labels).to_string()),
        ("fitted_on", map.fitted_on.clone()),
        ("encoder_sha256", map.encoder_sha256.clone()),
        ("directions", directions.to_owned()),
    ]
    .map(|(name, value)| (name.to_owned(), value))
    .into();
    let places: Vec<f32> = map.landmarks.iter().flat_map(|l| l.at).collect();
    let (components, extent) = (map.components.concat(), map.extent.concat());
    let (width, scale) = (map.mean.len(), [map.scale]);
    let shape_of_components = [2, width];
    let shape_of_places = [map.landmarks.len(), 2];
    let mut tensors: Vec<(&str, &[usize], &[f32])> = vec![
        ("mean", std::slice::from_ref(&width), &map.mean),
        ("components", &shape_of_components, &components),
        ("scale", &[1], &scale),
        ("explained_variance", &[2], &map.explained_variance),
        ("extent", &[2, 2], &extent),
        ("landmarks", &shape_of_places, &places),
    ];
    let reach = map.reach.map(|reach| [reach]);
    if let Some(reach) = &reach {
        tensors.push(("reach", &[1], reach));
    }
    let side = map.density.as_ref().map_or(0, Density::side);
    let shape_of_density = [side, side];
    if let Some(density) = &map.density {
        tensors.push(("density", &shape_of_density, density.cells()));
    }
    serialize(&metadata, &tensors)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A map as earlier versions wrote it, with these metadata and tensors added.
    fn earlier(more: &[(&str, &str)], tensors: &[(&str, &[usize], &[f32])]) -> Vec<u8> {
        let metadata = [
            ("map", "1"),
            ("layer", "0"),
            ("labels", r#"["here"]"#),
            ("fitted_on", "waves"),
            ("encoder_sha256", "abc"),
        ];
        let metadata = metadata.iter().chain(more);
        let metadata = metadata.map(|(name, text)| ((*name).to_owned(), (*text).to_owned()));
        let mut all: Vec<(&str, &[usize], &[f32])> = vec![
            ("mean", &[2], &[1.0, 2.0]),
            ("components", &[2, 2], &[1.0, 0.0, 0.0, 1.0]),
            ("scale", &[1], &[0.5]),
            ("explained_variance", &[2], &[0.6, 0.3]),
            ("extent", &[2, 2], &[-9.0, -9.0, 9.0, 9.0]),
            ("landmarks", &[1, 2], &[0.0, 0.0]),
        ];
        all.extend(tensors);
        serialize(&metadata.collect(), &all)
    }

    #[test]
    fn a_map_of_an_earlier_version_places_music_as_before() {
        let map = parse(&earlier(&[], &[])).unwrap();
        assert_eq!(map.place_values(&[4.0, 0.0]), Some([6.0, -4.0]));
        assert_eq!(
            (map.directions, &map.density),
            (Directions::Variance, &None)
        );
        assert_eq!(parse(&bytes(&map)).unwrap(), map);
    }

    #[test]
    fn what_is_new_is_checked() {
        let refused = |more: &[(&str, &str)], tensors: &[(&str, &[usize], &[f32])]| {
            parse(&earlier(more, tensors)).unwrap_err()
        };
        assert!(refused(&[("directions", "up")], &[]).contains("“up”"));
        assert!(refused(&[], &[("reach", &[1], &[0.0])]).contains("reach"));
        assert!(refused(&[], &[("reach", &[2], &[1.0, 1.0])]).contains("reach"));
        assert!(refused(&[], &[("density", &[2, 1], &[1.0, 0.0])]).contains("[2, 1]"));
        assert!(refused(&[], &[("density", &[2, 2], &[1.0, 0.0, 2.0, 0.0])]).contains("shares"));
        assert!(refused(&[], &[("density", &[0, 0], &[])]).contains("density"));
    }
}
