//! The ONNX graph of a checkpoint, built without Python: the network that its configuration
//! describes, in the form that ONNX Runtime computes fastest, with the requested outputs.
//!
//! A graph is a *variant* of a model: a precision, a set of operators, pooled outputs or frames, and
//! the hidden states that it gives. It ends after the highest of these.

mod attention;
mod builder;
mod cache;
mod conformer;
mod convolutions;
mod mel;
mod mert2;
mod musicfm;
mod onnx;
mod protobuf;
mod quantize;
mod smoothing;
mod wav2vec;

pub(super) use cache::{CheckpointSource, REVISION, file, user_folder};
pub use cache::{GraphError, KeptGraph, KeptGraphs, forget, kept_graphs};
pub(super) use quantize::weight_form;
pub(super) use smoothing::{Calibrator, InputRange, InputRanges, RangeOutput};

use super::{LayerSet, Operators, Precision};
use crate::checkpoint::Network;
use onnx::OnnxGraph;
use smoothing::Smoothing;

/// The variant of a model's graph.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Variant {
    pub(super) precision: Precision,
    pub(super) operators: Operators,
    /// Whether the outputs have frames; otherwise they are averaged over time.
    pub(super) frames: bool,
    /// The hidden states that it gives.
    pub(super) layers: LayerSet,
    /// What is done about the channels of 8-bit layers' inputs.
    smoothing: Smoothing,
}

impl Variant {
    /// A variant without smoothing.
    pub(super) fn new(
        precision: Precision,
        operators: Operators,
        frames: bool,
        layers: LayerSet,
    ) -> Self {
        Self {
            precision,
            operators,
            frames,
            layers,
            smoothing: Smoothing::default(),
        }
    }
}

/// The graph of a network's variant.
fn build(network: &Network, variant: &Variant) -> OnnxGraph {
    match network {
        Network::Wav2Vec(network) => wav2vec::graph(network, variant),
        Network::Mert2(network) => mert2::graph(network, variant),
        Network::MusicFm(network) => musicfm::graph(network, variant),
    }
}

/// Name of the input, `[batch, samples]`.
pub(super) const INPUT: &str = "input_values";

/// Name of the output with a hidden state, `[batch, width]` or `[batch, frames, width]`.
pub(super) fn output_name(frames: bool, layer: usize) -> String {
    let prefix = if frames { "hidden_states" } else { "pooled" };
    format!("{prefix}_{layer}")
}

#[cfg(test)]
mod tests;
