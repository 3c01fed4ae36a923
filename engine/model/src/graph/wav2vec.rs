//! The whole graph of a network of the wav2vec 2.0 line: feature extractor and projection, positional
//! convolutions, transformer layers, outputs.

use super::attention::multi_head_attention;
use super::builder::Builder;
use super::convolutions::{feature_extractor, feature_projection};
use super::onnx::{Attribute, OnnxGraph};
use super::{INPUT, Variant};
use crate::Precision;
use crate::checkpoint::wav2vec::{Family, Network};
use crate::checkpoint::{Checkpoint, CheckpointError};

/// The graph of a network's variant.
pub(super) fn graph(network: &Network, variant: &Variant) -> OnnxGraph {
    let mut builder = Builder::new(network, variant, network.width, network.epsilon);
    let x = feature_extractor(&mut builder, INPUT);
    let x = feature_projection(&mut builder, &x);
    let wanted = variant.layers.indices(network.layers + 1);
    let highest = wanted.last().copied().unwrap_or(0);
    let mut states = Vec::new();
    if network.pre_norm {
        pre_norm_layers(&mut builder, &x, highest, &mut states);
    } else {
        post_norm_layers(&mut builder, &x, highest, &mut states);
    }
    builder.outputs(&states, &wanted);
    builder.graph
}

/// Layers that normalize their output; appends the hidden states up to `highest` to `states`.
fn post_norm_layers(
    builder: &mut Builder<'_, Network>,
    x: &str,
    highest: usize,
    states: &mut Vec<String>,
) {
    let positions = positional_convolutions(builder, x);
    let (mut x, _) = builder.add_and_norm(&positions, "", x, "encoder.layer_norm", false);
    states.push(x.clone());
    for layer in 0..highest {
        let name = format!("encoder.layers.{layer}");
        let kept = kept_frames(builder, &x, layer);
        let attended = multi_head_attention(builder, &kept, &x, &format!("{name}.attention"));
        let bias = output_projection_bias(builder, &name);
        let norm = format!("{name}.layer_norm");
        let (middle, _) = builder.add_and_norm(&attended, &bias, &kept, &norm, false);
        let inner = feed_forward(builder, &middle, &name);
        let bias = feed_forward_bias(builder, &name);
        let norm = format!("{name}.final_layer_norm");
        (x, _) = builder.add_and_norm(&inner, &bias, &middle, &norm, false);
        states.push(x.clone());
    }
}

/// Layers that normalize their input; only the last hidden state is normalized.
fn pre_norm_layers(
    builder: &mut Builder<'_, Network>,
    x: &str,
    highest: usize,
    states: &mut Vec<String>,
) {
    let positions = positional_convolutions(builder, x);
    let width = builder.network.width;
    let mut x = builder.graph.node("Add", &[x, &positions], &[]);
    states.push(x.clone());
    for layer in 0..highest {
        let name = format!("encoder.layers.{layer}");
        let normed = builder.layer_norm(&x, &format!("{name}.layer_norm"), width);
        let queries = kept_frames(builder, &normed, layer);
        let kept = kept_frames(builder, &x, layer);
        let attention = format!("{name}.attention");
        let attended = multi_head_attention(builder, &queries, &normed, &attention);
        let bias = output_projection_bias(builder, &name);
        let norm = format!("{name}.final_layer_norm");
        let (normed, sum) = builder.add_and_norm(&attended, &bias, &kept, &norm, true);
        let inner = feed_forward(builder, &normed, &name);
        let bias = feed_forward_bias(builder, &name);
        let inner = builder.graph.node("Add", &[&inner, &bias], &[]);
        x = builder.graph.node("Add", &[&inner, &sum], &[]);
        states.push(if layer + 1 == builder.network.layers {
            builder.layer_norm(&x, "encoder.layer_norm", width)
        } else {
            x.clone()
        });
    }
}

/// The layer from which the fast form thins out its frames, counted from 0: heads read the hidden states from
/// here on.
const THINNED_LAYER: usize = 6;

/// Of so many frames one is left there.
const THINNING: i64 = 4;

/// The frames of `x`, `[batch, frames, width]`, that pass through a layer: all, but for the fast form, where
/// only some ask the others and pass on from its layer [`THINNED_LAYER`]. Neighbors in time hardly differ that deep,
/// and only their mean is wanted.
fn kept_frames(builder: &mut Builder<'_, Network>, x: &str, layer: usize) -> String {
    let variant = builder.variant;
    if variant.precision != Precision::Int8Fast || variant.frames || layer != THINNED_LAYER {
        return x.to_owned();
    }
    let [start, end, axis, step] =
        [0, i64::MAX, 1, THINNING].map(|number| builder.integers(&[number]));
    let inputs = [x, &start, &end, &axis, &step];
    builder.graph.node("Slice", &inputs, &[])
}

fn output_projection_bias(builder: &mut Builder<'_, Network>, name: &str) -> String {
    let width = builder.network.width;
    builder.vector_f32(&format!("{name}.attention.out_proj.bias"), width)
}

fn feed_forward_bias(builder: &mut Builder<'_, Network>, name: &str) -> String {
    let width = builder.network.width;
    builder.vector_f32(&format!("{name}.feed_forward.output_dense.bias"), width)
}

/// A feed-forward block without its last bias.
fn feed_forward(builder: &mut Builder<'_, Network>, x: &str, name: &str) -> String {
    let (width, inner) = (builder.network.width, builder.network.feed_forward_width);
    let first = format!("{name}.feed_forward.intermediate_dense");
    let x = builder.cast_to_compute_type(x);
    let x = builder.linear_without_bias(&x, &first, inner, width);
    let bias = builder.tensor(&format!("{first}.bias"), &[inner]);
    let x = builder.gelu(&x, &bias);
    let second = format!("{name}.feed_forward.output_dense");
    let x = builder.linear_without_bias(&x, &second, width, inner);
    builder.cast_to_f32(&x)
}

/// The positional convolutions of `x`, `[batch, frames, width]`, in the same shape.
fn positional_convolutions(builder: &mut Builder<'_, Network>, x: &str) -> String {
    let network = builder.network;
    let mut x = x.to_owned();
    for n in 0..network.positional {
        let y = positional_convolution(builder, &x, n);
        if network.family == Family::Hubert {
            let y = builder.gelu(&y, "");
            let y = builder.transpose(&y, &[0, 2, 1]);
            return builder.cast_to_f32(&y);
        }
        let y = builder.transpose(&y, &[0, 2, 1]);
        let y = builder.cast_to_f32(&y);
        // A normalization without learned weights; PyTorch's default epsilon.
        let ones = builder.repeated_f32(1.0, network.width);
        let zeros = builder.repeated_f32(0.0, network.width);
        let settings = [
            ("axis", Attribute::Int(-1)),
            ("epsilon", Attribute::Float(1e-5)),
        ];
        let y = builder
            .graph
            .node("LayerNormalization", &[&y, &ones, &zeros], &settings);
        let y = builder.cast_to_compute_type(&y);
        let y = builder.gelu(&y, "");
        x = builder.cast_to_f32(&y);
    }
    x
}

/// One positional convolution of `[batch, frames, width]`: `[batch, width, frames]`.
fn positional_convolution(builder: &mut Builder<'_, Network>, x: &str, n: usize) -> String {
    let network = builder.network;
    let (width, groups) = (network.width, network.positional_groups);
    let kernel = network.positional_kernel;
    let shape = [width, width / groups, 1, kernel];
    let (name, weight) = if network.family == Family::Hubert {
        let name = "encoder.pos_conv_embed.conv".to_owned();
        let source = name.clone();
        let weight = builder.weight(&format!("{name}.weight"), &shape, move |checkpoint| {
            weight_norm(checkpoint, &source, kernel)
        });
        (name, weight)
    } else {
        let name = format!("encoder.pos_conv_embed.layers.{n}.conv");
        let weight = builder.tensor(&format!("{name}.weight"), &shape);
        (name, weight)
    };
    let bias = builder.tensor(&format!("{name}.bias"), &[width]);
    let x = builder.cast_to_compute_type(x);
    let x = builder.transpose(&x, &[0, 2, 1]);
    let height = builder.integers(&[2]);
    let x = builder.graph.node("Unsqueeze", &[&x, &height], &[]);
    // Equal padding on both sides; an even kernel gets one frame less at the end.
    let before = (kernel / 2) as i64;
    let after = before - i64::from(kernel.is_multiple_of(2));
    let settings = [
        ("kernel_shape", Attribute::Ints(&[1, kernel as i64])),
        ("group", Attribute::Int(groups as i64)),
        ("pads", Attribute::Ints(&[0, before, 0, after])),
    ];
    let y = builder.graph.node("Conv", &[&x, &weight, &bias], &settings);
    builder.graph.node("Squeeze", &[&y, &height], &[])
}

/// A weight from its two parts, the length and the direction of each tap of the kernel
/// (`torch.nn.utils.weight_norm(dim=2)`).
fn weight_norm(
    checkpoint: &Checkpoint,
    name: &str,
    kernel: usize,
) -> Result<Vec<f32>, CheckpointError> {
    let lengths = checkpoint.floats(&format!("{name}.weight_g"))?;
    let mut weight = checkpoint.floats(&format!("{name}.weight_v"))?;
    let mut squares = vec![0.0f64; kernel];
    for taps in weight.chunks_exact(kernel) {
        for (square, tap) in squares.iter_mut().zip(taps) {
            *square += f64::from(*tap).powi(2);
        }
    }
    for taps in weight.chunks_exact_mut(kernel) {
        for ((tap, length), square) in taps.iter_mut().zip(&lengths).zip(&squares) {
            *tap = (f64::from(*tap) * f64::from(*length) / square.sqrt()) as f32;
        }
    }
    Ok(weight)
}

#[cfg(test)]
mod tests;
