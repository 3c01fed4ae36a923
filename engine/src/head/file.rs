//! Reading a head from a safetensors file: every shape and number is checked before it is used.

use std::path::Path;

use safetensors::{Dtype, SafeTensors};

use super::{Dense, Head, LayerInput, softmax};
use crate::model::sha256;

/// Reads a head; the error is a phrase that says what is wrong.
pub(super) fn parse(bytes: &[u8], path: &Path) -> Result<Head, String> {
    let (_, header) =
        SafeTensors::read_metadata(bytes).map_err(|e| format!("no safetensors file ({e})"))?;
    let tensors =
        SafeTensors::deserialize(bytes).map_err(|e| format!("no safetensors file ({e})"))?;
    let metadata = header.metadata().clone().unwrap_or_default();
    let text = |name: &str| {
        metadata
            .get(name)
            .map(String::as_str)
            .ok_or_else(|| format!("its metadata has no “{name}”"))
    };
    let not_json = |name: &str| format!("“{name}” in its metadata is not a JSON list");

    let labels: Vec<String> =
        serde_json::from_str(text("labels")?).map_err(|_| not_json("labels"))?;
    let layers: Vec<usize> =
        serde_json::from_str(text("layers")?).map_err(|_| not_json("layers"))?;
    let temperature: f32 = text("temperature")?
        .parse()
        .ok()
        .filter(|t: &f32| t.is_finite() && *t > 0.0)
        .ok_or("its temperature is not a positive number")?;
    if labels.len() < 2 {
        return Err("it has fewer than two labels".to_owned());
    }
    if labels
        .iter()
        .enumerate()
        .any(|(n, label)| labels[..n].contains(label))
    {
        return Err("it has the same label twice".to_owned());
    }

    let output = dense(&tensors, "weight", "bias")?.ok_or("it has no “weight”")?;
    if output.bias.len() != labels.len() {
        return Err(format!(
            "it has {} labels but {} outputs",
            labels.len(),
            output.bias.len()
        ));
    }
    let hidden = dense(&tensors, "hidden.weight", "hidden.bias")?;
    if hidden
        .as_ref()
        .is_some_and(|hidden| hidden.bias.len() != output.inputs())
    {
        return Err("its hidden layer does not fit its output layer".to_owned());
    }
    let width = hidden.as_ref().unwrap_or(&output).inputs();
    let standardisation = |name: &str, default: f32| match floats(&tensors, name)? {
        None => Ok(vec![default; width]),
        Some((shape, values)) if shape == [width] => Ok(values),
        Some((shape, _)) => Err(format!(
            "“{name}” has the shape {shape:?} instead of [{width}]"
        )),
    };
    let mean = standardisation("mean", 0.0)?;
    let std = standardisation("std", 1.0)?;
    if std.iter().any(|std| *std <= 0.0) {
        return Err("a standard deviation in it is not positive".to_owned());
    }
    Ok(Head {
        task: text("task")?.to_owned(),
        labels,
        sha256: sha256(bytes),
        encoder_sha256: text("encoder_sha256")?.to_owned(),
        input: layer_input(&tensors, &layers)?,
        path: path.to_owned(),
        temperature,
        mean,
        std,
        hidden,
        output,
        metadata,
    })
}

fn layer_input(tensors: &SafeTensors<'_>, layers: &[usize]) -> Result<LayerInput, String> {
    match (layers, floats(tensors, "layer_weights")?) {
        ([], _) => Err("it reads no layer".to_owned()),
        ([layer], None) => Ok(LayerInput::One(*layer)),
        (layers, Some((shape, weights))) if shape == [layers.len()] => Ok(LayerInput::Weighted(
            layers.iter().copied().zip(softmax(&weights)).collect(),
        )),
        (layers, _) => Err(format!(
            "it reads {} layers without as many “layer_weights”",
            layers.len()
        )),
    }
}

fn dense(tensors: &SafeTensors<'_>, weight: &str, bias: &str) -> Result<Option<Dense>, String> {
    match (floats(tensors, weight)?, floats(tensors, bias)?) {
        (None, None) => Ok(None),
        (Some((shape, weights)), Some((bias_shape, biases))) => match shape[..] {
            [outputs, inputs] if outputs > 0 && inputs > 0 && bias_shape == [outputs] => {
                Ok(Some(Dense {
                    weight: weights,
                    bias: biases,
                }))
            }
            _ => Err(format!(
                "“{weight}” {shape:?} and “{bias}” {bias_shape:?} don't fit"
            )),
        },
        _ => Err(format!("it has only one of “{weight}” and “{bias}”")),
    }
}

/// A tensor's shape and values.
type Values = (Vec<usize>, Vec<f32>);

/// A float32 tensor and its shape, if it is there; only finite numbers.
fn floats(tensors: &SafeTensors<'_>, name: &str) -> Result<Option<Values>, String> {
    let Ok(tensor) = tensors.tensor(name) else {
        return Ok(None);
    };
    if tensor.dtype() != Dtype::F32 {
        return Err(format!("“{name}” is {:?} instead of F32", tensor.dtype()));
    }
    let values: Vec<f32> = tensor
        .data()
        .chunks_exact(4)
        .filter_map(|bytes| bytes.try_into().ok().map(f32::from_le_bytes))
        .collect();
    if values.iter().any(|value| !value.is_finite()) {
        return Err(format!("“{name}” holds numbers that are not finite"));
    }
    Ok(Some((tensor.shape().to_vec(), values)))
}
