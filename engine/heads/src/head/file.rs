//! Reading a head from a safetensors file: every shape and number is checked before it is used.

use std::path::Path;

use super::dense::{Dense, softmax};
use super::{Head, LayerInput, Outputs, Reads};
use mertscope_model::sha256;
use mertscope_model::tensors::TensorFile;

/// Reads a head; the error is a phrase with the reason.
pub(super) fn parse(bytes: &[u8], path: &Path) -> Result<Head, String> {
    let file = TensorFile::parse(bytes)?;
    let labels: Vec<String> = file.list("labels")?;
    let layers: Vec<usize> = file.list("layers")?;
    let temperature = temperature(&file)?;
    let threshold = threshold(&file)?;
    let fitted_confidence = file
        .metadata
        .get("confidence")
        .map(|text| super::confidence::parse(text))
        .transpose()?;
    check_labels(&labels)?;
    let (hidden, output) = dense_layers(&file, labels.len())?;
    let width = hidden.as_ref().unwrap_or(&output).inputs();
    let (mean, std) = standardization(&file, width)?;
    Ok(Head {
        task: file.text("task")?.to_owned(),
        labels,
        sha256: sha256(bytes),
        bytes: bytes.len() as u64,
        encoder_sha256: file.text("encoder_sha256")?.to_owned(),
        input: layer_input(&file, &layers)?,
        reads: named(
            &file,
            "reads",
            Reads::ALL.map(|reads| (reads.name(), reads)),
        )?,
        outputs: named(&file, "outputs", Outputs::ALL.map(|of| (of.name(), of)))?,
        threshold,
        fitted_confidence,
        path: path.to_owned(),
        temperature,
        mean,
        std,
        hidden,
        output,
        metadata: file.metadata,
    })
}

fn temperature(file: &TensorFile<'_>) -> Result<f32, String> {
    let number = file.text("temperature")?.parse().ok();
    number
        .filter(|t: &f32| t.is_finite() && *t > 0.0)
        .ok_or_else(|| "its temperature is not a positive number".to_owned())
}

fn threshold(file: &TensorFile<'_>) -> Result<Option<f32>, String> {
    let Some(text) = file.metadata.get("threshold") else {
        return Ok(None);
    };
    let threshold = text.parse().ok();
    let threshold = threshold.filter(|t: &f32| (0.0..=1.0).contains(t));
    threshold
        .map(Some)
        .ok_or_else(|| "its threshold is not a probability".to_owned())
}

fn check_labels(labels: &[String]) -> Result<(), String> {
    if labels.len() < 2 {
        return Err("it has fewer than two labels".to_owned());
    }
    let mut numbered = labels.iter().enumerate();
    if numbered.any(|(n, label)| labels[..n].contains(label)) {
        return Err("it has the same label twice".to_owned());
    }
    Ok(())
}

/// The hidden layer, if there is one, and the output layer.
fn dense_layers(file: &TensorFile<'_>, labels: usize) -> Result<(Option<Dense>, Dense), String> {
    let output = dense(file, "weight", "bias")?.ok_or("it has no “weight”")?;
    if output.bias.len() != labels {
        let outputs = output.bias.len();
        return Err(format!("it has {labels} labels but {outputs} outputs"));
    }
    let hidden = dense(file, "hidden.weight", "hidden.bias")?;
    if hidden
        .as_ref()
        .is_some_and(|hidden| hidden.bias.len() != output.inputs())
    {
        return Err("its hidden layer does not fit its output layer".to_owned());
    }
    Ok((hidden, output))
}

/// Mean and standard deviation of the hidden state, `[width]` each; 0 and 1 by default.
fn standardization(file: &TensorFile<'_>, width: usize) -> Result<(Vec<f32>, Vec<f32>), String> {
    let values = |name: &str, default: f32| match file.floats(name)? {
        None => Ok(vec![default; width]),
        Some((shape, values)) if shape == [width] => Ok(values),
        Some((shape, _)) => Err(format!(
            "“{name}” has the shape {shape:?} instead of [{width}]"
        )),
    };
    let mean = values("mean", 0.0)?;
    let std = values("std", 1.0)?;
    if std.iter().any(|std| *std <= 0.0) {
        return Err("a standard deviation in it is not positive".to_owned());
    }
    Ok((mean, std))
}

/// The value that a metadata field names; the default when it is absent.
fn named<T: Default, const N: usize>(
    file: &TensorFile<'_>,
    field: &str,
    known: [(&str, T); N],
) -> Result<T, String> {
    let Some(text) = file.metadata.get(field) else {
        return Ok(T::default());
    };
    let found = known.into_iter().find(|(name, _)| name == text);
    found.map_or_else(
        || Err(format!("its “{field}” is “{text}”, which is not known")),
        |(_, value)| Ok(value),
    )
}

fn layer_input(file: &TensorFile<'_>, layers: &[usize]) -> Result<LayerInput, String> {
    match (layers, file.floats("layer_weights")?) {
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

fn dense(file: &TensorFile<'_>, weight: &str, bias: &str) -> Result<Option<Dense>, String> {
    match (file.floats(weight)?, file.floats(bias)?) {
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
