//! An ONNX graph under construction, and the writer of its file. Nodes are kept in memory; tensors are
//! made one after another while the file is written, so that memory holds the largest of them and
//! never all. Field numbers: `onnx.proto` of ONNX 1.16 (IR version 9).
//!
//! A protobuf message ends at 2 GiB. The large tensors of a graph beyond that are written into a second
//! file, which ONNX calls external data.

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
    /// The tensor but for its content.
    header: Message,
    bytes: u64,
    content: Content,
}

impl Constant {
    /// The field that precedes the content, when it is in the graph's own file.
    fn content_field(&self) -> Message {
        let mut field = Message::default();
        field.begin(9, self.bytes);
        field
    }

    /// The fields that name the content's place in the file of external data.
    fn place_fields(&self, file: &str, offset: u64) -> Message {
        let mut fields = Message::default();
        for (key, value) in [
            ("location", file),
            ("offset", &offset.to_string()),
            ("length", &self.bytes.to_string()),
        ] {
            let mut entry = Message::default();
            entry.bytes(1, key);
            entry.bytes(2, value);
            fields.bytes(13, entry);
        }
        fields.int(14, 1);
        fields
    }

    fn content(&self, checkpoint: &Checkpoint) -> Result<Vec<u8>, WriteError> {
        let content = (self.content)(checkpoint).map_err(WriteError::Checkpoint)?;
        if content.len() as u64 == self.bytes {
            return Ok(content);
        }
        Err(io::Error::other("a tensor's length differs from its shape").into())
    }
}

/// Bytes of tensors above which a graph gets a file of external data: what a protobuf message may have,
/// less room for the nodes.
const LARGEST_BYTES: u64 = (1 << 31) - (64 << 20);

/// Bytes above which a tensor of such a graph is in the file of external data.
const EXTERNAL_BYTES: u64 = 1 << 16;

/// External data begin at multiples of this, so that the system can map them: a page's length.
const PAGE_BYTES: u64 = 1 << 12;

/// The file of a graph's external data.
pub(super) struct ExternalFile<'a> {
    /// Its name, beside the graph's file.
    pub(super) name: &'a str,
    pub(super) out: &'a mut dyn Write,
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

    /// Whether the graph needs a file of external data.
    pub(super) fn needs_external_file(&self) -> bool {
        self.bytes() > LARGEST_BYTES
    }

    /// Writes the graph's file, with the tensors of `checkpoint`, the large ones into `external` when there is
    /// one.
    pub(super) fn write(
        &self,
        checkpoint: &Checkpoint,
        out: &mut dyn Write,
        external: Option<ExternalFile<'_>>,
    ) -> Result<(), WriteError> {
        let mut graph = Message::default();
        graph.bytes(2, "mertscope");
        let parts = [&graph, &self.nodes, &self.value_infos];
        let tails = self.tails(external.as_ref().map(|file| file.name));
        let heads: Vec<Message> = self
            .constants
            .iter()
            .zip(&tails)
            .map(|(constant, tail)| {
                let mut head = Message::default();
                let header = constant.header.as_ref().len() + tail.message.as_ref().len();
                head.begin(5, header as u64 + tail.inline_bytes);
                head
            })
            .collect();
        let small: usize = parts.iter().map(|part| part.as_ref().len()).sum();
        let all = heads.iter().zip(&self.constants).zip(&tails);
        let constants = all.map(|((head, constant), tail)| {
            let messages = [head, &constant.header, &tail.message];
            let lengths = messages.iter().map(|message| message.as_ref().len());
            lengths.sum::<usize>() as u64 + tail.inline_bytes
        });
        let length = small as u64 + constants.sum::<u64>();
        out.write_all(preamble(length).as_ref())?;
        for part in parts {
            out.write_all(part.as_ref())?;
        }
        let mut external = external.map(|file| (file.out, 0));
        for ((head, constant), tail) in heads.iter().zip(&self.constants).zip(&tails) {
            for message in [head, &constant.header, &tail.message] {
                out.write_all(message.as_ref())?;
            }
            match (&mut external, tail.offset) {
                (Some((data, written)), Some(offset)) => {
                    let gap = offset.saturating_sub(*written) as usize;
                    data.write_all(&vec![0; gap])?;
                    data.write_all(&constant.content(checkpoint)?)?;
                    *written = offset + constant.bytes;
                }
                _ => out.write_all(&constant.content(checkpoint)?)?,
            }
        }
        Ok(())
    }

    /// What follows each tensor's header: its content, or the content's place in the file `external`.
    fn tails(&self, external: Option<&str>) -> Vec<Tail> {
        let mut end = 0u64;
        let constants = self.constants.iter();
        let tail = |constant: &Constant| match external {
            Some(file) if constant.bytes > EXTERNAL_BYTES => {
                let offset = end.next_multiple_of(PAGE_BYTES);
                end = offset + constant.bytes;
                Tail {
                    message: constant.place_fields(file, offset),
                    inline_bytes: 0,
                    offset: Some(offset),
                }
            }
            _ => Tail {
                message: constant.content_field(),
                inline_bytes: constant.bytes,
                offset: None,
            },
        };
        constants.map(tail).collect()
    }
}

/// What follows a tensor's header in the graph's file.
struct Tail {
    message: Message,
    /// Bytes of its content, when that follows the message.
    inline_bytes: u64,
    /// The content's place in the file of external data.
    offset: Option<u64>,
}

/// The model's fields before the graph of `length` bytes.
fn preamble(length: u64) -> Message {
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
    model
}

/// A size of an input or output.
#[derive(Debug, Clone, Copy)]
pub(super) enum Size<'a> {
    Given(usize),
    Named(&'a str),
}
