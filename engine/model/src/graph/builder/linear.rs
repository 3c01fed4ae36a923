//! Linear layers in each precision: floating point, or 8-bit integers with scales.

use super::{Builder, Floats, floats};
use crate::Precision;
use crate::checkpoint::Checkpoint;
use crate::graph::onnx::{Attribute, TensorType};
use crate::graph::quantize;

impl<N> Builder<'_, N> {
    /// A linear layer without its bias, `x · weightᵀ`, `[batch, frames, outputs]`; `name` is the
    /// layer's name in the checkpoint.
    pub(in crate::graph) fn linear_without_bias(
        &mut self,
        x: &str,
        name: &str,
        outputs: usize,
        inputs: usize,
    ) -> String {
        self.scaled_linear(x, name, 1.0, [outputs, inputs])
    }

    /// Like [`Builder::linear_without_bias`], with a weight of `[outputs, inputs]` times `scale`.
    pub(in crate::graph) fn scaled_linear(
        &mut self,
        x: &str,
        name: &str,
        scale: f32,
        [outputs, inputs]: [usize; 2],
    ) -> String {
        let source = format!("{name}.weight");
        let values = move |checkpoint: &Checkpoint| {
            let mut matrix = checkpoint.floats(&source)?;
            matrix.iter_mut().for_each(|weight| *weight *= scale);
            Ok(transposed(&matrix, outputs, inputs))
        };
        if self.variant.precision == Precision::Int8 {
            return self.quantized_linear(x, name, [inputs, outputs], values);
        }
        let weight = self.weight(
            &format!("{name}.weight transposed"),
            &[inputs, outputs],
            values,
        );
        self.graph.node("MatMul", &[x, &weight], &[])
    }

    /// A linear layer without its bias that computes in single precision in every variant.
    pub(in crate::graph) fn linear_f32(
        &mut self,
        x: &str,
        name: &str,
        [outputs, inputs]: [usize; 2],
    ) -> String {
        let source = format!("{name}.weight");
        let transposed = format!("{source} transposed f32");
        let weight = self.weight_f32(&transposed, &[inputs, outputs], move |checkpoint| {
            Ok(self::transposed(
                &checkpoint.floats(&source)?,
                outputs,
                inputs,
            ))
        });
        self.graph.node("MatMul", &[x, &weight], &[])
    }

    /// A linear layer without its bias, in 8-bit integers.
    fn quantized_linear(
        &mut self,
        x: &str,
        name: &str,
        shape: [usize; 2],
        values: impl Fn(&Checkpoint) -> Floats + Clone + 'static,
    ) -> String {
        let outputs = shape[1];
        let (kind, zero) = quantize::weights_type();
        let again = values.clone();
        let weight = format!("{name}.weight quantized");
        self.graph
            .constant(&weight, kind, &shape, move |checkpoint| {
                Ok(quantize::weights(&values(checkpoint)?, outputs, zero))
            });
        let scale = format!("{name}.weight scale");
        self.graph
            .constant(&scale, TensorType::F32, &[outputs], move |checkpoint| {
                Ok(floats(
                    &quantize::scales(&again(checkpoint)?, outputs),
                    TensorType::F32,
                ))
            });
        let zero = self.shared_constant("weights' zero".to_owned(), kind, &[], move |_| {
            Ok(vec![zero])
        });
        let [value, x_scale, x_zero] = self.quantized_input(x);
        let sums = self
            .graph
            .node("MatMulInteger", &[&value, &weight, &x_zero, &zero], &[]);
        let to = [("to", Attribute::Int(TensorType::F32 as i64))];
        let sums = self.graph.node("Cast", &[&sums], &to);
        let scale = self.graph.node("Mul", &[&x_scale, &scale], &[]);
        self.graph.node("Mul", &[&sums, &scale], &[])
    }

    /// `x` in 8-bit integers: value, scale and zero point.
    fn quantized_input(&mut self, x: &str) -> [String; 3] {
        if let Some(names) = self.quantized.get(x) {
            return names.clone();
        }
        let names = ["value", "scale", "zero"].map(|part| self.graph.fresh(part));
        let outputs = names.each_ref().map(String::as_str);
        self.graph
            .add("DynamicQuantizeLinear", "", &[x], &outputs, &[]);
        self.quantized.insert(x.to_owned(), names.clone());
        names
    }
}

/// A matrix `[rows, columns]` as `[columns, rows]`.
fn transposed(matrix: &[f32], rows: usize, columns: usize) -> Vec<f32> {
    let mut out = Vec::with_capacity(matrix.len());
    for column in 0..columns {
        out.extend((0..rows).map(|row| matrix[row * columns + column]));
    }
    out
}
