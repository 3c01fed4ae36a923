//! Variants of one model's graph: the same weights, written for what is to run them.

use std::path::PathBuf;

/// Which operators a graph is written in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Operators {
    /// With the fused operators of the domain `com.microsoft`, which ONNX Runtime's own CPU and
    /// CUDA providers have.
    Fused,
    /// With those of the ONNX standard only, which every provider knows.
    Plain,
}

/// The arithmetic of a graph.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Precision {
    /// Single precision throughout.
    Fp32,
    /// Half precision, with the normalisations in single.
    Fp16,
    /// Matrix products in 8-bit integers, the rest in single precision.
    Int8,
}

impl Precision {
    /// Short name, such as `fp32`.
    #[must_use]
    pub fn id(self) -> &'static str {
        match self {
            Self::Fp32 => "fp32",
            Self::Fp16 => "fp16",
            Self::Int8 => "int8",
        }
    }
}

/// A graph in ONNX format.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum GraphSource<'a> {
    /// Its bytes.
    Memory(&'a [u8]),
    /// Its file.
    File(PathBuf),
}
