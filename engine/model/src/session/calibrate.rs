//! The measuring of the ranges of a graph's inputs on music; see `graph/smoothing.rs`. It runs on the CPU,
//! whatever the graph will run on, and ends when the interrupt is closed.

use std::path::Path;

use ort::value::{DynValue, TensorRef};

use super::builder::{builder, check_file_memory};
use super::input::normalize;
use crate::device::{self, Candidate};
use crate::graph::{INPUT, InputRange, InputRanges, RangeOutput};
use crate::interrupt::Interrupt;
use crate::{Model, Runtime};

/// The ranges of the inputs of quantized layers of the graph in a file, over all windows of the model's
/// calibration; the error is a phrase.
pub(super) fn input_ranges(
    path: &Path,
    model: &Model,
    runtime: &Runtime,
    threads: usize,
    interrupt: &Interrupt,
) -> Result<InputRanges, String> {
    let manifest = &model.manifest;
    let windows = model.calibration_windows()?;
    check_file_memory(&manifest.id, path).map_err(|error| error.to_string())?;
    let builder = builder(runtime, threads)?;
    let mut builder = device::add(runtime, &Candidate::cpu(), builder, threads)?;
    let loading = interrupt.load(builder.canceler())?;
    let session = builder.commit_from_file(path);
    drop(loading);
    let mut session = session.map_err(|error| error.to_string())?;
    let count = session.outputs().len();
    let mut ranges = InputRanges::new();
    for mut window in windows.iter().cloned() {
        if manifest.normalize {
            normalize(&mut window);
        }
        let input = TensorRef::from_array_view(([1, window.len()], &*window));
        let input = input.map_err(|error| error.to_string())?;
        let run = interrupt.run(None, false)?;
        let outputs = session.run_with_options(ort::inputs![INPUT => input], &*run.options);
        let outputs = outputs.map_err(|error| error.to_string())?;
        for n in 0..count {
            let [Some(mean), Some(low), Some(high)] =
                RangeOutput::ALL.map(|it| outputs.get(it.name(n)))
            else {
                break;
            };
            let found = InputRange {
                mean: values(mean)?,
                low: values(low)?,
                high: values(high)?,
            };
            match ranges.get_mut(n) {
                Some(range) => widen(range, &found),
                None => ranges.push(found),
            }
        }
    }
    let parts = 1.0 / windows.len() as f32;
    for range in &mut ranges {
        range.mean.iter_mut().for_each(|sum| *sum *= parts);
    }
    let mut numbers = ranges
        .iter()
        .flat_map(|it| it.mean.iter().chain(&it.low).chain(&it.high));
    if numbers.all(|number| number.is_finite()) {
        Ok(ranges)
    } else {
        Err("its hidden values are not finite".to_owned())
    }
}

fn values(output: &DynValue) -> Result<Vec<f32>, String> {
    let tensor = output.try_extract_tensor::<f32>();
    tensor
        .map(|(_, values)| values.to_vec())
        .map_err(|error| error.to_string())
}

/// Takes in what another window gave: means are summed up.
fn widen(range: &mut InputRange, found: &InputRange) {
    let each = |all: &mut [f32], found: &[f32], join: fn(f32, f32) -> f32| {
        all.iter_mut()
            .zip(found)
            .for_each(|(all, found)| *all = join(*all, *found));
    };
    each(&mut range.mean, &found.mean, |sum, mean| sum + mean);
    each(&mut range.low, &found.low, f32::min);
    each(&mut range.high, &found.high, f32::max);
}
