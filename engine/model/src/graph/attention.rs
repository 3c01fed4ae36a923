//! Multi-head self-attention: ONNX Runtime's fused operator, or matrix products of the ONNX standard.

use super::builder::Builder;
use super::onnx::{Attribute, MICROSOFT};
use crate::Operators;

/// Multi-head self-attention of `x`, `[batch, frames, width]`, without the bias of its output
/// projection.
pub(super) fn multi_head_attention(builder: &mut Builder<'_>, x: &str, name: &str) -> String {
    let width = builder.network.width;
    let x = builder.cast_to_compute_type(x);
    let mut projection = |x: &str, part: &str| {
        builder.linear_without_bias(x, &format!("{name}.{part}_proj"), width, width)
    };
    let query_projection = projection(&x, "q");
    let key_projection = projection(&x, "k");
    let value_projection = projection(&x, "v");
    let projections = [&*query_projection, &key_projection, &value_projection];
    let context = if builder.variant.operators == Operators::Fused {
        fused_attention(builder, projections, name)
    } else {
        plain_attention(builder, projections, name)
    };
    let output_projection =
        builder.linear_without_bias(&context, &format!("{name}.out_proj"), width, width);
    builder.cast_to_f32(&output_projection)
}

/// The scale of the dot products, `1/√(width per head)` (Vaswani et al. 2017, section 3.2.1).
fn scale(builder: &Builder<'_>) -> f32 {
    ((builder.network.width / builder.network.heads) as f32).powf(-0.5)
}

/// Attention in one operator, which also adds the biases of the three projections.
fn fused_attention(builder: &mut Builder<'_>, [q, k, v]: [&str; 3], name: &str) -> String {
    let width = builder.network.width;
    let sources = ["q", "k", "v"].map(|part| format!("{name}.{part}_proj.bias"));
    let bias = builder.weight(&format!("{name}.biases"), &[3 * width], move |checkpoint| {
        let parts = sources.iter().map(|source| checkpoint.floats(source));
        Ok(parts.collect::<Result<Vec<_>, _>>()?.concat())
    });
    let attributes = [
        ("num_heads", Attribute::Int(builder.network.heads as i64)),
        ("scale", Attribute::Float(scale(builder))),
    ];
    let output = builder.graph.fresh("Attention");
    builder.graph.add(
        "MultiHeadAttention",
        MICROSOFT,
        &[q, k, v, &bias],
        &[&output],
        &attributes,
    );
    output
}

/// The same attention in operators of the ONNX standard.
fn plain_attention(builder: &mut Builder<'_>, [q, k, v]: [&str; 3], name: &str) -> String {
    let (width, heads) = (builder.network.width, builder.network.heads);
    let split_heads = |builder: &mut Builder<'_>, x: &str, part: &str, order: &[i64]| {
        let bias = builder.tensor(&format!("{name}.{part}_proj.bias"), &[width]);
        let x = builder.graph.node("Add", &[x, &bias], &[]);
        let x = builder.reshape(&x, &[0, 0, heads as i64, (width / heads) as i64]);
        builder.transpose(&x, order)
    };
    let q = split_heads(builder, q, "q", &[0, 2, 1, 3]);
    let k = split_heads(builder, k, "k", &[0, 2, 3, 1]);
    let v = split_heads(builder, v, "v", &[0, 2, 1, 3]);
    let scale = scale(builder);
    let scale = builder.scalar(scale);
    let q = builder.graph.node("Mul", &[&q, &scale], &[]);
    let scores = builder.graph.node("MatMul", &[&q, &k], &[]);
    let last_axis = [("axis", Attribute::Int(-1))];
    let weights = builder.graph.node("Softmax", &[&scores], &last_axis);
    let context = builder.graph.node("MatMul", &[&weights, &v], &[]);
    let context = builder.transpose(&context, &[0, 2, 1, 3]);
    builder.reshape(&context, &[0, 0, width as i64])
}
