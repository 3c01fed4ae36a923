//! The feature extractor, convolutions over time in the form that is fastest for their normalization,
//! and the feature projection.
//!
//! With group normalization, convolutions have rank 4 with a height of 1: ONNX Runtime computes this
//! form in blocks of channels, 10 to 20 % faster than rank 3. With layer normalization, channels stay
//! last and a convolution is a matrix product over the unfolded frames of its kernel, so that nothing
//! is ever transposed.

use super::builder::Builder;
use super::onnx::Attribute;
use crate::checkpoint::wav2vec::{Convolution, FeatureNorm, Network};
use crate::checkpoint::{Checkpoint, CheckpointError};

/// The feature extractor on `samples`, `[batch, samples]`: `[batch, frames, channels]` in single
/// precision.
pub(super) fn feature_extractor(builder: &mut Builder<'_, Network>, samples: &str) -> String {
    match builder.network.feature_norm {
        FeatureNorm::Group => channels_first(builder, samples),
        FeatureNorm::Layer => channels_last(builder, samples),
    }
}

/// The feature projection of `features`: `[batch, frames, width]`.
pub(super) fn feature_projection(builder: &mut Builder<'_, Network>, features: &str) -> String {
    let network = builder.network;
    let channels = network.convolutions.last().map_or(1, |last| last.channels);
    let mut x = features.to_owned();
    if network.projection_norm {
        x = builder.layer_norm(&x, "feature_projection.layer_norm", channels);
    }
    let name = "feature_projection.projection";
    let x = builder.cast_to_compute_type(&x);
    let x = builder.linear_without_bias(&x, name, network.width, channels);
    let x = builder.cast_to_f32(&x);
    let bias = builder.vector_f32(&format!("{name}.bias"), network.width);
    builder.graph.node("Add", &[&x, &bias], &[])
}

fn name(layer: usize) -> String {
    format!("feature_extractor.conv_layers.{layer}")
}

fn channels_first(builder: &mut Builder<'_, Network>, samples: &str) -> String {
    let network = builder.network;
    let axes = builder.integers(&[1, 2]);
    let x = builder.graph.node("Unsqueeze", &[samples, &axes], &[]);
    let mut x = builder.cast_to_compute_type(&x);
    let mut inputs = 1;
    for (layer, convolution) in network.convolutions.iter().enumerate() {
        let Convolution {
            channels,
            kernel,
            stride,
        } = *convolution;
        let name = name(layer);
        let source = format!("{name}.conv.weight");
        let shape = [channels, inputs, 1, kernel];
        let weight = builder.weight(&source.clone(), &shape, move |c| c.floats(&source));
        let mut all = vec![x.as_str(), &weight];
        let bias = network
            .convolution_bias
            .then(|| builder.tensor(&format!("{name}.conv.bias"), &[channels]));
        all.extend(bias.as_deref());
        let sizes = [
            ("kernel_shape", Attribute::Ints(&[1, kernel as i64])),
            ("strides", Attribute::Ints(&[1, stride as i64])),
        ];
        let mut y = builder.graph.node("Conv", &all, &sizes);
        if layer == 0 {
            y = builder.cast_to_f32(&y);
            let weight = builder.vector_f32(&format!("{name}.layer_norm.weight"), channels);
            let bias = builder.vector_f32(&format!("{name}.layer_norm.bias"), channels);
            // One group per channel; PyTorch's default epsilon, which no configuration changes.
            let epsilon = [("epsilon", Attribute::Float(1e-5))];
            y = builder
                .graph
                .node("InstanceNormalization", &[&y, &weight, &bias], &epsilon);
            y = builder.cast_to_compute_type(&y);
        }
        x = builder.gelu(&y, "");
        inputs = channels;
    }
    let height = builder.integers(&[2]);
    let x = builder.graph.node("Squeeze", &[&x, &height], &[]);
    let x = builder.transpose(&x, &[0, 2, 1]);
    builder.cast_to_f32(&x)
}

fn channels_last(builder: &mut Builder<'_, Network>, samples: &str) -> String {
    let network = builder.network;
    let last = builder.integers(&[2]);
    let mut x = builder.graph.node("Unsqueeze", &[samples, &last], &[]);
    let mut inputs = 1;
    for (layer, convolution) in network.convolutions.iter().enumerate() {
        let Convolution {
            channels,
            kernel,
            stride,
        } = *convolution;
        let unfolded = unfold(builder, &x, inputs, [kernel, stride]);
        let name = name(layer);
        let source = format!("{name}.conv.weight");
        let shape = [kernel * inputs, channels];
        let weight = builder.weight(&source.clone(), &shape, move |checkpoint| {
            unfolded_weight(checkpoint, &source, [channels, inputs, kernel])
        });
        let unfolded = builder.cast_to_compute_type(&unfolded);
        let mut y = builder.graph.node("MatMul", &[&unfolded, &weight], &[]);
        y = builder.cast_to_f32(&y);
        if network.convolution_bias {
            let bias = builder.vector_f32(&format!("{name}.conv.bias"), channels);
            y = builder.graph.node("Add", &[&y, &bias], &[]);
        }
        let weight = builder.vector_f32(&format!("{name}.layer_norm.weight"), channels);
        let bias = builder.vector_f32(&format!("{name}.layer_norm.bias"), channels);
        let normed = [
            ("axis", Attribute::Int(-1)),
            ("epsilon", Attribute::Float(1e-5)),
        ];
        y = builder
            .graph
            .node("LayerNormalization", &[&y, &weight, &bias], &normed);
        let y = builder.cast_to_compute_type(&y);
        let y = builder.gelu(&y, "");
        x = builder.cast_to_f32(&y);
        inputs = channels;
    }
    x
}

/// The frames under a convolution's kernel, side by side for each output: `[batch, outputs, kernel ·
/// channels]` from `[batch, frames, channels]`.
pub(super) fn unfold<N>(
    builder: &mut Builder<'_, N>,
    x: &str,
    channels: usize,
    [kernel, stride]: [usize; 2],
) -> String {
    let time = builder.integers(&[1]);
    // outputs = (frames - kernel) / stride + 1
    let axis = [("start", Attribute::Int(1)), ("end", Attribute::Int(2))];
    let frames = builder.graph.node("Shape", &[x], &axis);
    let before = builder.integers(&[kernel as i64 - stride as i64]);
    let covered = builder.graph.node("Sub", &[&frames, &before], &[]);
    let step = builder.integers(&[stride as i64]);
    let outputs = builder.graph.node("Div", &[&covered, &step], &[]);
    let end = builder.graph.node("Mul", &[&outputs, &step], &[]);
    let zero = builder.integers(&[0]);
    let block = |builder: &mut Builder<'_, N>, start: &str, end: &str| {
        let taken = builder.graph.node("Slice", &[x, start, end, &time], &[]);
        builder.reshape(&taken, &[0, -1, (stride * channels) as i64])
    };
    // Whole strides need no copy of single frames: the usual kernels are one or two strides long.
    let (mut parts, mut taps) = (Vec::new(), 0);
    if kernel >= stride {
        parts.push(block(builder, &zero, &end));
        taps = stride;
    }
    if kernel == 2 * stride {
        let next_end = builder.graph.node("Add", &[&end, &step], &[]);
        parts.push(block(builder, &step, &next_end));
        taps = kernel;
    }
    for tap in taps..kernel {
        let start = builder.integers(&[tap as i64]);
        // The slice ends with the last output's frame.
        let beyond = builder.integers(&[tap as i64 - stride as i64 + 1]);
        let end = builder.graph.node("Add", &[&end, &beyond], &[]);
        let inputs = [x, &start, &end, &time, &step];
        parts.push(builder.graph.node("Slice", &inputs, &[]));
    }
    let parts: Vec<&str> = parts.iter().map(String::as_str).collect();
    match parts[..] {
        [only] => only.to_owned(),
        _ => builder
            .graph
            .node("Concat", &parts, &[("axis", Attribute::Int(-1))]),
    }
}

/// A convolution's weight `[outputs, inputs, kernel]` as a matrix `[kernel · inputs, outputs]`, for
/// [`unfold`].
pub(super) fn unfolded_weight(
    checkpoint: &Checkpoint,
    name: &str,
    [outputs, inputs, kernel]: [usize; 3],
) -> Result<Vec<f32>, CheckpointError> {
    let weight = checkpoint.floats(name)?;
    let mut out = Vec::with_capacity(weight.len());
    for tap in 0..kernel {
        for input in 0..inputs {
            out.extend((0..outputs).map(|output| weight[(output * inputs + input) * kernel + tap]));
        }
    }
    Ok(out)
}
