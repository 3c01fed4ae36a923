//! From samples to projected frames: the convolutions over time, in the form that is fastest for
//! their normalization, and the projection.
//!
//! With group normalization, convolutions have rank 4 with a height of 1: the form that ONNX Runtime
//! computes in blocks of channels, 10 to 20 % faster than rank 3. With layer normalization, channels
//! stay last and a convolution is a matrix product over the frames that it sees, side by side, so
//! that nothing is ever transposed.

use super::builder::Builder;
use super::onnx::Attribute;
use crate::checkpoint::{Checkpoint, CheckpointError, Convolution, FeatureNorm};

/// The convolutions over time of `samples`, `[batch, samples]`: `[batch, frames, channels]` in full
/// precision.
pub(super) fn features(builder: &mut Builder<'_>, samples: &str) -> String {
    match builder.network.feature_norm {
        FeatureNorm::Group => channels_first(builder, samples),
        FeatureNorm::Layer => channels_last(builder, samples),
    }
}

/// The projection of `features`: `[batch, frames, width]`.
pub(super) fn projection(builder: &mut Builder<'_>, features: &str) -> String {
    let network = builder.network;
    let channels = network.convolutions.last().map_or(1, |last| last.channels);
    let mut x = features.to_owned();
    if network.projection_norm {
        x = builder.norm(&x, "feature_projection.layer_norm", channels);
    }
    let name = "feature_projection.projection";
    let x = builder.multiplied(&x);
    let x = builder.product(&x, name, network.width, channels);
    let x = builder.full(&x);
    let bias = builder.vector(&format!("{name}.bias"), network.width);
    builder.graph.node("Add", &[&x, &bias], &[])
}

fn name(layer: usize) -> String {
    format!("feature_extractor.conv_layers.{layer}")
}

fn channels_first(builder: &mut Builder<'_>, samples: &str) -> String {
    let network = builder.network;
    let axes = builder.integers(&[1, 2]);
    let x = builder.graph.node("Unsqueeze", &[samples, &axes], &[]);
    let mut x = builder.multiplied(&x);
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
            y = builder.full(&y);
            let weight = builder.vector(&format!("{name}.layer_norm.weight"), channels);
            let bias = builder.vector(&format!("{name}.layer_norm.bias"), channels);
            // A group a channel; PyTorch's default epsilon, which no configuration changes.
            let epsilon = [("epsilon", Attribute::Float(1e-5))];
            y = builder
                .graph
                .node("InstanceNormalization", &[&y, &weight, &bias], &epsilon);
            y = builder.multiplied(&y);
        }
        x = builder.gelu(&y, "");
        inputs = channels;
    }
    let height = builder.integers(&[2]);
    let x = builder.graph.node("Squeeze", &[&x, &height], &[]);
    let x = builder.transpose(&x, &[0, 2, 1]);
    builder.full(&x)
}

fn channels_last(builder: &mut Builder<'_>, samples: &str) -> String {
    let network = builder.network;
    let last = builder.integers(&[2]);
    let mut x = builder.graph.node("Unsqueeze", &[samples, &last], &[]);
    let mut inputs = 1;
    for (layer, convolution) in network.convolutions.iter().enumerate() {
        let Convolution {
            channels, kernel, ..
        } = *convolution;
        let seen = side_by_side(builder, &x, inputs, convolution);
        let name = name(layer);
        let source = format!("{name}.conv.weight");
        let shape = [kernel * inputs, channels];
        let weight = builder.weight(&source.clone(), &shape, move |checkpoint| {
            by_tap(checkpoint, &source, [channels, inputs, kernel])
        });
        let seen = builder.multiplied(&seen);
        let mut y = builder.graph.node("MatMul", &[&seen, &weight], &[]);
        y = builder.full(&y);
        if network.convolution_bias {
            let bias = builder.vector(&format!("{name}.conv.bias"), channels);
            y = builder.graph.node("Add", &[&y, &bias], &[]);
        }
        let weight = builder.vector(&format!("{name}.layer_norm.weight"), channels);
        let bias = builder.vector(&format!("{name}.layer_norm.bias"), channels);
        let normed = [
            ("axis", Attribute::Int(-1)),
            ("epsilon", Attribute::Float(1e-5)),
        ];
        y = builder
            .graph
            .node("LayerNormalization", &[&y, &weight, &bias], &normed);
        let y = builder.multiplied(&y);
        let y = builder.gelu(&y, "");
        x = builder.full(&y);
        inputs = channels;
    }
    x
}

/// The frames that each output of a convolution sees, side by side: `[batch, outputs, kernel ·
/// channels]` from `[batch, frames, channels]`.
fn side_by_side(
    builder: &mut Builder<'_>,
    x: &str,
    channels: usize,
    convolution: &Convolution,
) -> String {
    let (kernel, stride) = (convolution.kernel, convolution.stride);
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
    let block = |builder: &mut Builder<'_>, start: &str, end: &str| {
        let taken = builder.graph.node("Slice", &[x, start, end, &time], &[]);
        builder.reshape(&taken, &[0, -1, (stride * channels) as i64])
    };
    // Whole strides need no copy of single frames: the usual kernels are one or two of them.
    let (mut seen, mut taps) = (Vec::new(), 0);
    if kernel >= stride {
        seen.push(block(builder, &zero, &end));
        taps = stride;
    }
    if kernel == 2 * stride {
        let next_end = builder.graph.node("Add", &[&end, &step], &[]);
        seen.push(block(builder, &step, &next_end));
        taps = kernel;
    }
    for tap in taps..kernel {
        let start = builder.integers(&[tap as i64]);
        // The last output's frame is the last one taken.
        let beyond = builder.integers(&[tap as i64 - stride as i64 + 1]);
        let end = builder.graph.node("Add", &[&end, &beyond], &[]);
        let inputs = [x, &start, &end, &time, &step];
        seen.push(builder.graph.node("Slice", &inputs, &[]));
    }
    let seen: Vec<&str> = seen.iter().map(String::as_str).collect();
    match seen[..] {
        [only] => only.to_owned(),
        _ => builder
            .graph
            .node("Concat", &seen, &[("axis", Attribute::Int(-1))]),
    }
}

/// A convolution's weight `[outputs, inputs, kernel]` as a matrix `[kernel · inputs, outputs]`.
fn by_tap(
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
