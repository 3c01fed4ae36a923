//! Target `onnx`: the graph of a model's folder, with a manifest that names its hash, loaded by
//! ONNX Runtime and run on one window.
//!
//! ONNX Runtime's own memory does not count: it has its own allocator, and a graph of a few bytes
//! may ask for a tensor of any size. Deliberately not here: graphs with loops, which may run for
//! hours; the engine ends an overlong run, and its own tests show that.

use std::f32::consts::TAU;
use std::sync::Arc;

use mertscope_model::device::Choice;
use mertscope_model::{Model, Session, SessionOptions, runtime, sha256};

use crate::scratch::Folder;
use crate::seeds;
use crate::target::{Memory, Target};

/// The target.
pub const TARGET: Target = Target {
    name: "onnx",
    run,
    seeds: || seeds::of("onnx", &[GRAPH]),
    tokens: &[
        "Unsqueeze",
        "Squeeze",
        "Conv",
        "Transpose",
        "Mul",
        "Add",
        "Div",
        "MatMul",
        "Gemm",
        "Relu",
        "Softmax",
        "Reshape",
        "Concat",
        "Slice",
        "Gather",
        "Cast",
        "Pad",
        "Expand",
        "Shape",
        "Constant",
        "ReduceMean",
        "LayerNormalization",
        "input_values",
        "signal",
        "axis",
        "taps",
        "channels",
        "hidden_states_0",
        "hidden_states_1",
        "hidden_states_2",
        "doubled",
        "two",
        "one",
        "strides",
        "kernel_shape",
        "perm",
        "pads",
        "dilations",
        "group",
        "frames",
        "samples",
    ],
    memory: Memory {
        fixed_bytes: 1 << 20,
        per_input_byte: 16,
    },
    missing: || runtime::load(None).err().map(|error| error.to_string()),
};

const GRAPH: &str = "tests/fixtures/tiny/tiny.onnx";
const MANIFEST: &str = "tests/fixtures/tiny/manifest.toml";
/// Samples of a window: seven frames of the fixture.
const SAMPLES: usize = 2_400;

/// Opens a model whose graph is `bytes`, and runs it when it loads.
///
/// # Panics
/// Without ONNX Runtime.
pub fn run(bytes: &[u8]) {
    let runtime = runtime::load(None).expect("ONNX Runtime is there");
    let folder = Folder::new();
    let manifest = String::from_utf8(seeds::file(MANIFEST)).expect("text");
    let manifest = manifest.replace(&sha256(&seeds::file(GRAPH)), &sha256(bytes));
    folder.write("manifest.toml", manifest.as_bytes());
    folder.write("tiny.onnx", bytes);
    let model = Model::open(folder.path()).expect("the hash is the graph's");
    let options = SessionOptions {
        threads: 1,
        frames: true,
        device: Choice::Cpu,
        ..SessionOptions::default()
    };
    let Ok(mut session) = Session::new(runtime, Arc::new(model), options) else {
        return;
    };
    let audio: Vec<f32> = (0..SAMPLES)
        .map(|n| 0.5 * (n as f32 * TAU / 60.0).sin())
        .collect();
    if let Ok(hidden) = session.run(&audio) {
        let values = hidden.layers * hidden.frames.unwrap_or(1) * hidden.width;
        assert_eq!(hidden.data.len(), values);
    }
}
