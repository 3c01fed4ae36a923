//! An ONNX graph under construction, and the writer of its file. Nodes are kept in memory; tensors are
//! made one after another while the file is written, so that memory holds the largest of them and
//! never all. Field numbers: `onnx.proto` of ONNX 1.16 (IR version 9).

use std::io::{self, Write};

use super::protobuf::Message;
use crate::checkpoint::{Checkpoint, CheckpointError};

/// Versions of the operator sets ai.onnx and com.microsoft.
const OPSET: i64 = 18;
const MICROSOFT_OPSET: i64 = 1;
const IR_VERSION: i64 = 9;

/// The domain of ONNX Runtime's own operators.
pub(super) const MICROSOFT: &str = "com.microsoft";

/// Types of tensor elements, by their number in `TensorProto.DataType`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum TensorType {
    F32 = 1,
    U8 = 2,
    I8 = 3,
    I64 = 7,
    F16 = 10,
}

impl TensorType {
    fn bytes(self) -> u64 {
        match self {
            Self::U8 | Self::I8 => 1,
            Self::F16 => 2,
            Self::F32 => 4,
            Self::I64 => 8,
        }
    }
}

/// An attribute of a node.
#[derive(Debug)]
pub(super) enum Attribute<'a> {
    Int(i64),
    Ints(&'a [i64]),
    Float(f32),
    Text(&'a str),
}

/// Makes a tensor's bytes, little-endian, row by row.
type Content = Box<dyn Fn(&Checkpoint) -> Result<Vec<u8>, CheckpointError>>;

struct Constant {
    header: Message,
    bytes: u64,
    content: Content,
}

/// A graph under construction.
#[derive(Default)]
pub(super) struct OnnxGraph {
    nodes: Message,
    /// The inputs and outputs.
    value_infos: Message,
    constants: Vec<Constant>,
    /// Names made so far.
    made: usize,
}

/// Why a graph's file could not be written.
#[derive(Debug)]
pub(super) enum WriteError {
    Checkpoint(CheckpointError),
    Io(io::Error),
}

impl From<io::Error> for WriteError {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

impl OnnxGraph {
    /// Adds a node with one output, and returns the output's name.
    pub(super) fn node(
        &mut self,
        operator: &str,
        inputs: &[&str],
        attributes: &[(&str, Attribute<'_>)],
    ) -> String {
        let output = self.fresh(operator);
        self.add(operator, "", inputs, &[&output], attributes);
        output
    }

    /// A name that no other value of the graph has.
    pub(super) fn fresh(&mut self, operator: &str) -> String {
        self.made += 1;
        format!("{operator}_{}", self.made)
    }

    /// Adds a node of a domain, with all its inputs and outputs; an empty name omits one.
    pub(super) fn add(
        &mut self,
        operator: &str,
        domain: &str,
        inputs: &[&str],
        outputs: &[&str],
        attributes: &[(&str, Attribute<'_>)],
    ) {
        let mut node = Message::default();
        inputs.iter().for_each(|input| node.bytes(1, input));
        outputs.iter().for_each(|output| node.bytes(2, output));
        node.bytes(3, format!("{operator}:{}", outputs[0]));
        node.bytes(4, operator);
        for (name, value) in attributes {
            let mut attribute = Message::default();
            attribute.bytes(1, name);
            let kind = match value {
                Attribute::Float(value) => {
                    attribute.float(2, *value);
                    1
                }
                Attribute::Int(value) => {
                    attribute.int(3, *value);
                    2
                }
                Attribute::Text(value) => {
                    attribute.bytes(4, value);
                    3
                }
                Attribute::Ints(values) => {
                    values.iter().for_each(|value| attribute.int(8, *value));
                    7
                }
            };
            attribute.int(20, kind);
            node.bytes(5, attribute);
        }
        if !domain.is_empty() {
            node.bytes(7, domain);
        }
        self.nodes.bytes(1, node);
    }

    /// Adds a constant tensor.
    pub(super) fn constant(
        &mut self,
        name: &str,
        kind: TensorType,
        shape: &[usize],
        content: impl Fn(&Checkpoint) -> Result<Vec<u8>, CheckpointError> + 'static,
    ) {
        let bytes = shape.iter().map(|size| *size as u64).product::<u64>() * kind.bytes();
        let mut header = Message::default();
        shape.iter().for_each(|size| header.int(1, *size as i64));
        header.int(2, kind as i64);
        header.bytes(8, name);
        header.begin(9, bytes);
        self.constants.push(Constant {
            header,
            bytes,
            content: Box::new(content),
        });
    }

    /// Declares a float32 input (field 11) or output (field 12) with named or given sizes.
    fn value_info(&mut self, field: u32, name: &str, sizes: &[Size<'_>]) {
        let mut shape = Message::default();
        for size in sizes {
            let mut dimension = Message::default();
            match size {
                Size::Given(size) => dimension.int(1, *size as i64),
                Size::Named(name) => dimension.bytes(2, name),
            }
            shape.bytes(1, dimension);
        }
        let mut tensor = Message::default();
        tensor.int(1, TensorType::F32 as i64);
        tensor.bytes(2, shape);
        let mut kind = Message::default();
        kind.bytes(1, tensor);
        let mut value = Message::default();
        value.bytes(1, name);
        value.bytes(2, kind);
        self.value_infos.bytes(field, value);
    }

    /// Declares an input.
    pub(super) fn input(&mut self, name: &str, sizes: &[Size<'_>]) {
        self.value_info(11, name, sizes);
    }

    /// Declares an output.
    pub(super) fn output(&mut self, name: &str, sizes: &[Size<'_>]) {
        self.value_info(12, name, sizes);
    }

    /// Approximate length of the graph's file in bytes.
    pub(super) fn bytes(&self) -> u64 {
        self.constants.iter().map(|constant| constant.bytes).sum()
    }

    /// Writes the graph's file, with the tensors of `checkpoint`.
    pub(super) fn write(
        &self,
        checkpoint: &Checkpoint,
        out: &mut dyn Write,
    ) -> Result<(), WriteError> {
        let mut graph = Message::default();
        graph.bytes(2, "mertscope");
        let parts = [&graph, &self.nodes, &self.value_infos];
        let heads: Vec<Message> = self
            .constants
            .iter()
            .map(|constant| {
                let mut head = Message::default();
                head.begin(5, constant.header.as_ref().len() as u64 + constant.bytes);
                head
            })
            .collect();
        let small: usize = parts.iter().map(|part| part.as_ref().len()).sum();
        let constants = heads.iter().zip(&self.constants).map(|(head, constant)| {
            (head.as_ref().len() + constant.header.as_ref().len()) as u64 + constant.bytes
        });
        let length = small as u64 + constants.sum::<u64>();
        let mut model = Message::default();
        model.int(1, IR_VERSION);
        model.bytes(2, "mertscope");
        for (domain, version) in [("", OPSET), (MICROSOFT, MICROSOFT_OPSET)] {
            let mut opset = Message::default();
            opset.bytes(1, domain);
            opset.int(2, version);
            model.bytes(8, opset);
        }
        model.begin(7, length);
        out.write_all(model.as_ref())?;
        for part in parts {
            out.write_all(part.as_ref())?;
        }
        for (head, constant) in heads.iter().zip(&self.constants) {
            out.write_all(head.as_ref())?;
            out.write_all(constant.header.as_ref())?;
            let content = (constant.content)(checkpoint).map_err(WriteError::Checkpoint)?;
            if content.len() as u64 != constant.bytes {
                let message = "a tensor's length differs from its shape";
                return Err(io::Error::other(message).into());
            }
            out.write_all(&content)?;
        }
        Ok(())
    }
}

/// A size of an input or output.
#[derive(Debug, Clone, Copy)]
pub(super) enum Size<'a> {
    Given(usize),
    Named(&'a str),
}
