//! Self-attention: in one piece where ONNX Runtime has it, and otherwise as matrix products.

use super::builder::Builder;
use super::onnx::{Attribute, MICROSOFT};
use crate::Operators;

/// Self-attention of `x`, `[batch, frames, width]`, without the bias of its output.
pub(super) fn attention(builder: &mut Builder<'_>, x: &str, name: &str) -> String {
    let network = builder.network;
    let width = network.width;
    let x = builder.multiplied(x);
    let [q, k, v] = ["q", "k", "v"]
        .map(|part| builder.product(&x, &format!("{name}.{part}_proj"), width, width));
    let seen = if builder.variant.operators == Operators::Fused {
        fused(builder, [&q, &k, &v], name)
    } else {
        plain(builder, [&q, &k, &v], name)
    };
    let out = builder.product(&seen, &format!("{name}.out_proj"), width, width);
    builder.full(&out)
}

fn scale(builder: &Builder<'_>) -> f32 {
    ((builder.network.width / builder.network.heads) as f32).powf(-0.5)
}

fn fused(builder: &mut Builder<'_>, [q, k, v]: [&str; 3], name: &str) -> String {
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

fn plain(builder: &mut Builder<'_>, [q, k, v]: [&str; 3], name: &str) -> String {
    let (width, heads) = (builder.network.width, builder.network.heads);
    let by_head = |builder: &mut Builder<'_>, x: &str, part: &str, order: &[i64]| {
        let bias = builder.tensor(&format!("{name}.{part}_proj.bias"), &[width]);
        let x = builder.graph.node("Add", &[x, &bias], &[]);
        let x = builder.reshape(&x, &[0, 0, heads as i64, (width / heads) as i64]);
        builder.transpose(&x, order)
    };
    let q = by_head(builder, q, "q", &[0, 2, 1, 3]);
    let k = by_head(builder, k, "k", &[0, 2, 3, 1]);
    let v = by_head(builder, v, "v", &[0, 2, 1, 3]);
    let scale = scale(builder);
    let scale = builder.scalar(scale);
    let q = builder.graph.node("Mul", &[&q, &scale], &[]);
    let scores = builder.graph.node("MatMul", &[&q, &k], &[]);
    let last = [("axis", Attribute::Int(-1))];
    let shares = builder.graph.node("Softmax", &[&scores], &last);
    let seen = builder.graph.node("MatMul", &[&shares, &v], &[]);
    let seen = builder.transpose(&seen, &[0, 2, 1, 3]);
    builder.reshape(&seen, &[0, 0, width as i64])
}
