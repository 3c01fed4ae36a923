//! The arguments of `mertscope models export`.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use mertscope_model::Precision;

use super::{PrecisionArgument, seconds};

pub(super) const HELP: &str = "\
Examples:
  mertscope models export MERT-v1-95M --triton models/
  mertscope models export MERT-v1-95M --triton models/ --backend python --float16

The folder is a model repository of NVIDIA Triton. docs/devices.md explains how to start a server.";

/// The backend of Triton that runs the graph.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum BackendArgument {
    Onnxruntime,
    Python,
}

#[derive(Debug, Args)]
pub(crate) struct ExportArguments {
    /// Model id, or the folder of a model or checkpoint
    #[arg(value_name = "ID|FOLDER")]
    pub model: String,
    /// Model repository of NVIDIA Triton into which the model's folder is written
    #[arg(long, value_name = "FOLDER")]
    pub triton: PathBuf,
    /// Program that runs the graph on the server
    #[arg(long, value_enum, default_value_t = BackendArgument::Onnxruntime)]
    pub backend: BackendArgument,
    /// Arithmetic of a checkpoint's graph; clients must ask for the same
    #[arg(long, value_enum, default_value_t = PrecisionArgument::Auto)]
    precision: PrecisionArgument,
    /// Length of a window, for models that accept several; clients must ask for the same
    #[arg(long, value_name = "SECONDS", value_parser = seconds)]
    pub window: Option<f64>,
    /// Serve hidden states with frames, as `embed --pool none` needs them
    #[arg(long)]
    pub frames: bool,
    /// Half precision on the wire, for clients with MERTSCOPE_SERVER_FLOAT16=1
    #[arg(long)]
    pub float16: bool,
}

impl ExportArguments {
    /// The arithmetic; `None` for single precision.
    pub(crate) fn precision(&self) -> Option<Precision> {
        self.precision.precision()
    }
}
