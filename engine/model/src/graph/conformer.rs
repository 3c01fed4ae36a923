//! The parts of conformer blocks (Gulati et al. 2020) with rotary positions (Su et al. 2021): what the
//! families share. Their order, names, normalizations and activations are the families' own.

use super::attention::attend;
use super::builder::Builder;
use super::onnx::Attribute;
use crate::checkpoint::{Checkpoint, CheckpointError};

/// The cosines and sines of the positions' angles, `[frames, 1, width per head]`.
pub(super) struct Rotation {
    cosine: String,
    sine: String,
    heads: usize,
}

type Floats = Result<Vec<f32>, CheckpointError>;

/// The rotation of the frames of `x`, `[batch, frames, width]`; `frequencies` makes those of half a head.
pub(super) fn rotation<N>(
    builder: &mut Builder<'_, N>,
    x: &str,
    heads: usize,
    frequencies: impl Fn(&Checkpoint) -> Floats + 'static,
) -> Rotation {
    let half = builder.width / heads / 2;
    let axis = [("start", Attribute::Int(1)), ("end", Attribute::Int(2))];
    let frames = builder.graph.node("Shape", &[x], &axis);
    let first = builder.integers(&[0]);
    let frames = builder.graph.node("Squeeze", &[&frames, &first], &[]);
    let (zero, one) = (builder.integer(0), builder.integer(1));
    let positions = builder.graph.node("Range", &[&zero, &frames, &one], &[]);
    let positions = builder.integers_to_f32(&positions);
    let axes = builder.integers(&[1, 2]);
    let positions = builder.graph.node("Unsqueeze", &[&positions, &axes], &[]);
    let frequencies = builder.weight_f32("rotary frequencies", &[half], frequencies);
    let angles = builder.graph.node("Mul", &[&positions, &frequencies], &[]);
    // Both halves of a head turn alike.
    let last = [("axis", Attribute::Int(-1))];
    let angles = builder.graph.node("Concat", &[&angles, &angles], &last);
    let mut table = |function: &str| {
        let table = builder.graph.node(function, &[&angles], &[]);
        builder.cast_to_compute_type(&table)
    };
    Rotation {
        cosine: table("Cos"),
        sine: table("Sin"),
        heads,
    }
}

/// `x`, `[batch, frames, width]` of the compute type, with each head rotated by its position.
pub(super) fn rotated<N>(builder: &mut Builder<'_, N>, x: &str, rotation: &Rotation) -> String {
    let (width, heads) = (builder.width, rotation.heads);
    let x = builder.reshape(x, &[0, 0, heads as i64, (width / heads) as i64]);
    let (first, second) = builder.halves(&x);
    let negative = builder.graph.node("Neg", &[&second], &[]);
    let last = [("axis", Attribute::Int(-1))];
    let turned = builder.graph.node("Concat", &[&negative, &first], &last);
    let along = builder.graph.node("Mul", &[&x, &rotation.cosine], &[]);
    let across = builder.graph.node("Mul", &[&turned, &rotation.sine], &[]);
    let sum = builder.graph.node("Add", &[&along, &across], &[]);
    builder.reshape(&sum, &[0, 0, width as i64])
}

/// Self-attention whose rotation comes after the projections, of a normalized `x`, without the bias of its
/// output projection. `names` are those of the projections of query, key, value and output.
pub(super) fn attention_rotated_after<N>(
    builder: &mut Builder<'_, N>,
    x: &str,
    names: [String; 4],
    rotation: &Rotation,
) -> String {
    let [query, key, value, output] = names;
    let width = builder.width;
    let x = builder.cast_to_compute_type(x);
    let query = projected(builder, &x, &query);
    let key = projected(builder, &x, &key);
    let value = projected(builder, &x, &value);
    let query = rotated(builder, &query, rotation);
    let key = rotated(builder, &key, rotation);
    let context = attend(builder, [&query, &key, &value], rotation.heads);
    let out = builder.linear_without_bias(&context, &output, width, width);
    builder.cast_to_f32(&out)
}

/// Self-attention whose rotation comes before the projections of query and key, otherwise like
/// [`attention_rotated_after`].
pub(super) fn attention_rotated_before<N>(
    builder: &mut Builder<'_, N>,
    x: &str,
    names: [String; 4],
    rotation: &Rotation,
) -> String {
    let [query, key, value, output] = names;
    let width = builder.width;
    let x = builder.cast_to_compute_type(x);
    let turned = rotated(builder, &x, rotation);
    let query = projected(builder, &turned, &query);
    let key = projected(builder, &turned, &key);
    let value = projected(builder, &x, &value);
    let context = attend(builder, [&query, &key, &value], rotation.heads);
    let out = builder.linear_without_bias(&context, &output, width, width);
    builder.cast_to_f32(&out)
}

/// A linear layer from width to width, with its bias.
fn projected<N>(builder: &mut Builder<'_, N>, x: &str, name: &str) -> String {
    let width = builder.width;
    let bias = builder.tensor(&format!("{name}.bias"), &[width]);
    let x = builder.linear_without_bias(x, name, width, width);
    builder.graph.node("Add", &[&x, &bias], &[])
}

/// The activations between the layers of a block.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Activation {
    /// The Gaussian error linear unit.
    Gelu,
    /// The sigmoid linear unit, also called swish.
    Silu,
}

impl Activation {
    /// The activation of `x` plus `bias`; an empty name means no bias.
    fn of<N>(self, builder: &mut Builder<'_, N>, x: &str, bias: &str) -> String {
        match self {
            Self::Gelu => builder.gelu(x, bias),
            Self::Silu => {
                let mut x = x.to_owned();
                if !bias.is_empty() {
                    x = builder.graph.node("Add", &[&x, bias], &[]);
                }
                let sigmoid = builder.graph.node("Sigmoid", &[&x], &[]);
                builder.graph.node("Mul", &[&x, &sigmoid], &[])
            }
        }
    }
}

/// Half of a feed-forward block of a normalized `x`, and the half of its last bias, which is not added.
/// `names` are those of its two linear layers.
pub(super) fn half_feed_forward<N>(
    builder: &mut Builder<'_, N>,
    x: &str,
    names: [String; 2],
    inner: usize,
    activation: Activation,
) -> (String, String) {
    let [first, second] = names;
    let width = builder.width;
    let x = builder.cast_to_compute_type(x);
    let x = builder.linear_without_bias(&x, &first, inner, width);
    let bias = builder.tensor(&format!("{first}.bias"), &[inner]);
    let x = activation.of(builder, &x, &bias);
    // A half is exact in binary: the result is that of halving the sum.
    let x = builder.scaled_linear(&x, &second, 0.5, [width, inner]);
    let source = format!("{second}.bias");
    let bias = builder.weight_f32(&format!("half of {source}"), &[width], move |checkpoint| {
        let bias = checkpoint.floats(&source)?;
        Ok(bias.iter().map(|value| 0.5 * value).collect())
    });
    (builder.cast_to_f32(&x), bias)
}

/// The layers of a convolution module.
pub(super) struct ConvolutionNames {
    /// The name of the expansion.
    pub(super) expansion: String,
    /// The weight of the depthwise convolution, `[width, 1, 1, kernel]`, and its bias, if any: constants of the
    /// graph, of the compute type.
    pub(super) depthwise: Vec<String>,
    pub(super) norm: ConvolutionNorm,
    /// The name of the projection.
    pub(super) projection: String,
}

/// The normalization after a module's depthwise convolution.
pub(super) enum ConvolutionNorm {
    /// Layer normalization over the channels, by its name.
    Layer(String),
    /// Batch normalization, which the convolution's weight and bias contain.
    Folded,
}

/// The convolution module of a normalized `x`, `[batch, frames, width]`: gated expansion, depthwise
/// convolution of `kernel` frames, normalization, activation, projection.
pub(super) fn convolution_module<N>(
    builder: &mut Builder<'_, N>,
    x: &str,
    names: &ConvolutionNames,
    kernel: usize,
    activation: Activation,
) -> String {
    let width = builder.width;
    let x = builder.cast_to_compute_type(x);
    let x = builder.linear_without_bias(&x, &names.expansion, 2 * width, width);
    let (value, gate) = builder.halves(&x);
    let gate = builder.graph.node("Sigmoid", &[&gate], &[]);
    let x = builder.graph.node("Mul", &[&value, &gate], &[]);
    let parameters: Vec<&str> = names.depthwise.iter().map(String::as_str).collect();
    let mut x = depthwise(builder, &x, width, kernel, &parameters);
    if let ConvolutionNorm::Layer(norm) = &names.norm {
        x = builder.cast_to_f32(&x);
        x = builder.layer_norm(&x, norm, width);
        x = builder.cast_to_compute_type(&x);
    }
    let x = activation.of(builder, &x, "");
    let x = builder.linear_without_bias(&x, &names.projection, width, width);
    builder.cast_to_f32(&x)
}

/// A depthwise convolution over the frames of `x`, `[batch, frames, channels]`, padded with zeros to the same
/// number of frames. `parameters` are its weight, `[channels, 1, 1, kernel]`, and its bias, if any.
pub(super) fn depthwise<N>(
    builder: &mut Builder<'_, N>,
    x: &str,
    channels: usize,
    kernel: usize,
    parameters: &[&str],
) -> String {
    let x = builder.transpose(x, &[0, 2, 1]);
    let height = builder.integers(&[2]);
    let x = builder.graph.node("Unsqueeze", &[&x, &height], &[]);
    let around = (kernel / 2) as i64;
    let settings = [
        ("kernel_shape", Attribute::Ints(&[1, kernel as i64])),
        ("group", Attribute::Int(channels as i64)),
        ("pads", Attribute::Ints(&[0, around, 0, around])),
    ];
    let inputs = [&[x.as_str()], parameters].concat();
    let x = builder.graph.node("Conv", &inputs, &settings);
    let x = builder.graph.node("Squeeze", &[&x, &height], &[]);
    builder.transpose(&x, &[0, 2, 1])
}
