//! The guard: before a device is believed, one window is computed there and on the CPU. What is further off
//! than the rounding of its form explains is refused. Provider libraries and drivers with faults exist: one
//! computes grouped convolutions wrongly when the channels per group are no multiple of four.
//!
//! The outcome is remembered for each model, device, driver and form (`device::checked`). One window can't
//! show every fault: a device that is right on it and wrong elsewhere passes.

use std::f64::consts::TAU;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use ort::session::RunOptions;

use super::input::prepared;
use super::place::{Loading, Silence, Slot};
use super::request::Request;
use crate::device::Candidate;
use crate::device::checked::{self, Outcome};
use crate::{EncodeError, HiddenStates, Manifest, Operators, Precision};

/// The form of a device's graph.
#[derive(Debug, Clone, Copy)]
pub(super) struct Form {
    pub(super) operators: Operators,
    pub(super) precision: Precision,
    /// Whether products in single precision are rounded as those in half precision are (TF32).
    pub(super) tf32: bool,
}

impl Form {
    /// The largest difference from the CPU that rounding explains, as a share of a layer's root mean square.
    /// It lies ten times above what the forms differ by between processors, and far below what a wrong
    /// operation gives, which changes a layer by a tenth or more.
    fn bound(self) -> f64 {
        match self.precision {
            Precision::Fp32 if !self.tf32 => 0.002,
            Precision::Fp32 | Precision::Fp16 => 0.02,
            Precision::Int8 | Precision::Int8Fast => 0.03,
        }
    }

    fn name(self) -> &'static str {
        match self.precision {
            Precision::Fp32 if self.tf32 => "TF32",
            precision => precision.id(),
        }
    }
}

/// Compares the session in `place` with the CPU's, which `cpu` makes of the same graph, unless that was done
/// before. Each run on the device may take `limit`.
///
/// # Errors
/// [`EncodeError::Load`], when the device is refused.
pub(super) fn check(
    request: &Request<'_>,
    candidate: &Candidate,
    place: &mut Loading,
    form: Form,
    limit: Duration,
    cpu: impl FnOnce() -> Result<Slot, String>,
) -> Result<(), EncodeError> {
    let (options, manifest) = (request.options, &request.model.manifest);
    let refuse = |reason: String| EncodeError::Load {
        model: manifest.id.clone(),
        reason,
    };
    let remembered = candidate.driver(request.runtime).and_then(|driver| {
        // Without `..`, so that a new field becomes a part of the key.
        let Form {
            operators,
            precision,
            tf32,
        } = form;
        let form = (operators, precision, tf32, options.frames, &options.layers);
        let model = request.model.fingerprint();
        checked::place(&(model, candidate.name(), driver, form))
    });
    let earlier = remembered
        .as_ref()
        .and_then(|it| checked::outcome(it, SystemTime::now()));
    if let Some(outcome) = earlier {
        return outcome.refused.map_or(Ok(()), |reason| Err(refuse(reason)));
    }
    let audio = prepared(manifest, &test_window(manifest))?.into_owned();
    let found = on_device(request, place, audio.clone(), limit)
        .map_err(|silence| request.silent(candidate, &silence))?
        .map_err(|error| match error {
            EncodeError::Run { reason, .. } => refuse(reason),
            other => other,
        })?;
    let expected = cpu().and_then(|mut slot| match &mut slot {
        Slot::Session(session) => {
            let options = RunOptions::new().map_err(|error| error.to_string())?;
            let all = request.outputs.run(session, &audio, 1, &options);
            all.map_err(|error| error.to_string())
        }
        _ => Err("it has no session".to_owned()),
    });
    // What the CPU can't compute tells nothing about the device, and another device would do no better.
    let Ok(expected) = expected else {
        return Ok(());
    };
    let refused = difference(&found, &expected).and_then(|(layer, share)| {
        // NaN is not within the bound either.
        let is_within = share <= form.bound();
        (!is_within).then(|| {
            format!(
                "It computes wrong numbers: layer {layer} of {} is off by {:.1} % of the CPU's, and {} explains \
                 at most {:.1} %. Update its driver or its provider's library; `mertscope doctor` compares again",
                manifest.id,
                100.0 * share,
                form.name(),
                100.0 * form.bound()
            )
        })
    });
    if let Some(remembered) = remembered {
        remembered.remember(&Outcome {
            device: candidate.name(),
            model: manifest.id.clone(),
            refused: refused.clone(),
        });
    }
    refused.map_or(Ok(()), |reason| Err(refuse(reason)))
}

type Ran = Result<Vec<HiddenStates>, EncodeError>;

fn on_device(
    request: &Request<'_>,
    place: &mut Loading,
    audio: Vec<f32>,
    limit: Duration,
) -> Result<Ran, Silence> {
    let run = match request.interrupt.run(Some(limit), false) {
        Ok(run) => run,
        Err(reason) => {
            let model = request.model.manifest.id.clone();
            return Ok(Err(EncodeError::Run { model, reason }));
        }
    };
    let (outputs, options) = (Arc::clone(request.outputs), Arc::clone(&run.options));
    let ran = place.ask(limit, request.interrupt, move |slot| match slot {
        Slot::Session(session) => Some(outputs.run(session, &audio, 1, &options)),
        _ => None,
    });
    ran.and_then(|ran| ran.ok_or(Silence::Ended))
}

/// The window that is compared: a chord over noise, quiet enough for every model.
fn test_window(manifest: &Manifest) -> Vec<f32> {
    let rate_hz = f64::from(manifest.sample_rate_hz);
    let mut state = 1u32;
    let sample = |n: usize| {
        // Numerical Recipes, 2nd edition, section 7.1: a quick and dirty generator is random enough here.
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        let noise = f64::from(state) / f64::from(u32::MAX) - 0.5;
        let tones = [220.0, 277.18, 329.63].map(|hz| (TAU * hz * n as f64 / rate_hz).sin());
        (0.1 * tones.iter().sum::<f64>() + 0.1 * noise) as f32
    };
    (0..manifest.window_samples).map(sample).collect()
}

/// The layer that differs most, by its place among the layers that were asked for, and the root mean square
/// of the difference as a share of the layer's own. `None` without a window.
fn difference(found: &[HiddenStates], expected: &[HiddenStates]) -> Option<(usize, f64)> {
    let (found, expected) = (found.first()?, expected.first()?);
    let size = expected.data.len() / expected.layers.max(1);
    if found.data.len() != expected.data.len() || size == 0 {
        return Some((0, f64::INFINITY));
    }
    let layers = found.data.chunks(size).zip(expected.data.chunks(size));
    let shares = layers.map(|(found, expected)| {
        let squares = |values: &mut dyn Iterator<Item = f64>| values.map(|x| x * x).sum::<f64>();
        let mut differences = found.iter().zip(expected);
        let off = squares(&mut differences.by_ref().map(|(a, b)| f64::from(a - b)));
        let all = squares(&mut expected.iter().map(|x| f64::from(*x)));
        (off / all.max(f64::MIN_POSITIVE)).sqrt()
    });
    // NaN counts as the largest.
    let share_or_all = |share: f64| if share.is_nan() { f64::INFINITY } else { share };
    shares
        .map(share_or_all)
        .enumerate()
        .max_by(|a, b| a.1.total_cmp(&b.1))
        .map(|(place, share)| {
            let layers = expected.which.indices(expected.layers);
            (layers.get(place).copied().unwrap_or(place), share)
        })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::LayerSet;

    fn hidden(data: &[f32]) -> Vec<HiddenStates> {
        vec![HiddenStates {
            layers: 2,
            which: LayerSet::of([3, 7], 13),
            frames: None,
            window: None,
            width: 2,
            data: data.to_vec(),
        }]
    }

    #[test]
    fn the_layer_that_differs_most_is_named_and_nan_is_never_right() {
        let expected = hidden(&[1.0, 1.0, 3.0, 4.0]);
        assert_eq!(difference(&expected, &expected).unwrap().1, 0.0);
        let (layer, share) = difference(&hidden(&[1.0, 1.0, 3.0, 4.5]), &expected).unwrap();
        assert_eq!(layer, 7);
        assert!((share - 0.1).abs() < 1e-6, "{share}");
        for wrong in [f32::NAN, f32::INFINITY] {
            let (layer, share) = difference(&hidden(&[wrong, 1.0, 3.0, 4.0]), &expected).unwrap();
            assert_eq!((layer, share), (3, f64::INFINITY));
        }
        let (_, share) = difference(&hidden(&[1.0, 1.0]), &expected).unwrap();
        assert_eq!(share, f64::INFINITY);
    }
}
