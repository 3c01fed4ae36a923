//! The measuring of a graph's means on music, for bias correction; see `graph/correction.rs`. It runs on the CPU,
//! whatever the graph will run on, and ends when the interrupt is closed.

use std::path::Path;

use ort::value::TensorRef;

use super::builder::{builder, check_file_memory};
use super::input::normalize;
use crate::device::{self, Candidate};
use crate::graph::{INPUT, InputMeans, mean_name};
use crate::interrupt::Interrupt;
use crate::{Model, Runtime};

/// The means of the inputs of quantized layers of the graph in a file, over all windows of the model's
/// calibration; the error is a phrase.
pub(super) fn input_means(
    path: &Path,
    model: &Model,
    runtime: &Runtime,
    threads: usize,
    interrupt: &Interrupt,
) -> Result<InputMeans, String> {
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
    let mut sums: Vec<Vec<f64>> = Vec::new();
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
            let Some(mean) = outputs.get(mean_name(n)) else {
                break;
            };
            let mean = mean.try_extract_tensor::<f32>();
            let (_, mean) = mean.map_err(|error| error.to_string())?;
            if sums.len() == n {
                sums.push(vec![0.0; mean.len()]);
            }
            for (sum, value) in sums[n].iter_mut().zip(mean) {
                *sum += f64::from(*value);
            }
        }
    }
    let mean_of = |sums: Vec<f64>| -> Vec<f32> {
        let means = sums.into_iter().map(|sum| sum / windows.len() as f64);
        means.map(|mean| mean as f32).collect()
    };
    let means: InputMeans = sums.into_iter().map(mean_of).collect();
    if means.iter().flatten().all(|mean| mean.is_finite()) {
        Ok(means)
    } else {
        Err("its hidden values are not finite".to_owned())
    }
}
