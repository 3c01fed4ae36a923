//! A fitted head as a safetensors file.

use std::collections::BTreeMap;

use serde_json::json;

use super::FitOptions;
use super::candidate::Candidate;
use super::solve::Solution;
use mertscope_model::tensors::serialize;

/// The bytes of a head's file; see [`crate::head`] for the format.
pub(super) fn bytes(
    solution: &Solution,
    candidate: &Candidate,
    temperature: f64,
    options: &FitOptions,
    mut metadata: BTreeMap<String, String>,
) -> Vec<u8> {
    let shape = solution.shape;
    let floats =
        |values: &[f64]| -> Vec<f32> { values.iter().map(|value| *value as f32).collect() };
    let Some(parts) = solution.parts() else {
        // Never: the optimizer keeps the length of its start.
        return Vec::new();
    };
    let mean: Vec<f64> = (0..shape.width)
        .map(|n| {
            let layers = solution.scale.means.iter().zip(&parts.shares);
            layers.map(|(mean, share)| share * mean[n]).sum()
        })
        .collect();
    let (mean, std) = (floats(&mean), floats(&solution.scale.std));
    let collect = |values: &mut dyn Iterator<Item = &f64>| -> Vec<f32> {
        values.map(|value| *value as f32).collect()
    };
    let weight = collect(&mut parts.weight.iter());
    let bias = collect(&mut parts.bias.iter());
    let inputs = shape.hidden.unwrap_or(shape.width);
    let output_shape = [shape.labels, inputs];
    let mut tensors: Vec<(&str, &[usize], &[f32])> = vec![
        ("weight", &output_shape, &weight),
        ("bias", &output_shape[..1], &bias),
    ];
    let width = [shape.width];
    tensors.push(("mean", &width, &mean));
    tensors.push(("std", &width, &std));
    let hidden = parts
        .hidden
        .as_ref()
        .map(|(weight, bias)| (collect(&mut weight.iter()), collect(&mut bias.iter())));
    let hidden_shape = [shape.hidden.unwrap_or_default(), shape.width];
    if let Some((weight, bias)) = &hidden {
        tensors.push(("hidden.weight", &hidden_shape, weight));
        tensors.push(("hidden.bias", &hidden_shape[..1], bias));
    }
    let mixing = floats(&solution.packed[..if shape.layers > 1 { shape.layers } else { 0 }]);
    let mixing_shape = [mixing.len()];
    if !mixing.is_empty() {
        tensors.push(("layer_weights", &mixing_shape, &mixing));
    }
    for (name, value) in [
        ("task", options.task.clone()),
        ("reads", options.reads.name().to_owned()),
        ("labels", json!(options.labels).to_string()),
        ("layers", json!(candidate.layers).to_string()),
        ("temperature", (temperature as f32).to_string()),
    ] {
        metadata.insert(name.to_owned(), value);
    }
    serialize(&metadata, &tensors)
}
