//! The hidden states that a session gives, and the outputs of its graph that hold them.

use mertscope_remote::Tensor;
use ort::session::{RunOptions, Session};
use ort::value::TensorRef;

use super::SessionOptions;
use crate::{EncodeError, HiddenStates, LayerSet, Model, Precision};

/// The inputs and outputs of a graph, as far as a session uses them.
#[derive(Debug)]
pub(super) struct Outputs {
    model: String,
    input: String,
    width: usize,
    /// Number of the model's layers.
    count: usize,
    /// Whether the hidden states have frames.
    frames: bool,
    /// The hidden states that it gives.
    layers: LayerSet,
    /// The outputs that hold them: one for each, or one for all.
    states: Vec<String>,
    /// The outputs that hold them for the window as a whole beside frames; often none.
    windows: Vec<String>,
}

/// An output's shape and values; the error is a phrase.
type Found<'t> = Result<(&'t [i64], &'t [f32]), String>;

impl Outputs {
    /// The outputs of `model` for `options`.
    pub(super) fn of(model: &Model, options: &SessionOptions) -> Self {
        let graph = &model.manifest.graph;
        let frames = options.frames || graph.pooled.is_empty();
        let names = if frames { &graph.frames } else { &graph.pooled };
        let window_names = if frames && model.gives_both() {
            &graph.pooled[..]
        } else {
            &[]
        };
        let count = model.manifest.layers.len();
        // A single output with all layers can't be selected in parts.
        let layers = if names.len() == count && [0, count].contains(&window_names.len()) {
            LayerSet::of(options.layers.indices(count), count)
        } else {
            LayerSet::All
        };
        let of_layers = |names: &[String]| match &layers {
            LayerSet::Some(some) if !names.is_empty() => {
                some.iter().map(|layer| names[*layer].clone()).collect()
            }
            _ => names.to_vec(),
        };
        Self {
            model: model.manifest.id.clone(),
            input: graph.input.clone(),
            width: model.manifest.width,
            count,
            frames,
            states: of_layers(names),
            windows: of_layers(window_names),
            layers,
        }
    }

    /// Whether the hidden states have frames.
    pub(super) fn frames(&self) -> bool {
        self.frames
    }

    fn contract(&self, reason: String) -> EncodeError {
        EncodeError::Contract {
            model: self.model.clone(),
            reason,
        }
    }

    fn failed(&self, reason: &str) -> EncodeError {
        EncodeError::Run {
            model: self.model.clone(),
            reason: reason.trim_end_matches('.').to_owned(),
        }
    }

    /// Checks that a loaded graph has the input and the outputs.
    pub(super) fn check(&self, session: &Session) -> Result<(), EncodeError> {
        let inputs = session.inputs().iter().map(|input| input.name());
        let inputs: Vec<_> = inputs.collect();
        if inputs != [self.input.as_str()] {
            let reason = format!("its inputs are {inputs:?} instead of {:?}", self.input);
            return Err(self.contract(reason));
        }
        let outputs = session.outputs().iter().map(|output| output.name());
        let outputs: Vec<_> = outputs.collect();
        let mut wanted = self.states.iter().chain(&self.windows);
        match wanted.find(|name| !outputs.contains(&name.as_str())) {
            Some(name) => Err(self.contract(format!("it has no output {name:?}"))),
            None => Ok(()),
        }
    }

    /// Whether a loaded graph runs several windows at once, each with the result that it has alone: its
    /// input and outputs have a free batch dimension, and no scale is shared by all windows, as that of
    /// inputs in 8 bits is.
    pub(super) fn takes_batches(&self, session: &Session, precision: Precision) -> bool {
        let is_free = |outlet: &ort::value::Outlet| {
            let shape = outlet.dtype().tensor_shape();
            shape.is_some_and(|shape| shape.first() == Some(&-1))
        };
        let is_used = |name: &str| self.states.iter().chain(&self.windows).any(|it| it == name);
        let mut used = session.outputs().iter().filter(|it| is_used(it.name()));
        !precision.is_quantized()
            && self.layers_per_output() == 1
            && [0, self.states.len()].contains(&self.windows.len())
            && session.inputs().iter().all(is_free)
            && used.all(is_free)
    }

    fn layer_count(&self) -> usize {
        self.layers.indices(self.count).len()
    }

    /// One output holds all layers, or each output holds one layer.
    fn layers_per_output(&self) -> usize {
        self.layer_count() / self.states.len().max(1)
    }

    /// Runs a graph on `count` windows of equal length, `audio`, `[count, samples]`; returns the hidden
    /// states of each.
    ///
    /// # Errors
    /// [`EncodeError::Run`] and [`EncodeError::Contract`].
    pub(super) fn run(
        &self,
        session: &mut Session,
        audio: &[f32],
        count: usize,
        options: &RunOptions,
    ) -> Result<Vec<HiddenStates>, EncodeError> {
        let shape = [count, audio.len() / count.max(1)];
        let input = TensorRef::from_array_view((shape, audio))
            .map_err(|error| self.failed(&error.to_string()))?;
        let inputs = ort::inputs![self.input.as_str() => input];
        let outputs = session
            .run_with_options(inputs, options)
            .map_err(|error| self.failed(&error.to_string()))?;
        let found = |name: &str| -> Found<'_> {
            let value = outputs
                .get(name)
                .ok_or_else(|| format!("it has no output {name:?}"))?;
            let (shape, values) = value
                .try_extract_tensor::<f32>()
                .map_err(|error| error.to_string())?;
            Ok((&shape[..], values))
        };
        self.hidden_states(count, &found)
            .map_err(|reason| self.contract(reason))
    }

    /// The names of all outputs that it uses.
    pub(super) fn names(&self) -> Vec<String> {
        self.states.iter().chain(&self.windows).cloned().collect()
    }

    /// The hidden states of each of `count` windows in `tensors`, one for each of [`Outputs::names`]. The error is a
    /// phrase.
    pub(super) fn of_tensors(
        &self,
        tensors: &[Tensor],
        count: usize,
    ) -> Result<Vec<HiddenStates>, String> {
        let names = self.names();
        let found = |name: &str| -> Found<'_> {
            let place = names.iter().position(|other| other == name);
            let tensor = place.and_then(|place| tensors.get(place));
            let tensor = tensor.ok_or_else(|| format!("it has no output {name:?}"))?;
            Ok((&tensor.shape[..], &tensor.values[..]))
        };
        self.hidden_states(count, &found)
    }

    /// Joins the outputs that `found` gives as hidden states of each of `count` windows; the error is a phrase.
    fn hidden_states<'t>(
        &self,
        count: usize,
        found: &dyn Fn(&str) -> Found<'t>,
    ) -> Result<Vec<HiddenStates>, String> {
        let mut all = self.collect(&self.states, self.frames, count, found)?;
        if !self.windows.is_empty() {
            let windows = self.collect(&self.windows, false, count, found)?;
            for (hidden, window) in all.iter_mut().zip(windows) {
                hidden.window = Some(window.data);
            }
        }
        Ok(all)
    }

    /// Joins the outputs as `[layers, (frames,) width]` for each of `count` windows; the error is a phrase.
    fn collect<'t>(
        &self,
        names: &[String],
        with_frames: bool,
        count: usize,
        found: &dyn Fn(&str) -> Found<'t>,
    ) -> Result<Vec<HiddenStates>, String> {
        let width = self.width as i64;
        // Windows, or the layers of the only window.
        let first_size = if count > 1 {
            count
        } else {
            self.layer_count() / names.len().max(1)
        };
        let mut frames = None;
        let mut data = vec![Vec::new(); count];
        for (position, name) in names.iter().enumerate() {
            let (shape, values) = found(name)?;
            let sizes = [first_size as i64, width];
            let these_frames = match (with_frames, shape) {
                (false, [first, last]) if [*first, *last] == sizes => None,
                (true, [first, frames, last]) if [*first, *last] == sizes && *frames > 0 => {
                    Some(*frames as usize)
                }
                _ => {
                    let frames = if with_frames { " frames," } else { "" };
                    return Err(format!(
                        "its output {name:?} has the shape {shape:?} instead of [{first_size},{frames} {width}]"
                    ));
                }
            };
            if position > 0 && frames != these_frames {
                return Err("its layers have different numbers of frames".to_owned());
            }
            frames = these_frames;
            let size = (values.len() / count.max(1)).max(1);
            for (data, values) in data.iter_mut().zip(values.chunks_exact(size)) {
                data.extend_from_slice(values);
            }
        }
        let hidden = data.into_iter().map(|data| HiddenStates {
            layers: self.layer_count(),
            which: self.layers.clone(),
            frames,
            window: None,
            width: self.width,
            data,
        });
        Ok(hidden.collect())
    }
}
