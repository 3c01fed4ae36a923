//! Multi-head self-attention: ONNX Runtime's fused operator, or matrix products of the ONNX standard.

use super::builder::Builder;
use super::onnx::{Attribute, MICROSOFT};
use crate::Operators;
use crate::checkpoint::wav2vec::Network;

/// Multi-head self-attention of the frames `x`, `[batch, frames, width]`, without the bias of its output
/// projection; `queries` are the frames that ask, all of `x` or some.
pub(super) fn multi_head_attention(
    builder: &mut Builder<'_, Network>,
    queries: &str,
    x: &str,
    name: &str,
) -> String {
    let (width, heads) = (builder.width, builder.network.heads);
    let frames = if queries == x {
        let x = builder.cast_to_compute_type(x);
        [x.clone(), x.clone(), x]
    } else {
        let queries = builder.cast_to_compute_type(queries);
        let x = builder.cast_to_compute_type(x);
        [queries, x.clone(), x]
    };
    let parts = ["q", "k", "v"];
    let mut linear = |n: usize| {
        let name = format!("{name}.{}_proj", parts[n]);
        builder.linear_without_bias(&frames[n], &name, width, width)
    };
    let projections = [linear(0), linear(1), linear(2)];
    let [q, k, v] = projections.each_ref().map(String::as_str);
    let context = if builder.variant.operators == Operators::Fused {
        // The operator adds the biases of the three projections.
        let sources = parts.map(|part| format!("{name}.{part}_proj.bias"));
        let bias = builder.weight(&format!("{name}.biases"), &[3 * width], move |checkpoint| {
            let parts = sources.iter().map(|source| checkpoint.floats(source));
            Ok(parts.collect::<Result<Vec<_>, _>>()?.concat())
        });
        fused(builder, [q, k, v], Some(&bias), heads)
    } else {
        let mut biased = |x: &str, part: &str| {
            let bias = builder.tensor(&format!("{name}.{part}_proj.bias"), &[width]);
            builder.graph.node("Add", &[x, &bias], &[])
        };
        let (q, k, v) = (biased(q, "q"), biased(k, "k"), biased(v, "v"));
        plain(builder, [&q, &k, &v], heads)
    };
    let output_projection =
        builder.linear_without_bias(&context, &format!("{name}.out_proj"), width, width);
    builder.cast_to_f32(&output_projection)
}

/// The attention of projections that have their biases already, all `[batch, frames, width]`.
pub(super) fn attend<N>(builder: &mut Builder<'_, N>, qkv: [&str; 3], heads: usize) -> String {
    if builder.variant.operators == Operators::Fused {
        fused(builder, qkv, None, heads)
    } else {
        plain(builder, qkv, heads)
    }
}

/// The scale of the dot products, `1/√(width per head)` (Vaswani et al. 2017, section 3.2.1).
fn scale(width: usize, heads: usize) -> f32 {
    ((width / heads) as f32).powf(-0.5)
}

/// Attention in one operator, which adds `bias`, those of the three projections in a row.
fn fused<N>(
    builder: &mut Builder<'_, N>,
    [q, k, v]: [&str; 3],
    bias: Option<&str>,
    heads: usize,
) -> String {
    let attributes = [
        ("num_heads", Attribute::Int(heads as i64)),
        ("scale", Attribute::Float(scale(builder.width, heads))),
    ];
    let mut inputs = vec![q, k, v];
    inputs.extend(bias);
    let output = builder.graph.fresh("Attention");
    builder.graph.add(
        "MultiHeadAttention",
        MICROSOFT,
        &inputs,
        &[&output],
        &attributes,
    );
    output
}

/// The same attention in operators of the ONNX standard, for the queries in [`Builder::query_parts`] parts.
fn plain<N>(builder: &mut Builder<'_, N>, [q, k, v]: [&str; 3], heads: usize) -> String {
    let width = builder.width;
    let mut split_heads = |x: &str, order: &[i64]| {
        let x = builder.reshape(x, &[0, 0, heads as i64, (width / heads) as i64]);
        builder.transpose(&x, order)
    };
    let q = split_heads(q, &[0, 2, 1, 3]);
    let k = split_heads(k, &[0, 2, 3, 1]);
    let v = split_heads(v, &[0, 2, 1, 3]);
    let scale = builder.scalar(scale(width, heads));
    let q = builder.graph.node("Mul", &[&q, &scale], &[]);
    let queries = parts_of_frames(builder, &q);
    let contexts: Vec<String> = queries
        .iter()
        .map(|q| {
            let scores = builder.graph.node("MatMul", &[q, &k], &[]);
            let last_axis = [("axis", Attribute::Int(-1))];
            let weights = builder.graph.node("Softmax", &[&scores], &last_axis);
            builder.graph.node("MatMul", &[&weights, &v], &[])
        })
        .collect();
    let contexts: Vec<&str> = contexts.iter().map(String::as_str).collect();
    let context = match contexts[..] {
        [only] => only.to_owned(),
        _ => {
            let frames = [("axis", Attribute::Int(2))];
            builder.graph.node("Concat", &contexts, &frames)
        }
    };
    let context = builder.transpose(&context, &[0, 2, 1, 3]);
    builder.reshape(&context, &[0, 0, width as i64])
}

/// The queries `q`, `[batch, heads, frames, size]`, in [`Builder::query_parts`] parts of nearly equal length.
fn parts_of_frames<N>(builder: &mut Builder<'_, N>, q: &str) -> Vec<String> {
    let count = builder.query_parts as i64;
    if count == 1 {
        return vec![q.to_owned()];
    }
    let axis = [("start", Attribute::Int(2)), ("end", Attribute::Int(3))];
    let frames = builder.graph.node("Shape", &[q], &axis);
    let (parts, time) = (builder.integers(&[count]), builder.integers(&[2]));
    // Bound n is ⌊n · frames / parts⌋: no part is empty unless there are fewer frames than parts.
    let bounds: Vec<String> = (0..=count)
        .map(|n| {
            let n = builder.integers(&[n]);
            let product = builder.graph.node("Mul", &[&frames, &n], &[]);
            builder.graph.node("Div", &[&product, &parts], &[])
        })
        .collect();
    let slices = bounds.windows(2).map(|bounds| {
        let inputs = [q, bounds[0].as_str(), bounds[1].as_str(), time.as_str()];
        builder.graph.node("Slice", &inputs, &[])
    });
    slices.collect()
}

#[cfg(test)]
mod tests;
