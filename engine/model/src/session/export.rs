//! The graph that a server runs: that of the CPU and of CUDA, with all layers.

use std::path::Path;
use std::sync::Arc;

use super::{EncodeError, SessionOptions, calibrate};
use crate::interrupt::Interrupt;
use crate::{GraphSource, LayerSet, Model, Operators, Precision, Runtime};

/// The graph of `model` with all layers in the precision of `options`, with frames when they ask for them; `runtime`
/// calibrates one in 8 bits.
///
/// # Errors
/// [`EncodeError::NoFrames`] and [`EncodeError::Graph`].
pub fn served_graph<'m>(
    runtime: &Runtime,
    model: &'m Model,
    options: &SessionOptions,
) -> Result<GraphSource<'m>, EncodeError> {
    if options.frames && model.manifest.graph.frames.is_empty() {
        return Err(EncodeError::NoFrames {
            model: model.manifest.id.clone(),
        });
    }
    let interrupt = Interrupt::default();
    let measure =
        |path: &Path| calibrate::input_ranges(path, model, runtime, options.threads, &interrupt);
    let precision = model.precision(options.precision, Precision::Fp32);
    let (frames, layers) = (options.frames, LayerSet::All);
    model
        .graph(Operators::Fused, precision, frames, &layers, &measure)
        .map_err(|error| EncodeError::Graph(Arc::new(error)))
}
