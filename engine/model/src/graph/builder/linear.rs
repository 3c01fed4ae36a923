//! Linear layers in each precision: floating point, or 8-bit integers with scales.

use super::{Builder, Floats, QuantizedInput, floats};
use crate::checkpoint::Checkpoint;
use crate::graph::onnx::{Attribute, Size, TensorType};
use crate::graph::quantize::{self, WeightForm};
use crate::graph::smoothing::{InputRange, RangeOutput, times};

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
        if self.variant.precision.is_quantized() {
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
        let form = WeightForm::of(self.variant.precision);
        let (kind, zero) = form.tensor();
        let input = self.quantized_input(x, shape[0]);
        let divisors = input.range.as_ref().map(InputRange::divisors);
        let exact = values.clone();
        let scaled = move |checkpoint: &Checkpoint| -> Floats {
            let matrix = values(checkpoint)?;
            Ok(match &divisors {
                Some(divisors) => times(matrix, divisors),
                None => matrix,
            })
        };
        let again = scaled.clone();
        let weight = format!("{name}.weight quantized");
        self.graph
            .constant(&weight, kind, &shape, move |checkpoint| {
                Ok(quantize::weights(&scaled(checkpoint)?, outputs, form))
            });
        let scale = format!("{name}.weight scale");
        self.graph
            .constant(&scale, TensorType::F32, &[outputs], move |checkpoint| {
                Ok(floats(
                    &quantize::scales(&again(checkpoint)?, outputs, form),
                    TensorType::F32,
                ))
            });
        let zero = self.shared_constant("weights' zero".to_owned(), kind, &[], move |_| {
            Ok(vec![zero])
        });
        let [value, x_scale, x_zero] = &input.names;
        let sums = self
            .graph
            .node("MatMulInteger", &[value, &weight, x_zero, &zero], &[]);
        let to = [("to", Attribute::Int(TensorType::F32 as i64))];
        let sums = self.graph.node("Cast", &[&sums], &to);
        let scale = self.graph.node("Mul", &[x_scale, &scale], &[]);
        let product = self.graph.node("Mul", &[&sums, &scale], &[]);
        let Some(range) = input.range else {
            return product;
        };
        // Directly after the product, so that ONNX Runtime fuses them.
        let name = format!("{name}.constant");
        let constant = self.weight_f32(&name, &[outputs], move |checkpoint| {
            Ok(range.constant(&exact(checkpoint)?))
        });
        self.graph.node("Add", &[&product, &constant], &[])
    }

    /// `x`, whose last axis has `width` values, in 8-bit integers; centered and evened out where its range is
    /// known.
    fn quantized_input(&mut self, x: &str, width: usize) -> QuantizedInput {
        if let Some(input) = self.quantized.get(x) {
            return input.clone();
        }
        let index = self.quantized.len();
        if self.variant.smoothing.measures {
            self.range_outputs(x, width, index);
        }
        let ranges = self.variant.smoothing.ranges.as_ref();
        let range = ranges.and_then(|ranges| ranges.get(index)).cloned();
        let evened = match &range {
            Some(range) => self.evened(x, range, index),
            None => x.to_owned(),
        };
        let names = ["value", "scale", "zero"].map(|part| self.graph.fresh(part));
        let outputs = names.each_ref().map(String::as_str);
        self.graph
            .add("DynamicQuantizeLinear", "", &[&evened], &outputs, &[]);
        let input = QuantizedInput { names, range };
        self.quantized.insert(x.to_owned(), input.clone());
        input
    }

    /// `x` without its channels' means and divided by their divisors.
    fn evened(&mut self, x: &str, range: &InputRange, index: usize) -> String {
        let (mean, divisors) = (range.mean.clone(), range.divisors());
        let shape = [mean.len()];
        let mean = self.weight_f32(&format!("input mean {index}"), &shape, move |_| {
            Ok(mean.clone())
        });
        let factor = self.weight_f32(&format!("input factor {index}"), &shape, move |_| {
            Ok(divisors.iter().map(|divisor| 1.0 / divisor).collect())
        });
        let centered = self.graph.node("Sub", &[x, &mean], &[]);
        self.graph.node("Mul", &[&centered, &factor], &[])
    }

    /// Gives the range of `x`, the `index`th input of a quantized layer, as outputs.
    fn range_outputs(&mut self, x: &str, width: usize, index: usize) {
        let rows = self.reshape(x, &[-1, width as i64]);
        let first = self.integers(&[0]);
        for output in RangeOutput::ALL {
            let name = output.name(index);
            let settings = [("keepdims", Attribute::Int(0))];
            self.graph
                .add(output.operator(), "", &[&rows, &first], &[&name], &settings);
            self.graph.output(&name, &[Size::Given(width)]);
        }
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
