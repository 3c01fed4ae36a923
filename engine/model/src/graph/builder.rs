//! The modules of which networks are built: normalizations, activations, constants, in each precision and each
//! set of operators; linear layers are in `linear.rs`.

mod linear;

use std::collections::{HashMap, HashSet};

use half::f16;

use super::onnx::{Attribute, MICROSOFT, OnnxGraph, Size, TensorType};
use super::smoothing::InputRange;
use super::{INPUT, Variant, output_name};
use crate::checkpoint::{Checkpoint, CheckpointError};
use crate::{Operators, Precision};

/// A graph that is being built for a network of the family `N`.
pub(super) struct Builder<'a, N> {
    pub(super) graph: OnnxGraph,
    pub(super) network: &'a N,
    pub(super) variant: &'a Variant,
    /// Values per hidden state.
    pub(super) width: usize,
    /// The number of parts in which the queries of attention in operators of the ONNX standard are answered, one
    /// after the other: memory for its scores is that of a part. The fused operators keep none
    /// (flash attention, Dao et al. 2022).
    pub(super) query_parts: usize,
    /// The number that layer normalization adds to variances.
    epsilon: f32,
    constants: HashSet<String>,
    /// Inputs of linear layers that are quantized already.
    quantized: HashMap<String, QuantizedInput>,
}

/// An input in 8-bit integers.
#[derive(Clone)]
struct QuantizedInput {
    /// The names of value, scale and zero point.
    names: [String; 3],
    /// How it was centered and evened out, if it was.
    range: Option<InputRange>,
}

/// The numbers in `x / √2`, `erf + 1` and `x / 2`.
const GELU_NUMBERS: [f32; 3] = [std::f32::consts::SQRT_2, 1.0, 0.5];

type Floats = Result<Vec<f32>, CheckpointError>;

impl<'a, N> Builder<'a, N> {
    /// An empty graph with the input, `[batch, samples]`.
    pub(super) fn new(network: &'a N, variant: &'a Variant, width: usize, epsilon: f32) -> Self {
        let mut graph = OnnxGraph::default();
        graph.input(INPUT, &[Size::Named("batch"), Size::Named("samples")]);
        Self {
            graph,
            network,
            variant,
            width,
            query_parts: 1,
            epsilon,
            constants: HashSet::new(),
            quantized: HashMap::new(),
        }
    }

    pub(super) fn is_half(&self) -> bool {
        self.variant.precision == Precision::Fp16
    }

    fn is_fused(&self) -> bool {
        self.variant.operators == Operators::Fused
    }

    /// The type in which linear layers and convolutions compute.
    fn compute_type(&self) -> TensorType {
        if self.is_half() {
            TensorType::F16
        } else {
            TensorType::F32
        }
    }

    /// A constant that several nodes may use, written once.
    fn shared_constant(
        &mut self,
        name: String,
        kind: TensorType,
        shape: &[usize],
        content: impl Fn(&Checkpoint) -> Result<Vec<u8>, CheckpointError> + 'static,
    ) -> String {
        if self.constants.insert(name.clone()) {
            self.graph.constant(&name, kind, shape, content);
        }
        name
    }

    /// A short list of integers.
    pub(super) fn integers(&mut self, values: &[i64]) -> String {
        let name = format!("integers{values:?}");
        let bytes: Vec<u8> = values.iter().flat_map(|v| v.to_le_bytes()).collect();
        self.shared_constant(name, TensorType::I64, &[values.len()], move |_| {
            Ok(bytes.clone())
        })
    }

    /// A number of the compute type.
    pub(super) fn scalar(&mut self, value: f32) -> String {
        let kind = self.compute_type();
        self.shared_constant(format!("scalar {value}"), kind, &[], move |_| {
            Ok(floats(&[value], kind))
        })
    }

    /// A number in single precision.
    pub(super) fn scalar_f32(&mut self, value: f32) -> String {
        let name = format!("scalar {value} f32");
        self.weight_f32(&name, &[], move |_| Ok(vec![value]))
    }

    /// A weight in single precision, calculated from the checkpoint's tensors.
    pub(super) fn weight_f32(
        &mut self,
        name: &str,
        shape: &[usize],
        values: impl Fn(&Checkpoint) -> Floats + 'static,
    ) -> String {
        self.shared_constant(name.to_owned(), TensorType::F32, shape, move |checkpoint| {
            Ok(floats(&values(checkpoint)?, TensorType::F32))
        })
    }

    /// A weight of the compute type, calculated from the checkpoint's tensors.
    pub(super) fn weight(
        &mut self,
        name: &str,
        shape: &[usize],
        values: impl Fn(&Checkpoint) -> Floats + 'static,
    ) -> String {
        let kind = self.compute_type();
        self.shared_constant(name.to_owned(), kind, shape, move |checkpoint| {
            Ok(floats(&values(checkpoint)?, kind))
        })
    }

    /// A tensor of the checkpoint, unchanged except for the compute type.
    pub(super) fn tensor(&mut self, name: &str, shape: &[usize]) -> String {
        let source = name.to_owned();
        self.weight(name, shape, move |checkpoint| checkpoint.floats(&source))
    }

    /// A vector of the checkpoint in single precision.
    pub(super) fn vector_f32(&mut self, name: &str, width: usize) -> String {
        let source = name.to_owned();
        self.weight_f32(&format!("{name} f32"), &[width], move |checkpoint| {
            checkpoint.floats(&source)
        })
    }

    /// A vector of `count` equal numbers in single precision.
    pub(super) fn repeated_f32(&mut self, value: f32, count: usize) -> String {
        let name = format!("{count} times {value}");
        self.weight_f32(&name, &[count], move |_| Ok(vec![value; count]))
    }

    /// A single integer.
    pub(super) fn integer(&mut self, value: i64) -> String {
        let name = format!("integer {value}");
        self.shared_constant(name, TensorType::I64, &[], move |_| {
            Ok(value.to_le_bytes().to_vec())
        })
    }

    /// Integers as numbers in single precision.
    pub(super) fn integers_to_f32(&mut self, x: &str) -> String {
        let to = [("to", Attribute::Int(TensorType::F32 as i64))];
        self.graph.node("Cast", &[x], &to)
    }

    /// The two halves of `x` along its last axis.
    pub(super) fn halves(&mut self, x: &str) -> (String, String) {
        let halves = (self.graph.fresh("Half"), self.graph.fresh("Half"));
        let settings = [
            ("axis", Attribute::Int(-1)),
            ("num_outputs", Attribute::Int(2)),
        ];
        let outputs = [halves.0.as_str(), &halves.1];
        self.graph.add("Split", "", &[x], &outputs, &settings);
        halves
    }

    /// `x`, cast to the compute type.
    pub(super) fn cast_to_compute_type(&mut self, x: &str) -> String {
        self.cast(x, TensorType::F16)
    }

    /// `x`, cast back to single precision.
    pub(super) fn cast_to_f32(&mut self, x: &str) -> String {
        self.cast(x, TensorType::F32)
    }

    fn cast(&mut self, x: &str, kind: TensorType) -> String {
        if !self.is_half() {
            return x.to_owned();
        }
        self.graph
            .node("Cast", &[x], &[("to", Attribute::Int(kind as i64))])
    }

    /// Layer normalization over the last axis; `name` is the layer's name in the checkpoint.
    pub(super) fn layer_norm(&mut self, x: &str, name: &str, width: usize) -> String {
        self.layer_norm_with(x, name, width, self.epsilon)
    }

    /// Like [`Builder::layer_norm`], with another epsilon than the network's.
    pub(super) fn layer_norm_with(
        &mut self,
        x: &str,
        name: &str,
        width: usize,
        epsilon: f32,
    ) -> String {
        let weight = self.vector_f32(&format!("{name}.weight"), width);
        let bias = self.vector_f32(&format!("{name}.bias"), width);
        let attributes = [
            ("axis", Attribute::Int(-1)),
            ("epsilon", Attribute::Float(epsilon)),
        ];
        self.graph
            .node("LayerNormalization", &[x, &weight, &bias], &attributes)
    }

    /// A residual connection and its layer normalization ("Add & Norm"), in single precision: the sum
    /// of a block's output, its bias (an empty name means none) and the residual. Returns the
    /// normalized sum and the sum; the latter exists only when `wants_sum` is set.
    pub(super) fn add_and_norm(
        &mut self,
        block: &str,
        bias: &str,
        residual: &str,
        norm: &str,
        wants_sum: bool,
    ) -> (String, String) {
        let width = self.width;
        if self.is_fused() {
            let weight = self.vector_f32(&format!("{norm}.weight"), width);
            let beta = self.vector_f32(&format!("{norm}.bias"), width);
            let normed = self.graph.fresh("Normalized");
            let sum = self.graph.fresh("Sum");
            let mut inputs = vec![block, residual, &weight, &beta];
            if !bias.is_empty() {
                inputs.push(bias);
            }
            let epsilon = [("epsilon", Attribute::Float(self.epsilon))];
            let with_sum = [normed.as_str(), "", "", &sum];
            self.graph.add(
                "SkipLayerNormalization",
                MICROSOFT,
                &inputs,
                if wants_sum { &with_sum } else { &with_sum[..1] },
                &epsilon,
            );
            return (normed, sum);
        }
        let mut sum = self.graph.node("Add", &[block, residual], &[]);
        if !bias.is_empty() {
            sum = self.graph.node("Add", &[&sum, bias], &[]);
        }
        (self.layer_norm(&sum, norm, width), sum)
    }

    /// The exact Gaussian error linear unit of `x` plus `bias`; an empty name means no bias.
    pub(super) fn gelu(&mut self, x: &str, bias: &str) -> String {
        if self.is_fused() {
            return self.fused_gelu(x, bias);
        }
        let numbers = GELU_NUMBERS.map(|number| self.scalar(number));
        self.plain_gelu(x, bias, &numbers)
    }

    /// The same in single precision in every variant.
    pub(super) fn gelu_f32(&mut self, x: &str, bias: &str) -> String {
        if self.is_fused() {
            return self.fused_gelu(x, bias);
        }
        let numbers = GELU_NUMBERS.map(|number| self.scalar_f32(number));
        self.plain_gelu(x, bias, &numbers)
    }

    fn fused_gelu(&mut self, x: &str, bias: &str) -> String {
        let output = self.graph.fresh("Gelu");
        let (operator, inputs) = if bias.is_empty() {
            ("Gelu", vec![x])
        } else {
            ("BiasGelu", vec![x, bias])
        };
        self.graph
            .add(operator, MICROSOFT, &inputs, &[&output], &[]);
        output
    }

    fn plain_gelu(&mut self, x: &str, bias: &str, [root, one, half]: &[String; 3]) -> String {
        let mut x = x.to_owned();
        if !bias.is_empty() {
            x = self.graph.node("Add", &[&x, bias], &[]);
        }
        let scaled = self.graph.node("Div", &[&x, root], &[]);
        let erf = self.graph.node("Erf", &[&scaled], &[]);
        let raised = self.graph.node("Add", &[&erf, one], &[]);
        let product = self.graph.node("Mul", &[&x, &raised], &[]);
        self.graph.node("Mul", &[&product, half], &[])
    }

    /// Declares the wanted ones of the hidden states as outputs, averaged over time unless the variant has
    /// frames.
    pub(super) fn outputs(&mut self, states: &[String], wanted: &[usize]) {
        let frames = self.variant.frames;
        let (batch, width) = (Size::Named("batch"), Size::Given(self.width));
        for index in wanted {
            let (state, name) = (&states[*index], output_name(frames, *index));
            if frames {
                self.graph.add("Identity", "", &[state], &[&name], &[]);
                self.graph
                    .output(&name, &[batch, Size::Named("frames"), width]);
            } else {
                let settings = [("keepdims", Attribute::Int(0))];
                let time = self.integers(&[1]);
                self.graph
                    .add("ReduceMean", "", &[state, &time], &[&name], &settings);
                self.graph.output(&name, &[batch, width]);
            }
        }
    }

    pub(super) fn transpose(&mut self, x: &str, order: &[i64]) -> String {
        let order = [("perm", Attribute::Ints(order))];
        self.graph.node("Transpose", &[x], &order)
    }

    pub(super) fn reshape(&mut self, x: &str, sizes: &[i64]) -> String {
        let sizes = self.integers(sizes);
        self.graph.node("Reshape", &[x, &sizes], &[])
    }
}

/// Numbers as little-endian bytes of a floating-point type.
pub(super) fn floats(values: &[f32], kind: TensorType) -> Vec<u8> {
    if kind == TensorType::F16 {
        let mut out = Vec::with_capacity(2 * values.len());
        for value in values {
            // Weights are small; a number beyond the largest 16-bit number becomes that number.
            out.extend(f16::from_f32(value.clamp(-65_504.0, 65_504.0)).to_le_bytes());
        }
        return out;
    }
    let mut out = Vec::with_capacity(4 * values.len());
    for value in values {
        out.extend(value.to_le_bytes());
    }
    out
}
